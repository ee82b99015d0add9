"""The server's settings: what is shipped is what Streamlit takes."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())


@pytest.fixture(scope="module")
def in_force() -> dict[str, dict[str, object]]:
    """What Streamlit itself reports for this folder; an option it does not know is missing."""
    shown = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "STREAMLIT" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    return tomllib.loads(shown.stdout[shown.stdout.index("[global]") :])


def options(table: dict[str, object], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        found |= (
            options(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
        )
    return found


@pytest.mark.parametrize("option", sorted(options(SHIPPED)))
def test_streamlit_knows_the_option_and_takes_our_value(in_force, option: str):
    assert options(in_force)[option] == options(SHIPPED)[option]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server.headless", True),
        ("server.showEmailPrompt", False),
        ("server.address", "127.0.0.1"),
        ("server.fileWatcherType", "none"),
        ("server.enableStaticServing", False),
        ("browser.serverAddress", "localhost"),
        ("browser.gatherUsageStats", False),
        ("client.showErrorDetails", "none"),
        ("client.showErrorLinks", False),
        ("client.toolbarMode", "minimal"),
        ("theme.light.primaryColor", "#0b57a4"),
        ("theme.dark.primaryColor", "#8ec5ff"),
    ],
)
def test_the_server_is_private_quiet_and_quick(in_force, option: str, value: object):
    assert options(in_force)[option] == value


@pytest.mark.parametrize(
    ("option", "most"),
    [
        ("server.maxUploadSize", 5),
        ("server.maxMessageSize", 50),
        ("server.disconnectedSessionTTL", 300),
    ],
)
def test_what_a_visitor_can_send_or_leave_behind_is_bounded(in_force, option: str, most: int):
    assert 0 < options(in_force)[option] <= most


def test_no_setting_names_an_outside_host():
    assert not [value for value in options(SHIPPED).values() if "//" in str(value)]
