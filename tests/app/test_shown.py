"""How a link shows the page: large, with controls hidden or locked, with the answer held back."""

import json

import pytest

import rnn_core as rc
from app import address
from app.sentences import claim
from rnn_core import ConfigError
from tests.app.test_views import opened, parcel, shown_text


def test_a_link_hides_and_locks_controls():
    page = opened(hide="steps,seed", lock="weight_scale", steps="30")
    assert not [one for one in page.slider if one.key == "steps"]
    assert not [one for one in page.number_input if one.key in ("seed", "steps-number")]
    assert page.slider(key="weight_scale").disabled
    assert not page.slider(key="input_scale").disabled
    assert parcel(page)["run"].startswith("steps=30&")


@pytest.mark.parametrize("text", ["nothing", "steps,cel"])
def test_a_name_that_is_no_setting_gets_a_sentence(text):
    with pytest.raises(ConfigError) as refusal:
        address.read_one("hide", text)
    assert str(refusal.value) == (
        f"hide: expected names of settings, such as cell,steps, got '{text}'"
    )


@pytest.mark.parametrize("names", [(), ("steps",), ("cell", "seed")])
def test_names_are_read_as_they_were_written(names):
    assert address.read_one("lock", address.write_one(names)) == names


def test_the_answer_waits_behind_one_button():
    page, rec = opened(ask="1", steps="40"), rc.run(rc.ExperimentConfig(steps=40))
    sent = json.dumps(parcel(page))
    assert claim(rec)[:-1] not in shown_text(page) + sent
    assert "10^-" not in sent
    assert {trace["yaxis"] for trace in parcel(page)["figure"]["data"]} == {"y"}
    assert not [one for one in page.markdown if "measured" in one.value]
    page.button(key="reveal").click().run()
    assert not page.exception
    assert claim(rec)[:-1] in shown_text(page)
    assert len({trace["yaxis"] for trace in parcel(page)["figure"]["data"]}) == 4


def test_a_preset_keeps_how_the_page_is_shown():
    page = opened(big="1", lock="cell")
    page.button(key="preset-explodes").click().run()
    assert page.query_params["big"] in ("1", ["1"])
    assert page.query_params["lock"] in ("cell", ["cell"])
    assert parcel(page)["big"]
