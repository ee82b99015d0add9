"""The requirements: every package that can be installed has one exact version that fits."""

import re
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux"},
    {"sys_platform": "darwin", "platform_system": "Darwin"},
)


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text()
    return [line for raw in text.splitlines() if (line := re.sub(r"(^|\s)#.*", "", raw).strip())]


def pins(*names: str) -> dict[str, str]:
    found = {}
    for line in (line for name in names for line in lines(name) if not line.startswith("-")):
        name, _, number = line.partition("==")
        found[canonicalize_name(name)] = number
    return found


USED = pins("requirements.txt", "requirements-dev.txt")
BROUGHT = pins("constraints.txt")
ALL = USED | BROUGHT


def brought_by(name: str, extras: frozenset[str] = frozenset()) -> set[tuple[str, frozenset[str]]]:
    """Return what an installed package asks for on any Python and system that we support."""
    found = set()
    for wanted in map(Requirement, requires(name) or ()):
        for python, system, extra in product(PYTHONS, SYSTEMS, {"", *extras}):
            versions = {"python_version": python, "python_full_version": f"{python}.0"}
            if wanted.marker is None or wanted.marker.evaluate(
                versions | system | {"extra": extra}
            ):
                found.add((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return found


def closure(roots: set[str]) -> set[str]:
    """Return the names of all packages that the roots bring with them, themselves included."""
    seen: set[tuple[str, frozenset[str]]] = set()
    ahead = {(name, frozenset()) for name in roots}
    while ahead:
        name, extras = one = ahead.pop()
        seen.add(one)
        try:
            ahead |= brought_by(name, extras) - seen
        except PackageNotFoundError:
            # Not installed because another system needs it: its pin is checked all the same.
            continue
    return {name for name, _ in seen}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_every_requirement_is_one_exact_version(name: str):
    wrong = [
        line
        for line in lines(name)
        if not re.fullmatch(r"[A-Za-z0-9._-]+==\d+(\.\d+)*|-[rc] [a-z-]+\.txt", line)
    ]
    assert wrong == []


def test_everything_that_is_brought_along_is_pinned_once_and_nothing_else():
    assert closure(set(USED)) - set(USED) == set(BROUGHT)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_pinned_version_is_the_installed_one_and_fits_every_python(name: str):
    assert version(name) == ALL[name]
    supported = SpecifierSet(metadata(name).get("Requires-Python") or "")
    assert [python for python in PYTHONS if f"{python}.0" not in supported] == []


def test_the_lab_runs_on_few_packages():
    """Whoever adds one defends it here."""
    assert set(pins("requirements.txt")) == {
        "numpy", "pandas", "plotly", "starlette", "streamlit", "uvicorn",
    }  # fmt: skip
