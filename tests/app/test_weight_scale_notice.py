"""What the page of weight scale says to notice: why the border lies where it does."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from app.sentences import weight_scale as says
from app.sentences.weight_beliefs import beliefs
from rnn_core.analysis.weight_sweep import SCALES
from tests.app.test_weight_scale_sentences import known, with_mean


@pytest.mark.parametrize("settings", [{"is_tied": False}, {"hidden_size": 8}, {"init": "identity"}])
def test_what_is_left_out_is_said(settings):
    rec, found = known(**settings)
    told = " ".join(says.asides(rec, found)) + says.notice(rec, found)
    expected = {
        "is_tied": "no radius to go by",
        "hidden_size": "with fewer than 16 units mean field does not hold",
        "init": "No mean-field line",
    }
    assert expected[next(iter(settings))] in told


def test_one_unit_gets_worse_with_large_weights_and_the_page_says_where():
    rec, found = known(hidden_size=1, init="orthogonal")
    mean = np.nanmean(found.sweep.growth[:, 1:], axis=0)
    peak = SCALES[1 + int(mean.argmax())]
    assert f"Beyond weight scale {peak:g} larger weights make it worse" in says.notice(rec, found)
    looks = {belief.read: belief.look for belief in beliefs(rec, found)}
    said = looks["“Small weights vanish, large weights explode.”"]
    assert f"{mean.max():+.3f} at weight scale {peak:g}".replace("-", "−") in said
    assert f"falls to {mean[-1]:+.3f}".replace("-", "−") in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "silence"}, "In silence tanh stays where its slope is 1"),
        ({}, "the less input, the further left the border"),
        ({"activation": "sigmoid"}, "more than four times as much"),
        ({"activation": "relu"}, "0 or 1 whatever the size of its input"),
        ({"activation": "identity"}, "moves nothing here"),
        ({"cell": "gru"}, "20 nets of the same recipe"),
    ],
)
def test_what_to_notice_names_what_decides(settings, words):
    assert words in says.notice(*known(**settings))


@pytest.mark.parametrize(
    ("cell", "sums", "other"),
    [("gru", "1/2 + g/4, not √(1/4 + g²/16)", "f"), ("lstm", "f + g/4, not √(f² + g²/16)", "1/2")],
)
def test_each_gated_cell_has_its_own_sum(cell, sums, other):
    rec, found = known(cell=cell, init="pytorch")
    assert f"the candidate’s way: {sums}." in says.notice(rec, found)
    assert f"{other} + g/4" not in says.notice(rec, found) + says.equation(rec, found)


@pytest.mark.parametrize("settings", [{"init": "pytorch"}, {"bias_scale": 0.5}])
def test_biases_drive_a_net_in_silence(settings):
    rec, found = known(source="silence", **settings)
    state = rec.network.state_dict()
    square = ((state["bias_ih_l0"] + state["bias_hh_l0"]) ** 2).mean()
    notice = says.notice(rec, found)
    written = re.search(r"In silence the biases, of mean square ([\d.]+), push units", notice)[1]
    assert float(written) == pytest.approx(square, rel=0.05)
    assert "its slope is 1" not in notice


def test_input_and_biases_are_both_named():
    rec, found = known(bias_scale=0.5)
    assert "per unit, and the biases, of mean square " in says.notice(rec, found)


def test_a_border_that_is_nowhere_is_not_said_to_move():
    rec, found = known()
    notice = says.notice(rec, with_mean(found, np.linspace(-1.0, -0.1, 41)))
    assert "no weight scale up to 4 makes up for it." in notice
    assert "border." not in notice
    far = says.notice(*known(activation="sigmoid", init="orthogonal", weight_scale=4.0))
    assert "nowhere up to 4" in far
    assert not re.search("input|drag|moves", far)


@pytest.mark.parametrize(
    "settings", [{"steps": 1}, {"source": "text", "text": "ab"}, {"source": "text", "text": "a"}]
)
def test_where_the_loss_is_at_step_1_nothing_is_said_to_be_measured(settings):
    rec, found = known(**settings)
    notice, told = says.notice(rec, found), " ".join(says.asides(rec, found))
    assert notice.endswith("; with the loss at step 1 there is no growth to measure.")
    assert "makes up" not in notice + told
    assert ("dashed line" in told) == (found.curve is not None)
    assert "mean field does not hold" not in told
    has_products = "singular values of the product" in says.alt_text(rec, found)
    assert has_products == (rec.steps > 1)


def test_a_loss_without_a_gradient_is_not_said_to_ask_for_weights():
    rec, found = known(source="text", text="aaaa")
    assert np.isneginf(rec.verdict.decades)
    notice = says.notice(rec, found)
    assert notice.endswith("; the gradient of most of 20 nets is exactly 0 at every one measured.")
    assert "makes up" not in notice


@pytest.mark.parametrize("settings", [{"h_init": "random"}, {"source": "impulse"}])
def test_a_state_that_was_woken_is_not_said_to_be_where_tanh_is_steep(settings):
    """Large weights keep it alive in silence, and the border lies beyond that of the rule."""
    rec, found = known(**{"source": "silence", "steps": 100, "hidden_size": 32} | settings)
    large = rc.run(replace(rec.config, weight_scale=2.0))
    assert np.abs(large.layers[0].h[-1]).mean() > 0.3
    notice = says.notice(rec, found)
    assert "tanh stays where its slope is 1" not in notice
    assert "stays alive where W is large, and there the slope is smaller" in notice
    still = rc.run(rc.ExperimentConfig(source="silence", weight_scale=2.0, steps=20))
    assert not still.layers[0].h.any()
