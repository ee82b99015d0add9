"""What the user types: the set-up on bare machines, `make run`, and what stands in for a system."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OLDEST = PYPROJECT["project"]["requires-python"].removeprefix(">=")

# A stand-in for the server: says how it was started, and what had been installed by then.
SERVER = """
import json, os, sys
from importlib.metadata import version
names = ("STREAMLIT_SERVER_PORT", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
print(json.dumps([version("witness"), sys.argv[1:], *(os.environ[name] for name in names)]))
"""


def wheel(folder: Path, number: str) -> str:
    """Write the smallest package that pip installs without a network; return its requirement."""
    name = f"witness-{number}-py3-none-any.whl"
    info = f"witness-{number}.dist-info"
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: witness\nVersion: {number}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return f"./{name}\n"


def make(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PORT", "PYTHON"}
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=inherited | {"PYTHON": sys.executable} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The workshop in a folder with spaces in its name, with one small requirement."""
    folder = tmp_path / "a lab of our own"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "streamlit.py").write_text(SERVER)
    (folder / "constraints.txt").write_text("# nothing\n")
    (folder / "requirements.txt").write_text(wheel(folder, "1.0"))
    return folder


def test_the_first_start_sets_up_and_the_second_only_starts(project: Path):
    first = make(project, "run")
    assert first.returncode == 0, first.stderr
    *setup, answer = first.stdout.splitlines()
    assert [line.split()[0] for line in setup] == ["Making", "Installing"]
    assert json.loads(answer) == ["1.0", ["run", "app/main.py"], "8501", "1", "1"]
    stamp = project / ".venv/requirements.txt.sha256"
    written = stamp.stat().st_mtime_ns

    second = make(project, "run", "PORT=8599")
    assert json.loads(second.stdout) == ["1.0", ["run", "app/main.py"], "8599", "1", "1"]
    assert second.stderr == ""
    assert stamp.stat().st_mtime_ns == written
    assert json.loads(make(project, "run", PORT="8600").stdout)[2] == "8600"


@pytest.mark.parametrize("port", ["", "0", "abc", "-1", "65536", "123456789012345678901"])
def test_a_port_that_cannot_be_is_answered_with_one_sentence(port: str):
    answer = subprocess.run(
        ["sh", ROOT / "scripts/run.sh", port], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"PORT: expected 1 to 65535, got {port or 'nothing'}\n"


def test_changed_requirements_are_installed_and_a_broken_set_up_is_taken_up_again(project: Path):
    assert make(project, "run").returncode == 0
    (project / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")
    assert make(project, "run").returncode != 0
    (project / "requirements.txt").write_text(wheel(project, "2.0"))
    setup, answer = make(project, "run").stdout.splitlines()
    assert setup.startswith("Installing")
    assert json.loads(answer)[0] == "2.0"

    (project / "constraints.txt").write_text("# still nothing\n")
    assert len(make(project, "run").stdout.splitlines()) == 2

    (project / ".venv/bin/python").unlink()
    assert make(project, "run").stdout.startswith("Making")


# ---- machines that lack something ----------------------------------------------------------------


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The only folder on PATH of a bare machine: a shell's tools, nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "chmod"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def script(machine: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "scripts" / name],
        env={"PATH": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )


def python(number: str, *, venv: bool) -> str:
    """Return a shell script that answers the three questions as this Python would."""
    old = tuple(map(int, number.split("."))) < tuple(map(int, OLDEST.split(".")))
    return (
        f'case "$2" in *print*) echo {number};; *ensurepip*) exit {int(not venv)};; '
        f"*) exit {int(old)};; esac"
    )


def test_without_a_python_one_sentence_says_which_is_needed(machine: Path):
    answer = script(machine, "python.sh")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"Python: expected {OLDEST} or newer, got none: "
        "install one from https://www.python.org/downloads/ and try again.\n"
    )


def test_an_old_python_is_named(machine: Path):
    program(machine, "python3", python("3.10", venv=True))
    answer = script(machine, "python.sh")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"Python: expected {OLDEST} or newer, got 3.10: "
        "install one from https://www.python.org/downloads/ and try again.\n"
    )


