"""What is often read of gates, answered with the numbers of slow loops."""

import re

import numpy as np
import pytest

from app.sentences import gating_beliefs
from rnn_core.analysis.roads import roads
from tests.app.test_gating import slow, three
from tests.reference import slow_log10_norms


def test_beliefs_of_an_lstm_are_answered_with_the_numbers_of_slow_loops():
    recs = three(cell="lstm", forget_bias=1.0)
    rec, ran = recs["lstm"], slow(recs["lstm"])
    read = {one.read: one.look for one in gating_beliefs.beliefs(recs, rec, roads(rec))}
    of_h = slow_log10_norms(ran.d_h).mean(axis=1)
    growth = (of_h[0] - of_h[-1 - 5]) / (len(of_h) - 1 - 5)
    assert read["“An LSTM remembers by default.”"] == (
        "not by default: you set the forget bias to 1; "
        f"the mean forget gate is {ran.gates['f'].mean():.2f}, and each step back multiplies "
        f"dL/dh by {10**growth:.3f}"
    )
    of_c = slow_log10_norms(ran.d_c).mean(axis=1)
    both = re.fullmatch(
        r"at step 1 \|∂L/∂c\| is (\S+) and \|∂L/∂h\| is (\S+): "
        r"only c has a line on which it may stay",
        read["“c and h are one memory, with one gradient.”"],
    )
    for word, expected in zip(both.groups(), (of_c[0], of_h[0]), strict=True):
        value = float(word[3:]) if word.startswith("10^") else np.log10(float(word))
        assert value == pytest.approx(expected, abs=0.06)


def test_the_convention_of_a_gru_is_said_with_its_numbers():
    recs = three(cell="gru")
    keeps = slow(recs["gru"]).gates["z"].mean()
    look = gating_beliefs.beliefs(recs, recs["gru"], roads(recs["gru"]))[-1].look
    assert "z = 1 keeps: h = (1 − z) n + z h" in look
    assert f"with z {keeps:.2f} on average; the course’s Γ_u is 1 − z, {1 - keeps:.2f}" in look


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("scale", "remark"), [(1.0, True), (12.0, False)])
def test_that_an_lstm_can_explode_is_answered_with_the_number_of_the_lstm(cell, scale, remark):
    recs = three(cell=cell, weight_scale=scale, hidden_size=16, steps=60)
    read = {
        one.read: one.look for one in gating_beliefs.beliefs(recs, recs[cell], roads(recs[cell]))
    }
    of_h = slow_log10_norms(slow(recs["lstm"]).d_h).mean(axis=1)
    look = read["“An LSTM cannot explode.”"]
    found = re.match(r"with these settings the LSTM’s dL/dh is multiplied by 10\^([\d.-]+)", look)
    assert float(found[1]) == pytest.approx(of_h[0] - of_h[-1], abs=0.51)
    assert look.endswith("“large weights” above shows one that does") == remark
    assert look.endswith(": this one does") == (of_h[0] - of_h[-1] > 2) == (not remark)


def test_an_lstm_whose_gradient_is_exactly_0_answers_nothing():
    recs = three(cell="gru", weight_scale=0.0)
    read = [one.read for one in gating_beliefs.beliefs(recs, recs["gru"], roads(recs["gru"]))]
    assert read
    assert "“An LSTM cannot explode.”" not in read


def test_every_number_of_a_belief_names_its_gradient():
    recs = three(cell="lstm", init="chrono", steps=60)
    beliefs = gating_beliefs.beliefs(recs, recs["lstm"], roads(recs["lstm"]))
    for belief in beliefs:
        assert re.search(r"dL/d[ch]|∂L/∂[ch]", belief.look), belief


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({}, "as PyTorch draws it, the mean forget gate is 0.5"),
        ({"init": "keras"}, "as Keras draws it, the mean forget gate is 0.7"),
        ({"forget_bias": 5.0}, "not by default: you set the forget bias to 5; the mean"),
        ({"forget_bias": -2.0}, "not by default: you set the forget bias to −2; the mean"),
        ({"init": "chrono"}, "not by default: you chose chrono biases, T_max = 30; the mean"),
        ({"weight_scale": 2.0}, "this is no library’s default; the mean"),
        ({"init": "gaussian"}, "this is no library’s default; the mean"),
    ],
)
def test_what_an_lstm_does_by_default_is_answered_by_a_default_alone(settings, begins):
    recs = three(cell="lstm", **settings)
    read = {
        one.read: one.look
        for one in gating_beliefs.beliefs(recs, recs["lstm"], roads(recs["lstm"]))
    }
    assert read["“An LSTM remembers by default.”"].startswith(begins)


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ({}, "; here all three vanish"),
        (
            {"forget_bias": 5.0},
            "; here the RNN and the GRU vanish, the LSTM with a forget bias set to 5 holds",
        ),
        ({"weight_scale": 8.0, "steps": 400}, "; here all three explode"),
    ],
)
def test_which_cells_solve_it_is_said_of_this_run(settings, ends):
    size = {"steps": 100, "hidden_size": 32, "batch_size": 4, "input_size": 8}
    recs = three(cell="lstm", **size | settings)
    for cell, rec in recs.items():
        sizes = slow_log10_norms(np.array(rec.layers[0].d_h)).mean(axis=1)
        decades = sizes[0] - sizes[-1]
        fate = "vanish" if decades < -2 else "explode" if decades > 2 else "holds"
        assert fate in ends, cell
    beliefs = gating_beliefs.beliefs(recs, recs["lstm"], roads(recs["lstm"]))
    look = {one.read: one.look for one in beliefs}["“LSTM and GRU solve vanishing gradients.”"]
    assert look.endswith(ends)


def test_a_belt_of_the_right_size_is_not_called_wrong():
    recs = three(cell="lstm", init="chrono", steps=100, hidden_size=32)
    rec = recs["lstm"]
    look = gating_beliefs.beliefs(recs, rec, roads(rec))[0].look
    assert "too small" not in look
    assert re.search(
        r": the sizes differ by a factor of 1\.\d, and \d\d % of the gradient did", look
    )
