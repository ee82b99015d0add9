"""Initialisers side by side: the same drive for all, and what the literature says of each."""

from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.initialisers import PAIRS, compare_initialisers

FOUND = compare_initialisers(rc.ExperimentConfig(), 1.0)
MEANS = {(one.init, one.activation): one.mean for one in FOUND}


def config_of(one, seed, **sizes):
    return rc.ExperimentConfig(
        init=one.init, activation=one.activation, input_scale=one.input_scale, seed=seed, **sizes
    )


@pytest.mark.parametrize("one", FOUND, ids=lambda one: f"{one.init} {one.activation}")
def test_every_net_is_driven_equally_hard(one):
    nets = [
        rc.run(config_of(one, seed, steps=100, hidden_size=32, batch_size=2)) for seed in range(20)
    ]
    measured = [
        np.square(np.array(net.x) @ net.network.state_dict()["weight_ih_l0"].T).mean()
        for net in nets
    ]
    assert np.mean(measured) == pytest.approx(1.0)
    assert one.input_variance == pytest.approx(1.0)
    growths = [net.verdict.growth_per_step for net in nets]
    alive = [growth for growth in growths if growth is not None]
    assert one.growth == pytest.approx(alive, abs=1e-10)
    assert one.dead == 20 - len(alive)
    assert one.mean == pytest.approx(np.mean(alive))
    assert one.spread == pytest.approx(np.std(alive, ddof=1))


def test_all_schemes_are_there():
    assert tuple((one.init, one.activation) for one in FOUND) == PAIRS
    assert {"gaussian", "orthogonal", "identity", "he", "pytorch", "keras"} == {p[0] for p in PAIRS}


def test_at_unit_drive_orthogonal_and_gaussian_tanh_lose_alike():
    """.198 and .196 decades per step (H = 64): neither keeps the gradient."""
    assert MEANS["orthogonal", "tanh"] == pytest.approx(-0.198, abs=0.012)
    assert MEANS["gaussian", "tanh"] == pytest.approx(-0.196, abs=0.015)
    assert MEANS["keras", "tanh"] == pytest.approx(MEANS["orthogonal", "tanh"], abs=0.01)


def test_relu_alone_fixes_nothing():
    """Orthogonal ReLU loses .16 per step, He about nothing: W must give what the zeros take."""
    assert MEANS["orthogonal", "relu"] == pytest.approx(-0.16, abs=0.02)
    assert MEANS["he", "relu"] == pytest.approx(0.01, abs=0.03)


@pytest.mark.parametrize("settings", [{}, {"cell": "lstm", "forget_bias": 1.0}, {"seed": 5}])
def test_only_input_sizes_and_start_of_the_run_matter(settings):
    sizes = {"steps": 12, "hidden_size": 4, "batch_size": 2}
    plain = compare_initialisers(rc.ExperimentConfig(**sizes), 0.5, seeds=[0, 1])
    other = rc.ExperimentConfig(**sizes, **settings, weight_scale=3.0, input_scale=2.0)
    assert compare_initialisers(replace(other, bias_scale=1.0), 0.5, seeds=[0, 1]) == plain


def test_in_silence_there_is_nothing_to_scale():
    found = compare_initialisers(rc.ExperimentConfig(source="silence", steps=12), 1.0, seeds=[0])
    assert all(one.input_variance == 0.0 and one.input_scale == 1.0 for one in found)
    by_name = {(one.init, one.activation): one for one in found}
    assert by_name["orthogonal", "tanh"].mean == pytest.approx(0.0, abs=1e-12)
    assert (by_name["he", "relu"].mean, by_name["he", "relu"].dead) == (None, 1)


def test_one_step_has_no_growth():
    for one in compare_initialisers(rc.ExperimentConfig(steps=1), 1.0, seeds=[0, 1]):
        assert (one.growth, one.dead, one.mean, one.spread) == ((), 0, None, None)


def test_a_variance_out_of_reach_is_said_by_what_was_measured():
    found = compare_initialisers(rc.ExperimentConfig(steps=5, hidden_size=4), 1e8, seeds=[0])
    assert all(one.input_scale == 100.0 for one in found)
    assert all(one.input_variance < 1e6 for one in found)
