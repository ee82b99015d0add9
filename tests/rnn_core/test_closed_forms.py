"""Networks whose gradient is known in closed form, at sizes that float64 cannot hold."""

import math
from fractions import Fraction

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import reference_tables, slow_forward
from tests.rnn_core.random_networks import (
    ROWS,
    last_step,
    random_case,
    random_orthogonal,
    vanilla,
)


def test_orthogonal_linear_network_keeps_the_norm_exactly():
    """All singular values are 1, so |dL/dh_t| is the same at every step, over 1,000 steps."""
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity",
            init="orthogonal",
            steps=1000,
            hidden_size=32,
            batch_size=3,
            seed=4,
        )
    )
    norms = 10.0 ** rec.layers[0].log10_norms("d_h")
    assert np.abs(norms - 1.0).max() < 1e-12
    assert rec.verdict.regime == "stable"
    assert rec.verdict.growth_per_step == pytest.approx(0.0, abs=1e-15)


def test_fifth_of_an_orthogonal_matrix_falls_to_ten_to_the_minus_6989():
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity",
            init="orthogonal",
            weight_scale=0.2,
            steps=10_000,
            hidden_size=8,
            batch_size=2,
            seed=5,
        )
    )
    norms = rec.layers[0].log10_norms("d_h")
    assert np.diff(norms[::-1], axis=0) == pytest.approx(math.log10(0.2), abs=1e-11)
    assert norms[0] == pytest.approx(-6989.0011, abs=5e-5)
    assert rec.verdict.decades == pytest.approx(9999 * math.log10(0.2), rel=1e-13)
    assert rec.verdict.regime == "vanishing"
    assert rec.verdict.half_life == pytest.approx(math.log(2) / math.log(5), rel=1e-12)
    assert np.isfinite(rec.layers[0].log10_abs("d_h")).all()


def test_three_times_an_orthogonal_matrix_in_silence_rises_to_ten_to_the_954():
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity",
            init="orthogonal",
            weight_scale=3.0,
            steps=2000,
            hidden_size=16,
            batch_size=2,
            source="silence",
            seed=6,
        )
    )
    norms = rec.layers[0].log10_norms("d_h")
    assert rec.overflow is None
    assert np.diff(norms[::-1], axis=0) == pytest.approx(math.log10(3.0), abs=1e-11)
    assert norms[0] == pytest.approx(953.7654, abs=5e-5)
    assert rec.verdict.regime == "exploding"
    assert np.isinf(rec.layers[0].d_h[0]).any()
    assert not np.isnan(rec.layers[0].d_h).any()


@pytest.mark.parametrize("batch", [1, 3])
def test_cell_gradient_without_recurrence_is_the_product_of_forget_gates(rng, batch):
    """W_hh = 0 leaves the cell line alone: dL/dc_t = dL/dc_T f_T ... f_{t+1}, unit by unit."""
    T = 120
    case = random_case(rng, "lstm", T=T, B=batch, H=5, kind="last", scale=0.0)
    rec = case.record()
    slow = slow_forward(
        case.state, case.x, cell="lstm", h_init=case.init["h"], c_init=case.init["c"]
    )
    f, o = slow.gates["f"], slow.gates["o"]
    assert np.ptp(f) > 0.5
    at_end = np.log10(np.abs(case.target[-1] * o[-1] / np.cosh(slow.c[-1]) ** 2))
    closed = [at_end]
    for t in range(T - 1, 0, -1):
        closed.append(closed[-1] + np.log10(f[t]))
    assert rec.layers[0].log10_abs("d_c") == pytest.approx(np.array(closed[::-1]), abs=1e-11)
    assert np.isneginf(rec.layers[0].log10_abs("d_h")[:-1]).all()
    assert np.log10(np.abs(rec.d_init[0].d_c)) == pytest.approx(
        closed[-1] + np.log10(f[0]), abs=1e-11
    )


