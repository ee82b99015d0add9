"""A server process and a browser for the benchmarks, as the lab is shipped and started."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

ROOT = Path(__file__).resolve().parent.parent
HEADLESS = "chromium-headless-shell"
"""Chromium without its windows: its pages cost a tenth less."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", HEADLESS)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Served(NamedTuple):
    """A page that is served, and the process that serves it."""

    url: str
    port: int
    pid: int

    def rss(self) -> float:
        """Return the resident memory of the server in MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def cpu(self) -> float:
        """Return the seconds of a core that the server has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(script: str) -> Iterator[Served]:
    """Serve a page on a free port until the context ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-m", "streamlit", "run", script],
        cwd=ROOT,
        env=os.environ | {"STREAMLIT_SERVER_PORT": str(port), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.kill)
        for _ in range(300):
            with suppress(URLError, OSError):
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5)
                break
            time.sleep(0.2)
        else:
            raise SystemExit(f"{script} does not answer")
        yield Served(f"http://localhost:{port}", port, process.pid)


def chromium(*preferred: str) -> str:
    """Return the path of the system's Chromium, of a preferred name where there is one."""
    found = next(filter(None, map(shutil.which, (*preferred, *NAMES))), None)
    if found is None:
        raise SystemExit(f"no Chromium: install one of {', '.join(NAMES)}")
    return found
