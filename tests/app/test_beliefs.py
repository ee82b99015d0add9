"""What is often read, answered on the first page with the numbers of slow loops."""

import numpy as np
import pytest

import rnn_core as rc
from app.sentences.beliefs import beliefs
from app.sentences.numerals import power
from tests.reference import slow_bptt, slow_log10_norms

SMALL = {"steps": 60, "hidden_size": 10, "batch_size": 2, "init": "orthogonal"}


def run(**settings):
    return rc.run(rc.ExperimentConfig(**SMALL | settings))


def of_last_loss(rec):
    """Carry the last step's own loss back with loops: v of unit length for every sequence."""
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rc.run(rc.ExperimentConfig(**SMALL)).layers[0].d_h[-1]
    return slow_bptt(
        rec.network.state_dict(), np.array(rec.x), d_loss, cell="rnn", activation="tanh"
    )


def test_the_gradient_of_the_weights_is_no_size_of_one_step():
    (one,) = beliefs(run())
    ran = of_last_loss(run())
    sizes = slow_log10_norms(ran.d_h).mean(axis=1)
    whole = np.linalg.norm(ran.gradients["weight_hh_l0"])
    assert "shared W" in one.read
    assert f"at step 1 is {power(sizes[0] - sizes[-1])} of that at the loss" in one.look
    assert f"|∂L/∂W_hh| is {whole:.1f}:" in one.look


def test_a_cut_is_no_cure():
    (one,) = beliefs(run(truncate=25))
    assert one.look.startswith("from step 50 back the gradient is exactly 0")


def test_many_losses_hide_what_the_last_one_loses():
    (one,) = beliefs(run(loss_at="every"))
    sizes = slow_log10_norms(of_last_loss(run(loss_at="every")).d_h).mean(axis=1)
    assert f"is multiplied by {power(sizes[0] - sizes[-1])} on its way" in one.look


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1},
        {"weight_scale": 3.0, "hidden_size": 40},
        {"source": "text", "text": "aaaa"},
        {"activation": "identity", "weight_scale": 100.0, "input_scale": 100.0, "truncate": 60},
    ],
)
def test_a_run_that_answers_nothing_gets_no_belief(settings):
    assert beliefs(run(**settings)) == ()
