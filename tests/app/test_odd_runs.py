"""Sentences of runs at the edges: each was once untrue, or no sentence at all."""

import re

import numpy as np
import pytest

import rnn_core as rc
from app.sentences import alt_text, claim, equation, notice
from tests.reference import slow_bptt, slow_ledger, slow_log10_norms, slow_verdict

SMALL = {"steps": 60, "batch_size": 3, "input_size": 4, "hidden_size": 8}
CATS = ("the cat sat on a mat " * 60)[:1000]


def run(**settings):
    return rc.run(rc.ExperimentConfig(**settings))


def slow_norms(rec):
    """Return log10 norms of the last loss's gradient, from loops that share no code."""
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[rec.last_loss_step] = rec.layers[0].from_last.d_h[rec.last_loss_step]
    before = [state[0] for state in rec.layers[0].tape.states]
    ran = slow_bptt(
        rec.network.state_dict(),
        np.array(rec.x),
        d_loss,
        cell=rec.network.cell,
        activation=rec.network.activation,
        truncate=rec.truncate,
        h_init=before[0],
        c_init=before[-1],
    )
    return slow_log10_norms(ran.d_h[: rec.last_loss_step + 1])


def typed(text, **settings):
    return run(**{"source": "text", "text": text, "init": "pytorch", "hidden_size": 8} | settings)


def test_words_of_a_text_cut_by_overflow_are_those_that_were_read():
    """Linear, 100 x orthogonal: overflow near step 155 of 1,000, so the question moved there."""
    rec = typed(CATS, activation="identity", init="orthogonal", weight_scale=100.0, steps=1000)
    read = CATS[: rec.steps]
    assert rec.overflow is not None
    position = read.rstrip(" ").rfind(" ") + 1
    asked = read[position:].strip()
    assert f"From ‘{asked}’ back to ‘cat’, {position - 7} steps, " in claim(rec)
    assert "Overflow is the lesson" in notice(rec)
    assert claim(rec) in alt_text(rec)


def test_a_word_after_blanks_is_asked_for_its_first_letter():
    """ "  hello": the two blanks are read, then "h" is asked for."""
    rec = typed("  hello")
    assert rec.last_loss_step == 1
    assert claim(rec).startswith("From ‘hello’ back to the first character, 1 step, the gradient")


@pytest.mark.parametrize("text", ["aaaa", "   "])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_one_kind_of_character_leaves_nothing_to_learn(text, cell):
    """-log softmax of a single logit is 0 whatever the state."""
    rec = typed(text, cell=cell)
    assert rec.loss == 0.0
    assert claim(rec) == (
        "The loss has no gradient: with one kind of character there is nothing to choose."
    )
    assert notice(rec).startswith("No gradient starts at the loss")


def test_a_loss_that_float64_cannot_tell_from_zero_is_no_exact_zero():
    """Logits near 10^8: the rivals' probabilities are 10^-(10^7) or less."""
    rec = typed(
        "xyxyxyxyxyxy", activation="identity", init="orthogonal", weight_scale=100.0, seed=3
    )
    assert rec.layers[0].d_h.max() == 0.0
    assert claim(rec).startswith("The net is so sure of the next character that float64")
    assert "exactly" not in claim(rec)


def test_no_relu_is_blamed_in_an_lstm_without_recurrent_weights():
    rec = run(**SMALL | {"cell": "lstm", "weight_scale": 0.0})
    assert np.isfinite(rec.layers[0].log10_norms("d_c")).all()
    assert notice(rec).startswith("The recurrent weights are 0: no gate hears h of the step before")


def test_a_rate_that_does_not_explain_the_whole_is_not_given():
    """tanh'(c) takes 2 decades in the first lag, then f = 0.998 keeps the rest."""
    rec = run(
        cell="lstm",
        init="identity",
        weight_scale=0.02,
        forget_bias=6.2,
        source="silence",
        h_init="random",
        steps=50,
        batch_size=1,
        hidden_size=8,
        input_size=1,
        seed=941,
    )
    found = slow_verdict(slow_norms(rec))
    assert found.decades < -2.0 < 0.0 < found.growth_per_step
    assert found.half_life is not None
    assert claim(rec) == (
        f"From step 50 back to step 1 the gradient shrinks to 10^{found.decades:.1f} of its size: "
        "not at one rate."
    )


def test_a_cut_is_measured_up_to_the_cut():
    rec = run(**SMALL | {"truncate": 25})
    norms = slow_norms(rec)
    rate = (norms[50] - norms[59]).mean() / 9
    written = f"{rate:+.3f}".replace("-", "\N{MINUS SIGN}")
    assert f"per step over the 9 steps to the cut ({written} decades)" in equation(rec)
    gates = equation(run(**SMALL | {"cell": "gru", "truncate": 25}))
    assert "in 9 steps" in gates
    assert "the cut leaves no step back" in equation(run(**SMALL | {"truncate": 59}))


