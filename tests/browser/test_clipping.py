"""The page of clipping in a real browser: dragged, picked, walked, trained, stopped, read."""

import re
from contextlib import contextmanager

import pytest

from app import address
from app.clipped import run_of
from app.presets import CLIPPING
from tests.browser.driving import (
    SIZES,
    assert_accessible_and_fits,
    assert_fits,
    opened,
    settled,
    slider,
    thumb_of,
)

SMALL = "steps=30&hidden_size=8&batch_size=2"
SETTINGS = {"steps": 30, "hidden_size": 8, "batch_size": 2}
PRESETS = [preset for choice in CLIPPING for preset in choice.presets]
MAIN = ".st-key-clipping [data-run]"
WALKERS = ".st-key-clipping .lab-walkers"
IN_MOTION = """() => [...document.querySelectorAll('.lab-frame, .lab-frame *, .claim, .protocol')]
    .filter((one) => {
        const { animationName, transitionDuration } = getComputedStyle(one);
        return animationName !== 'none' || /[1-9]/.test(transitionDuration);
    })
    .map((one) => one.outerHTML.slice(0, 100))"""
RUN = f"(document.querySelector('{MAIN}')?.dataset.run ?? '')"  # none while a page is left


def run_name(page):
    return page.locator(MAIN).get_attribute("data-run")


def fingerprint(**changes):
    return run_of(dict(address.DEFAULTS) | SETTINGS | changes).fingerprint


def shows(page, end):
    page.wait_for_function(f"(end) => {RUN}.endsWith(end)", arg=f"#{end}")
    settled(page)


@contextmanager
def held(page, field):
    """Take a slider's thumb, let the test move it, and let it go where it is."""
    box = page.locator(f".st-key-{field} [role=slider], .st-key-{field} input[type=range]").first
    left, width, thumb, middle = thumb_of(box)
    page.mouse.move(thumb, middle)
    page.mouse.down()
    yield lambda part: page.mouse.move(left + part * width, middle, steps=6)
    page.mouse.up()


def test_axe_finds_nothing_and_the_picture_fits(open_page):
    page = open_page(f"/clipping?{SMALL}&update=43&train=1&threshold=5&a=start_b%3D-2.4")
    page.wait_for_selector(".st-key-training [data-run]")
    settled(page)
    assert_accessible_and_fits(page, MAIN)


LONGEST = "threshold=15.35&clip=value&unit_steps=80&start_w=4.85&start_b=-1.92&learning_rate=0.5"


def test_the_longest_claim_leaves_the_picture_where_it_is(open_page):
    page = open_page(f"/clipping?{SMALL}")
    top = page.locator(MAIN).bounding_box()["y"]
    long = open_page(f"/clipping?{SMALL}&{LONGEST}&a=start_b%3D-2.4")
    assert len(long.locator(".claim").inner_text()) > 165
    assert long.locator(MAIN).bounding_box()["y"] == top
    assert_fits(long, MAIN, *SIZES["laptop"])


def test_every_preset_opens_its_run_and_is_a_link(open_page):
    page = open_page("/clipping?seed=3")
    for preset in reversed(PRESETS):
        page.locator(f".st-key-{preset.key} button:visible").click()
        end = run_of(dict(address.DEFAULTS) | preset.chosen | {"seed": 3}).fingerprint
        shows(page, end)
    again = open_page(page.url)
    shows(again, end)


def test_the_threshold_moves_picture_net_and_claim_under_the_finger(open_page):
    page = open_page(f"/clipping?{SMALL}")
    url, claim = page.url, page.locator(".claim").inner_text()
    words = page.locator(".net-words").inner_text()
    with held(page, "threshold") as to:
        to(0.7)
        page.wait_for_function(
            "(old) => document.querySelector('.claim').innerText !== old", arg=claim
        )
        page.wait_for_function(
            "(old) => document.querySelector('.net-words').innerText !== old", arg=words
        )
        assert page.url == url
    page.wait_for_url("**threshold=*")
    value = float(slider(page, "threshold").input_value())
    assert value > 5
    shows(page, fingerprint(threshold=value))
    page.go_back()
    shows(page, fingerprint())


