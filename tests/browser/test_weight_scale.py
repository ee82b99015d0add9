"""The page of weight scale in a real browser: a point is picked, and nets come four at a time."""

import rnn_core as rc
from app import weight_scales
from tests.browser.driving import drag, moved, painted, settled, slider

SMALL = "/weight-scale?steps=40&batch_size=2&hidden_size=17"
CONFIG = {"steps": 40, "hidden_size": 17, "batch_size": 2}

HAS_FOCUS = "(node) => node === document.activeElement"

# What is drawn by, and from.
LISTEN = """
const [made, decode] = [URL.createObjectURL, TextDecoder.prototype.decode];
window.modules = [];
URL.createObjectURL = (blob) => {
    const url = made.call(URL, blob);
    if (blob.type === 'text/javascript') modules.push({ blob, url });
    return url;
};
TextDecoder.prototype.decode = function (bytes, ...rest) {
    const text = decode.call(this, bytes, ...rest);
    if (text.startsWith('{') && text.includes('"figure"')) window.parcel = bytes.slice();
    return text;
};
"""

MOUNT_TOO_LATE = """async () => {
    const frame = document.querySelector('.lab-frame');
    for (const { blob, url } of modules) {
        if (!(await blob.text()).includes('.lab-frame')) continue;
        const { default: draw } = await import(url);
        draw({ data: parcel, parentElement: frame.parentElement, setTriggerValue: () => {} })();
        return;
    }
    throw new Error('no module draws the picture');
}"""


def place_of(page, x, y):
    """Return the pixel of a point of the phase diagram."""
    return page.evaluate(
        """([x, y]) => {
            const node = document.querySelector('[data-run]');
            const { xaxis3, yaxis3 } = node._fullLayout;
            const box = node.getBoundingClientRect();
            const [across, down] = [[xaxis3, x], [yaxis3, y]].map(([a, v]) => a._offset + a.d2p(v));
            return [box.left + across, box.top + down];
        }""",
        [x, y],
    )


def chosen(page):
    """Return the weight scale and the bias scale of the painted run."""
    query = page.locator("[data-run]").get_attribute("data-run").split("#")[0]
    pairs = dict(pair.split("=") for pair in query.split("&"))
    return float(pairs.get("weight_scale", 1.0)), float(pairs.get("bias_scale", 0.0))


def expected(x, y):
    config = rc.ExperimentConfig(**CONFIG)
    settings = weight_scales.settings_at(weight_scales.found(config, rc.run(config)), x, y)
    return settings["weight_scale"], settings["bias_scale"]


def test_a_click_in_the_phase_diagram_moves_both_settings_in_one_step_of_the_history(open_page):
    page = open_page(SMALL)
    before = painted(page)
    entries = page.evaluate("history.length")
    page.mouse.click(*place_of(page, 3.0, 2.5))
    moved(page, before)
    weight, bias = chosen(page)
    for found, asked in zip((weight, bias), expected(3.0, 2.5), strict=True):
        assert abs(found - asked) < 0.03  # half a pixel
    assert page.evaluate("history.length") == entries + 1
    assert float(slider(page, "weight_scale").input_value()) == weight
    page.go_back()
    assert painted(page) == before


def test_a_drag_across_the_diagram_picks_nothing(open_page):
    page = open_page(SMALL)
    before = painted(page)
    drag(page, place_of(page, 1.0, 1.0), place_of(page, 2.0, 3.0))
    settled(page)
    assert painted(page) == before


def test_arrow_keys_and_enter_pick_a_point_and_say_where(open_page):
    page = open_page(SMALL)
    before = painted(page)
    cross = page.locator(".lab-pick")
    cross.focus()
    start = float(cross.input_value())
    for key in ["ArrowRight"] * 6 + ["ArrowUp"] * 20:
        cross.press(key)
    said = cross.get_attribute("aria-valuetext")
    x, y = (float(part.split(" ")[-1]) for part in said.split(", "))
    assert abs(x - start - 0.3) < 0.06
    cross.press("Enter")
    moved(page, before)
    for found, asked in zip(chosen(page), expected(x, y), strict=True):
        assert abs(found - asked) < 0.03
    assert cross.evaluate(HAS_FOCUS)


def test_a_picture_outdated_before_it_was_mounted_takes_nothing_down(new_context):
    """Streamlit mounts late: it then cleans up after a call whose successor is already there."""
    page = new_context().new_page()
    page.add_init_script(LISTEN)
    page.goto(SMALL)
    page.wait_for_selector("[data-run]")
    before = painted(page)
    cross = page.locator(".lab-pick")
    cross.focus()
    cross.press("ArrowRight")
    where = cross.get_attribute("aria-valuetext")
    page.evaluate(MOUNT_TOO_LATE)
    assert cross.evaluate(HAS_FOCUS)
    assert cross.get_attribute("aria-valuetext") == where
    slider(page, "weight_scale").press("PageUp")
    moved(page, before)
    assert page.locator(".lab-pick").count() == 1


def test_escape_takes_the_cross_back_to_the_run(open_page):
    page = open_page(SMALL)
    painted(page)
    cross = page.locator(".lab-pick")
    cross.focus()
    start = cross.get_attribute("aria-valuetext")
    cross.press("ArrowRight")
    assert cross.get_attribute("aria-valuetext") != start
    cross.press("Escape")
    assert cross.get_attribute("aria-valuetext") == start


def test_a_gated_cell_has_no_diagram_to_pick_in(open_page):
    page = open_page(f"/weight-scale?cell=gru&{SMALL.split('?')[1]}")
    painted(page)
    assert page.locator(".lab-pick").count() == 0
    assert page.get_by_text("No phase diagram here").count() == 1


def test_the_sweep_comes_piece_by_piece_and_stays_while_the_weight_scale_moves(open_page):
    page = open_page(f"{SMALL}&seed=5")
    run = painted(page)
    band = "document.querySelector('[data-run]').data[1].y.join()"
    before, title = page.evaluate(band), "20 nets (H 17, T 40), 10–90 %"
    page.get_by_text(title).wait_for()
    slider(page, "weight_scale").press("PageUp")
    moved(page, run)
    assert page.evaluate(band) == before
    slider(page, "hidden_size").press("ArrowRight")
    page.get_by_text("20 nets (H 18, T 40), 10–90 %").wait_for()
    assert page.evaluate(band) != before
