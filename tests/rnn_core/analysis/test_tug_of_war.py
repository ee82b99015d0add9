"""Who shrank the gradient in a step: slow loops, closed forms, sums; exact zeros told as such."""

import doctest
import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import tug_of_war as module
from rnn_core.analysis.tug_of_war import tug_of_war
from tests.reference.slow_terms import slow_tug_of_war
from tests.rnn_core.random_networks import last_step, random_case, random_orthogonal, vanilla

ACTIVATIONS = ["tanh", "sigmoid", "relu", "identity"]


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


@pytest.mark.parametrize("T", [1, 2, 9])
@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_part_is_that_of_plain_loops(rng, activation, kind, T):
    case = random_case(rng, "rnn", activation, T=T, kind=kind)
    found = tug_of_war(case.record())
    own = case.target.copy()
    if kind == "last":
        own[:-1] = 0.0
    slow = slow_tug_of_war(case.state, case.x, own, activation=activation, h_init=case.init["h"])
    assert found.by_slope == pytest.approx(slow.by_slope, abs=1e-12)
    assert found.by_weight == pytest.approx(slow.by_weight, abs=1e-12)
    if kind == "last":
        assert found.by_loss is None
    elif T > 1:
        assert found.by_loss == pytest.approx(slow.by_loss, abs=1e-12)


@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("scale", [0.02, 1.0, 8.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_parts_sum_to_the_growth_that_is_measured_on_its_own(rng, activation, scale, kind):
    if activation in ("relu", "identity"):
        scale = min(scale, 2.0)
    rec = random_case(rng, "rnn", activation, T=200, kind=kind, scale=scale).record()
    found = tug_of_war(rec)
    parts = found.by_slope + found.by_weight + (0.0 if found.by_loss is None else found.by_loss)
    assert parts == pytest.approx(found.total, abs=1e-10)
    norms = rec.layers[0].log10_norms("d_h")
    assert found.total[1:] == pytest.approx(norms[:-1] - norms[1:], abs=1e-10)
    assert found.total[0] == pytest.approx(rec.d_init[0].log10_norms("d_h") - norms[0], abs=1e-10)


def test_untied_weights_pull_with_each_step_s_own_matrix(rng):
    scales = np.array([0.5, 1.0, 2.0, 4.0])
    weights = np.stack([s * random_orthogonal(rng, 3) for s in scales])
    rec = rc.record(vanilla(weights, "identity"), np.zeros((4, 2, 1)), last_step(np.ones(3)))
    found = tug_of_war(rec)
    assert found.by_weight == pytest.approx(np.log10(scales)[:, None] * [1, 1], abs=1e-14)
    assert found.by_slope == pytest.approx(np.zeros((4, 2)), abs=1e-14)


@pytest.mark.parametrize("w", [10.0, 20.0, 300.0])
def test_saturated_unit_is_shrunk_by_its_slope_alone(w):
    """tanh'(a) = 4 e^(-2a) at a = w: 10^-260 in one step at w = 300, where 1 - h^2 is 0."""
    T = 10_000 if w == 10.0 else 1_000  # at w = 300 each step is looked at by itself
    net = vanilla(np.array([[w]]), "tanh")
    rec = rc.record(net, np.zeros((T, 1, 1)), last_step(np.ones(1)), h_init=np.ones((1, 1)))
    found = tug_of_war(rec)
    assert found.by_weight == pytest.approx(math.log10(w), abs=1e-12)
    assert found.by_slope[0] == pytest.approx(math.log10(4) - 2 * w / math.log(10), rel=1e-7)
    assert np.ptp(found.by_slope[2:]) < 1e-12 * w  # from its fixed point on
    assert found.total == pytest.approx(found.by_slope + found.by_weight, abs=1e-11)


def test_dead_relu_is_told_as_an_exact_zero_of_the_slope():
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[0.5]]}, cell="rnn", activation="relu"
    )
    x = np.array([1.0, 1.0, -9.0, 1.0, 1.0])[:, None, None]
    found = tug_of_war(rc.record(net, x, last_step(np.ones(1))))
    half = math.log10(0.5)
    assert found.by_slope[:, 0].tolist() == [0, 0, -math.inf, 0, 0]
    assert found.by_weight[:, 0] == pytest.approx([0, 0, 0, half, half], abs=1e-14)
    assert np.cumsum(found.total[::-1, 0])[2:].tolist() == [-math.inf] * 3


