"""Measured defaults: each net on its own, by a slow verdict; and the published table."""

import doctest

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import defaults as module
from rnn_core.analysis.defaults import measure_defaults
from tests.reference import slow_bptt, slow_log10_norms, slow_verdict


def test_example_is_true():
    assert doctest.testmod(module).failed == 0


def test_mean_and_spread_are_those_of_nets_run_one_by_one():
    found = {
        (one.scheme, one.cell): one
        for one in measure_defaults(nets=3, steps=30, hidden_size=6, batch_size=2)
    }
    schemes = {
        "PyTorch": {"init": "pytorch"},
        "PyTorch, forget bias 1": {"init": "pytorch", "forget_bias": 1.0},
        "Keras (forget bias 1)": {"init": "keras"},
    }
    assert len(found) == 7
    for (scheme, cell), one in found.items():
        rates = []
        for seed in range(3):
            config = rc.ExperimentConfig(
                cell=cell, steps=30, hidden_size=6, batch_size=2, seed=seed, **schemes[scheme]
            )
            rec = rc.run(config)
            d_loss = np.zeros(rec.layers[0].h.shape)
            d_loss[-1] = rec.layers[0].d_h[-1]
            slow = slow_bptt(
                rec.network.state_dict(), np.array(rec.x), d_loss, cell=cell, activation="tanh"
            )
            rates.append(slow_verdict(slow_log10_norms(slow.d_h)).growth_per_step)
        assert one.mean == pytest.approx(np.mean(rates), abs=1e-9)
        assert one.spread == pytest.approx(np.std(rates, ddof=1), abs=1e-9)
        assert one.nets == 3


def test_keras_alone_sets_an_lstms_forget_bias_to_1():
    """The label says it of Keras's weights, so it must be what is drawn."""
    for init, forget in (("keras", 1.0), ("pytorch", None)):
        drawn = rc.run(rc.ExperimentConfig(cell="lstm", init=init, hidden_size=6, steps=2))
        state = drawn.network.state_dict()
        bias = (state["bias_ih_l0"] + state["bias_hh_l0"])[6:12]
        assert (bias == 1.0).all() == (forget == 1.0)


def test_twenty_nets_agree_with_the_slopes_at_pytorchs_default():
    """8 noise features, H = 32: -.259, -.195, -.196, -.076; nets spread by .03 and .01."""
    found = {(one.scheme, one.cell): one.mean for one in measure_defaults()}
    assert found["PyTorch", "rnn"] == pytest.approx(-0.259, abs=0.02)
    assert found["PyTorch", "gru"] == pytest.approx(-0.195, abs=0.008)
    assert found["PyTorch", "lstm"] == pytest.approx(-0.196, abs=0.008)
    assert found["PyTorch, forget bias 1", "lstm"] == pytest.approx(-0.076, abs=0.008)
