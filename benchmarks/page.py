"""Time the page in a real browser against pages that do next to nothing.

    python -m benchmarks.page                     # everything but memory, about five minutes
    python -m benchmarks.page --only drag --pairs 5
    python -m benchmarks.page --only memory       # 2,000 updates
    python -m benchmarks.page --only keys --path gating    # another page than the first

keys     slider key press to painted picture, against a page with a three-point st.plotly_chart
drag     repaints while dragging, against an empty component that echoes a number; events are made
         inside the page, one pointermove per animation frame
first    cold browser, warm server: navigation to first picture, and bytes over the wire
memory   server RSS and JS heap after forced collection, with what the page keeps told from code
         that the browser compiled, and whether the DOM node survived

Candidates take turns, so that a slow spell of the machine meets both; figures are medians.
"""

import argparse
import os
import platform
import statistics
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import heap
from benchmarks.serving import FLAGS, Served, chromium, served

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = {"T=200, H=64": "", "T=1,000, H=64": "steps=1000"}
VIEW = {"width": 1366, "height": 768}

KEY = """async ([slider, isDone, key]) => {
    const input = document.querySelector(slider);
    input.focus();
    const before = isDone ? null : document.querySelector('[data-run]').dataset.run;
    const wanted = Number(input.value) + (key === 'ArrowRight' ? 1 : -1) * Number(input.step);
    const done = () => isDone
        ? document.querySelector('.gtitle')?.textContent === `value ${wanted}`
        : document.querySelector('[data-run]').dataset.run !== before;
    window.timed = new Promise((resolve) => {
        let start;
        const press = () => { start = performance.now(); };
        input.addEventListener('keydown', press, { once: true, capture: true });
        const look = () => (start && done()
            ? requestAnimationFrame(() => resolve(performance.now() - start))
            : requestAnimationFrame(look));
        look();
    });
}"""

DRAG = """async (seconds) => {
    const input = document.querySelector('.st-key-weight_scale input[type=range]');
    const chart = document.querySelector('[data-painted]');
    const group = document.querySelector('.st-key-weight_scale [role=group]');
    const thumb = input.closest('[data-rac]') ?? input.parentElement.parentElement;
    const box = thumb.getBoundingClientRect(), track = group.getBoundingClientRect();
    const y = box.y + box.height / 2;
    const event = (type, x) => new PointerEvent(type, {
        bubbles: true, cancelable: true, pointerId: 1, pointerType: 'mouse', button: 0,
        buttons: type === 'pointerup' ? 0 : 1, clientX: x, clientY: y, isPrimary: true });
    const x0 = box.x + box.width / 2;
    thumb.dispatchEvent(event('pointerdown', x0));
    const start = performance.now(), painted = Number(chart.dataset.painted);
    let frames = 0, x = x0;
    while (performance.now() - start < 1000 * seconds) {
        await new Promise(requestAnimationFrame);
        frames += 1;
        x = track.x + track.width * (0.5 + 0.35 * Math.sin(frames / 40));
        window.dispatchEvent(event('pointermove', x));
    }
    const count = Number(chart.dataset.painted) - painted;
    const rate = count / (performance.now() - start) * 1000;
    window.dispatchEvent(event('pointerup', x));
    return { rate, frames };
}"""

AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"
LAB, BARE = ".st-key-weight_scale input[type=range]", ".st-key-value input[type=range]"


def opened(browser: Browser, url: str, sign: str) -> Page:
    """Open a page and wait for the sign that it is drawn."""
    page = browser.new_page(viewport=VIEW)
    page.goto(url)
    page.wait_for_selector(sign)
    page.wait_for_selector(AT_REST)
    return page