def test_zero_weights_are_an_exact_zero_of_the_weights():
    rec = rc.record(vanilla(np.zeros((2, 2)), "tanh"), np.zeros((3, 1, 1)), last_step(np.ones(2)))
    found = tug_of_war(rec)
    assert found.by_slope[:, 0] == pytest.approx([0, 0, 0])
    assert found.by_weight[:, 0].tolist() == [0, 0, -math.inf]


def test_loss_that_sets_in_later_is_told_as_new():
    """The text's loss stands at step 24 of 26: what comes after it has no gradient."""
    found = tug_of_war(rc.run(rc.ExperimentConfig(source="text", seed=4)))
    assert found.by_loss[24].tolist() == [math.inf]
    assert np.all(found.by_loss[25] == 0.0)
    assert found.by_loss[:24] == pytest.approx(0.0, abs=1e-12)
    assert np.isfinite(found.by_slope).all()


def test_block_border_of_truncated_bptt_is_named(rng):
    case = random_case(rng, "rnn", T=9, kind="every")
    found, whole = tug_of_war(case.record(truncate=4)), tug_of_war(case.record())
    assert np.flatnonzero(found.is_cut).tolist() == [4, 8]
    assert not whole.is_cut.any()
    assert np.all(found.by_slope[[4, 8]] == 0.0)
    assert np.all(found.by_loss[[4, 8]] == math.inf)
    others = [0, 1, 2, 3, 5, 6, 7]
    parts = found.by_slope + found.by_weight + found.by_loss
    assert parts[others] == pytest.approx(found.total[others], abs=1e-12)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_each_layer_and_direction_has_its_own(layer):
    config = rc.ExperimentConfig(
        layers=2, is_bidirectional=True, steps=12, hidden_size=5, batch_size=3, loss_at="every"
    )
    rec = rc.run(config)
    found = tug_of_war(rec, layer=layer)
    norms = rec.layers[layer].log10_norms("d_h")
    parts = found.by_slope + found.by_weight + found.by_loss
    if layer % 2:  # its first step is the last in time, and leads from step t to t + 1
        assert parts[:-1] == pytest.approx(norms[1:] - norms[:-1], abs=1e-12)
    else:
        assert parts[1:] == pytest.approx(norms[:-1] - norms[1:], abs=1e-12)


def test_states_and_weights_near_the_ends_of_float64_do_not_overflow():
    weight = np.array([[1e200, 1e-200], [3e199, 1.0]])
    rec = rc.record(vanilla(weight, "tanh"), np.zeros((50, 1, 1)), last_step(np.ones(2)))
    found = tug_of_war(rec)
    assert np.isfinite(found.by_weight).all()
    assert found.by_slope + found.by_weight == pytest.approx(found.total, abs=1e-10)
    first = math.log10(math.hypot(1.3e200, 1.0) / math.sqrt(2))
    assert found.by_weight[-1, 0] == pytest.approx(first, abs=1e-12)


def test_gated_cells_and_unknown_layers_are_refused():
    rec = rc.run(rc.ExperimentConfig(cell="gru", steps=3))
    message = "rec: expected a vanilla net, got cell=gru"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        tug_of_war(rec)
    with pytest.raises(rc.ConfigError, match=r"^layer: expected 0 to 0, got 1$"):
        tug_of_war(rc.run(rc.ExperimentConfig(steps=3)), layer=1)


def test_overflow_leaves_nothing_to_measure():
    net = vanilla(np.array([[1e300]]), "identity")
    gone = rc.record(net, np.zeros((3, 1, 1)), last_step(np.ones(1)), h_init=np.full((1, 1), 1e300))
    assert tug_of_war(gone) is None
