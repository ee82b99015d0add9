"""A finger on the screen of a laptop or a tablet: it drags, taps, scrolls, and moves the cursor."""

import pytest

from tests.browser.driving import opened, painted, settled, slider, thumb_of, x_ranges

SIZES = {"laptop": (1366, 768), "tablet": (820, 1180)}
BADGE = "document.querySelector('[data-run]').closest('.lab-frame').querySelector('.lab-badge')"
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
Y_RANGES = """() => {
    const layout = document.querySelector('[data-run]')._fullLayout;
    const names = Object.keys(layout).filter((name) => /^yaxis\\d*$/.test(name));
    return names.map((name) => layout[name].range);
}"""
RUN = "document.querySelector('[data-run]').dataset.run"


class Finger:
    """One finger, with events as the screen sends them."""

    def __init__(self, page):
        self._screen = page.context.new_cdp_session(page)
        self._at = (0.0, 0.0)

    def down(self, x, y):
        self._send("touchStart", (x, y))

    def to(self, x, y, moves=8):
        left, top = self._at
        for k in range(1, moves + 1):
            self._send("touchMove", (left + k / moves * (x - left), top + k / moves * (y - top)))

    def up(self):
        self._send("touchEnd")

    def _send(self, kind, *points):
        self._screen.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )
        self._at = points[0] if points else self._at


@pytest.fixture(params=SIZES)
def page(request, new_context):
    width, height = SIZES[request.param]
    context = new_context(has_touch=True, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto("/?steps=60&batch_size=2&hidden_size=16")
    opened(page)
    return page


def spot(page, across=0.6, down=0.25):
    """Return a point of the picture."""
    box = page.locator("[data-run]").bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_drag_streams_pictures_and_is_one_commit(page):
    url, run = page.url, painted(page)
    finger = Finger(page)
    left, width, thumb, middle = thumb_of(slider(page, "weight_scale"))
    finger.down(thumb, middle)
    for part in (0.4, 0.5, 0.6):
        finger.to(left + part * width, middle + 5)
        page.wait_for_function(f"(run) => {RUN} !== run", arg=run)
        run = page.evaluate(RUN)
        assert page.url == url
    finger.up()
    page.wait_for_url("**weight_scale=*")
    scale = float(slider(page, "weight_scale").input_value())
    assert scale > 1.5
    assert f"&weight_scale={scale}#" in painted(page)


def test_a_tap_pins_a_step_and_a_tap_there_frees_it(page):
    finger = Finger(page)
    x, y = spot(page)
    for pattern in ("**&t=*", lambda url: "&t=" not in url):
        finger.down(x, y)
        finger.to(x + 3, y + 5, moves=1)  # a finger is never still
        finger.up()
        page.wait_for_url(pattern)
        settled(page)


def test_a_swipe_over_the_picture_scrolls_the_page_and_zooms_nothing(page):
    shown = x_ranges(page), page.evaluate(Y_RANGES)
    finger = Finger(page)
    x, y = spot(page, down=0.8)
    finger.down(x, y)
    finger.to(x, y - 300, moves=12)
    finger.up()
    page.wait_for_function(f"{SCROLLED} > 100")
    assert (x_ranges(page), page.evaluate(Y_RANGES)) == shown
    assert "&t=" not in page.url


def test_a_finger_moves_the_cursor_from_side_to_side(page):
    finger = Finger(page)
    x, y = spot(page, across=0.3)
    finger.down(x, y)
    finger.to(*spot(page, across=0.5))
    page.wait_for_function(f"{BADGE} !== null")
    first = page.evaluate(f"{BADGE}.innerText")
    finger.to(*spot(page, across=0.7))
    page.wait_for_function(f"(first) => {BADGE}.innerText !== first", arg=first)
    finger.up()
    assert page.evaluate(SCROLLED) == 0
