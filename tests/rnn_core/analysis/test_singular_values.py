"""Singular values of products against 400 decimal digits, closed forms, and exact zeros."""

import doctest
import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import singular_values as module
from rnn_core.analysis.graded import Triangle, graded_qr
from rnn_core.analysis.singular_values import singular_values
from rnn_core.cells import SkipInTime
from tests.reference.slow_jacobian import exact as exact_matrix
from tests.reference.slow_jacobian import (
    exact_singular_values,
    log10_singular_values,
    slow_jacobian,
    tape_of_one,
)
from tests.rnn_core.random_networks import last_step, random_case, random_orthogonal, vanilla

LAGS = [1, 2, 5, 10, 20, 50]
SMOOTH = [("rnn", "tanh"), ("rnn", "sigmoid"), ("rnn", "identity"), ("gru", "tanh"),
          ("lstm", "tanh")]  # fmt: skip


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


def jacobians_of(case, sequence):
    init = {f"{name}_init": value[sequence] for name, value in case.init.items()}
    layer, tape = tape_of_one(
        case.state, case.x[:, sequence], cell=case.cell, activation=case.activation, **init
    )
    return [slow_jacobian(layer, step) for step in tape]


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("cell", SMOOTH, ids=lambda cell: cell[1] if cell[0] == "rnn" else cell[0])
def test_every_value_is_that_of_400_digits(rng, cell, scale):
    """k = 1, 2, 5, 10, 20, 50: spreads of up to 10^100, where plain SVD has 16 digits."""
    case = random_case(rng, *cell, T=51, H=4, scale=scale)
    expected = np.array(exact_singular_values(jacobians_of(case, 1), LAGS))
    found = singular_values(case.record(), LAGS, sequence=1)
    assert found.lags.tolist() == LAGS
    assert found.log10_values == pytest.approx(expected, abs=1e-9)
    assert np.ptp(expected[-1]) > 5
    assert (found.resolved == expected.shape[1]).all()


@pytest.mark.parametrize("drive", [30.0, 100.0])
def test_saturated_units_keep_their_digits(rng, drive):
    """phi' of 10^-26 to 10^-200 beside phi' of 1 in the same step: rows that differ as much."""
    case = random_case(rng, "rnn", "tanh", T=9, H=5)
    case.state["bias_ih_l0"][:] = drive * np.array([0.0, 1.0, 0.5, 0.01, -0.3])
    jacobians = jacobians_of(case, 0)
    assert np.abs(jacobians[5]).max(axis=1).min() < 1e-20
    expected = np.array(exact_singular_values(jacobians, [1, 2, 8], digits=12 * int(drive)))
    found = singular_values(case.record(), [1, 2, 8])
    assert found.log10_values == pytest.approx(expected, abs=1e-8)


def test_one_step_is_plain_svd(rng):
    case = random_case(rng, "gru", T=4, H=6)
    expected = np.log10(np.linalg.svd(jacobians_of(case, 0)[-1], compute_uv=False))
    found = singular_values(case.record(), [1])
    assert found.log10_values[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_orthogonal_linear_net_has_powers_of_its_scale(rng, scale):
    weight = scale * random_orthogonal(rng, 4)
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.zeros((4, 1)), "weight_hh_l0": weight}, cell="rnn"
    )
    rec = rc.record(net, np.zeros((2_001, 1, 1)), last_step(np.ones(4)))  # h = 0: phi' = 1
    found = singular_values(rec, [1, 100, 2_000])
    expected = math.log10(scale) * np.array([[1], [100], [2_000]]) * np.ones(4)
    assert found.log10_values == pytest.approx(expected, abs=1e-8)


def test_units_that_do_not_mix_have_a_value_each():
    """diag(1/2, 1e-3, 2, 1): decades apart after 1000 steps, 10^3600 in all."""
    w = np.array([0.5, 1e-3, 2.0, 1.0])
    rec = rc.record(vanilla(np.diag(w), "identity"), np.zeros((1001, 1, 1)), last_step(np.ones(4)))
    found = singular_values(rec, [1000])
    expected = 1000 * np.log10(np.sort(w)[::-1])
    assert found.log10_values[0] == pytest.approx(expected, abs=1e-8)


