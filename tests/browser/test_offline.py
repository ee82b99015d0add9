"""The downloaded file works from a disk, without a server; a projector and a frame show the lab."""

import html
import re
from pathlib import Path

from tests.browser.driving import painted, slider


def test_the_file_scrubs_without_a_network(open_page, new_context, tmp_path):
    page = open_page("/?steps=20&hidden_size=8")
    with page.expect_download() as download:
        page.locator(".st-key-offline button").first.click()
    path = tmp_path / "lab.html"
    download.value.save_as(path)
    context = new_context()
    context.set_offline(True)
    alone = context.new_page()
    alone.goto(path.as_uri())
    alone.wait_for_selector("[data-run]")
    run = alone.locator("[data-run]").get_attribute("data-run")
    assert run == page.locator("[data-run]").get_attribute("data-run")
    alone.locator("input[type=range]").press("End")
    alone.wait_for_selector("[data-run*='weight_scale=4.0']")
    assert alone.locator("output").inner_text() == "4"
    assert alone.locator(".claim").inner_text().startswith("From step 20")


def test_a_saved_picture_names_its_run(open_page):
    page = open_page("/?steps=20&hidden_size=8")
    run = page.locator("[data-run]").get_attribute("data-run")
    for kind, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(f".lab-save [data-format={kind}]").click()
        assert download.value.suggested_filename == f"gradient-flow-{run.split('#')[1]}.{kind}"
        saved = Path(download.value.path()).read_bytes()
        assert saved.startswith(start)
        if kind == "svg":
            text = re.sub(r"<[^>]+>", "", saved.decode())
            assert html.unescape(text).count(run) == 1
            assert "hidden state" in text


def test_a_projector_has_larger_type_and_no_sidebar(open_page):
    size = "parseFloat(getComputedStyle(document.querySelector('.claim')).fontSize)"
    usual, big = open_page("/?steps=20"), open_page("/?steps=20&big=1")
    assert big.evaluate(size) > usual.evaluate(size)
    big.set_viewport_size({"width": 1920, "height": 1080})
    assert big.evaluate(size) >= 1.3 * usual.evaluate(size)
    big.locator("[data-testid=stExpandSidebarButton]").wait_for()
    assert usual.locator("[data-testid=stExpandSidebarButton]").count() == 0
    slider(big, "weight_scale").press("ArrowRight")
    big.wait_for_url("**/?steps=20&weight_scale=1.01&big=1")
    painted(big)


def test_an_embedded_page_keeps_being_one(new_context):
    page = new_context().new_page()
    page.goto("/?embed=true&steps=20")
    page.wait_for_selector("[data-run]")
    slider(page, "weight_scale").press("ArrowRight")
    page.wait_for_selector("[data-run^='steps=20&weight_scale=1.01#']")
    page.wait_for_url("**weight_scale=1.01**")
    assert "embed=true" in page.url
