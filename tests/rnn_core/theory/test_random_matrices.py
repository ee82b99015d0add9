"""Random matrices: closed forms against the tables, and the matrices that the engine draws."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.experiment import draw
from rnn_core.theory.random_matrices import (
    ginibre_exponents,
    keras_orthogonal_block,
    largest_singular_value,
    log10_power_norm,
    spectral_radius,
)
from tests.reference import reference_tables

TABLES = reference_tables()


def drawn(seed, size, **settings):
    config = rc.ExperimentConfig(hidden_size=size, steps=1, seed=seed, **settings)
    return draw(config).network.params.weight_hh


@pytest.mark.parametrize("H", [16, 64])
def test_exponents_and_their_spread_at_every_place(H):
    table = TABLES["ginibre_lyapunov"]
    found = ginibre_exponents(H)
    assert found.mean == pytest.approx(table[f"H{H}"], abs=1e-10)
    assert np.sqrt(found.variance) == pytest.approx(table[f"H{H}_sd_per_sqrt_step"], rel=1e-10)


def test_top_exponent_of_every_width():
    for size, top in TABLES["ginibre_lyapunov"]["top_by_H"].items():
        assert ginibre_exponents(int(size)).mean[0] == pytest.approx(top, abs=1e-10)
        assert ginibre_exponents(int(size), 2.0).mean[0] == pytest.approx(
            top + math.log(2), abs=1e-10
        )


def test_products_of_gaussian_matrices_grow_at_these_rates(rng):
    """Gram-Schmidt after every factor; 4,000 steps at H = 8."""
    H, T = 8, 4000
    frame, total = np.eye(H), np.zeros(H)
    for _ in range(T):
        frame, r = np.linalg.qr(rng.normal(size=(H, H)) / math.sqrt(H) @ frame)
        total += np.log(np.abs(np.diag(r)))
    found = ginibre_exponents(H)
    assert np.all(np.abs(total / T - found.mean) < 4 * np.sqrt(found.variance / T))


@pytest.mark.parametrize(
    "row", TABLES["gaussian_matrix_norms"]["rows"], ids=lambda row: f"H={row[0]:.0f}"
)
def test_norms_of_the_matrices_that_the_engine_draws(row):
    """Means within 3 standard errors of the difference: sd sqrt(1/S + 1/ours)."""
    size, samples = int(row[0]), int(row[1])
    ours = {16: 200, 32: 120, 64: 60, 128: 16, 256: 5, 512: 2}[size]
    error = math.sqrt(1 / samples + 1 / ours)
    for init, start in (("gaussian", 2), ("pytorch", 7)):
        matrices = [drawn(seed, size, init=init) for seed in range(ours)]
        largest = [np.linalg.svd(W, compute_uv=False)[0] for W in matrices]
        radius = [np.abs(np.linalg.eigvals(W)).max() for W in matrices]
        smax, smax_sd, rho, rho_sd = row[start : start + 4]
        assert abs(np.mean(largest) - smax) < 3 * smax_sd * error
        assert abs(np.mean(radius) - rho) < 3 * rho_sd * error
        g = 1.0 if init == "gaussian" else 3**-0.5
        assert np.mean(largest) < largest_singular_value(g)
        if size >= 64:
            assert np.mean(largest) / largest_singular_value(g) == pytest.approx(1, abs=0.04)
            assert np.mean(radius) / spectral_radius(g) == pytest.approx(1, abs=0.09)


def test_smallest_singular_values_are_those_of_the_table():
    """Their medians, whose law is broad: 25 %."""
    for row in TABLES["gaussian_matrix_norms"]["rows"][:3]:
        size, median = int(row[0]), row[6]
        values = [
            np.linalg.svd(drawn(seed, size), compute_uv=False)[-1] for seed in range(500, 800)
        ]
        assert np.median(values) == pytest.approx(median, rel=0.25)


def test_limits_of_power_norms():
    table = TABLES["ginibre_power_norms"]["rows"]
    found = 10 ** log10_power_norm([k for k, _ in table])
    assert found == pytest.approx([norm for _, norm in table], rel=1e-10)
    assert log10_power_norm(0) == 0.0
    assert log10_power_norm(4, 0.5) == pytest.approx(log10_power_norm(4) + 4 * math.log10(0.5))


def test_powers_of_drawn_matrices_have_these_norms_on_average():
    """H = 512: within 7 %, rms within 5 %, and the noise of 6 draws; one alone: 20 % at k = 20."""
    steps, draws = [1, 2, 3, 5, 10, 20], 6
    norms, rms = np.empty((draws, len(steps))), np.empty((draws, len(steps)))
    for seed in range(draws):
        W = drawn(seed, 512)
        for at, k in enumerate(steps):
            power = np.linalg.matrix_power(W, k)
            norms[seed, at] = np.linalg.norm(power, 2) / 10 ** log10_power_norm(k)
            rms[seed, at] = np.linalg.norm(power) / math.sqrt(512)
    for ratios, allowed in ((norms, 0.07), (rms, 0.05)):
        noise = ratios.std(axis=0, ddof=1) / math.sqrt(draws)
        assert (np.abs(ratios.mean(axis=0) - 1.0) < allowed + 2 * noise).all()
        assert (noise < 0.1).all()


@pytest.mark.parametrize("row", TABLES["keras_orthogonal_blocks"]["rows"], ids=lambda r: r[0])
def test_blocks_of_the_orthogonal_kernel_that_the_engine_draws(row):
    layer, gates, rms, smax, rho = row
    cell = {"SimpleRNN": "rnn", "GRU": "gru", "LSTM": "lstm"}[layer]
    limit = keras_orthogonal_block(gates)
    assert limit.rms_singular_value == pytest.approx(rms, rel=0.02)
    assert limit.largest_singular_value == pytest.approx(smax, rel=0.02)
    blocks = drawn(0, 256, cell=cell, init="keras").reshape(gates, 256, 256)
    for W in blocks:
        values = np.linalg.svd(W, compute_uv=False)
        assert math.sqrt(np.mean(values**2)) == pytest.approx(rms, rel=0.02)
        assert values[0] == pytest.approx(smax, rel=0.02)
    radii = [np.abs(np.linalg.eigvals(W)).max() for W in blocks]
    assert np.mean(radii) == pytest.approx(limit.spectral_radius, rel=0.06)
    assert np.mean(radii) == pytest.approx(rho, rel=0.06)