def test_growing_direction_hides_behind_an_invariant_one():
    """[[1/2, 1], [0, 2]]: a basis that starts along the axes would lose the small value."""
    weight = np.array([[0.5, 1.0], [0.0, 2.0]])
    for matrix in (weight, weight.T):
        rec = rc.record(vanilla(matrix, "tanh"), np.zeros((101, 1, 1)), last_step(np.ones(2)))
        found = singular_values(rec, [100])
        expected = exact_singular_values([matrix] * 100, [100])
        assert found.log10_values == pytest.approx(np.array(expected), abs=1e-9)


def test_largest_value_bounds_the_gradient_and_the_rms_is_its_mean_square(rng):
    case = random_case(rng, "rnn", T=30, B=1, H=4, kind="last", scale=1.5)
    rec = case.record()
    found = singular_values(rec, list(range(1, 30)))
    norms = rec.layers[0].log10_norms("d_h")[:, 0]
    assert (norms[:-1][::-1] - norms[-1] <= found.log10_values[:, 0] + 1e-12).all()
    assert (norms[:-1][::-1] - norms[-1] >= found.log10_values[:, -1] - 1e-12).all()


def test_dead_relus_are_exact_zeros():
    """Unit 1 is shut at one step: one value of any product across that step is exactly 0."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[0.0], [1.0]], "weight_hh_l0": [[0.9, 0.2], [0.3, 0.5]],
         "bias_ih_l0": [1.0, 1.0], "bias_hh_l0": [0.0, 0.0]},
        cell="rnn", activation="relu",
    )  # fmt: skip
    x = np.zeros((6, 1, 1))
    x[3] = -99.0
    found = singular_values(rc.record(net, x, last_step(np.ones(2))), [1, 2, 3, 5])
    assert np.isfinite(found.log10_values[:2]).all()
    assert np.isfinite(found.log10_values[2:, 0]).all()
    assert np.isneginf(found.log10_values[2:, 1]).all()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_zero_recurrent_weights_leave_the_line_alone(rng, cell):
    """A product of gates per unit; an LSTM's other H values are exactly 0."""
    case = random_case(rng, cell, T=8, H=3, scale=0.0)
    found = singular_values(case.record(), [6])
    jacobians = jacobians_of(case, 0)
    block = slice(3, 6) if cell == "lstm" else slice(0, 3)
    line = np.prod([np.diag(j[block, block]) for j in jacobians[-6:]], axis=0)
    if cell == "gru":
        assert found.log10_values[0] == pytest.approx(np.sort(np.log10(line))[::-1], abs=1e-12)
        return
    # (h, c): c is f times c before, h is o tanh'(c) times that
    to_h = np.prod([np.diag(j[block, block]) for j in jacobians[-6:-1]], axis=0)
    to_h = to_h * np.diag(jacobians[-1][:3, block])
    expected = np.sort(np.log10(np.hypot(line, to_h)))[::-1]
    assert found.log10_values[0, :3] == pytest.approx(expected, abs=1e-12)
    assert np.isneginf(found.log10_values[0, 3:]).all()


def test_unit_that_nobody_hears_is_an_exact_zero(rng):
    """A zero row in W: no zero in a gradient's way, and yet one value is 0."""
    case = random_case(rng, "rnn", T=12, H=4)
    case.state["weight_hh_l0"][2] = 0.0
    found = singular_values(case.record(), [1, 10])
    assert np.isneginf(found.log10_values[:, -1]).all()
    assert np.isfinite(found.log10_values[:, :-1]).all()


def test_zero_weights_leave_nothing():
    rec = rc.record(vanilla(np.zeros((3, 3)), "tanh"), np.zeros((4, 1, 1)), last_step(np.ones(3)))
    assert np.isneginf(singular_values(rec).log10_values).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_long_run_has_finite_values(cell):
    config = rc.ExperimentConfig(
        cell=cell, init="pytorch", steps=10_000, hidden_size=3, batch_size=1
    )
    found = singular_values(rc.run(config), [1, 100, 9_999])
    assert np.isfinite(found.log10_values).all()
    assert (np.diff(found.log10_values, axis=1) <= 0).all()
    assert found.log10_values[-1, 0] < -1000


