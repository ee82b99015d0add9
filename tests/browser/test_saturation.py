"""The page of saturation in a real browser: read by everyone, moved by mouse and keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.presets import SATURATION
from tests.browser.driving import fingerprint, moved, painted, settled, slider

PRESETS = [preset for choice in SATURATION for preset in choice.presets]
SMALL = "/saturation?steps=60&batch_size=2&hidden_size=16"
SIZES = {"laptop": (1366, 768), "projector": (1920, 1080)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_picture_fits(new_context, scheme, size):
    page = new_context(scheme).new_page()
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/saturation")
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


def test_a_key_on_the_slider_moves_the_claim_and_the_picture(open_page):
    page = open_page(SMALL)
    run, claim = painted(page), page.locator(".claim").inner_text()
    for _ in range(5):
        slider(page, "weight_scale").press("PageUp")
        run = moved(page, run)
    assert page.locator(".claim").inner_text() != claim
    weight = float(slider(page, "weight_scale").input_value())
    settings = {"steps": 60, "hidden_size": 16, "batch_size": 2, "weight_scale": weight}
    assert run.endswith(f"#{fingerprint(**settings)}")


def test_an_activation_is_chosen_with_the_mouse(open_page):
    page = open_page(SMALL)
    run = painted(page)
    page.locator(".st-key-activation").get_by_text("ReLU", exact=True).click()
    run = moved(page, run)
    settings = {"steps": 60, "hidden_size": 16, "batch_size": 2, "activation": "relu"}
    assert run.endswith(f"#{fingerprint(**settings)}")


def test_the_page_is_reached_from_the_menu_with_its_settings(open_page):
    page = open_page("/?steps=60&hidden_size=16")
    page.locator(".st-key-menu a[href*=saturation]").click()
    page.wait_for_url("**/saturation?*")
    page.wait_for_selector(".st-key-saturation [data-run]")
    settled(page)
    run = page.locator(".st-key-saturation [data-run]").get_attribute("data-run")
    assert run.endswith(f"#{fingerprint(steps=60, hidden_size=16)}")
