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
