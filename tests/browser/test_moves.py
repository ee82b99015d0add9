"""A control moves the picture and the address; a zoom stays."""

from tests.browser.driving import drag, fingerprint, moved, painted, slider, x_ranges, zoom


def test_the_default_picture_is_the_run_of_the_engine(page):
    assert painted(page) == f"#{fingerprint()}"


def test_a_key_moves_weight_scale_picture_and_address(page):
    before, picture = painted(page), page.locator("[data-run]").screenshot()
    slider(page, "weight_scale").press("ArrowRight")
    assert moved(page, before) == f"weight_scale=1.01#{fingerprint(weight_scale=1.01)}"
    assert page.url.endswith("/?weight_scale=1.01")
    assert page.locator("[data-run]").screenshot() != picture


def test_a_key_moves_the_length_and_its_number(page):
    before = painted(page)
    slider(page, "steps").press("ArrowLeft")
    assert moved(page, before) == f"steps=199#{fingerprint(steps=199)}"
    assert page.locator(".st-key-steps-number input").input_value() == "199"


def test_a_number_beyond_the_slider_is_taken(page):
    before, number = painted(page), page.locator(".st-key-steps-number input")
    number.fill("1500")
    number.press("Enter")
    assert moved(page, before) == f"steps=1500#{fingerprint(steps=1500)}"
    assert slider(page, "steps").input_value() == "1000"


def test_the_mouse_moves_weight_scale_by_drag(page):
    before = painted(page)
    thumb = slider(page, "weight_scale")
    box = page.locator(".st-key-weight_scale [role=slider], .st-key-weight_scale input").first
    where = box.bounding_box()
    middle = where["y"] + where["height"] / 2
    track = page.locator(".st-key-weight_scale").bounding_box()
    start = (where["x"] + where["width"] / 2, middle)
    drag(page, start, (track["x"] + 0.75 * track["width"], middle))
    run = moved(page, before)
    scale = float(thumb.input_value())
    assert 2.5 < scale < 3.5
    assert run == f"weight_scale={scale}#{fingerprint(weight_scale=scale)}"


def test_a_zoom_by_mouse_and_the_node_survive_a_slider(page):
    before = painted(page)
    page.evaluate(
        """() => {
            const chart = document.querySelector('[data-run]');
            chart.dataset.marked = chart.querySelector('.main-svg').dataset.marked = 'yes';
        }"""
    )
    zoom(page)
    zoomed = x_ranges(page)
    slider(page, "weight_scale").press("ArrowRight")
    moved(page, before)
    assert x_ranges(page) == zoomed
    assert page.locator("[data-run][data-marked=yes] .main-svg[data-marked=yes]").count() == 1


def test_every_paint_is_counted_and_named(page):
    before = painted(page)
    count = int(page.locator("[data-painted]").get_attribute("data-painted"))
    slider(page, "weight_scale").press("ArrowRight")
    moved(page, before)
    assert int(page.locator("[data-painted]").get_attribute("data-painted")) == count + 1


def test_a_held_key_ends_where_the_slider_ends(page):
    """Thirty moves, faster than pictures: a late answer must not pull the thumb back."""
    before = painted(page)
    for _ in range(30):
        slider(page, "weight_scale").press("ArrowRight")
    page.wait_for_url("**/?weight_scale=1.3")
    assert moved(page, before) == f"weight_scale=1.3#{fingerprint(weight_scale=1.3)}"
    assert slider(page, "weight_scale").input_value() == "1.3"


KEEP_SCRIPTS = """() => {
    const make = URL.createObjectURL;
    window.scripts = [];
    URL.createObjectURL = (blob) => {
        const url = make(blob);
        blob.text().then((text) => { if (text.includes('.lab-figure')) scripts.push(url); });
        return url;
    };
}"""
CALL_LATE = """async ([order, run]) => {
    const { default: call } = await import(scripts[0]);
    const parentElement = document.querySelector('.lab-frame').parentElement;
    const alt = 'a picture of before', says = {}, figure = { data: [], layout: {} }, follow = {};
    const parcel = { order, run, alt, says, figure, follow, key: 'picture', src: '' };
    call({
        data: new TextEncoder().encode(JSON.stringify(parcel)),
        parentElement,
        setTriggerValue: () => {},
    });
}"""


def test_a_picture_that_is_called_up_too_late_is_not_shown(open_page):
    """Streamlit may hand over two pictures in the wrong order while their script loads."""
    page = open_page("/?steps=20", before=f"({KEEP_SCRIPTS})()")
    before = painted(page)
    slider(page, "weight_scale").press("ArrowRight")
    last = moved(page, before)
    newer = "steps=20#newer"
    for order, run, shown in ((1, before, last), (3, newer, newer)):
        page.evaluate(CALL_LATE, [order, run])
        page.wait_for_function(
            "(run) => document.querySelector('[data-run]').dataset.run === run", arg=shown
        )
        page.evaluate("() => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)))")
        assert page.locator("[data-run]").get_attribute("data-run") == shown
