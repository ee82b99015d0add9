"""Gated cells at rest: tied against untied, the tables, and what the engine measures."""

import math
from fractions import Fraction

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.theory.gated import (
    GAINS,
    Linear,
    at_rest,
    tied_log10,
    tied_slope_over,
    untied_log10,
)
from rnn_core.theory.mean_field import fixed_point
from tests.reference import reference_tables, slow_least_squares_slope

TABLES = reference_tables()


@pytest.mark.parametrize("row", TABLES["tied_vs_untied_identity_path"]["rows"])
def test_table_of_tied_and_untied_paths(row):
    _, a, b, k, tied, tied_mc, untied, untied_mc = row
    linear = Linear(a, b)
    assert tied_log10(linear, k) == pytest.approx(tied, abs=1e-9)
    assert untied_log10(linear, k) == pytest.approx(untied, abs=1e-9)
    assert tied_log10(linear, k) == pytest.approx(tied_mc, abs=0.1)
    assert untied_log10(linear, k) == pytest.approx(untied_mc, abs=0.1)


def test_cases_of_the_theory_note():
    for a, b, tied, untied in [
        (1 / (1 + math.exp(-1)), 0.25 * 3**-0.5, -3.374, -6.387),
        (1.0, 0.1, 1.643, 0.108),
    ]:
        assert tied_log10(Linear(a, b), 50) == pytest.approx(tied, abs=2e-3)
        assert untied_log10(Linear(a, b), 50) == pytest.approx(untied, abs=2e-3)


@pytest.mark.parametrize("k", [0, 1, 2, 7, 200])
def test_sum_is_that_of_exact_fractions(k):
    a, b = Fraction(3, 5), Fraction(1, 7)
    total = sum(math.comb(k, j) ** 2 * a ** (2 * (k - j)) * b ** (2 * j) for j in range(k + 1))
    exact = 0.5 * (math.log10(total.numerator) - math.log10(total.denominator))
    assert tied_log10(Linear(float(a), float(b)), k) == pytest.approx(exact, abs=1e-11)


def test_tied_rate_tends_to_a_plus_b_with_a_power_of_one_quarter():
    linear = at_rest("gru", 1.0)
    a, b = linear
    for k in (1000, 10_000):
        factor = (a + b) / math.sqrt(4 * math.pi * k * a * b)
        expected = k * math.log10(a + b) + 0.5 * math.log10(factor)
        assert tied_log10(linear, k) == pytest.approx(expected, abs=1e-3)


def test_a_path_alone_is_a_plain_power():
    assert tied_log10(Linear(0.5, 0.0), 8) == pytest.approx(8 * math.log10(0.5))
    assert tied_log10(Linear(0.0, 0.3), 8) == pytest.approx(8 * math.log10(0.3))
    assert tied_log10(Linear(0.0, 0.0), 0) == 0.0
    assert tied_log10(Linear(0.0, 0.0), 3) == -math.inf
    assert untied_log10(Linear(0.3, 0.4), 4) == pytest.approx(4 * math.log10(0.5))


def test_predicted_slopes_over_lags_20_to_80():
    lstm = at_rest("lstm", GAINS["lstm", "pytorch"])
    assert tied_slope_over(lstm, 20, 80) == pytest.approx(-0.1933, abs=5e-5)
    with_bias = at_rest("lstm", GAINS["lstm", "pytorch"], 1.0)
    assert tied_slope_over(with_bias, 20, 80) == pytest.approx(-0.0602, abs=5e-5)
    assert tied_slope_over(at_rest("gru", 3**-0.5), 20, 80) == tied_slope_over(lstm, 20, 80)


@pytest.mark.parametrize(
    "row",
    [row for row in TABLES["default_init_slopes"]["rows"] if row[2] is not None],
    ids=lambda r: f"{r[0]} {r[1]}",
)
def test_closed_forms_of_the_table_of_default_slopes(row):
    kind, _, predicted, *_ = row
    cell, init = kind.split(":")
    if cell in {"gru", "lstm"}:
        bias = float(init.removeprefix("torch_fb")) if "_fb" in init else 0.0
        found = at_rest(cell, GAINS[cell, "pytorch"], bias).tied_slope
    else:  # of a vanilla net at rest mean field's: tanh' = 1, and of ReLU half of the units
        found = fixed_point("tanh" if cell == "rnn" else "relu", 3**-0.5).slope
    assert found == pytest.approx(predicted, abs=1e-9)


@pytest.mark.parametrize("row", TABLES["tied_vs_untied_identity_path"]["rows"][::2])
def test_a_drawn_matrix_follows_the_tied_sum_and_fresh_ones_the_untied_power(rng, row):
    _, a, b, k, *_ = row
    H, tied, untied = 192, [], []
    for _ in range(4):
        W = rng.normal(size=(H, H)) / math.sqrt(H)
        one, other = (rng.normal(size=H) for _ in range(2))
        start = np.log10([np.linalg.norm(one), np.linalg.norm(other)])
        for _ in range(k):
            one = a * one + b * (W @ one)
            other = a * other + b * (rng.normal(size=(H, H)) @ other) / math.sqrt(H)
        tied.append(np.log10(np.linalg.norm(one)) - start[0])
        untied.append(np.log10(np.linalg.norm(other)) - start[1])
    assert np.mean(tied) == pytest.approx(tied_log10(Linear(a, b), k), abs=0.1)
    assert np.mean(untied) == pytest.approx(untied_log10(Linear(a, b), k), abs=0.1)


@pytest.mark.parametrize(
    ("cell", "init", "bias"),
    [
        ("gru", "pytorch", 0.0),
        ("lstm", "pytorch", 1.0),
        ("lstm", "keras", 1.0),
        ("gru", "keras", 0.0),
    ],
)
def test_engine_falls_at_the_predicted_rate_under_weak_input(cell, init, bias):
    """GRU and LSTM of 128 units, silence, a small random state; .005 per step."""
    slopes = []
    for seed in range(6):
        config = rc.ExperimentConfig(
            cell=cell,
            init=init,
            steps=100,
            hidden_size=128,
            batch_size=1,
            input_size=1,
            input_scale=0.1,
            forget_bias=bias if cell == "lstm" else None,
            seed=seed,
        )
        norms = rc.run(config).layers[0].log10_norms("d_h")
        slopes.append(slow_least_squares_slope(norms, 20, 80))
    predicted = tied_slope_over(at_rest(cell, GAINS[cell, init], bias), 20, 80)
    assert np.mean(slopes) == pytest.approx(predicted, abs=0.006)
