"""Mean field against every table of reference.json, its own equations, and runs of the engine."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.theory.mean_field import critical_sigma_w, finite_width, fixed_point, slopes
from tests.reference import reference_tables

TABLES = reference_tables()
Z = np.arange(-12.0, 12.0, 0.001)
WEIGHTS = np.exp(-0.5 * Z**2) / np.exp(-0.5 * Z**2).sum()


def slow_phi(activation, u):
    """Compute phi and phi' as a textbook writes them."""
    if activation == "tanh":
        return np.tanh(u), 1.0 - np.tanh(u) ** 2
    s = 1.0 / (1.0 + np.exp(-u))
    return s, s * (1.0 - s)


@pytest.mark.parametrize("row", TABLES["mf_grid"]["rows"], ids=lambda r: f"{r[0]}, {r[2]}, {r[1]}")
def test_grid_of_fixed_points_and_slopes(row):
    activation, sigma_b, sigma_w, q, chi_1, slope = row
    found = fixed_point(activation, sigma_w, sigma_b)
    assert found.q == pytest.approx(float(q), rel=1e-6)
    assert found.chi_1 == pytest.approx(chi_1, rel=1e-6)
    assert found.slope == pytest.approx(slope, abs=1e-6)


def test_a_grid_is_computed_at_once_as_each_point_alone():
    rows = [row for row in TABLES["mf_grid"]["rows"] if row[0] == "tanh"]
    found = slopes("tanh", np.array([r[2] for r in rows]), np.array([r[1] for r in rows]))
    assert found == pytest.approx([r[5] for r in rows], abs=1e-6)
    plane = slopes("sigmoid", np.array([[0.5], [3.0]]), np.array([0.0, 0.1, 0.5]))
    assert plane.shape == (2, 3)
    assert plane[1, 2] == fixed_point("sigmoid", 3.0, 0.5).slope


@pytest.mark.parametrize(("activation", "tolerance"), [("tanh", 1e-6), ("sigmoid", 1e-5)])
def test_critical_line(activation, tolerance):
    for sigma_b, critical, q in TABLES[f"mf_critical_line_{activation}"]["rows"]:
        found = critical_sigma_w(activation, sigma_b)
        assert found == pytest.approx(critical, abs=tolerance)
        assert fixed_point(activation, found, sigma_b).q == pytest.approx(q, abs=2e-4)
        assert fixed_point(activation, critical + 1e-4, sigma_b).slope > 0
        assert fixed_point(activation, critical - 1e-4, sigma_b).slope < 0


@pytest.mark.parametrize("source", [0.0, 0.3, 5.0])
def test_relu_and_linear_nets_are_critical_at_one_scale_whatever_drives_them(source):
    assert critical_sigma_w("relu", source, source) == pytest.approx(math.sqrt(2), rel=1e-14)
    assert critical_sigma_w("identity", source, source) == 1.0


def test_input_moves_the_critical_scale_of_tanh():
    """From 1 in silence to 1.8556 at unit variance; to three digits as `definitions.md` has it."""
    variances = [0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0]
    scales = [1.193, 1.409, 1.550, 1.686, 1.856, 2.066, 2.325]
    found = [critical_sigma_w("tanh", drive=variance) for variance in variances]
    assert found == pytest.approx(scales, abs=5e-4)
    assert critical_sigma_w("tanh", drive=1.0) == pytest.approx(1.8556, abs=5e-5)
    assert critical_sigma_w("tanh", 0.6, 0.64) == pytest.approx(found[4], rel=1e-12)


@given(
    activation=st.sampled_from(["tanh", "sigmoid"]),
    sigma_w=st.floats(0.05, 8.0),
    source=st.floats(0.01, 10.0),
)
@settings(max_examples=60, deadline=None)
def test_fixed_point_satisfies_the_equations_on_a_fine_grid(activation, sigma_w, source):
    found = fixed_point(activation, sigma_w, drive=source)
    phi, slope = slow_phi(activation, math.sqrt(found.q) * Z)
    assert sigma_w**2 * np.sum(WEIGHTS * phi**2) + source == pytest.approx(found.q, rel=1e-9)
    assert sigma_w**2 * np.sum(WEIGHTS * slope**2) == pytest.approx(found.chi_1, rel=1e-9)
    assert found.slope == pytest.approx(0.5 * math.log10(found.chi_1), abs=1e-14)


@given(sigma_w=st.floats(0.0, 1e6), source=st.floats(0.0, 1e6))
@settings(max_examples=40, deadline=None)
def test_every_finite_scale_has_an_answer(sigma_w, source):
    for activation in ("tanh", "sigmoid", "relu", "identity"):
        found = fixed_point(activation, sigma_w, drive=source)
        assert found.q >= 0.0
        assert not math.isnan(found.slope)
        assert critical_sigma_w(activation, drive=source) >= 1.0


@pytest.mark.parametrize("above", [1e-6, 1e-4, 1e-2])
def test_silent_tanh_net_leaves_zero_just_above_the_critical_scale(above):
    """q = g^2 (q - 2 q^2 + 17/3 q^3) gives q near (1 - 1/g^2) / 2."""
    e = 1 - (1 + above) ** -2
    assert fixed_point("tanh", 1 + above).q == pytest.approx(e / 2 + 17 / 24 * e**2, rel=0.03)
    assert fixed_point("tanh", 1 - above).q == 0.0
    assert fixed_point("tanh", 1.0).q == 0.0


def test_marginal_linear_net_stays_at_zero_in_silence_and_grows_when_driven():
    assert fixed_point("identity", 1.0).q == 0.0
    assert fixed_point("identity", 1.0, 0.1).q == math.inf
    assert fixed_point("relu", math.sqrt(2)).q == 0.0
    assert fixed_point("relu", math.sqrt(2), 0.1).q == math.inf


@pytest.mark.parametrize("row", TABLES["finite_width_correction"]["rows"])
def test_finite_width_correction(row):
    sigma_b, sigma_w, _, scaled = row
    q = fixed_point("tanh", sigma_w, sigma_b).q
    assert 64 * finite_width("tanh", q, 64) == pytest.approx(scaled, rel=1e-6)
    assert 512 * finite_width("tanh", q, 512) == pytest.approx(scaled, rel=1e-6)


def test_orthogonal_linear_net_has_no_finite_width_correction():
    assert finite_width("identity", 1.0, 16, singular_spread=1.0) == 0.0


def test_finite_width_correction_is_that_of_a_sum_of_random_terms(rng):
    """E log10 |W^T D v| over gaussian W and units of random slope, against its definition."""
    H, q = 64, 6.3
    slope = 1.0 - np.tanh(math.sqrt(q) * rng.normal(size=(40_000, H))) ** 2
    v = rng.normal(size=slope.shape)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    carried = np.sum((slope * v) ** 2, axis=1) * rng.chisquare(H, len(v)) / H
    mean = 0.5 * np.mean(np.log10(carried))
    wide = 0.5 * math.log10(np.sum(WEIGHTS * slow_phi("tanh", math.sqrt(q) * Z)[1] ** 2))
    error = 0.5 * np.std(np.log10(carried)) / math.sqrt(len(v))
    assert abs(mean - wide - finite_width("tanh", q, H)) < 4 * error + 0.0015
    assert mean - wide < -0.010
