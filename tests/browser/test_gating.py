"""The page of gating in a real browser: read by everyone, moved by mouse and keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.presets import GATING
from tests.browser.driving import fingerprint, moved, painted, settled, slider

PRESETS = [preset for choice in GATING for preset in choice.presets]
SMALL = "/gating?cell=lstm&steps=40&batch_size=2&hidden_size=12"
SETTINGS = {"cell": "lstm", "steps": 40, "batch_size": 2, "hidden_size": 12}
SIZES = {"laptop": (1366, 768), "projector": (1920, 1080)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_picture_fits(new_context, scheme, size):
    page = new_context(scheme).new_page()
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/gating")
    page.wait_for_selector("[data-run]")
    settled(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    box = page.locator("[data-run]").bounding_box()
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= height + 24


def test_every_preset_opens_its_run_and_is_a_link(open_page):
    page = open_page(SMALL)
    for preset in PRESETS:
        page.locator(f".st-key-{preset.key} button:visible").click()
        expected = fingerprint(**dict(preset.settings))
        page.wait_for_function(
            "(end) => document.querySelector('[data-run]').dataset.run.endsWith(end)",
            arg=f"#{expected}",
        )
        settled(page)
    again = open_page(page.url)
    assert painted(again).endswith(f"#{expected}")


def test_a_forget_bias_is_set_and_moved_with_the_keyboard(open_page):
    page = open_page(SMALL)
    run, claim = painted(page), page.locator(".claim").inner_text()
    page.locator(".st-key-forget_bias-switch").get_by_text("set to", exact=True).click()
    run = moved(page, run)
    thumb = slider(page, "forget_bias")
    thumb.press("ArrowRight")
    run = moved(page, run)
    bias = float(thumb.input_value())
    assert bias > 1.0
    assert run.endswith(f"#{fingerprint(**SETTINGS, forget_bias=bias)}")
    assert page.locator(".claim").inner_text() != claim
