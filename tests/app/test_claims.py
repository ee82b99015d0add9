"""What a page says about a run, against numbers that a slow reference measured on its own."""

import math
import re

import numpy as np
import pytest

import rnn_core as rc
from app.sentences import alt_text, claim, equation, notice, protocol
from app.sentences.claim import changed
from rnn_core.analysis.precision import lost_precision
from rnn_core.sources import draw_input
from tests.reference import (
    slow_bptt,
    slow_forward,
    slow_log10_norms,
    slow_range_only,
    slow_verdict,
)

SMALL = {"steps": 60, "batch_size": 3, "input_size": 4, "hidden_size": 8}
VANISHES = SMALL | {"init": "orthogonal"}
EXPLODES = SMALL | {"init": "orthogonal", "weight_scale": 3.0, "input_scale": 0.3, "seed": 1}
HOLDS = SMALL | {"init": "orthogonal", "activation": "identity"}


def run(**settings):
    return rc.run(rc.ExperimentConfig(**settings))


def slow(rec):
    """Backpropagate the loss at the last step again, with loops that share no code."""
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[rec.last_loss_step] = rec.layers[0].d_h[rec.last_loss_step]
    return slow_bptt(
        rec.network.state_dict(),
        np.array(rec.x),
        d_loss,
        cell=rec.network.cell,
        activation=rec.network.activation,
    )


def truth(rec):
    return slow_verdict(slow_log10_norms(slow(rec).d_h[: rec.last_loss_step + 1]))


def test_a_vanishing_run_names_its_size_its_half_life_and_where_float16_lost_it():
    rec = run(**VANISHES)
    found = truth(rec)
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    lost = slow_range_only(rec.network.state_dict(), np.array(rec.x), d_loss, "float16").lost
    assert found.decades < -10
    assert claim(rec, lost_precision(rec)) == (
        f"From step 60 back to step 1 the gradient shrinks to 10^{found.decades:.0f} of its size: "
        f"it halves every {found.half_life:.1f} steps; float16 has lost it by step {60 - lost}."
    )


def test_nothing_is_said_about_float16_before_it_was_simulated():
    assert "float16" not in claim(run(**VANISHES))


def test_an_exploding_run_doubles():
    rec = run(**EXPLODES)
    found = truth(rec)
    assert 2.1 < found.decades < 9.9
    assert claim(rec) == (
        f"From step 60 back to step 1 the gradient grows to 10^{found.decades:.1f} times its size: "
        f"it doubles every {_steps(found.half_life)} steps."
    )


def _steps(half_life):
    return f"{half_life:.1f}" if half_life < 9.95 else f"{half_life:.0f}"


def test_float16_overflows_where_a_gradient_grows_beyond_65504():
    """3 x orthogonal, linear, silent: every step multiplies the norm by 3."""
    rec = run(**HOLDS | {"weight_scale": 3.0, "source": "silence"})
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    over = slow_range_only(
        rec.network.state_dict(), np.array(rec.x), d_loss, "float16", activation="identity"
    ).first_not_finite
    assert claim(rec, lost_precision(rec)) == (
        "From step 60 back to step 1 the gradient grows to 10^28 times its size: "
        f"each step back multiplies it by 3.0; float16 overflows at step {60 - over}."
    )


@pytest.mark.parametrize(
    ("log10", "said"),
    [
        (-1e-16, "holds with 1.0 times its size"),
        (1e-16, "holds with 1.0 times its size"),
        (math.log10(0.996), "holds with 1.0 times its size"),
        (math.log10(0.994), "holds with 99 % of its size"),
    ],
)
def test_rounding_does_not_change_the_words(log10, said):
    assert changed(log10) == said


def test_a_gradient_that_keeps_its_length_holds():
    assert claim(run(**HOLDS), lost_precision(run(**HOLDS))) == (
        "From step 60 back to step 1 the gradient holds with 1.0 times its size; float16 keeps it."
    )


def test_a_few_per_cent_arrive():
    """0.95 to the 59th is 4.8 %."""
    found = claim(run(**HOLDS | {"weight_scale": 0.95}))
    assert found == "From step 60 back to step 1 the gradient arrives with 4.8 % of its size."