def test_values_that_a_step_lost_are_counted_out(rng):
    """W of condition 10^40: plain arithmetic cannot know its smallest value; it says so."""
    weight = np.diag([1e20, 1.0, 1e-20]) @ random_orthogonal(rng, 3)
    rec = rc.record(vanilla(weight.T, "tanh"), np.zeros((6, 1, 1)), last_step(np.ones(3)))
    found = singular_values(rec, [1, 5])
    expected = exact_singular_values([weight.T] * 5, [1, 5])
    assert found.resolved.tolist() == [1, 1]
    assert found.log10_values[:, 0] == pytest.approx(np.array(expected)[:, 0], abs=1e-9)


def test_singular_weights_are_counted_out(rng):
    """Two equal columns: rank 3 of 4, with no zero to show it."""
    case = random_case(rng, "rnn", T=12, H=4)
    case.state["weight_hh_l0"][:, 1] = case.state["weight_hh_l0"][:, 0]
    found = singular_values(case.record(), [1, 10])
    assert found.resolved.tolist() == [3, 3]


@pytest.mark.parametrize("power", [-200, 200])
def test_weights_near_the_ends_of_float64_do_not_overflow(rng, power):
    weight = 10.0**power * rng.normal(size=(3, 3))
    rec = rc.record(vanilla(weight, "tanh"), np.zeros((6, 1, 1)), last_step(np.ones(3)))
    found = singular_values(rec, [1, 5])
    expected = exact_singular_values([weight] * 5, [1, 5])
    assert found.log10_values == pytest.approx(np.array(expected), abs=1e-9)
    assert found.resolved.tolist() == [3, 3]


@pytest.mark.parametrize("spread", [0, 1, 30, 1000])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_rotations_find_the_values_of_any_graded_triangle(rng, size, spread):
    rows = np.triu(rng.normal(size=(size, size)))
    powers = np.sort(rng.integers(-spread, spread + 1, size=size))[::-1].astype(np.int64)
    ours = Triangle.of(rows, powers).log10_singular_values()
    decimals = [
        [entry * (2 ** int(power) if power >= 0 else 1) / (1 if power >= 0 else 2 ** -int(power))
         for entry in row]
        for row, power in zip(exact_matrix(rows), powers, strict=True)
    ]  # fmt: skip
    assert ours == pytest.approx(log10_singular_values(decimals), abs=1e-11)


def test_qr_of_graded_rows_gives_the_matrix_back(rng):
    rows = rng.normal(size=(5, 5)) * 10.0 ** np.array([-200, 0, 3, -40, -90])[:, None]
    q, r = graded_qr(rows)
    assert q.T @ q == pytest.approx(np.eye(5), abs=1e-14)
    plain = r.rows * 2.0 ** r.exponent[:, None]
    for row, back in zip(rows, q @ plain, strict=True):
        assert back == pytest.approx(row, abs=1e-13 * np.abs(row).max())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lags": [0]}, "lags: expected steps from 1 to 4, got [0]"),
        ({"lags": [5]}, "lags: expected steps from 1 to 4, got [5]"),
        ({"lags": []}, "lags: expected steps from 1 to 4, got []"),
        ({"lags": 2}, "lags: expected steps from 1 to 4, got 2"),
        ({"sequence": 8}, "sequence: expected 0 to 7, got 8"),
    ],
)
def test_choices_that_do_not_exist_are_refused(options, message):
    rec = rc.run(rc.ExperimentConfig(steps=5, hidden_size=3))
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        singular_values(rec, **options)


def test_skip_in_time_is_refused_and_one_step_has_no_product(rng):
    case = random_case(rng, "rnn", T=5)
    net = rc.Network.from_state_dict(case.state, cell="rnn", skip=SkipInTime(2, 0.5))
    with pytest.raises(rc.ConfigError, match=r"^rec: expected a net without a skip in time, got"):
        singular_values(rc.record(net, case.x, case.loss))
    assert singular_values(rc.run(rc.ExperimentConfig(steps=1))) is None
    lags = singular_values(rc.run(rc.ExperimentConfig(steps=60, hidden_size=3))).lags
    assert lags.tolist() == [1, 2, 5, 10, 20, 50]
