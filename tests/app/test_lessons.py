"""What every lesson page does alike: presets, run A, a link that holds the answer back, files."""

import csv
import io
import json
from urllib.parse import parse_qs

import pandas as pd
import pytest

from app import address, tables
from app.main import CHARTS
from app.views import gating, gradient_flow, saturation, weight_scale
from tests.app.test_views import opened, parcel, shown_text

PAGES = {
    "gradient_flow": gradient_flow,
    "saturation": saturation,
    "weight_scale": weight_scale,
    "gating": gating,
}
SMALL = {"steps": "30", "hidden_size": "6", "batch_size": "2"}
SETTINGS = dict(address.DEFAULTS) | {"steps": 30, "hidden_size": 6, "batch_size": 2}


@pytest.fixture(params=PAGES)
def name(request):
    return request.param


@pytest.fixture
def lesson(name):
    return PAGES[name].LESSON


def test_a_slider_of_the_page_asks_for_the_picture_of_the_page(name, lesson):
    assert CHARTS[lesson.key] is PAGES[name].picture
    assert set(lesson.sliders) <= set(parcel(opened(name, **SMALL))["follow"])


def test_the_page_says_its_claim_its_protocol_and_its_questions(name, lesson):
    page, run = opened(name, **SMALL), lesson.run(SETTINGS)
    assert lesson.claim(run)[:-1].replace("^", "") in shown_text(page).replace("^", "")
    assert "One net, seed 0, 2 sequences." in shown_text(page)
    assert parcel(page)["alt"] == lesson.alt(run)
    assert parcel(page)["run"].split("#")[1] == run.fingerprint
    for question in lesson.questions:
        assert any(question in one.value for one in page.markdown)


def test_a_projector_gets_the_page_large(name):
    assert not parcel(opened(name, **SMALL))["big"]
    assert parcel(opened(name, big="1", **SMALL))["big"]


def test_a_run_is_pinned_compared_and_let_go(name, lesson):
    page = opened(name, **SMALL)
    before = len(parcel(page)["figure"]["data"])
    page.button(key="pin").click().run()
    page.slider(key="weight_scale").set_value(2.0).run()
    assert not page.exception
    assert len(parcel(page)["figure"]["data"]) > before
    said = lesson.claim(lesson.run(SETTINGS)).replace("^", "")
    assert f"Pinned run A. {said}" in shown_text(page).replace("^", "")
    page.button(key="unpin").click().run()
    assert len(parcel(page)["figure"]["data"]) == before


def test_a_link_may_hold_the_answer_back(name, lesson):
    page, said = opened(name, ask="1", **SMALL), lesson.claim(lesson.run(SETTINGS))
    sent = json.dumps(parcel(page))
    assert said[:-1] not in shown_text(page) + sent
    assert lesson.questions[0] in shown_text(page)
    assert "10^-" not in sent
    assert {trace["yaxis"] for trace in parcel(page)["figure"]["data"]} <= set(lesson.asked)
    assert parcel(page)["figure"]["data"]
    page.button(key="reveal").click().run()
    assert not page.exception
    assert said[:-1].replace("^", "") in shown_text(page).replace("^", "")


def test_the_file_holds_its_settings_its_fingerprint_and_every_step(lesson):
    settings = SETTINGS | {"source": "text", "text": 'a, #b "c" is'}
    run = lesson.run(settings)
    text = tables.file_of(lesson.frame(run), settings, run.fingerprint).decode()
    head = [line for line in text.split("\n") if line.startswith("#")]
    assert text.split("\n")[:3] == head
    query = parse_qs(head[1].split(": ")[1], keep_blank_values=True)
    assert address.read(query, address.DEFAULTS) == (settings, ())
    assert head[2] == f"# fingerprint: {run.fingerprint}"
    frame = pd.read_csv(io.StringIO(text), comment="#", index_col="step")
    assert list(frame.index) == list(range(1, run.recording.steps + 1))
    rows = list(csv.reader(io.StringIO(text)))
    for row, values in zip(rows[4:], lesson.frame(run).to_numpy(), strict=True):
        kept = [float(one) for one in row[1:] if one]
        assert kept == [value for value in values if not pd.isna(value)]