def test_a_gradient_that_halves_within_a_step_gets_its_factor():
    """0.2 per step, 59 steps: 10^-41.2; a half-life of 0.43 steps says little."""
    found = claim(run(**HOLDS | {"weight_scale": 0.2}))
    assert found == (
        "From step 60 back to step 1 the gradient shrinks to 10^-41 of its size: "
        "each step back divides it by 5.0."
    )


def test_ten_thousand_steps_are_named_beyond_the_end_of_float64():
    rec = run(
        init="orthogonal", activation="identity", weight_scale=0.2, steps=10_000, batch_size=1
    )
    expected = round(9999 * math.log10(0.2))
    assert expected == -6989
    assert f"shrinks to 10^{expected} of its size" in claim(rec)


def test_one_step_has_nowhere_to_go():
    assert claim(run(steps=1)) == "The loss is at step 1: its gradient has no step to go back to."


def test_below_ten_steps_a_factor_is_named_and_no_regime():
    """0.3^6 = .000729 would be "vanishing" by its size."""
    found = claim(run(**HOLDS | {"weight_scale": 0.3, "steps": 7}))
    assert found == "From step 7 back to step 1 the gradient is multiplied by 10^-3.1."
    rec = run(**SMALL | {"steps": 9})
    factor = 10 ** truth(rec).decades
    stated = float(re.fullmatch(r"From step 9 back .* is multiplied by ([\d.]+)\.", claim(rec))[1])
    assert stated == pytest.approx(factor, rel=0.05)


def test_zero_recurrent_weights_let_nothing_through():
    rec = run(**SMALL | {"weight_scale": 0.0})
    assert claim(rec) == "The gradient is exactly 0 from step 59 back in all 3 sequences."
    assert notice(rec).startswith("The recurrent weights are 0")
    one = run(**SMALL | {"weight_scale": 0.0, "batch_size": 1})
    assert claim(one) == "The gradient is exactly 0 from step 59 back."


def relu_with_dead_sequences(dead, of):
    """One ReLU unit with w = 1/2: the input is positive, but for `dead` sequences at step 5."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[0.5]]}, cell="rnn", activation="relu"
    )
    x = np.ones((20, of, 1))
    x[4, :dead] = -100.0

    def loss(h):
        d_h = np.zeros_like(h)
        d_h[-1] = 1.0
        return float(h[-1].sum()), d_h

    return rc.record(net, x, loss)


def test_some_sequences_at_zero_are_counted_apart():
    """The unit is dead at step 5, so dL/dh_4 and everything before is 0; the others keep 2^-19."""
    assert claim(relu_with_dead_sequences(3, 16)) == (
        "From step 20 back to step 1 the gradient shrinks to 10^-5.7 of its size: "
        "it halves every 1.0 steps; 3 of 16 sequences: exactly 0 from step 4 back."
    )


def test_many_sequences_at_zero_come_first():
    assert claim(relu_with_dead_sequences(9, 16)) == (
        "In 9 of 16 sequences the gradient is exactly 0 from step 4 back; in the other 7, from "
        "step 20 back to step 1, it shrinks to 10^-5.7 of its size: it halves every 1.0 steps."
    )


def test_a_loss_at_every_step_is_judged_by_the_last_steps_own_gradient():
    rec = run(**VANISHES | {"loss_at": "every"})
    found = truth(run(**VANISHES))
    assert f"the last step’s own gradient shrinks to 10^{found.decades:.0f} of" in claim(rec)
    assert "Every step’s own loss keeps the solid curve up" in notice(rec)


def test_truncation_is_called_a_cut_and_not_vanishing():
    rec = run(**VANISHES | {"truncate": 25})
    reached = slow_log10_norms(slow(run(**VANISHES)).d_h)
    factor = (reached[50] - reached[59]).mean()
    assert claim(rec) == (
        f"From step 60 back to step 51 the gradient {_size(factor)}; "
        "backpropagation is cut there, so from step 50 back it is exactly 0."
    )
    assert "was cut" in notice(rec)


def _size(decades):
    assert -9 < decades < -2.05
    return f"shrinks to 10^{decades:.1f} of its size"


def test_a_cut_right_before_the_loss_leaves_it_where_it_is():
    assert claim(run(**SMALL | {"truncate": 59})) == (
        "The gradient stays at step 60: backpropagation is cut there, "
        "so from step 59 back it is exactly 0."
    )


def test_one_block_is_no_cut():
    assert claim(run(**VANISHES | {"truncate": 60})) == claim(run(**VANISHES))


def test_overflow_is_said_with_its_step_first():
    """Linear, 3 x orthogonal: |h| grows by 3 per step and passes 10^308 after some 646 steps."""
    rec = run(**HOLDS | {"weight_scale": 3.0, "steps": 2000})
    step = rec.overflow.step + 1
    with np.errstate(all="ignore"):
        h = slow_forward(rec.network.state_dict(), draw_input(rec.config), activation="identity").h
    assert step == int(np.flatnonzero(~np.isfinite(h).all(axis=(1, 2)))[0]) + 1
    assert claim(rec).startswith(
        f"The hidden state overflows at step {step}. "
        f"From step {step - 1} back to step 1 the gradient grows to 10^"
    )


def test_overflow_at_the_first_step_leaves_no_gradient():
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1e200]], "weight_hh_l0": [[1.0]]}, cell="rnn", activation="identity"
    )
    rec = rc.record(net, np.full((3, 1, 1), 1e200), lambda h: (0.0, np.zeros_like(h)))
    expected = "The hidden state overflows at step 1: no gradient exists."
    assert claim(rec) == expected
    assert alt_text(rec) == expected
    assert notice(rec).startswith("This is no fault of the program")


def test_slopes_that_float64_cannot_hold_are_admitted():
    """One unit, x = 0, state forced to a = 400 by a bias: tanh'(400) = 10^-347."""
    net = rc.Network.from_state_dict(
        {
            "weight_ih_l0": [[0.0]],
            "weight_hh_l0": [[1.0]],
            "bias_ih_l0": [400.0],
            "bias_hh_l0": [0.0],
        },
        cell="rnn",
    )

    def loss(h):
        d_h = np.zeros_like(h)
        d_h[-1] = 1.0
        return float(h[-1].sum()), d_h

    rec = rc.record(net, np.zeros((12, 1, 1)), loss)
    assert claim(rec).endswith(
        "At 11 steps some |a| exceeds 354: there φ′ is only bounded, "
        "and the true gradient may be smaller still."
    )


