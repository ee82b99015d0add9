"""A picture that moves stays the same: a hundred repaints, one node, no frame without it."""

from itertools import cycle, islice

import pytest

from tests.browser.driving import fingerprint, held, moved, painted, slider, zoom

UPDATES = 100
MOST = 400  # moves of the mouse; a busy machine paints one picture for several of them

# What is looked at in every frame, between two paints too.
WATCH = """() => {
    const chart = document.querySelector('[data-run]');
    const svg = chart.querySelector('.main-svg');
    const ranges = () => {
        const { xaxis, yaxis } = chart._fullLayout;
        return JSON.stringify([xaxis.range, yaxis.range]);
    };
    const place = () => {
        const { top, left, width, height } = chart.getBoundingClientRect();
        return JSON.stringify([top, left, width, height]);
    };
    const drawn = () => ['.heatmaplayer image', '.scatterlayer .trace', '.main-svg'].map(
        (what) => chart.querySelectorAll(what).length).join();
    const cursor = () => {
        const { hidden, dataset } = document.querySelector('.lab-cursor');
        return [hidden, 'pinned' in dataset, dataset.step].join();
    };
    const node = () => svg === chart.querySelector('.main-svg');
    const looks = { ranges, place, drawn, cursor, node };
    const before = Object.fromEntries(Object.entries(looks).map(([name, look]) => [name, look()]));
    window.steady = { frames: 0, faults: new Set(), before };
    const frame = () => {
        steady.frames += 1;
        for (const [name, look] of Object.entries(looks)) {
            const now = look();
            if (now !== before[name]) steady.faults.add(`${name}: ${before[name]} became ${now}`);
        }
        if (!steady.isOver) requestAnimationFrame(frame);
    };
    frame();
}"""


def count(page):
    return int(page.locator("[data-run]").get_attribute("data-painted"))


def test_zoom_cursor_and_node_survive_a_hundred_updates_without_a_flicker(open_page):
    page = open_page("/?steps=60&hidden_size=16&t=30")
    painted(page)
    zoom(page)
    page.mouse.move(5, 5)  # hovering would move the cursor
    page.wait_for_selector(".lab-cursor[data-pinned][data-step='30']")
    page.evaluate(WATCH)
    start = count(page)
    with held(page, "weight_scale") as to:
        for part in islice(cycle((0.4, 0.6, 0.8, 0.6, 0.3, 0.2)), MOST):
            to(part)
            if count(page) >= start + UPDATES:
                break
    assert count(page) >= start + UPDATES
    page.wait_for_url("**weight_scale=*")
    scale = float(slider(page, "weight_scale").input_value())
    expected = fingerprint(steps=60, hidden_size=16, weight_scale=scale)
    assert painted(page).endswith(f"#{expected}")
    page.evaluate("steady.isOver = true")
    assert page.evaluate("steady.frames") > 1
    assert page.evaluate("[...steady.faults]") == []
    assert page.evaluate("steady.before.cursor") == "false,true,30"


@pytest.mark.parametrize("page", ["/", "/saturation", "/weight-scale", "/gating"])
@pytest.mark.parametrize("settings", ["steps=1000", "steps=40&nets=20"])
def test_a_picture_stands_still_while_its_next_one_is_computed(open_page, page, settings):
    """The words above it stay until others come, and a note that it takes time pushes nothing."""
    page = open_page(f"{page}?{settings}")
    run = painted(page)
    page.mouse.move(5, 5)
    page.evaluate(WATCH)
    slider(page, "weight_scale").press("ArrowRight")
    moved(page, run)
    page.evaluate("steady.isOver = true")
    faults = page.evaluate("[...steady.faults]")
    assert [fault for fault in faults if fault.startswith(("place", "node", "ranges"))] == []
