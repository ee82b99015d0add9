"""The real app in a real Chromium: the server as it is shipped, and what every page must keep.

After each test: no error in the console, no request to another host, no traceback in the log.
"""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from benchmarks.serving import FLAGS, HEADLESS
from benchmarks.serving import chromium as find_chromium
from tests.browser.driving import opened

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 200  # times a fifth of a second, for a server that starts beside other tests
LAPTOP = {"width": 1366, "height": 768}

# Streamlit looks for its own root when a page below it is opened: two 404s, no others.
LOOKING_FOR_ROOT = re.compile(r"/[^/]+/_stcore/(health|host-config)$")


class Server:
    """One server process; `kill` and `start` again keep the port and the log."""

    def __init__(self, log: Path):
        self.log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def start(self) -> None:
        settings = {
            name: text for name, text in os.environ.items() if not name.startswith("STREAMLIT_")
        }
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app/main.py"],
                cwd=ROOT,
                env=settings | {"STREAMLIT_SERVER_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        for _ in range(PATIENCE):
            if self._is_healthy():
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.2)
                break
        pytest.fail(f"the server does not answer:\n{self.log.read_text()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server") / "log.txt")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium():
    """What every Chromium of the tests is started with."""
    return {"executable_path": find_chromium(HEADLESS), "args": FLAGS}


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: dict):
    browser = playwright.chromium.launch(**chromium)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def profile(playwright: Playwright, chromium: dict, server: Server, tmp_path_factory):
    """One person's browser. It keeps compiled scripts: a page costs 1.8 s of a core, not 3.1 s."""
    folder = tmp_path_factory.mktemp("profile")
    context = playwright.chromium.launch_persistent_context(
        folder, base_url=server.url, viewport=LAPTOP, reduced_motion="reduce", **chromium
    )
    yield context
    context.close()


@dataclass
class Watch:
    """What went wrong in the pages of one test."""

    server: Server
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hosts.add(urlsplit(self.server.url).netloc)

    def follow(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._see)

    def forgive(self, text: str) -> None:
        """Forget the faults that a test brought about on purpose."""
        self.faults = [fault for fault in self.faults if text not in fault]

    def forgive_lost_connections(self) -> None:
        """Forget what the browser and Streamlit say of a server that is not there."""
        for text in (
            "net::ERR_",
            "Client Error in reaching server endpoint",
            "Is Streamlit still running?",
            "Cannot send rerun backMessage when disconnected",
        ):
            self.forgive(text)

    def _hear(self, message) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not LOOKING_FOR_ROOT.search(urlsplit(url).path):
            self.faults.append(f"console: {message.text} {url}")

    def _see(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "file") and parts.netloc not in self.hosts:
            self.faults.append(f"outside request: {request.url}")


@pytest.fixture
def watch(server: Server):
    start = server.log.stat().st_size
    watch = Watch(server)
    yield watch
    written = server.log.read_bytes()[start:].decode()
    assert "Traceback" not in written, written
    assert watch.faults == []


@pytest.fixture
def new_context(browser: Browser, server: Server, watch: Watch):
    """Make a fresh browser, as another person has it."""
    contexts: list[BrowserContext] = []

    def make(**rest) -> BrowserContext:
        settings = {"viewport": LAPTOP, "reduced_motion": "reduce"}
        context = browser.new_context(base_url=server.url, **settings | rest)
        context.on("page", watch.follow)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(profile: BrowserContext, server: Server, watch: Watch):
    """Open an address of the lab in a new tab and wait until its pictures are there.

    `before` is a script that the tab runs before any other. The browser remembers nothing of the
    lab from test to test but the files that it was sent.
    """
    pages: list[Page] = []

    def open_(path: str = "/", scheme: str = "light", before: str = "") -> Page:
        page = profile.new_page()
        pages.append(page)
        watch.follow(page)
        page.add_init_script(before)
        page.emulate_media(color_scheme=scheme)
        page.goto(path)
        opened(page)
        return page

    yield open_
    memory = profile.new_cdp_session(profile.pages[0])
    for page in pages:
        page.close()
    profile.clear_cookies()
    what = {"origin": server.url, "storageTypes": "local_storage"}
    memory.send("Storage.clearDataForOrigin", what)
    memory.detach()


@pytest.fixture
def page(open_page) -> Page:
    return open_page()