def text(**settings):
    return run(source="text", init="pytorch", hidden_size=16, **settings)


def test_the_writers_sentence_is_measured_from_is_to_writer():
    """Asked after 24 characters; "writer" ends with the 10th, "books" with the 23rd."""
    rec = text()
    norms = slow_log10_norms(slow(rec).d_h)[:, 0]
    assert claim(rec) == (
        "From ‘is’ back to ‘writer’, 14 steps, the gradient shrinks to "
        f"10^{norms[9] - norms[23]:.1f} of its size; this network knows no grammar."
    )
    assert f"10^{norms[22] - norms[9]:.1f} times as large as at ‘writer’" in notice(rec)
    assert "‘books’, 1 step before" in notice(rec)
    assert "one sequence, so no band" in protocol(rec)


def test_a_single_word_is_asked_for_its_last_letter():
    """ "hello": the loss follows the 4th letter, so the way back has 3 steps."""
    rec = text(text="hello")
    norms = slow_log10_norms(slow(rec).d_h[:4])[:, 0]
    stated = re.fullmatch(
        r"From the end of ‘hello’ back to its first character, 3 steps, the gradient \w+ with "
        r"([\d.]+) % of its size; this network knows no grammar\.",
        claim(rec),
    )
    assert float(stated[1]) == pytest.approx(100 * 10 ** (norms[0] - norms[3]), rel=0.05)


@pytest.mark.parametrize("typed", ["a", " ", "   ", "the a is", "<b>is</b> $x$ is", "日本 語 です"])
def test_any_text_gets_sentences(typed):
    rec = text(text=typed)
    for sentence in (claim(rec), notice(rec), alt_text(rec), protocol(rec), equation(rec)):
        assert sentence.strip()
        assert "nan" not in sentence
        assert "None" not in sentence


def test_a_word_that_fills_the_page_is_shortened():
    assert len(claim(text(text=f"cat {'x' * 900}"))) < 200
