"""Everyone can read the page: light and dark, with a screen reader, on a laptop's screen."""

import re

import pytest

from tests.browser.driving import assert_axe_finds_nothing, painted, schemes, slider

TEXT_COLOUR = """() => {
    const text = document.querySelector('[data-run] .main-svg text');
    return getComputedStyle(text).fill;
}"""
BEHIND = """() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"""
EVERYTHING = (
    "/?cell=lstm&forget_bias=1.0&source=text&truncate=10&weight_scale=10&a=cell%3Dgru&wrong=1"
)


def luminance(colour: str) -> float:
    """Return the relative luminance of "rgb(r, g, b)", as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", ["/", EVERYTHING])
def test_axe_finds_nothing(open_page, path):
    page = open_page(path)
    page.locator("[data-testid=stSidebar] [data-testid=stExpander] summary").click()
    page.locator(".st-key-batch_size").wait_for()
    for _ in schemes(page):
        assert_axe_finds_nothing(page)


def test_the_picture_can_be_read_where_it_opens_in_dark(open_page):
    page = open_page("/", "dark")
    assert contrast(page.evaluate(TEXT_COLOUR), page.evaluate(BEHIND)) >= 4.5


def test_a_new_theme_repaints_without_the_server(page):
    """The colours are looked up by the browser, so the data need not travel again."""
    run, colour = painted(page), page.evaluate(TEXT_COLOUR)
    assert contrast(colour, page.evaluate(BEHIND)) >= 4.5
    count = page.locator("[data-painted]").get_attribute("data-painted")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(colour) => ({TEXT_COLOUR})() !== colour", arg=colour)
    assert contrast(page.evaluate(TEXT_COLOUR), page.evaluate(BEHIND)) >= 4.5
    assert painted(page) == run
    assert page.locator("[data-painted]").get_attribute("data-painted") != count


def test_the_picture_is_an_image_that_says_what_it_shows(page):
    chart = page.locator("[data-run]")
    assert chart.get_attribute("role") == "img"
    assert chart.get_attribute("aria-label")


def test_a_slider_says_its_name_and_value(page):
    for field in ("weight_scale", "steps", "hidden_size", "input_scale"):
        thumb = slider(page, field)
        assert thumb.input_value()
        assert thumb.evaluate(
            "(node) => node.labels?.length || node.ariaLabel || node.ariaLabelledByElements?.length"
        )


def test_the_picture_fills_its_place_when_the_window_changes(page):
    page.set_viewport_size({"width": 1100, "height": 900})
    page.wait_for_function(
        """() => {
            const chart = document.querySelector('[data-run]');
            const svg = chart.querySelector('.main-svg');
            return Math.abs(svg.clientWidth - chart.clientWidth) <= 1
                && Math.abs(svg.clientHeight - chart.clientHeight) <= 1
                && chart.getBoundingClientRect().right <= innerWidth;
        }"""
    )


def test_a_picture_that_cannot_be_drawn_says_so(new_context, watch):
    context = new_context()
    context.route("**/assets/plotly-*", lambda route: route.abort())
    page = context.new_page()
    page.goto("/")
    page.locator("[data-failed] [role=alert]").wait_for()
    context.unroute("**/assets/plotly-*")
    slider(page, "weight_scale").press("ArrowRight")
    page.wait_for_selector("[data-run]:not([data-failed])")
    assert page.locator("[data-run]").get_attribute("role") == "img"
    watch.forgive("ERR_FAILED")


def test_run_without_any_gradient_is_drawn_too(open_page):
    """One kind of character: nothing to choose, a gradient of exactly 0, an empty heatmap."""
    page = open_page("/?source=text&text=aaaa")
    painted(page)
    assert page.locator("[data-painted]").count() == 1
    assert "cannot be drawn" not in page.inner_text("body")


@pytest.mark.parametrize(
    "path",
    ["/?cell=lstm&t=30&notation=course", "/?ask=1", "/?big=1&t=30"],
    ids=lambda path: path[2:],
)
def test_axe_finds_nothing_in_an_opened_step_a_question_or_at_a_projector(open_page, path):
    page = open_page(path)
    for _ in schemes(page):
        assert_axe_finds_nothing(page)


@pytest.mark.parametrize("path", ["/", "/weight-scale", "/gating", "/clipping"])
def test_a_tablet_held_upright_scrolls_one_way_and_no_title_lies_on_another(open_page, path):
    page = open_page(f"{path}?steps=40&batch_size=2&hidden_size=12")
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_function(
        """() => {
            const chart = document.querySelector('[data-run]');
            return Math.abs(chart.querySelector('.main-svg').clientWidth - chart.clientWidth) <= 1;
        }"""
    )
    place = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{place}.scrollWidth - {place}.clientWidth") == 0
    overlaps = page.evaluate(
        """() => {
            const notes = document.querySelector('.lab-labels').querySelectorAll('.lab-note');
            const boxes = [...notes].map((note) => note.getBoundingClientRect());
            return boxes.flatMap((one, k) => boxes.slice(k + 1)
                .filter((two) => Math.abs(one.top - two.top) < 8
                    && one.left + 1 < two.right && two.left + 1 < one.right)
                .map((two) => [one.left, one.right, two.left, two.right]));
        }"""
    )
    assert overlaps == []


def test_a_page_in_a_frame_leaves_its_room_to_the_picture(open_page):
    page = open_page("/?embed=true&steps=40&batch_size=2&hidden_size=12")
    width = page.locator("[data-run]").bounding_box()["width"]
    assert width > 0.9 * page.viewport_size["width"]
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.wait_for_function(
        "(width) => document.querySelector('[data-run]').clientWidth < 0.9 * width", arg=width
    )
    page.locator(".st-key-hidden_size").wait_for()
