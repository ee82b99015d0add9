"""Gaussian means against a slow sum over a fine grid, and against Taylor series for small q."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.theory.moments import mean_curvature, mean_slope_power, mean_square

Z = np.linspace(-14.0, 14.0, 56_001)
WEIGHTS = np.exp(-0.5 * Z**2) * (28.0 / 56_000) / math.sqrt(2 * math.pi)
VARIANCES = [0.0, 0.01, 0.5, 0.99, 1.0, 1.01, 4.9, 5.0, 30.0, 900.0, 1e5]


def logistic(u):
    return 0.5 + 0.5 * np.tanh(0.5 * u)


PHI = {  # phi, phi', phi''
    "tanh": (
        np.tanh,
        lambda u: np.cosh(np.minimum(abs(u), 300.0)) ** -2.0,
        lambda u: -2 * np.tanh(u) * np.cosh(np.minimum(abs(u), 300.0)) ** -2.0,
    ),
    "sigmoid": (
        logistic,
        lambda u: 0.25 * np.cosh(np.minimum(abs(u / 2), 300.0)) ** -2.0,
        lambda u: -0.25 * np.tanh(u / 2) * np.cosh(np.minimum(abs(u / 2), 300.0)) ** -2.0,
    ),
    "identity": (lambda u: u, np.ones_like, np.zeros_like),
}


@pytest.mark.parametrize("q", VARIANCES)
@pytest.mark.parametrize("activation", list(PHI))
def test_every_mean_equals_a_fine_trapezoid(activation, q):
    phi, slope, bend = PHI[activation]
    u = math.sqrt(q) * Z
    at = np.array(q)
    for power in (1, 2, 4):
        slow = float(np.sum(WEIGHTS * slope(u) ** power))
        assert mean_slope_power(activation, at, power) == pytest.approx(slow, rel=3e-12)
    assert mean_square(activation, at) == pytest.approx(np.sum(WEIGHTS * phi(u) ** 2), rel=1e-12)
    slow = float(np.sum(WEIGHTS * bend(u) * phi(u)))
    assert mean_curvature(activation, at) == pytest.approx(slow, rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("q", VARIANCES)
def test_means_of_relu_are_half_of_the_identity(q):
    at, right = np.array(q), WEIGHTS * (np.sign(Z) + 1.0) / 2
    for power in (1, 2, 4):
        assert mean_slope_power("relu", at, power) == pytest.approx(np.sum(right), rel=1e-12)
    assert mean_square("relu", at) == pytest.approx(np.sum(right * q * Z**2), rel=1e-12)
    assert mean_curvature("relu", at) == 0.0


@given(st.floats(1e-12, 1e-4))
@settings(max_examples=50, deadline=None)
def test_small_variances_keep_their_digits(q):
    """tanh(u)^2 = u^2 - 2/3 u^4 + 17/45 u^6 - ...: E = q - 2 q^2 + 17/3 q^3."""
    series = q - 2 * q**2 + 17 / 3 * q**3
    assert mean_square("tanh", np.array(q)) == pytest.approx(series, rel=3e-11)


@pytest.mark.parametrize("q", [1e8, 1e20, 1e100, 1e300, np.inf])
def test_saturated_units_follow_the_density_at_zero(q):
    """E phi'^2 = (integral of phi'^2) / sqrt(2 pi q), 4/3 for tanh, 1/6 for the sigmoid."""
    density = 1.0 / math.sqrt(2 * math.pi * min(q, 1e300))
    for activation, area in (("tanh", 4 / 3), ("sigmoid", 1 / 6)):
        found = mean_slope_power(activation, np.array(q), 2)
        assert found == pytest.approx(area * density, rel=1e-7)
    assert mean_square("tanh", np.array(q)) == pytest.approx(1 - 2 * density, rel=1e-12)


def test_an_array_of_variances_gives_what_each_gives_alone():
    q = np.array([[0.0, 0.3, 1e6], [2.0, 40.0, 1e-9]])
    for mean in (mean_square, mean_curvature, lambda a, q: mean_slope_power(a, q, 4)):
        alone = [[float(mean("tanh", np.array(v))) for v in row] for row in q]
        assert mean("tanh", q) == pytest.approx(np.array(alone), rel=1e-13)
