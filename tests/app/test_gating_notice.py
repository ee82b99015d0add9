"""What a part of the gradient is: a projection, which may exceed the whole or pull back."""

import re

import numpy as np
import pytest

import rnn_core as rc
from app.sentences import gating as says
from rnn_core.analysis.roads import roads
from tests.app.test_gating import three
from tests.app.test_views import opened, shown_text
from tests.reference.slow_terms import slow_paths

CARRIES_TOO_MUCH = rc.ExperimentConfig(
    cell="lstm", steps=40, hidden_size=4, bias_scale=2.0, seed=10
)
WHY = "A part is its projection on the whole: all add up to 100 %"


@pytest.mark.parametrize("settings", [{"cell": "lstm"}, {"cell": "lstm", "forget_bias": 5.0}])
def test_a_part_beyond_the_whole_is_explained(settings):
    rec = three(hidden_size=16, **settings)[settings["cell"]]
    own = np.zeros(rec.layers[0].h.shape)
    own[-1] = rec.layers[0].d_h[-1]
    zeros = np.zeros(own.shape[1:])
    parts = slow_paths(
        rec.network.state_dict(), np.array(rec.x), own, cell="lstm", h_init=zeros, c_init=zeros
    )
    split = {name: part[0] for name, part in parts.items() if name != "whole"}
    whole = sum(split.values())
    total = (whole * whole).sum(axis=1)
    shares = {
        name: float(np.mean((one * whole).sum(axis=1) / total)) for name, one in split.items()
    }
    assert sum(shares.values()) == pytest.approx(1.0)
    largest = max(shares.values())
    text = says.notice(rec, roads(rec))
    assert f"{100 * largest:.0f} %" in text
    assert (WHY in text) == (largest > 1.005)


def slow_shares(rec):
    """Return each part's share of dL/dc at step 1, the mean over sequences, from plain loops."""
    own = np.zeros(rec.layers[0].h.shape)
    own[-1] = rec.layers[0].d_h[-1]
    zeros = np.zeros(own.shape[1:])
    parts = slow_paths(
        rec.network.state_dict(), np.array(rec.x), own, cell="lstm", h_init=zeros, c_init=zeros
    )
    split = {name: part[0] for name, part in parts.items() if name != "whole"}
    whole = sum(split.values())
    total = (whole * whole).sum(axis=1)
    return {name: float(np.mean((one * whole).sum(axis=1) / total)) for name, one in split.items()}


def test_roads_that_cancel_almost_wholly_are_told_as_multiples():
    """One unit: its candidate would supply 200,000 times what arrives, and the line takes it."""
    rec = rc.run(rc.ExperimentConfig(cell="lstm", hidden_size=1, steps=60))
    shares = slow_shares(rec)
    assert shares["g"] > 1e5
    assert shares["line"] < -1e5
    found = re.search(
        r"candidate g alone would supply ([\d,]+) times ∂L/∂c, seen from the loss its first exit "
        r"from the line\. What never left the line takes ([\d,]+) times ∂L/∂c away\. ",
        says.notice(rec, roads(rec)),
    )
    for text, share in zip(found.groups(), (shares["g"], -shares["line"]), strict=True):
        assert float(text.replace(",", "")) == pytest.approx(share, rel=0.06)


def test_a_line_that_carries_several_times_the_gradient_is_no_part_of_it():
    """The sizes differ by less than ten, and the other paths take most of the line away."""
    rec = rc.run(CARRIES_TOO_MUCH)
    found = roads(rec)
    line = slow_shares(rec)["line"]
    assert line > 1.5
    assert abs(found.missing) < 1.0
    said = f"but what stayed on it is {line:.1f} times the gradient: other paths cancel the rest"
    assert said in says.claim(rec, found)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"steps": 1}, "there is no step before that of the loss"),
        ({"source": "text", "text": "ab"}, "there is no step before that of the loss"),
        ({"source": "text", "text": "aaaa"}, "no gradient arrives at step 1"),
        ({"loss_at": "every"}, "that takes one loss, and here every step has one"),
        ({"truncate": 7}, "no gradient arrives at step 1"),
    ],
)
def test_where_no_road_is_measured_the_reason_is_that_of_the_run(settings, why):
    rec = rc.run(rc.ExperimentConfig(cell="lstm", **{"steps": 20, "hidden_size": 6} | settings))
    found = roads(rec)
    assert says.notice(rec, found) == f"No road is measured here: {why}."
    assert says.equation(rec, found).endswith(f": no numbers here, {why}.")


def test_without_recurrent_weights_the_line_is_the_only_road_of_an_lstm():
    """dL/dh stops at once; the claim was about that alone, beside a curve of dL/dc that arrives."""
    rec = rc.run(rc.ExperimentConfig(cell="lstm", weight_scale=0.0, steps=60, hidden_size=8))
    assert not rec.layers[0].d_h[:-1].any()
    d_c = rec.layers[0].d_c
    assert d_c[0].any(axis=1).all()
    sizes = np.log10(np.linalg.norm(d_c, axis=2))
    decades = (sizes[0] - sizes[-1]).mean()
    claim = says.claim(rec, roads(rec))
    assert re.search(
        rf"^Over 59 steps .* the whole LSTM multiplies it by 10\^{decades:.0f}: by size the belt "
        r"would do, and 100 % of the gradient did stay on it\. dL/dh is exactly 0 from step 59 "
        r"back: only the recurrent weights lead on from h\.$",
        claim,
    )


@pytest.mark.parametrize(("is_tied", "is_said"), [("false", True), ("true", False)])
def test_an_lstm_beside_an_untied_net_is_said_to_be_tied(is_tied, is_said):
    page = opened("gating", is_tied=is_tied, steps="12", hidden_size="5")
    said = "an LSTM with the same settings, and with the same weights at every step."
    assert (said in shown_text(page)) == is_said
