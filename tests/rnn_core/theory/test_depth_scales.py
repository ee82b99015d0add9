"""Depth scales against reference.json and against the decay that they describe."""

import math

import numpy as np
import pytest

from rnn_core.theory.depth_scales import depth_scales
from tests.reference import reference_tables

ROWS = reference_tables()["mf_depth_scales_tanh"]["rows"]
Z = np.arange(-9.0, 9.0, 0.02)
WEIGHTS = np.exp(-0.5 * Z**2) / np.exp(-0.5 * Z**2).sum()


@pytest.mark.parametrize("row", ROWS)
def test_table_of_depth_scales(row):
    sigma_b, sigma_w, q, chi_1, c, xi_c, xi_q = row
    found = depth_scales("tanh", sigma_w, sigma_b)
    assert found.q == pytest.approx(q, rel=1e-8)
    assert found.chi_1 == pytest.approx(chi_1, rel=1e-8)
    assert found.c == pytest.approx(c, rel=1e-4)
    assert found.xi_c == pytest.approx(xi_c, rel=1e-4)
    assert found.xi_q == pytest.approx(xi_q, rel=1e-4)
    assert found.xi_gradient == pytest.approx(1 / abs(math.log(chi_1)), rel=1e-6)


@pytest.mark.parametrize(("activation", "sigma_w"), [("tanh", 1.4), ("sigmoid", 4.0)])
def test_variance_returns_to_its_fixed_point_at_the_rate_of_xi_q(activation, sigma_w):
    phi = np.tanh if activation == "tanh" else lambda u: 0.5 + 0.5 * np.tanh(u / 2)
    found = depth_scales(activation, sigma_w, 0.3)
    gaps, q = [], found.q * 1.01
    for _ in range(6):
        gaps.append(q - found.q)
        q = sigma_w**2 * np.sum(WEIGHTS * phi(math.sqrt(q) * Z) ** 2) + 0.09
    assert math.log(gaps[5] / gaps[4]) == pytest.approx(-1 / found.xi_q, rel=5e-3)


@pytest.mark.parametrize(
    ("activation", "sigma_w", "sigma_b"), [("tanh", 1.5, 0.3), ("sigmoid", 14.0, 0.5)]
)
def test_correlation_of_two_sequences_settles_at_the_rate_of_xi_c(activation, sigma_w, sigma_b):
    phi = np.tanh if activation == "tanh" else lambda u: 0.5 + 0.5 * np.tanh(u / 2)
    found = depth_scales(activation, sigma_w, sigma_b)
    root = math.sqrt(found.q)
    z = Z if activation == "tanh" else np.arange(-8.0, 8.0, 0.01)
    weights = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()

    def step(c):
        second = phi(root * (c * z[:, None] + math.sqrt(1 - c * c) * z))
        mean = (weights * phi(root * z)) @ second @ weights
        return (sigma_w**2 * mean + sigma_b**2) / found.q

    assert 0.0 < found.c < 1.0
    assert step(found.c) == pytest.approx(found.c, abs=1e-6)
    slope = (step(found.c + 1e-4) - step(found.c - 1e-4)) / 2e-4
    assert slope == pytest.approx(math.exp(-1 / found.xi_c), rel=1e-4)


def test_linear_and_relu_nets_forget_everything_at_one_rate():
    found = depth_scales("relu", 1.0, 0.1)
    assert found.c == 1.0
    assert found.xi_c == found.xi_q == found.xi_gradient == pytest.approx(1 / math.log(2))
    assert depth_scales("identity", 0.5, 0.1).xi_c == pytest.approx(1 / math.log(4))
