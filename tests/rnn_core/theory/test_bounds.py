"""Pascanu's bound holds on every random vanilla run, and is the closed form."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.experiment import draw
from rnn_core.theory.bounds import conditions, pascanu
from rnn_core.theory.mean_field import critical_sigma_w, fixed_point
from tests.reference import slow_pascanu_bound
from tests.rnn_core.random_networks import last_step, random_case, random_orthogonal, vanilla


@given(
    seed=st.integers(0, 2**32 - 1),
    activation=st.sampled_from(["tanh", "sigmoid", "relu", "identity"]),
    scale=st.floats(1e-3, 1e3),
    T=st.integers(1, 60),
    H=st.integers(1, 9),
)
@settings(max_examples=150, deadline=None)
def test_no_vanilla_run_exceeds_the_bound(seed, activation, scale, T, H):
    rng = np.random.default_rng(seed)
    case = random_case(rng, "rnn", activation, T=T, H=H, kind="last", scale=scale)
    rec = case.record()
    norms = rec.layers[0].log10_norms("d_h")
    bound = slow_pascanu_bound(case.state["weight_hh_l0"], activation, norms)
    assert (norms <= bound + 1e-9).all()
    assert pascanu(rec) == pytest.approx(bound.mean(axis=1), abs=1e-8)


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_orthogonal_linear_net_meets_its_bound(rng, scale):
    net = vanilla(scale * random_orthogonal(rng, 8), "identity")
    rec = rc.record(net, np.zeros((300, 2, 1)), last_step(rng.normal(size=8)))
    assert pascanu(rec) == pytest.approx(rec.layers[0].log10_norms("d_h")[:, 0], abs=1e-10)


def test_bound_of_an_untied_net_multiplies_the_matrices_between(rng):
    """The matrix that the first step reads is on no path to a recorded state."""
    sizes = np.array([1e9, 2.0, 0.5, 3.0])
    W = sizes[:, None, None] * np.stack([random_orthogonal(rng, 3) for _ in sizes])
    rec = rc.record(vanilla(W, "identity"), np.zeros((4, 1, 1)), last_step(np.array([0.6, 0, 0.8])))
    assert 10 ** pascanu(rec) == pytest.approx([3.0, 1.5, 3.0, 1.0], rel=1e-12)


def test_bound_starts_at_the_last_step_that_has_a_loss():
    v = np.array([3.0, 4.0])

    def loss(h):
        d_h = np.zeros(h.shape)
        d_h[2] = v
        return 0.0, d_h

    rec = rc.record(vanilla(2 * np.eye(2), "tanh"), np.zeros((5, 1, 1)), loss)
    with np.errstate(divide="ignore"):
        expected = np.log10([20.0, 10.0, 5.0, 0.0, 0.0])
    assert pascanu(rec) == pytest.approx(expected, abs=1e-12)


def test_zero_matrix_bounds_all_but_the_last_step_by_zero():
    rec = rc.record(vanilla(np.zeros((2, 2)), "tanh"), np.zeros((3, 1, 1)), last_step(np.ones(2)))
    bound = pascanu(rec)
    assert np.isneginf(bound[:2]).all()
    assert bound[2] == pytest.approx(np.log10(np.sqrt(2)))


@pytest.mark.parametrize(
    "config",
    [
        rc.ExperimentConfig(cell="gru", steps=5),
        rc.ExperimentConfig(cell="lstm", steps=5),
        rc.ExperimentConfig(steps=5, loss_at="every"),
    ],
    ids=["gru", "lstm", "every step"],
)
def test_there_is_no_bound_where_it_would_bound_nothing(config):
    """With a loss at every step the norms exceed it by 10^7; gated cells have another path."""
    assert pascanu(rc.run(config)) is None


@pytest.mark.parametrize(
    ("activation", "gamma"), [("tanh", 1.0), ("sigmoid", 0.25), ("relu", 1.0), ("identity", 1.0)]
)
def test_conditions_are_those_of_the_matrix(rng, activation, gamma):
    W = rng.normal(size=(7, 7))
    found = conditions(W, activation)
    assert found.gamma == gamma
    assert found.sigma_max == pytest.approx(math.sqrt(np.linalg.eigvalsh(W.T @ W)[-1]), rel=1e-12)
    power, lift = W, 0.0  # Gelfand: |W^k|^(1/k) tends to the spectral radius
    for _ in range(20):
        power = power @ power
        size = np.linalg.norm(power)
        power, lift = power / size, 2 * lift + math.log(size)
    assert found.spectral_radius == pytest.approx(math.exp(lift / 2**20), rel=1e-4)
    assert found.eta == pytest.approx(gamma * found.sigma_max)


@given(
    seed=st.integers(0, 2**32 - 1),
    activation=st.sampled_from(["tanh", "sigmoid", "relu", "identity"]),
    eta=st.floats(0.05, 0.999),
)
@settings(max_examples=60, deadline=None)
def test_below_eta_of_one_every_step_of_every_run_shrinks(seed, activation, eta):
    rng = np.random.default_rng(seed)
    case = random_case(rng, "rnn", activation, T=20, H=5, kind="last")
    case.state["weight_hh_l0"] *= eta / conditions(case.state["weight_hh_l0"], activation).eta
    found = conditions(case.state["weight_hh_l0"], activation)
    assert found.must_vanish
    assert not found.can_explode
    norms = case.record().layers[0].log10_norms("d_h")
    before, after = norms[:-1], norms[1:]
    is_there = np.isfinite(before)  # where it is not, ReLUs have made it exactly 0
    assert np.isfinite(after[is_there]).all()
    assert (after[is_there] - before[is_there] >= -math.log10(eta) - 1e-9).all()


@pytest.mark.parametrize(("activation", "ends"), [("tanh", 1.0), ("sigmoid", 10.149264)])
def test_the_condition_covers_half_of_the_scales_at_which_wide_nets_vanish_or_a_fifth(
    activation, ends
):
    """sigma_max -> 2 g: g < .5 (tanh), < 2 (sigmoid); silent nets vanish up to 1, and 10.15."""
    for seed in range(3):
        config = rc.ExperimentConfig(hidden_size=512, steps=1, seed=seed)
        W = draw(config).network.params.weight_hh
        covered = 1.0 / conditions(W, activation).eta
        assert covered == pytest.approx(0.5 if activation == "tanh" else 2.0, rel=0.03)
        assert critical_sigma_w(activation) == pytest.approx(ends, abs=1e-6)
        between = conditions(0.9 * ends * W, activation)
        assert between.can_explode
        assert fixed_point(activation, 0.9 * ends).slope < 0


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones((2, 3)), "weight_hh: expected (H, H), got (2, 3)"),
        (np.ones(3), "weight_hh: expected (H, H), got (3,)"),
        (np.ones((0, 0)), "weight_hh: expected (H, H), got (0, 0)"),
        ([[np.nan]], "weight_hh: expected finite numbers, got nan at (0, 0)"),
    ],
)
def test_what_is_no_matrix_is_refused(weight, message):
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}$"):
        conditions(weight, "tanh")