@pytest.mark.parametrize("field", ["learning_rate", "unit_steps", "weight_scale", "threshold"])
def test_every_slider_moves_with_the_keyboard(open_page, field):
    page = open_page(f"/clipping?{SMALL}")
    slider(page, field).press("ArrowRight")
    page.wait_for_url(f"**{field}=*")
    value = float(slider(page, field).input_value())
    value = int(value) if field == "unit_steps" else round(value, 2)
    shows(page, fingerprint(**{field: value}))


def test_a_start_is_typed(open_page):
    page = open_page(f"/clipping?{SMALL}")
    page.locator(".st-key-start_w input").fill("4.7")
    page.locator(".st-key-start_w input").press("Enter")
    shows(page, fingerprint(start_w=4.7))


def test_a_start_is_picked_by_a_click_and_by_keys(open_page):
    page = open_page(f"/clipping?{SMALL}")
    place = page.locator(MAIN).evaluate(
        """(node) => {
            const { xaxis, yaxis } = node._fullLayout, box = node.getBoundingClientRect();
            const [x, y] = [xaxis._offset + xaxis.d2p(5.2), yaxis._offset + yaxis.d2p(-2.2)];
            return [box.x + x, box.y + y];
        }"""
    )
    page.mouse.click(*place)
    page.wait_for_url("**start_w=*")
    settled(page)
    w, b = (float(page.locator(f".st-key-start_{one} input").input_value()) for one in "wb")
    assert (w, b) == (pytest.approx(5.2, abs=0.01), pytest.approx(-2.2, abs=0.01))
    shows(page, fingerprint(start_w=w, start_b=b))
    cross = page.locator(".st-key-clipping .lab-pick")
    cross.focus()
    cross.press("ArrowUp")
    cross.press("Enter")
    page.wait_for_function(
        f"(run) => ![run, ''].includes({RUN})",
        arg=run_name(page),
    )
    settled(page)
    assert float(page.locator(".st-key-start_b input").input_value()) > b


def walkers(page):
    """Return the update at which both descents are marked; -1 where none is."""
    return int(page.locator(f"{WALKERS}[data-update]").get_attribute("data-update") or -1)


def said(page):
    """Return what the page says of the place of the walk."""
    return page.locator(".st-key-clipping .lab-walk output").inner_text()


