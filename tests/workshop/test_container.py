"""The container: its Dockerfile is built and started here without a container engine."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workshop.dockerfile import exec_form, instructions, moved, only, variables

ROOT = Path(__file__).resolve().parents[2]
STEPS = instructions((ROOT / "Dockerfile").read_text())
WORKDIR = only(STEPS, "WORKDIR")
NOBODY = 65534


def settings(path: str, root: str = "") -> dict[str, str]:
    """Return the image's variables, on top of this PATH, with the image's folders below `root`."""
    found = {"PATH": path}
    for word, rest in STEPS:
        if word == "ENV":
            found |= variables(moved(rest, root, (WORKDIR, "/tmp")), found)
    return found


def as_user(number: int) -> dict[str, object]:
    """Return the arguments that run a child as this user; only root may choose."""
    return {"user": number, "group": number, "extra_groups": []} if os.geteuid() == 0 else {}


def as_pip_is_configured_here(root: Path) -> dict[str, str]:
    """Return the variable that shows another user this user's package index, where one is set."""
    for name in (".config/pip/pip.conf", ".pip/pip.conf"):
        if "PIP_CONFIG_FILE" not in os.environ and (Path.home() / name).is_file():
            shutil.copyfile(Path.home() / name, root / "pip.conf")
            (root / "pip.conf").chmod(0o644)
            return {"PIP_CONFIG_FILE": str(root / "pip.conf")}
    return {}


class Image:
    """An empty folder that stands for the image's root, and what its Dockerfile says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lab = root / WORKDIR.lstrip("/")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"STREAMLIT_|PYTEST|PYTHON|MAKE|MFLAGS|VIRTUAL_ENV|XDG_", name)
        }
        inherited |= as_pip_is_configured_here(root) | {"TMPDIR": f"{root}/tmp"}
        path = f"{root}/bin:{os.environ['PATH']}"
        self.environment = inherited | settings(path, str(root))

    def run(self, command: list[str], user: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.lab,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **as_user(user),
        )

    def give_python(self) -> None:
        """Put a Python that the unprivileged user may start where the base image has one."""
        shutil.copyfile(ROOT / "scripts/python.sh", self.root / "python.sh")
        found = self.run(["sh", str(self.root / "python.sh")], NOBODY)
        assert found.returncode == 0, found.stdout
        starter = self.root / "bin/python"
        starter.write_text(f'#!/bin/sh\nexec {found.stdout.strip()} "$@"\n')
        starter.chmod(0o755)

    def copy(self, sources: list[str], target: str) -> None:
        for source in sources:
            if (ROOT / source).is_dir():
                without = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, self.lab / target, ignore=without)
            else:
                shutil.copy(ROOT / source, self.lab / target)
        if os.geteuid() == 0:
            self.give_to(NOBODY)

    def give_to(self, user: int) -> None:
        for path in [self.lab, *self.lab.rglob("*")]:
            os.chown(path, user, user, follow_symlinks=False)

    def build(self) -> None:
        for name in ("bin", "tmp", WORKDIR.lstrip("/")):
            (self.root / name).mkdir()
        (self.root / "tmp").chmod(0o1777)
        self.give_python()
        for word, rest in STEPS:
            if word == "COPY":
                *sources, target = rest.split()
                self.copy(sources, target)
            elif word == "RUN":
                ran = self.run(["sh", "-c", rest], NOBODY)
                assert ran.returncode == 0, f"RUN {rest}\n{ran.stdout}"

    def make_read_only(self) -> None:
        for path in [self.lab, *self.lab.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    def make_removable(self) -> None:
        for folder, _, _ in os.walk(self.lab):
            Path(folder).chmod(0o755)


@pytest.fixture
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory() as folder:
        # pytest's own folders are closed to other users.
        Path(folder).chmod(0o755)
        built = Image(Path(folder))
        try:
            built.build()
            yield built
        finally:
            built.make_removable()


@contextlib.contextmanager
def started(image: Image, user: int) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        exec_form(only(STEPS, "CMD")),
        cwd=image.lab,
        env=image.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **as_user(user),
    )
    hung = threading.Timer(120, server.kill)
    hung.start()
    try:
        yield server
    finally:
        hung.cancel()
        server.terminate()
        server.wait(30)
        server.stdout.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_the_image_builds_without_privileges_and_serves_from_a_read_only_root(image: Image):
    """Address and port come from variables, as a deployment sets them."""
    user = int(only(STEPS, "USER").split(":")[0])
    port = free_port()
    image.environment |= {
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        "STREAMLIT_SERVER_PORT": str(port),
    }
    image.make_read_only()
    check = exec_form(only(STEPS, "HEALTHCHECK"))
    assert image.run(check, user).returncode != 0, "healthy before it was started"

    with started(image, user) as server:
        log = []
        for line in server.stdout:
            log.append(line)
            if f"URL: http://localhost:{port}" in line:
                break
        else:
            pytest.fail("the server printed no address:\n" + "".join(log))
        while (health := image.run(check, user)).returncode != 0 and server.poll() is None:
            log.append(health.stdout)
        assert server.poll() is None, "".join([*log, server.stdout.read()])


def test_the_user_is_a_number_and_not_root():
    """An orchestrator can only prove a number to be someone else than root."""
    user, group = only(STEPS, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_nothing_in_the_command_overrides_a_variable():
    assert not [
        word for word in exec_form(only(STEPS, "CMD")) if word.startswith("-") and word != "-m"
    ]


def test_the_server_listens_to_the_world_inside_the_container_on_one_thread():
    found = settings("")
    assert found["STREAMLIT_SERVER_ADDRESS"] == "0.0.0.0"
    assert found["STREAMLIT_SERVER_PORT"] == only(STEPS, "EXPOSE") == "8501"
    assert found["OPENBLAS_NUM_THREADS"] == found["OMP_NUM_THREADS"] == "1"
    assert found["HOME"] == found["XDG_CACHE_HOME"] == "/tmp"


def test_older_builders_can_read_it():
    words = {word for word, _ in STEPS}
    assert words == {
        "FROM", "WORKDIR", "ENV", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "CMD",
    }  # fmt: skip
    assert not [
        rest for word, rest in STEPS if word in {"COPY", "RUN"} and re.match(r"--|.*<<", rest)
    ]


def test_the_build_context_is_what_the_image_copies_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = [source for word, rest in STEPS if word == "COPY" for source in rest.split()[:-1]]
    assert rules == ["*", *(f"!{source}" for source in copied), "**/__pycache__"]


@pytest.mark.parametrize(
    "line",
    [
        "init: true",
        "read_only: true",
        "- /tmp:size=64m",
        "- ALL",
        "- no-new-privileges:true",
        "mem_limit: 1g",
        '- "${PORT:-8501}:8501"',
    ],
)
def test_compose_confines_the_container(line: str):
    lines = [found.strip() for found in (ROOT / "compose.yaml").read_text().splitlines()]
    assert line in lines