def test_gru_gradient_without_recurrence_is_the_product_of_update_gates(rng):
    """z = 1 keeps: with W_hh = 0, dL/dh_t = dL/dh_T z_T ... z_{t+1}, unit by unit."""
    T = 120
    case = random_case(rng, "gru", T=T, H=5, kind="last", scale=0.0)
    rec = case.record()
    z = slow_forward(case.state, case.x, cell="gru", h_init=case.init["h"]).gates["z"]
    assert np.ptp(z) > 0.5
    closed = [np.log10(np.abs(case.target[-1]))]
    for t in range(T - 1, 0, -1):
        closed.append(closed[-1] + np.log10(z[t]))
    assert rec.layers[0].log10_abs("d_h") == pytest.approx(np.array(closed[::-1]), abs=1e-11)


@pytest.mark.parametrize("name", ["d_c", "d_h"])
def test_gate_products_are_exact_over_ten_thousand_steps(name):
    """A gate held at sigmoid(-2): 10^-9236 at the first step, each step log10 sigmoid(-2) lower."""
    T, H = 10_000, 3
    cell = "lstm" if name == "d_c" else "gru"
    rows = ROWS[cell] * H
    bias = np.zeros(rows)
    bias[H : 2 * H] = -2.0  # the forget gate of i, f, g, o; the update gate of r, z, n
    state = {
        "weight_ih_l0": np.zeros((rows, 1)),
        "weight_hh_l0": np.zeros((rows, H)),
        "bias_ih_l0": bias,
        "bias_hh_l0": np.zeros(rows),
    }
    net = rc.Network.from_state_dict(state, cell=cell)
    rec = rc.record(net, np.zeros((T, 1, 1)), last_step(np.ones(H)))
    logs = rec.layers[0].log10_norms(name)[:, 0]
    step = -math.log10(1.0 + math.exp(2.0))
    assert np.diff(logs[::-1]) == pytest.approx(step, abs=1e-11)
    assert logs[0] - logs[-1] == pytest.approx(9999 * step, rel=1e-13)


@pytest.mark.parametrize(("w", "slope"), [(20.0, -15.4687), (10.0, -7.0838)])
def test_saturated_unit_at_its_fixed_point_keeps_its_slope(w, slope):
    """1 - tanh(20)^2 is exactly 0 in float64; the derivative is not."""
    fixed = 1.0
    for _ in range(100):
        fixed = math.tanh(w * fixed)
    net = vanilla(np.array([[w]]), "tanh")
    rec = rc.record(net, np.zeros((500, 1, 1)), last_step(np.ones(1)), h_init=np.array([[fixed]]))
    logs = rec.layers[0].log10_abs("d_h")[:, 0, 0]
    assert np.diff(logs[::-1]) == pytest.approx(slope, abs=5e-5)
    exact = math.log10(w) - 2 * math.log10(math.cosh(w * fixed))
    assert rec.verdict.growth_per_step == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize(
    ("w", "x_star", "factor"), [tuple(r) for r in reference_tables()["tanh_latch"]["rows"]]
)
def test_latched_bit_loses_its_gradient_at_the_rate_of_the_attractor(w, x_star, factor):
    """What stores the bit kills the gradient: w (1 - x*^2) per step (Bengio et al. 1994)."""
    net = vanilla(np.array([[w]]), "tanh")
    rec = rc.record(net, np.zeros((100, 1, 1)), last_step(np.ones(1)), h_init=np.array([[x_star]]))
    assert rec.layers[0].h[-1, 0, 0] == pytest.approx(x_star, abs=1e-11)
    assert rec.verdict.growth_per_step == pytest.approx(math.log10(factor), abs=1e-9)


