"""Lyapunov exponents against closed forms, 400 decimal digits, determinants and theory."""

import doctest
import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import lyapunov as module
from rnn_core.analysis.graded import random_basis
from rnn_core.analysis.lyapunov import lyapunov_exponents
from tests.reference import reference_tables
from tests.reference.slow_jacobian import exact_volume_growth, slow_jacobian, tape_of_one
from tests.rnn_core.random_networks import last_step, random_case, random_orthogonal, vanilla


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


def jacobians_of(case, sequence):
    init = {f"{name}_init": value[sequence] for name, value in case.init.items()}
    layer, tape = tape_of_one(case.state, case.x[:, sequence], cell=case.cell, **init)
    return [slow_jacobian(layer, step) for step in tape]


@pytest.mark.parametrize("count", [1, 3, None])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_exponent_is_the_growth_of_a_volume_in_400_digits(rng, cell, count):
    case = random_case(rng, cell, T=41, H=4)
    size = 8 if cell == "lstm" else 4
    basis = random_basis(size, size if count is None else count)
    expected = np.array(exact_volume_growth(jacobians_of(case, 2)[1:], basis)) / 40
    found = lyapunov_exponents(case.record(), sequence=2, count=count)
    assert found.exponents == pytest.approx(expected, abs=1e-10)
    assert found.steps == 40


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_sum_is_the_mean_log_determinant(rng, cell):
    """Saturated units too: slopes of 10^-60 beside slopes of 1."""
    case = random_case(rng, cell, T=60, H=4)
    if cell == "rnn":
        case.state["bias_ih_l0"][:] = [0.0, 70.0, 30.0, -5.0]
    logs = [np.linalg.slogdet(jacobian)[1] for jacobian in jacobians_of(case, 0)[1:]]
    total = lyapunov_exponents(case.record()).exponents.sum()
    assert total == pytest.approx(np.mean(logs), rel=1e-11)


def test_orthogonal_linear_net_has_the_log_of_its_scale(rng):
    weight = 3.0 * random_orthogonal(rng, 5)
    rec = rc.record(vanilla(weight, "tanh"), np.zeros((2_000, 1, 1)), last_step(np.ones(5)))
    assert lyapunov_exponents(rec).exponents == pytest.approx(math.log(3), abs=1e-12)


def test_units_that_do_not_mix_have_one_each():
    w = np.array([0.5, 1e-3, 2.0])
    rec = rc.record(vanilla(np.diag(w), "tanh"), np.zeros((10_000, 1, 1)), last_step(np.ones(3)))
    expected = np.log([2.0, 0.5, 1e-3])
    assert lyapunov_exponents(rec).exponents == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("w", [1.1, 2.0, 10.0])
def test_latch_has_the_exponent_of_its_fixed_point(w):
    """reference.json, tanh_latch: M' = w (1 - x*^2); w = 10 by the slope of 4 e^(-2a)."""
    net = vanilla(np.array([[w]]), "tanh")
    rec = rc.record(net, np.zeros((2_000, 1, 1)), last_step(np.ones(1)), h_init=np.ones((1, 1)))
    table = {row[0]: row[2] for row in reference_tables()["tanh_latch"]["rows"]}
    expected = math.log(table[w]) if w in table else -7.0838296 * math.log(10)
    assert lyapunov_exponents(rec).exponents == pytest.approx([expected], abs=2e-3)


def test_untied_linear_net_has_the_exponents_of_ginibre_products():
    """reference.json, ginibre_lyapunov, H = 16, within 4 of its standard deviations."""
    table = reference_tables()["ginibre_lyapunov"]
    expected, sd = np.array(table["H16"]), np.array(table["H16_sd_per_sqrt_step"])
    T = 4_000
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(T, 16, 16)) / 4.0
    rec = rc.record(vanilla(weights, "tanh"), np.zeros((T, 1, 1)), last_step(np.ones(16)))
    found = lyapunov_exponents(rec).exponents
    assert (np.abs(found - expected) < 4 * sd / T**0.5 + 2 / T).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_first_exponent_is_the_gradient_s_growth_per_step(cell):
    config = rc.ExperimentConfig(
        cell=cell, init="orthogonal", weight_scale=3.0, steps=4_000, hidden_size=16, batch_size=1
    )
    rec = rc.run(config)
    first = lyapunov_exponents(rec, count=1).exponents[0]
    assert first / math.log(10) == pytest.approx(rec.verdict.growth_per_step, abs=2e-3)


def test_direction_that_is_lost_for_ever_is_minus_infinity():
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.zeros((2, 1)), "weight_hh_l0": 0.5 * np.eye(2),
         "bias_ih_l0": [1.0, -1.0], "bias_hh_l0": [0.0, 0.0]},
        cell="rnn", activation="relu",
    )  # fmt: skip
    found = lyapunov_exponents(rc.record(net, np.zeros((2_000, 1, 1)), last_step(np.ones(2))))
    assert found.exponents[0] == pytest.approx(math.log(0.5), abs=1e-3)
    assert found.exponents[1] == -math.inf


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count: expected None or 1 to 6, got 0"),
        ({"count": 7}, "count: expected None or 1 to 6, got 7"),
        ({"sequence": -1}, "sequence: expected 0 to 7, got -1"),
        ({"layer": 2}, "layer: expected 0 to 0, got 2"),
    ],
)
def test_choices_that_do_not_exist_are_refused(options, message):
    rec = rc.run(rc.ExperimentConfig(cell="lstm", steps=5, hidden_size=3))
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        lyapunov_exponents(rec, **options)


def test_one_step_has_no_exponent():
    assert lyapunov_exponents(rc.run(rc.ExperimentConfig(steps=1))) is None