def test_dead_sequences_of_a_cut_run_are_counted():
    rec = run(
        activation="relu",
        steps=24,
        hidden_size=3,
        batch_size=8,
        truncate=10,
        input_scale=2.0,
        seed=1,
    )
    zeros = int(np.isneginf(slow_norms(rec)[20]).sum())
    assert 0 < zeros < 8
    assert f"but is exactly 0 in {zeros} of 8 sequences; backpropagation is cut" in claim(rec)


def test_a_rule_of_thumb_that_points_the_other_way_explains_nothing():
    """Four units that do not mix much: the product is above 1, and the gradient vanishes."""
    rec = run(
        init="gaussian",
        weight_scale=1.7,
        source="silence",
        batch_size=1,
        hidden_size=4,
        input_size=1,
        seed=400,
    )
    stretch = np.linalg.norm(rec.network.state_dict()["weight_hh_l0"]) / 2
    assert stretch > 1.2
    assert slow_verdict(slow_norms(rec)).decades < -10
    assert "points the other way here" in notice(rec)
    assert "takes back more" not in notice(rec)


def test_a_linear_net_has_no_slope_that_takes_anything_back():
    for scale in (1.0, 1.02):
        rec = run(**SMALL | {"activation": "identity", "init": "orthogonal", "weight_scale": scale})
        assert notice(rec).startswith(
            f"Every step back multiplies by W ({scale:.2f}) and by φ′ (1.0 in the rms): "
            "neither changes the size by much."
        )


def test_a_stretch_just_above_one_shows_that_it_is():
    rec = run(
        **SMALL | {"init": "orthogonal", "weight_scale": 1.02, "input_scale": 0.5, "steps": 200}
    )
    assert notice(rec).startswith("W stretches by 1.02, more than 1, and the gradient still")


@pytest.mark.parametrize("steps", [2, 9])
@pytest.mark.parametrize("scale", [0.05, 60.0])
def test_no_regime_is_named_below_ten_steps(steps, scale):
    rec = run(**SMALL | {"activation": "identity", "weight_scale": scale, "steps": steps})
    said = f"{claim(rec)} {notice(rec)}"
    assert not re.search(r"vanishes|explodes|does not vanish|drown", said)
    assert "1 such factor are" not in said


def test_far_steps_that_count_are_not_said_to_have_vanished():
    """Half of the update and more comes from far back where |dL/dh| fell to 10^-18 in between."""
    rec = run(
        activation="relu",
        init="glorot",
        weight_scale=2.42,
        input_scale=0.1,
        source="silence",
        h_init="random",
        batch_size=2,
        hidden_size=3,
        input_size=1,
        seed=425,
    )
    h_init = rec.layers[0].h_before[0]
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    ran = slow_bptt(
        rec.network.state_dict(), np.array(rec.x), d_loss, activation="relu", h_init=h_init
    )
    totals = np.cumsum(slow_ledger(ran.step_gradients["weight_hh_l0"]).share[::-1])
    needed = int(np.flatnonzero(np.abs(totals - 1.0) > 0.1)[-1]) + 2
    assert needed > 100
    assert notice(rec).endswith(f"The last {needed} of 200 steps supply 90 % of ∂L/∂W_hh.")


def test_a_cell_state_beyond_354_is_admitted():
    """Eight units whose c grows to 1,000: read off 10^-287, in exact arithmetic 10^-306."""
    rec = run(
        cell="lstm",
        init="identity",
        weight_scale=100.0,
        forget_bias=10.0,
        source="silence",
        h_init="random",
        steps=1000,
        batch_size=1,
        hidden_size=8,
        seed=1,
    )
    beyond = int((np.abs(rec.layers[0].c[1:]) > 354.0).any(axis=(1, 2)).sum())
    assert np.abs(rec.layers[0].a).max() < 354.0
    assert claim(rec).endswith(
        f"At {beyond} steps some |a| or |c| exceeds 354: there φ′ is only bounded, "
        "and the true gradient may be smaller still."
    )


def test_an_exact_zero_may_not_be_smaller_still():
    rec = run(**SMALL | {"weight_scale": 0.0, "input_scale": 100.0, "hidden_size": 64})
    assert rec.layers[0].bound_steps.size
    assert claim(rec) == "The gradient is exactly 0 from step 59 back in all 3 sequences."
    one = run(**SMALL | {"input_scale": 100.0, "steps": 1, "seed": 10})
    assert one.layers[0].bound_steps.size
    assert claim(one) == "The loss is at step 1: its gradient has no step to go back to."
