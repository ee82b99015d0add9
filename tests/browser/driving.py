"""How a test moves the lab and waits for it: by attributes and keys, never by prose or time."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"laptop": (1366, 768), "projector": (1920, 1080)}

AT_THE_FINGER = """(field) => {
    const input = document.querySelector(`.st-key-${field} input[type=range]`);
    const run = document.querySelector('[data-run]').dataset.run;
    return Number(new URLSearchParams(run.split('#')[0]).get(field)) === Number(input.value);
}"""


def settled(page: Page) -> None:
    """Wait until the server has nothing more to say."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def opened(page: Page) -> None:
    """Wait until every picture of a page is there: the lowest may be painted before the first."""
    page.wait_for_selector("[data-run]")
    settled(page)
    page.wait_for_function(
        """() => [...document.querySelectorAll('.lab-figure')].every(
            ({ dataset }) => 'run' in dataset || 'failed' in dataset
        )"""
    )


def painted(page: Page, query: str | None = None) -> str:
    """Wait until the picture is that of `query` (or of the address); return its `data-run`.

    A picture that is measured piece by piece has a dot in its fingerprint until all of it is there.
    """
    shown = page.wait_for_function(
        """(query) => {
            const app = document.querySelector('[data-testid=stApp]');
            const shown = document.querySelector('[data-run]')?.dataset.run ?? '';
            const [run, fingerprint] = shown.split('#');
            if (!fingerprint || fingerprint.includes('.')) return false;
            if (app.dataset.testScriptState !== 'notRunning') return false;
            return run === (query ?? location.search.slice(1)) && shown;
        }""",
        arg=query,
    )
    return shown.json_value()


def moved(page: Page, before: str) -> str:
    """Wait until the picture is another than `before` and the address is its; return `data-run`."""
    page.wait_for_function(
        "(run) => document.querySelector('[data-run]').dataset.run !== run", arg=before
    )
    return painted(page)


def schemes(page: Page) -> Iterator[str]:
    """Show the page in light, then in dark, and wait each time until it is."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            """(scheme) => {
                const app = getComputedStyle(document.querySelector('[data-testid=stApp]'));
                const [red] = app.backgroundColor.match(/\\d+/);
                return (red < 128) === (scheme === 'dark');
            }""",
            arg=scheme,
        )
        settled(page)
        yield scheme


def assert_fits(page: Page, picture: str, width: int, height: int) -> None:
    """Wait for a picture to be drawn for the window as it is, all of it within the window."""
    page.wait_for_function(
        """([picture, width, height]) => {
            const chart = document.querySelector(picture);
            const svg = chart.querySelector('.main-svg');
            const { right, bottom } = chart.getBoundingClientRect();
            return Math.abs(svg.clientWidth - chart.clientWidth) <= 1
                && Math.abs(svg.clientHeight - chart.clientHeight) <= 1
                && right <= width && bottom <= height;
        }""",
        arg=[picture, width, height],
    )


def assert_axe_finds_nothing(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def assert_accessible_and_fits(page: Page, picture: str) -> None:
    """Look at the page in light and dark, each on a laptop and on a projector."""
    for _ in schemes(page):
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            assert_axe_finds_nothing(page)
            assert_fits(page, picture, width, height)


def travel(page: Page, query: str) -> None:
    """Change the address as Back and Forward do, without loading the page anew."""
    page.evaluate(
        """(query) => {
            history.pushState({}, '', `?${query}`);
            dispatchEvent(new PopStateEvent('popstate'));
        }""",
        query,
    )


def slider(page: Page, field: str) -> Locator:
    return page.locator(f".st-key-{field} input[type=range]")


def thumb_of(slider: Locator) -> list[float]:
    """Return where a slider's track starts, its width, and the middle of its thumb."""
    return slider.evaluate(
        """(input) => {
            const thumb = input.parentElement.parentElement.getBoundingClientRect();
            const track = input.parentElement.parentElement.parentElement.getBoundingClientRect();
            return [track.x, track.width, thumb.x + thumb.width / 2, thumb.y + thumb.height / 2];
        }"""
    )


@cache
def _engine() -> subprocess.Popen[str]:
    """Start what answers for `rnn_core`: a line with settings in, a line with a fingerprint out.

    A process of its own: the number of BLAS threads, which changes last digits, is read once.
    """
    code = (
        "import json, sys, rnn_core as rc\n"
        "for line in sys.stdin:\n"
        "    print(rc.run(rc.ExperimentConfig(**json.loads(line))).fingerprint, flush=True)"
    )
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    engine = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | one_thread,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    atexit.register(engine.communicate)  # closes its input, and it ends
    return engine


def fingerprint(**settings) -> str:
    """Return the fingerprint that `rnn_core` gives these settings, without any page."""
    engine = _engine()
    print(json.dumps(settings), file=engine.stdin, flush=True)
    answer = engine.stdout.readline().strip()
    assert answer, f"rnn_core does not run {settings}"
    return answer


def x_ranges(page: Page) -> dict[str, list[float]]:
    """Return what every horizontal axis of the picture shows."""
    return page.evaluate(
        """() => {
            const layout = document.querySelector('[data-run]')._fullLayout;
            const names = Object.keys(layout).filter((name) => /^xaxis\\d*$/.test(name));
            return Object.fromEntries(names.map((name) => [name, layout[name].range]));
        }"""
    )


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=12)
    page.mouse.up()


def zoom(page: Page) -> None:
    """Zoom with the mouse into the middle of the first panel."""
    unzoomed, plot = x_ranges(page), page.locator("[data-run] .nsewdrag").first.bounding_box()
    left, top, width, height = (plot[side] for side in ("x", "y", "width", "height"))
    corner = (left + 0.3 * width, top + 0.2 * height)
    drag(page, corner, (left + 0.6 * width, top + 0.8 * height))
    page.wait_for_function(
        """(old) => {
            const { xaxis } = document.querySelector('[data-run]')._fullLayout;
            return xaxis.range[0] > old[0] && xaxis.range[1] < old[1];
        }""",
        arg=unzoomed["xaxis"],
    )


def place(page, field, part=None):
    """Return the point at a part of a slider's track, or at its thumb."""
    left, width, thumb, middle = thumb_of(slider(page, field))
    return thumb if part is None else left + part * width, middle


@contextmanager
def held(page, field):
    """Take a slider's thumb, let the test move it, and let it go where it is."""
    x, y = place(page, field)
    page.mouse.move(x, y)
    page.mouse.down()

    def to(part):
        page.mouse.move(*place(page, field, part), steps=6)

    yield to
    page.mouse.up()
