"""Who is saturated, by what, and who pulls: loops over the slow reference, and closed forms."""

import doctest
import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import saturation as module
from rnn_core.analysis.saturation import histogram, saturation
from tests.reference import slow_bptt
from tests.reference.slow_terms import slow_tug_of_war
from tests.rnn_core.random_networks import last_step, random_case, vanilla

IS_SATURATED = {
    "tanh": lambda a: abs(math.tanh(a)) > 0.9,
    "sigmoid": lambda a: not 0.05 <= 1.0 / (1.0 + math.exp(-a)) <= 0.95,
    "relu": lambda a: a <= 0.0,
    "identity": lambda _a: False,
}


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


@pytest.mark.parametrize("T", [1, 2, 9])
@pytest.mark.parametrize("activation", IS_SATURATED)
def test_shares_are_counted_one_unit_at_a_time(rng, activation, T):
    case = random_case(rng, "rnn", activation, T=T, kind="last", scale=3.0)
    rec = case.record()
    found = saturation(rec)
    flat = [[IS_SATURATED[activation](a) for a in step.ravel()] for step in case.slow().a]
    assert found.by_step == pytest.approx([sum(row) / len(row) for row in flat])
    crossed = flat[1:] or flat
    assert found.share == pytest.approx(np.mean(crossed))


@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("activation", IS_SATURATED)
def test_decades_are_the_sums_of_slow_pulls(rng, activation, kind):
    case = random_case(rng, "rnn", activation, T=9, kind=kind)
    found = saturation(case.record())
    own = case.target.copy()
    if kind == "last":
        own[:-1] = 0.0
    slow = slow_tug_of_war(case.state, case.x, own, activation=activation, h_init=case.init["h"])
    assert found.decades_by_slope == pytest.approx(slow.by_slope[1:].sum(axis=0).mean(), abs=1e-11)
    assert found.decades_by_weight == pytest.approx(
        slow.by_weight[1:].sum(axis=0).mean(), abs=1e-11
    )
    if kind == "last":
        assert found.decades_by_loss is None
    else:
        loss = slow.by_loss[1:].sum(axis=0).mean()
        assert found.decades_by_loss == pytest.approx(loss, abs=1e-11)
    assert found.slope_per_step == pytest.approx(found.decades_by_slope / 8)
    assert found.weight_per_step == pytest.approx(found.decades_by_weight / 8)


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("init", ["gaussian", "pytorch"])
def test_the_parts_of_the_pre_activation_are_those_of_plain_products(init, is_tied):
    config = rc.ExperimentConfig(
        init=init, is_tied=is_tied, steps=7, hidden_size=5, input_size=3, batch_size=2
    )
    rec = rc.run(config)
    weights, h = rec.network.state_dict(), rec.layers[0].h
    own, read = [], []
    for t in range(1, 7):
        w = weights["weight_hh_l0"] if is_tied else weights["weight_hh_l0"][t]
        for b in range(2):
            own.append(w @ h[t - 1, b])
            bias = weights["bias_ih_l0"] + weights["bias_hh_l0"]
            read.append(weights["weight_ih_l0"] @ rec.x[t, b] + bias)
    found = saturation(rec)
    assert found.recurrent_rms == pytest.approx(np.sqrt(np.mean(np.square(own))))
    assert found.input_rms == pytest.approx(np.sqrt(np.mean(np.square(read))))
    assert np.array(own) + read == pytest.approx(rec.layers[0].a[1:].reshape(-1, 5))


@pytest.mark.parametrize("w", [10.0, 20.0])
def test_one_saturated_unit_has_the_pulls_of_its_closed_form(w):
    """At the fixed point a = w: tanh'(a) = 4 e^(-2w), so log10 4 - 2w / ln 10 per step."""
    rec = rc.record(
        vanilla(np.array([[w]]), "tanh"),
        np.zeros((50, 1, 1)),
        last_step(np.ones(1)),
        h_init=np.ones((1, 1)),
    )
    found = saturation(rec)
    assert found.weight_per_step == pytest.approx(math.log10(w), abs=1e-12)
    assert found.slope_per_step == pytest.approx(math.log10(4) - 2 * w / math.log(10), abs=1e-6)
    assert (found.share, found.input_rms, found.recurrent_rms) == (1.0, 0.0, pytest.approx(w))


