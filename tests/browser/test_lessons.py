"""Every lesson page in a real browser: read by everyone, moved by mouse and keyboard, taken home.

A new page is one more line of PAGES.
"""

import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.preset import Choice, Preset
from app.presets import GATING, PRESETS, SATURATION, WEIGHT_SCALE
from tests.browser.driving import (
    SIZES,
    assert_accessible_and_fits,
    assert_fits,
    fingerprint,
    moved,
    painted,
    settled,
    slider,
)

APP = "[data-testid=stApp]"
PICTURE = "[data-run]"
FINE = (3840, 2160)
TYPE = 0.0096
"""The type of the picture on a projector, as a share of the window's width."""
WORDY = "steps=40&batch_size=2&hidden_size=12&weight_scale=40&nets=20&a=cell%3Dgru"


@dataclass(frozen=True)
class LessonPage:
    """A page: its address, the key of its picture, its presets, a small run of it."""

    path: str
    key: str
    choices: tuple[Choice, ...]
    settings: dict = field(
        default_factory=lambda: {"steps": 40, "batch_size": 2, "hidden_size": 12}
    )

    @property
    def small(self):
        return f"{self.path}?{'&'.join(f'{name}={one}' for name, one in self.settings.items())}"

    @property
    def presets(self) -> list[Preset]:
        return [preset for choice in self.choices for preset in choice.presets]


LSTM = {"cell": "lstm", "steps": 40, "batch_size": 2, "hidden_size": 12}
PAGES = {
    "Gradient flow": LessonPage("/", "picture", (Choice("", PRESETS),)),
    "Saturation": LessonPage("/saturation", "saturation", SATURATION),
    "Weight scale": LessonPage("/weight-scale", "weight-scale", WEIGHT_SCALE),
    "Gating": LessonPage("/gating", "gating", GATING, LSTM),
}


@pytest.fixture(params=PAGES)
def lesson(request):
    return PAGES[request.param]


def test_axe_finds_nothing_and_the_picture_fits(open_page, lesson):
    page = open_page(lesson.path)
    assert_accessible_and_fits(page, PICTURE)


def test_the_picture_fits_whatever_is_said_above_it(open_page, lesson):
    """A run beyond its slider, 20 nets and a pinned run each add words; a claim may be long."""
    width, height = SIZES["laptop"]
    page = open_page(f"{lesson.path}?{WORDY}")
    assert_fits(page, PICTURE, width, height)
    page.locator(".claim").evaluate("(claim) => { claim.innerText = 'It shrinks. '.repeat(25); }")
    assert_fits(page, PICTURE, width, height)


def test_a_projector_shows_the_whole_picture_in_type_that_grows_with_it(open_page, lesson):
    """Its last row sees a share of the window's width, however many pixels that has."""
    page = open_page(f"{lesson.path}?{WORDY}&big=1")
    for width, height in (*SIZES.values(), FINE):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(
            "(least) => document.querySelector('[data-run]')._fullLayout.font.size >= least",
            arg=width * TYPE,
        )
        assert_fits(page, PICTURE, width, height)


def test_every_preset_opens_its_run_and_is_a_link(open_page, lesson):
    page = open_page(lesson.small)
    for preset in lesson.presets:
        page.locator(f".st-key-{preset.key} button:visible").click()
        expected = fingerprint(**dict(preset.settings))
        page.wait_for_function(
            "(end) => document.querySelector('[data-run]').dataset.run.endsWith(end)",
            arg=f"#{expected}",
        )
        settled(page)
    again = open_page(page.url)
    assert painted(again).endswith(f"#{expected}")


def test_a_key_on_the_slider_moves_the_claim_and_the_picture(open_page, lesson):
    page = open_page(lesson.small)
    run, claim = painted(page), page.locator(".claim").inner_text()
    for _ in range(5):
        slider(page, "weight_scale").press("PageUp")
        run = moved(page, run)
    assert page.locator(".claim").inner_text() != claim
    weight = float(slider(page, "weight_scale").input_value())
    assert run.endswith(f"#{fingerprint(**lesson.settings, weight_scale=weight)}")


@pytest.mark.parametrize("what", ["preset", "pin"])
def test_the_first_press_after_a_restart_counts(server, watch, open_page, lesson, what):
    page = open_page(f"{lesson.small}&seed=4")
    run = painted(page)
    server.kill()
    page.wait_for_selector(f"{APP}:not([data-test-connection-state=CONNECTED])")
    server.start()
    page.wait_for_selector(f"{APP}[data-test-connection-state=CONNECTED]")
    assert painted(page) == run
    if what == "pin":
        page.locator(".st-key-pin button:visible").click()
        page.wait_for_url("**a=*")
    else:
        preset = lesson.presets[-1]
        page.locator(f".st-key-{preset.key} button:visible").click()
        expected = fingerprint(**dict(preset.settings), seed=4)
        page.wait_for_function(
            "(end) => document.querySelector('[data-run]').dataset.run.endsWith(end)",
            arg=f"#{expected}",
        )
    settled(page)
    watch.forgive("ERR_CONNECTION_REFUSED")


@pytest.mark.parametrize("title", PAGES)
def test_the_page_is_reached_from_the_menu_with_its_settings(open_page, title):
    lesson = PAGES[title]
    elsewhere = "/gating" if lesson.path == "/" else "/"
    page = open_page(f"{elsewhere}?steps=60&hidden_size=16")
    left = painted(page, "steps=60&hidden_size=16")
    page.locator(".st-key-menu").get_by_text(title, exact=True).click()
    page.wait_for_url(f"**{lesson.path}?steps=60*")
    page.locator(f"[data-run='{left}']:not(.st-key-{lesson.key} *)").wait_for(state="detached")
    run = painted(page, "steps=60&hidden_size=16")
    assert run.endswith(f"#{fingerprint(steps=60, hidden_size=16)}")
    assert page.title() == f"{title} \N{EN DASH} Gradient Flow Lab"


def test_what_is_taken_home_names_the_run(open_page, lesson):
    page = open_page(lesson.small)
    run = painted(page)
    for kind, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as download:
            page.locator(f".lab-save [data-format={kind}]").click()
        saved = Path(download.value.path()).read_bytes()
        assert saved.startswith(start)
        if kind == "svg":
            text = re.sub(r"<[^>]+>", "", saved.decode())
            assert html.unescape(text).count(run) == 1
    for key in ("csv", "script-rnn_core", "script-pytorch"):
        with page.expect_download() as download:
            page.locator(f".st-key-{key} button:visible").click()
        text = Path(download.value.path()).read_text()
        for name, value in lesson.settings.items():
            shown = value if key == "csv" else json.dumps(value).replace('"', "'")
            assert f"{name}={shown}" in text
        if key != "script-pytorch":
            assert run.split("#")[1] in text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("1e9", "between 1 and 10000"),
        ("0", "between 1 and 10000"),
        ("3.7", "steps: expected 1 to 10000, got '3.7'"),
    ],
)
def test_a_wrong_number_in_the_box_gets_a_sentence(open_page, typed, says):
    page = open_page("/?steps=60&hidden_size=8")
    run = painted(page)
    box = page.locator(".st-key-steps-number input")
    box.fill(typed)
    box.press("Enter")
    page.get_by_role("alert").filter(has_text=says).wait_for()
    assert painted(page, "steps=60&hidden_size=8") == run