def test_identity_activation_follows_powers_of_the_matrix(rng):
    """dL/dh_t = (W^T)^(T-t) v, here against an eigendecomposition."""
    H, T = 6, 400
    symmetric = rng.normal(size=(H, H))
    values, vectors = np.linalg.eigh(symmetric + symmetric.T)
    v = rng.normal(size=H)
    rec = rc.record(vanilla(symmetric + symmetric.T, "identity"), np.zeros((T, 1, 1)), last_step(v))
    coefficients = np.log10(np.abs(vectors.T @ v))
    for lag in (0, 1, 50, 399):
        powers = coefficients + lag * np.log10(np.abs(values))
        largest = powers.max()
        expected = largest + 0.5 * math.log10(np.sum(10 ** (2 * (powers - largest))))
        assert rec.layers[0].log10_norms("d_h")[T - 1 - lag, 0] == pytest.approx(expected, abs=1e-9)


def test_ginibre_product_has_the_mean_and_spread_of_random_matrix_theory():
    """Untied linear net, H = 16: E ln|delta| = k lambda_1, sd = sqrt(k) .18244 (Newman 1986)."""
    table = reference_tables()["ginibre_lyapunov"]
    mean, spread = table["H16"][0], table["H16_sd_per_sqrt_step"][0]
    lags, runs = 50, []
    for seed in range(60):
        rec = rc.run(
            rc.ExperimentConfig(
                activation="identity",
                is_tied=False,
                steps=lags + 1,
                hidden_size=16,
                batch_size=1,
                source="silence",
                seed=seed,
            )
        )
        norms = rec.layers[0].log10_norms("d_h")[:, 0]
        runs.append((norms[0] - norms[-1]) * math.log(10))
    error = spread * math.sqrt(lags / len(runs))
    assert abs(np.mean(runs) - lags * mean) < 3 * error
    assert 0.7 < np.std(runs) / (spread * math.sqrt(lags)) < 1.3


def test_losses_from_tiny_to_huge_add_up_as_in_exact_arithmetic(rng):
    """d_t = v_t + w d_{t+1} with |v_t| from 10^-300 to 10^300, against fractions."""
    T = 300
    sizes = 10.0 ** rng.uniform(-300, 300, size=T)
    own = sizes * rng.choice([-1.0, 1.0], size=T)
    w = 0.037
    net = vanilla(np.array([[w]]), "identity")
    rec = rc.record(net, np.zeros((T, 1, 1)), lambda _: (0.0, own[:, None, None]))
    carried = Fraction(0)
    for t in reversed(range(T)):
        carried = Fraction(own[t]) + Fraction(w) * carried
        log = math.log10(abs(carried.numerator)) - math.log10(carried.denominator)
        assert rec.layers[0].log10_abs("d_h")[t, 0, 0] == pytest.approx(log, abs=1e-9), t


@pytest.mark.parametrize("scale", [0.01, 30.0])
def test_late_loss_reaches_a_step_that_has_its_own(rng, scale):
    """Losses at steps 1, 40 and 400 of a linear net: three powers of one matrix, added."""
    T, H = 400, 4
    W = scale * random_orthogonal(rng, H)
    own = {t: rng.normal(size=H) for t in (0, 39, 399)}

    def loss(h):
        d_h = np.zeros(h.shape)
        for t, v in own.items():
            d_h[t] = v
        return 0.0, d_h

    rec = rc.record(vanilla(W, "identity"), np.zeros((T, 2, 1)), loss)
    norms = rec.layers[0].log10_norms("d_h")
    growth = math.log10(scale)
    # far from a loss, or in a growing net, the last loss rules; in a dying one the nearest
    expected = {399: 0.0, 45: 354 * growth, 20: 379 * growth, 0: 399 * growth}
    if scale < 1:
        expected |= {20: 19 * growth, 0: None}
    for t, log in expected.items():
        source = 399 if scale > 1 or t > 39 else 39
        size = math.log10(np.linalg.norm(own[source] if log is not None else own[0]))
        assert norms[t] == pytest.approx((log or 0.0) + size, abs=1e-9), t
    lonely = rec.layers[0].from_last.log10_norms("d_h")
    straight = math.log10(np.linalg.norm(own[399])) + growth * np.arange(T)[::-1]
    assert lonely == pytest.approx(np.repeat(straight[:, None], 2, axis=1), abs=1e-9)