def median(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def keys(browser: Browser, lab: Served, bare: Served, rounds: int, path: str) -> None:
    """Compare a key press on either page."""
    for name, query in CASES.items():
        ours = opened(browser, f"{lab.url}/{path}?{query}", "[data-run]")
        theirs = opened(browser, bare.url, ".gtitle")
        found: dict[str, list[float]] = {"lab": [], "bare": []}
        for number in range(rounds + 3):
            key = "ArrowRight" if number % 2 == 0 else "ArrowLeft"
            for who, page, slider in (("lab", ours, LAB), ("bare", theirs, BARE)):
                page.bring_to_front()
                page.wait_for_selector(AT_REST)
                page.evaluate(KEY, [slider, who == "bare", key])
                page.keyboard.press(key)
                taken = page.evaluate("window.timed")
                page.wait_for_timeout(150)
                if number >= 3:
                    found[who].append(taken)
        print_ratio(f"key press to picture, {name}", found["lab"], found["bare"], "ms")
        ours.close()
        theirs.close()


def drag(
    browser: Browser, lab: Served, echo: Served, pairs: int, seconds: float, path: str
) -> None:
    """Compare repaints a second, and check that the last value wins."""
    for name, query in CASES.items():
        ours = opened(browser, f"{lab.url}/{path}?{query}", "[data-run]")
        theirs = opened(browser, echo.url, ".echo")
        found: dict[str, list[float]] = {"lab": [], "echo": []}
        for _ in range(pairs):
            ours.bring_to_front()
            found["lab"].append(ours.evaluate(DRAG, seconds)["rate"])
            ours.wait_for_function(
                "document.querySelector('[data-run]').dataset.run.split('#')[0]"
                " === location.search.slice(1)"
            )
            ours.wait_for_selector(AT_REST)
            theirs.bring_to_front()
            found["echo"].append(theirs.evaluate(DRAG, seconds)["rate"])
        print_ratio(f"repaints while dragging, {name}", found["lab"], found["echo"], "/s")
        run = ours.locator("[data-run]").get_attribute("data-run")
        fresh = opened(browser, ours.url, "[data-run]")
        same = fresh.locator("[data-run]").get_attribute("data-run") == run
        print(f"{'':8}after release the fingerprint is that of a fresh load: {same}")
        for page in (ours, theirs, fresh):
            page.close()


def first(browser: Browser, lab: Served, bare: Served, rounds: int) -> None:
    """Compare the time to the first picture in a cold browser, and count the bytes."""
    found: dict[str, list[float]] = {"lab": [], "bare": []}
    for _ in range(rounds):
        for who, url, sign in (("lab", lab.url, "[data-run]"), ("bare", bare.url, ".gtitle")):
            found[who].append(cold(browser, url, sign)[0])
    print_ratio("cold browser to first picture", found["lab"], found["bare"], "ms")
    for who, url, sign in (("lab", lab.url, "[data-run]"), ("bare", bare.url, ".gtitle")):
        sizes = [cold(browser, url, sign, encoding)[1] / 1e6 for encoding in ("gzip", "identity")]
        print(f"{'':8}{who}: {sizes[0]:.2f} MB with gzip accepted, {sizes[1]:.2f} MB without")


def cold(browser: Browser, url: str, sign: str, encoding: str = "gzip") -> tuple[float, int]:
    """Return the milliseconds to the sign in a browser without a cache, and the bytes received."""
    context = browser.new_context(viewport=VIEW, extra_http_headers={"Accept-Encoding": encoding})
    page = context.new_page()
    session, received = context.new_cdp_session(page), [0]

    def add(event: dict[str, Any]) -> None:
        received[0] += int(event["encodedDataLength"])

    def add_frame(event: dict[str, Any]) -> None:
        received[0] += len(event["response"]["payloadData"]) * 3 // 4  # base64, never compressed

    session.on("Network.loadingFinished", add)
    session.on("Network.webSocketFrameReceived", add_frame)
    session.send("Network.enable")
    page.goto(url, wait_until="commit")
    page.wait_for_selector(sign)
    taken = page.evaluate("performance.now()")
    page.wait_for_selector(AT_REST)
    context.close()
    return taken, received[0]


def memory(browser: Browser, lab: Served, updates: int) -> None:
    """Drag on and on; weigh server and page along the way."""
    page = opened(browser, lab.url, "[data-run]")
    session = page.context.new_cdp_session(page)
    page.evaluate("document.querySelector('[data-run] .main-svg').dataset.marked = 'yes'")

    def count() -> int:
        return int(page.locator("[data-painted]").get_attribute("data-painted") or 0)

    marks = []
    for goal in (min(500, updates // 4), updates):
        while count() < goal:
            page.evaluate(DRAG, 5.0)
            page.wait_for_selector(AT_REST)
        marks.append((count(), lab.rss() * 1e3, heap.weigh(session)))
    (start, rss, before), (end, later_rss, after) = marks
    server = (later_rss - rss) / (end - start)
    whole, code, kept = ((b - a) / (end - start) for a, b in zip(before, after, strict=True))
    print(
        f"memory over updates {start} to {end}, an update: server {server:+.2f} kB, "
        f"page {whole:+.2f} kB; it keeps {kept:+.2f} kB, compiled code {code:+.2f} kB"
    )
    node = page.locator("[data-run] .main-svg[data-marked=yes]").count()
    print(f"{'':8}the marked node is {'the same' if node else 'another one'}")


def print_ratio(what: str, ours: list[float], theirs: list[float], unit: str) -> None:
    """Print two medians and the median of the ratios of the pairs."""
    ratio = median([one / other for one, other in zip(ours, theirs, strict=True)])
    print(
        f"{what}: {ratio:.2f} ({median(ours):.1f} {unit} against {median(theirs):.1f} {unit}, "
        f"{len(ours)} pairs)",
        flush=True,
    )


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Time the page in a real browser.")
    parser.add_argument("--only", choices=["keys", "drag", "first", "memory"])
    parser.add_argument("--keys", type=int, default=25)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--loads", type=int, default=7)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--path", default="", help="of the page that keys and drag are about")
    asked = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    with (
        served("app/main.py") as lab,
        served("benchmarks/pages/bare.py") as bare,
        served("benchmarks/pages/echo.py") as echo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        parts: dict[str, Callable[[], None]] = {
            "keys": lambda: keys(browser, lab, bare, asked.keys, asked.path),
            "drag": lambda: drag(browser, lab, echo, asked.pairs, asked.seconds, asked.path),
            "first": lambda: first(browser, lab, bare, asked.loads),
            "memory": lambda: memory(browser, lab, asked.updates),
        }
        for name, part in parts.items():
            if asked.only == name or (asked.only is None and name != "memory"):
                part()
        browser.close()


if __name__ == "__main__":
    main()