def test_a_walk_is_played_in_the_browser_and_stopped(new_context):
    page = new_context(reduced_motion="no-preference").new_page()
    page.goto(f"/clipping?{SMALL}")
    opened(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    play = page.locator(".st-key-clipping .lab-walk button")
    painted = page.locator(MAIN).get_attribute("data-painted")
    play.click()
    page.wait_for_function(f"Number(document.querySelector('{WALKERS}').dataset.update) > 20")
    assert play.inner_text() == "Stop"
    assert page.locator(".lab-walker").count() >= 6
    assert "update=" not in page.url
    play.click()
    page.wait_for_url("**update=*")
    settled(page)
    assert play.inner_text() == "Play"
    k = walkers(page)
    assert f"update={k}" in page.url
    assert [url for url in asked if not url.startswith("blob:")] == []  # a module of its own
    assert page.locator(MAIN).get_attribute("data-painted") == painted
    assert said(page).startswith(f"after {k} updates; unclipped: error ")


def test_a_reader_who_wants_less_motion_steps(open_page):
    page = open_page(f"/clipping?{SMALL}&update=42")
    step = page.locator(".st-key-clipping .lab-walk button")
    assert step.inner_text() == "Next update"
    before = said(page)
    step.click()
    page.wait_for_url("**update=43*")
    settled(page)
    assert walkers(page) == 43
    after = said(page)
    assert re.search(r"unclipped: error [\d.]+, gradient 188", after)
    assert after != before
    assert page.evaluate(IN_MOTION) == []


def test_a_walk_moves_with_keys_and_a_link_restores_it(open_page):
    page = open_page(f"/clipping?{SMALL}")
    walk = page.locator(".st-key-clipping .lab-walk input")
    for _ in range(3):
        walk.press("ArrowRight")
    page.wait_for_url("**update=3*")
    settled(page)
    again = open_page(page.url)
    assert walkers(again) == 3
    assert walkers(page) == 3


def test_a_training_is_stopped_and_finished(open_page):
    page = open_page(f"/clipping?{SMALL}&seed=41")
    page.locator(".st-key-train button").click()
    page.locator(".st-key-train-stop button").click()
    page.wait_for_function("!location.search.includes('train=')")
    settled(page)
    words = page.locator(".training-words")
    words.wait_for()
    assert "Stopped after" in words.inner_text()
    assert page.locator(".st-key-training [data-run]").count() == 1
    page.locator(".st-key-train button").click()
    page.wait_for_url("**train=1*")
    page.wait_for_function(
        "document.querySelector('.training-words')?.innerText.includes('the net dies after')"
    )
    settled(page)
    assert "Clipped by norm at 1, in" in words.inner_text()


def test_what_is_taken_home_names_the_run(open_page):
    page = open_page(f"/clipping?{SMALL}&threshold=2.5")
    name = run_name(page).split("#")[1]
    with page.expect_download() as download:
        page.locator(".st-key-csv button:visible").click()
    text = download.value.path().read_text()
    assert "threshold=2.5" in text
    assert name in text
    for key in ("script-rnn_core", "script-pytorch"):
        with page.expect_download() as download:
            page.locator(f".st-key-{key} button:visible").click()
        text = download.value.path().read_text()
        assert "threshold=2.5" in text
        assert "descend" in text


@pytest.mark.parametrize(("update", "words"), [(1, "after 1 update; "), (2, "after 2 updates; ")])
def test_a_walk_counts_as_a_reader_does(open_page, update, words):
    page = open_page(f"/clipping?{SMALL}&update={update}")
    assert walkers(page) == update
    assert said(page).startswith(words)


def of_a(page):
    """Return the w of the clipped descent of run A, as it is drawn."""
    return page.locator(MAIN).evaluate(
        """(node) => {
            const isPath = ({ name, yaxis }) => name === 'A, clipped' && yaxis === 'y';
            return Array.from(node.data.find(isPath)?.x ?? []);
        }"""
    )


def test_a_pinned_run_stays_while_the_threshold_moves_and_a_link_restores_it(open_page):
    page = open_page(f"/clipping?{SMALL}&threshold=0.5&update=20")
    page.locator(".st-key-pin button:visible").click()
    page.wait_for_url("**a=*")
    settled(page)
    claim = page.locator(".claim").inner_text()
    kept = run_of(dict(address.DEFAULTS) | SETTINGS | {"threshold": 0.5}).descents.clipped.w
    with held(page, "threshold") as to:
        to(0.5)
        page.wait_for_function(
            "(old) => document.querySelector('.claim').innerText !== old", arg=claim
        )
        assert of_a(page) == list(kept)
    page.wait_for_url("**&threshold=1*")  # near the middle of the slider
    value = float(slider(page, "threshold").input_value())
    shows(page, fingerprint(threshold=value))
    assert of_a(page) == list(kept)
    marked = page.locator(f"{WALKERS} .lab-walker-a-clipped")
    assert marked.count() == 3
    assert said(page).startswith("after 20 updates; unclipped: error ")
    assert "A" not in said(page)
    again = open_page(page.url)
    assert of_a(again) == list(kept)
    assert again.get_by_text("Pinned run A.").count() == 2
    again.locator(".st-key-unpin button:visible").click()
    again.wait_for_function("!/[?&]a=/.test(location.search)")
    settled(again)
    again.wait_for_function(
        f"!document.querySelector('{MAIN}').data.some(({{ name }}) => name.startsWith('A, '))"
    )
    assert again.get_by_text("Pinned run A.").count() == 0