def test_a_python_without_venv_is_answered_with_the_command_to_type(machine: Path):
    program(machine, "python3", python("3.12", venv=False))
    answer = script(machine, "python.sh")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "Python 3.12 cannot make an environment: "
        "type 'sudo apt-get install python3.12-venv' and try again.\n"
    )


def test_the_first_python_that_can_do_it_is_taken(machine: Path):
    """A launcher that refuses to start, and a Python without venv, are passed over."""
    program(machine, "python3.13", "exit 127")
    program(machine, "python3.12", python("3.12", venv=False))
    program(machine, "python3", python(OLDEST, venv=True))
    assert script(machine, "python.sh").stdout == "python3\n"
    program(machine, "python3.11", python("3.11", venv=True))
    assert script(machine, "python.sh").stdout == "python3.11\n"


def test_the_oldest_python_is_the_same_everywhere():
    assert PYPROJECT["tool"]["mypy"]["python_version"] == OLDEST
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + OLDEST.replace(".", "")
    numbers = f"({OLDEST.replace('.', ', ')})"
    assert numbers in (ROOT / "scripts/python.sh").read_text()
    assert numbers in (ROOT / "scripts/environment.sh").read_text()


SENTENCE = (
    "type 'sudo apt-get update && sudo apt-get install -y chromium' "
    "(or install Chromium as your system does) and try again.\n"
)


def test_a_user_without_chromium_gets_the_command_to_type_and_no_pass(machine: Path):
    program(machine, "id", "echo 1000")
    program(machine, "apt-get", "exit 99")
    program(machine, "chromium-browser", "echo install the snap; exit 1")
    answer = script(machine, "chromium.sh")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"The browser tests need Chromium: {SENTENCE}"


PACKAGES = ("chromium-headless-shell", "chromium")


@pytest.mark.parametrize("there", PACKAGES)
def test_root_gets_chromium_installed_without_a_question(machine: Path, there: str):
    program(machine, "id", "echo 0")
    install = f"printf '#!{machine}/sh\\n' >{machine}/{there}; chmod +x {machine}/{there}"
    log = f'echo "$DEBIAN_FRONTEND $*" >>{machine}/log'
    program(
        machine,
        "apt-get",
        f'{log}\ncase "$*" in *update*) ;; *" {there} "*) {install};; *) exit 100;; esac',
    )
    assert script(machine, "chromium.sh").returncode == 0
    asked = [
        "noninteractive -qq update",
        *(
            f"noninteractive -qq install -y {name} fonts-dejavu-core"
            for name in PACKAGES[: PACKAGES.index(there) + 1]
        ),
    ]
    assert (machine / "log").read_text().splitlines() == asked
    assert script(machine, "chromium.sh").stdout == ""
    assert (machine / "log").read_text().splitlines() == asked


def test_an_installation_that_leaves_no_browser_is_not_a_pass(machine: Path):
    program(machine, "id", "echo 0")
    program(machine, "apt-get", "exit 0")
    answer = script(machine, "chromium.sh")
    assert answer.returncode == 1
    assert answer.stderr == f"Chromium could not be installed: {SENTENCE}"


# ---- what the tests count as passed --------------------------------------------------------------


def test_continuous_integration_runs_the_same_command_from_any_folder(tmp_path: Path):
    program(tmp_path, "make", 'echo "$PWD $*"')
    ran = subprocess.run(
        ["bash", ROOT / ".ci/run"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"{ROOT} test\n"


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("pass", 0),
        ("pytest.importorskip('no_such_module')", 1),
        ("pytest.xfail('not yet')", 1),
    ],
)
def test_a_run_with_an_unproven_test_has_not_passed(
    tmp_path: Path, body: str, code: int, workers: str
):
    (tmp_path / "test_one.py").write_text(f"import pytest\ndef test_one():\n    {body}\n")
    options = ["-p", "scripts.no_skips", "-n", workers, "-c", "/dev/null", "--rootdir", tmp_path]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stdout
