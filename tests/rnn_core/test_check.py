"""The check of a run: it agrees with a right gradient, and fails a wrong one."""

import re
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.gradients import WeightGradient
from rnn_core.scaled import Scaled
from tests.rnn_core.random_networks import last_step, vanilla

RUNS = [
    {},
    {"weight_scale": 3.0},
    {"init": "orthogonal", "weight_scale": 1.9},
    {"activation": "sigmoid"},
    {"activation": "relu", "weight_scale": 1.4},
    {"activation": "identity", "init": "orthogonal"},
    {"activation": "identity", "init": "orthogonal", "weight_scale": 3.0},
    {"cell": "gru", "init": "pytorch"},
    {"cell": "gru", "weight_scale": 8.0, "init": "pytorch"},
    {"cell": "lstm", "init": "pytorch", "forget_bias": 1.0},
    {"cell": "lstm", "init": "pytorch", "loss_at": "every"},
    {"loss_at": "every", "weight_scale": 2.0},
    {"h_init": "random", "is_tied": False, "steps": 50, "hidden_size": 16},
    {"source": "text"},
    {"source": "text", "loss_at": "every", "cell": "lstm"},
    {"steps": 1, "h_init": "random"},
]


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_recorded_gradient_agrees_with_forward_passes(settings):
    found = rc.gradient_check(rc.run(rc.ExperimentConfig(**settings)))
    assert len(found.errors) == 3
    assert found.largest == max(found.errors)
    assert found.largest < 1e-6
    assert found.method in ("whole run", "step by step")


def with_weights_changed(rec, name, factor):
    gradient = rec.weight_gradients[name]
    wrong = WeightGradient(gradient.mantissa * factor, gradient.exponent)
    return replace(rec, weight_gradients=MappingProxyType({**rec.weight_gradients, name: wrong}))


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
@pytest.mark.parametrize("settings", [RUNS[0], RUNS[1], RUNS[7], RUNS[9]], ids=str)
def test_gradient_of_one_parameter_a_thousandth_off_is_found(settings, name):
    rec = rc.run(rc.ExperimentConfig(**settings))
    wrong = with_weights_changed(rec, name, 1.001)
    assert rc.gradient_check(rec).largest < 1e-6
    assert rc.gradient_check(wrong).largest > 1e-6


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
def test_gradient_with_the_wrong_sign_or_none_at_all_is_found(name):
    rec = rc.run(rc.ExperimentConfig(weight_scale=3.0, steps=100))
    for factor in (-1.0, 0.0, 10.0):
        assert rc.gradient_check(with_weights_changed(rec, name, factor)).largest > 1e-3


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm", "steps": 8, "h_init": "random"},
        {"steps": 30, "weight_scale": 3.0},
    ],
    ids=str,
)
def test_gradient_of_the_initial_state_a_tenth_off_is_found(settings):
    rec = rc.run(rc.ExperimentConfig(**settings))
    init = rec.d_init[0]
    for name, value in init.values.items():
        off = {**init.values, name: Scaled(1.1 * value.mantissa, value.exponent)}
        wrong = replace(rec, d_init=(replace(init, values=MappingProxyType(off)),))
        assert rc.gradient_check(wrong).largest > 1e-6, name


def test_directions_follow_the_seed():
    rec = rc.run(rc.ExperimentConfig(steps=20))
    one, same, other = (rc.gradient_check(rec, seed=s).errors for s in (5, 5, 6))
    assert one == same
    assert one != other


def test_exploding_linear_run_is_checked_beyond_float64():
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity",
            init="orthogonal",
            weight_scale=3.0,
            steps=1000,
            source="silence",
            hidden_size=8,
        )
    )
    assert rec.verdict.decades > 400
    found = rc.gradient_check(rec)
    assert found.method == "step by step"
    assert found.largest < 1e-6
    assert rc.gradient_check(with_weights_changed(rec, "bias_ih_l0", 1.01)).largest > 1e-3


def test_truncated_gradient_is_not_the_slope_and_is_refused():
    rec = rc.run(rc.ExperimentConfig(steps=20, truncate=5))
    message = "rec: expected full BPTT, got truncate=5"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.gradient_check(rec)


def test_overflown_recording_is_refused():
    rec = rc.record(
        vanilla(np.array([[1e200]]), "identity"),
        np.zeros((3, 1, 1)),
        last_step(np.ones(1)),
        h_init=np.full((1, 1), 1e200),
    )
    message = "rec: expected a recording with gradients, got one that overflowed"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.gradient_check(rec)


@pytest.mark.parametrize(("size", "is_checked"), [(1e30, True), (1e154, True), (1.7e308, False)])
def test_run_that_leaves_float64_when_it_is_moved_is_checked_or_refused(size, is_checked):
    """Two documented answers, and no warning."""
    net = vanilla(np.array([[1.0]]), "identity")
    rec = rc.record(net, np.ones((3, 1, 1)), last_step(np.ones(1)), h_init=np.full((1, 1), size))
    if is_checked:
        assert rc.gradient_check(rec).largest < 1e-6
        return
    wanted = "rec: expected numbers that can be moved, got some near the end of float64"
    with pytest.raises(rc.ConfigError, match=f"^{wanted}$"):
        rc.gradient_check(rec)


def test_float32_recording_is_refused():
    net = vanilla(np.eye(2), "tanh")
    rec = rc.record(net, np.ones((3, 1, 1)), last_step(np.ones(2)), dtype="float32")
    message = "rec: expected a recording in float64, got one in float32"
    with pytest.raises(rc.ConfigError, match=f"^{message}$"):
        rc.gradient_check(rec)
