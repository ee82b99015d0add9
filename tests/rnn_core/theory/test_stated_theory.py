"""Numbers that theory states of drawn nets, measured with the engine: a few seeds each."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.jacobian import jacobian
from rnn_core.analysis.lyapunov import lyapunov_exponents
from rnn_core.ensemble import run_ensemble
from rnn_core.theory.mean_field import fixed_point
from tests.rnn_core.random_networks import last_step, random_orthogonal, vanilla


def silent_slopes(seeds, *, burn=300, steps=100, **settings):
    """log10 growth per step of a gradient over the last steps of a silent net, one per seed."""
    slopes = []
    for seed in range(seeds):
        config = rc.ExperimentConfig(
            steps=burn + steps,
            batch_size=1,
            input_size=1,
            source="silence",
            h_init="random",
            seed=seed,
            **settings,
        )
        norms = rc.run(config).layers[0].log10_norms("d_h")[:, 0]
        slopes.append((norms[-1 - steps] - norms[-1]) / steps)
    return np.array(slopes)


def test_wide_tied_net_at_scale_2_grows_as_stated():
    """.0654 +- .003, the mean of 20 nets of 512 units; one alone +- .01."""
    slopes = silent_slopes(20, burn=60, hidden_size=512, weight_scale=2.0)
    assert slopes.mean() == pytest.approx(0.0654, abs=0.003)
    assert slopes.std(ddof=1) < 0.01


def test_narrow_tied_net_vanishes_where_mean_field_says_it_explodes():
    """H = 32 at 1.5: +.028 for a wide net, -.012 on average."""
    slopes = silent_slopes(60, hidden_size=32, weight_scale=1.5)
    error = slopes.std(ddof=1) / math.sqrt(60)
    assert fixed_point("tanh", 1.5).slope == pytest.approx(0.028, abs=5e-4)
    assert slopes.mean() < 0
    assert slopes.mean() == pytest.approx(-0.012, abs=3 * error)


@pytest.mark.parametrize(
    ("size", "nets", "stated"),
    [(8, 1500, -10.83), (16, 700, -10.41), (32, 300, -10.24), (64, 150, -10.18), (256, 16, -10.10)],
)
def test_tied_path_of_a_narrow_net_is_below_its_limit(size, nets, stated):
    """J = I/2 + g/4 W over 50 steps, a GRU at rest: mean log10 of what is left."""
    found = []
    for seed in range(nets):
        rng = np.random.default_rng([size, seed])
        W = 0.5 * np.eye(size) + rng.normal(size=(size, size)) / (4 * math.sqrt(3 * size))
        v = rng.normal(size=(8, size))
        rec = rc.record(vanilla(W, "identity"), np.zeros((51, 8, 1)), last_step(v))
        norms = rec.layers[0].log10_norms("d_h")
        found.append((norms[0] - norms[-1]).mean())
    error = np.std(found, ddof=1) / math.sqrt(nets)
    assert error < 0.06
    assert np.mean(found) == pytest.approx(stated, abs=3 * error + 0.02)


@pytest.mark.parametrize(("size", "mean", "spread"), [(32, 0.706, 0.106), (100, 0.704, 0.061)])
def test_irnn_keeps_the_part_of_the_gradient_whose_units_live(size, mean, spread):
    """W = I, ReLU, inputs from 0 to 1: half the units live for ever, the rest never do."""
    found = []
    for seed in range(120):
        rng = np.random.default_rng([size, seed])
        state = {"weight_ih_l0": rng.normal(size=(size, 1)), "weight_hh_l0": np.eye(size)}
        net = rc.Network.from_state_dict(state, cell="rnn", activation="relu")
        x = rng.uniform(size=(60, 1, 1))
        norms = rc.record(net, x, last_step(rng.normal(size=size))).layers[0].log10_norms("d_h")
        found.append(10.0 ** float(norms[9, 0] - norms[59, 0]))
    assert np.mean(found) == pytest.approx(mean, abs=3 * spread * math.sqrt(1 / 120 + 1 / 30))
    assert np.std(found, ddof=1) == pytest.approx(spread, rel=0.35)


def test_irnn_of_zero_mean_input_often_has_an_exact_zero():
    configs = [
        rc.ExperimentConfig(
            init="identity", activation="relu", input_size=1, hidden_size=4, steps=200, seed=seed
        )
        for seed in range(20)
    ]
    first = run_ensemble(configs).log10_norms[:, 0]
    assert 0.1 < np.isneginf(first).mean() < 1.0


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_orthogonal_weights_never_let_a_gradient_grow(rng, activation):
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": rng.normal(size=(16, 3)), "weight_hh_l0": random_orthogonal(rng, 16)},
        cell="rnn",
        activation=activation,
    )
    rec = rc.record(net, rng.normal(size=(200, 8, 3)), last_step(rng.normal(size=16)))
    norms = rec.layers[0].log10_norms("d_h")
    alive = np.isfinite(norms[:-1])
    assert alive.any()
    assert (np.diff(norms, axis=0)[alive] >= -1e-12).all()


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_depth_multiplies_the_number_of_paths(layers):
    """One linear unit per layer: dh^L_T/dh^1_t = v^(L-1) w^(T-t) C(T-t+L-1, L-1)."""
    v, w, T = 0.7, 0.9, 40
    state = {}
    for layer in range(layers):
        state[f"weight_ih_l{layer}"] = np.array([[v]])
        state[f"weight_hh_l{layer}"] = np.array([[w]])
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    rec = rc.record(net, np.zeros((T, 1, 1)), last_step(np.ones(1)))
    lags = np.arange(T)[::-1]
    paths = [math.comb(int(lag) + layers - 1, layers - 1) for lag in lags]
    expected = v ** (layers - 1) * w**lags * np.array(paths)
    assert rec.layers[0].d_h[:, 0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("w", "factor"), [(0.0, 0.5), (1.0, 0.75), (2.0, 1.0), (4.0, 1.5)])
def test_unit_of_a_gru_at_rest_is_critical_at_a_weight_of_2(w, factor):
    """J = 1/2 + w/4 at h = 0 without biases, whatever the gates' own weights are."""
    state = {"weight_ih_l0": np.zeros((3, 1)), "weight_hh_l0": np.array([[0.3], [-0.8], [w]])}
    net = rc.Network.from_state_dict(state, cell="gru")
    rec = rc.record(net, np.zeros((5, 1, 1)), last_step(np.ones(1)))
    assert jacobian(rec, 3).item() == pytest.approx(factor, rel=1e-14)


@pytest.mark.parametrize(("g", "stated"), [(0.8, -0.16), (1.5, 0.0), (5.0, 0.46)])
def test_largest_exponent_of_tied_nets_of_64_units(g, stated):
    """From about -.16 through 0 to about +.46, five nets each."""
    found = []
    for seed in range(5):
        config = rc.ExperimentConfig(
            weight_scale=g,
            source="silence",
            h_init="random",
            steps=600,
            batch_size=1,
            input_size=1,
            seed=seed,
        )
        found.append(lyapunov_exponents(rc.run(config), count=1).exponents[0])
    assert np.mean(found) == pytest.approx(stated, abs=0.04)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gated_cells_halve_their_gradient_every_1_6_steps_by_default(cell):
    nets = run_ensemble(rc.ExperimentConfig(cell=cell, init="pytorch", seed=k) for k in range(8))
    lives = [nets.verdict(k).half_life for k in range(8)]
    assert np.mean(lives) == pytest.approx(1.6, abs=0.1)
