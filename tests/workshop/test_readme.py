"""What the README shows is what happens."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from rnn_core.config import read_field

README = Path("README.md").read_text(encoding="utf-8")


def test_notebook_example_runs_and_ends_in_a_check_that_holds():
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    regime, shape, ratio = printed.getvalue().splitlines()
    assert regime.startswith("vanishing -1")
    assert float(regime.split()[1]) == pytest.approx(-15, abs=2.5)
    assert shape == "(200, 8)"
    assert float(ratio) == pytest.approx(1.0, abs=1e-6)


def test_commands_of_the_readme_exist():
    targets = set(
        re.findall(r"^([a-z]+):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for command in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert command in targets


def test_links_of_the_readme_name_settings_that_exist():
    queries = re.findall(r"localhost:8501/\?([^)\s]+)", README)
    assert len(queries) == 2
    for query in queries:
        for pair in query.split("&"):
            name, text = pair.split("=")
            assert read_field(name, text) is not None


def test_picture_and_modules_of_the_readme_exist():
    for path in re.findall(r"\]\((docs/[^)]+)\)", README):
        assert Path(path).stat().st_size < 1_000_000
    for path in re.findall(r"`((?:rnn_core|app)/[\w/.]*)`", README):
        assert Path(path).exists(), path
