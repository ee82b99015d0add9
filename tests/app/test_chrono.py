"""Chrono biases on the pages: of an LSTM, with the longest time that they are drawn for."""

import numpy as np
import pytest

import rnn_core as rc
from app import address
from app.sentences import gating, protocol
from tests.app.test_views import opened, parcel, shown_text


@pytest.mark.parametrize(("settings", "longest"), [({"steps": 40}, 40), ({"source": "text"}, 18)])
def test_the_page_names_the_time_up_to_which_units_forget(settings, longest):
    text = {"text": "the writer of them"} if "source" in settings else {}
    rec = rc.run(
        rc.ExperimentConfig(cell="lstm", init="chrono", hidden_size=400, **settings, **text)
    )
    bias = rec.network.state_dict()["bias_ih_l0"].reshape(4, 400)[1]
    assert np.exp(bias).max() == pytest.approx(longest - 1, rel=0.02)
    assert f"Glorot’s weights × 1, chrono biases (T_max = T = {longest})," in protocol(rec)


@pytest.mark.parametrize("view", ["gating", "saturation", "weight_scale", "gradient_flow"])
def test_a_link_with_chrono_and_no_cell_shows_an_lstm(view):
    page = opened(view, init="chrono", steps="12", hidden_size="5")
    assert not page.warning
    assert "cell=lstm" in parcel(page)["run"]
    assert "init=chrono" in parcel(page)["run"]


def test_a_link_that_names_another_cell_is_answered_with_the_rule():
    read = address.read({"init": ["chrono"], "cell": ["gru"]}, address.DEFAULTS)
    assert read.complaints == ("init: expected any but chrono with cell=gru, got 'chrono'",)


@pytest.mark.parametrize(("cell", "is_said"), [("rnn", True), ("gru", False), ("lstm", False)])
def test_an_lstm_in_place_of_the_chosen_cell_is_announced(cell, is_said):
    page = opened("gating", cell=cell, steps="12", hidden_size="5")
    assert (gating.NO_LINE in shown_text(page)) == is_said


LSTM = {"cell": "lstm", "init": "chrono", "steps": "12", "hidden_size": "5", "batch_size": "2"}
VIEWS = ["gating", "saturation", "weight_scale", "gradient_flow"]


def keys(page):
    return {one.key for kind in ("slider", "button_group") for one in page.get(kind)}


@pytest.mark.parametrize("view", VIEWS)
def test_where_units_are_drawn_by_chrono_their_longest_time_can_be_chosen(view):
    page = opened(view, **LSTM)
    assert "chrono_steps-switch" in keys(page)
    assert "chrono_steps" not in keys(page)
    page = opened(view, **LSTM, chrono_steps="70")
    assert page.slider(key="chrono_steps").value == 70
    page.slider(key="chrono_steps").set_value(300).run()
    assert not page.exception
    assert page.query_params["chrono_steps"] in ("300", ["300"])
    for other in ({"init": "keras"}, {"init": "gaussian", "cell": "gru"}):
        assert not {key for key in keys(opened(view, **LSTM | other)) if "chrono" in key}


@pytest.mark.parametrize("view", ["gating", "weight_scale", "gradient_flow"])
def test_a_chosen_time_is_run_and_named(view):
    page = opened(view, **LSTM, chrono_steps="70")
    config = rc.ExperimentConfig(
        cell="lstm", init="chrono", steps=12, hidden_size=5, batch_size=2, chrono_steps=70
    )
    assert f"#{rc.run(config).fingerprint}" in parcel(page)["run"]
    assert "chrono_steps=70" in parcel(page)["run"]
    assert "chrono biases (T_max = 70)" in shown_text(page)
    assert "T_max = T" not in shown_text(page)
    if view == "gating":
        assert "you chose chrono biases, T_max = 70;" in shown_text(page)


def test_with_a_forget_bias_that_is_set_chrono_biases_are_those_of_the_input_gates():
    """The forget gates have the number that is set, and the protocol said they had chrono's."""
    config = rc.ExperimentConfig(
        cell="lstm", init="chrono", steps=12, hidden_size=5, chrono_steps=70, forget_bias=1.0
    )
    rec = rc.run(config)
    bias = rec.network.state_dict()["bias_ih_l0"].reshape(4, 5)
    assert (bias[1] == 1.0).all()
    assert (bias[0] < 0.0).all()
    assert "forget bias 1, chrono biases of the input gates (T_max = 70)," in protocol(rec)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"chrono_steps": "1"}, "chrono_steps: expected None or 2 to 10000, got '1'"),
        ({"chrono_steps": "10001"}, "chrono_steps: expected None or 2 to 10000, got '10001'"),
        ({"chrono_steps": "long"}, "chrono_steps: expected None or 2 to 10000, got 'long'"),
        (
            {"init": "keras", "chrono_steps": "9"},
            "chrono_steps: expected None with init=keras, got 9",
        ),
    ],
)
def test_a_time_that_cannot_be_is_answered_with_the_rule(query, complaint):
    asked = {name: [text] for name, text in (LSTM | query).items()}
    assert address.read(asked, address.DEFAULTS).complaints == (complaint,)
    assert complaint in " ".join(one.value for one in opened("gating", **LSTM | query).warning)


def test_a_time_beyond_the_end_of_the_slider_is_shown():
    page = opened("gating", **LSTM, chrono_steps="5000")
    assert page.slider(key="chrono_steps").value == 1000
    told = " ".join(one.value for one in page.markdown)
    assert "This run has 5000; the slider ends at 1000." in told
    assert "T_max = 5,000" in shown_text(page)