def test_dead_units_are_those_that_are_never_above_zero():
    """Unit 1 is held down by its bias, unit 2 fires at one step of one sequence."""
    net = rc.Network.from_state_dict(
        {
            "weight_ih_l0": np.array([[1.0], [1.0]]),
            "weight_hh_l0": np.zeros((2, 2)),
            "bias_ih_l0": np.array([-100.0, -5.0]),
            "bias_hh_l0": np.zeros(2),
        },
        cell="rnn",
        activation="relu",
    )
    x = np.zeros((6, 3, 1))
    x[4, 1] = 9.0
    found = saturation(rc.record(net, x, last_step(np.ones(2))))
    assert found.dead_units == 1
    assert found.share == pytest.approx(1 - 1 / (5 * 3 * 2))
    assert found.decades_by_slope is None


def test_only_a_relu_dies():
    assert saturation(rc.run(rc.ExperimentConfig(weight_scale=100, steps=9))).dead_units == 0


def test_a_cut_gradient_has_no_pulls_over_all_steps():
    found = saturation(rc.run(rc.ExperimentConfig(steps=20, truncate=5)))
    assert (found.decades_by_slope, found.decades_by_weight) == (None, None)
    assert (found.slope_per_step, found.weight_per_step) == (None, None)


def test_one_step_has_no_pull():
    found = saturation(rc.run(rc.ExperimentConfig(steps=1)))
    assert (found.decades_by_slope, found.weight_per_step, found.steps_crossed) == (None, None, 0)


def test_a_state_that_overflowed_leaves_nothing():
    rec = rc.run(
        rc.ExperimentConfig(activation="identity", weight_scale=100, input_scale=100, steps=400)
    )
    assert rec.overflow is not None
    assert math.isfinite(saturation(rec).recurrent_rms)
    net = vanilla(np.array([[1e200]]), "identity")
    h_init = np.ones((1, 1))
    nothing = rc.record(net, np.ones((5, 1, 1)), last_step(np.ones(1)), h_init=h_init)
    assert saturation(nothing) is None
    assert histogram(nothing, reach=1.0, bins=4).shares.sum() == 0.0


def test_biases_that_are_beyond_float64_together_drive_without_end():
    state = {
        "weight_ih_l0": np.zeros((1, 1)),
        "weight_hh_l0": np.zeros((1, 1)),
        "bias_ih_l0": np.array([1.7e308]),
        "bias_hh_l0": np.array([1.7e308]),
    }
    net = rc.Network.from_state_dict(state, cell="rnn")
    found = saturation(rc.record(net, np.zeros((3, 1, 1)), last_step(np.ones(1))))
    assert (found.input_rms, found.recurrent_rms, found.share) == (math.inf, 0.0, 1.0)


def test_a_gated_cell_is_refused():
    rec = rc.run(rc.ExperimentConfig(cell="gru", steps=3))
    with pytest.raises(
        rc.ConfigError, match=re.escape("rec: expected a vanilla net, got cell=gru")
    ):
        saturation(rec)


def test_the_histogram_counts_every_pre_activation_once():
    config = rc.ExperimentConfig(steps=30, hidden_size=6, batch_size=2, input_scale=4.0)
    rec = rc.run(config)
    values = [
        float(a)
        for a in slow_bptt(
            rec.network.state_dict(),
            np.array(rec.x),
            np.zeros(rec.layers[0].h.shape),
            cell="rnn",
            activation="tanh",
        )
        .a[1:]
        .ravel()
    ]
    found = histogram(rec, reach=6.0, bins=12)
    assert list(found.edges) == list(range(-6, 7))
    for k, share in enumerate(found.shares):
        inside = sum(k - 6 <= value < k - 5 for value in values)
        assert share == pytest.approx(inside / len(values))
    assert found.below == pytest.approx(sum(value < -6 for value in values) / len(values))
    assert found.above == pytest.approx(sum(value >= 6 for value in values) / len(values))
    assert found.below > 0.01 < found.above
