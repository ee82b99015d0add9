"""The one-unit cliff against 60-digit numbers, complex steps and its own closed forms."""

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.theory.cliff import cliff, folds, on_the_wall, wall, wall_begins
from tests.reference import reference_tables

POINTS = reference_tables()["pascanu_cliff_points"]
WALL = reference_tables()["pascanu_cliff_wall"]
MORE = [  # w, b, E, dE/dw, dE/db, computed with 60 digits
    (3, -1, 0.0108480459513, 0.050009524389, 0.0621889927852),
    (5, -2.6, 0.0120952113678, 0.119458680388, 0.147601808157),
    (5, -2.6123, 0.00856303541343, -542.31511821, -871.286149708),
    (6, -3.24, 0.42211521749, -0.0043758995852, -0.0870028409792),
]


def slow_loss(w, b, x=0.5, steps=50, target=0.7):
    """Compute E as it is written down; complex arguments carry a derivative in their tail."""
    for _ in range(steps):
        x = w / (1 + cmath.exp(-x)) + b
    return (1 / (1 + cmath.exp(-x)) - target) ** 2


@pytest.mark.parametrize("row", POINTS["rows"], ids=lambda row: f"{row[0]}, {row[1]}")
def test_table_of_points(row):
    w, b, x, s, loss, d_w, d_b, d_x_init, dx_dx_init, dx_dw = row
    at = cliff(w, b)
    assert at.x == pytest.approx(x, rel=1e-10)
    assert 1 / (1 + np.exp(-at.x)) == pytest.approx(s, rel=1e-10)
    assert at.loss == pytest.approx(loss, rel=1e-10)
    assert at.d_w == pytest.approx(d_w, rel=1e-10)
    assert at.d_b == pytest.approx(d_b, rel=1e-10)
    assert at.d_x_init == pytest.approx(d_x_init, rel=1e-10)
    assert at.dx_dx_init == pytest.approx(dx_dx_init, rel=1e-10)
    assert at.dx_dw == pytest.approx(dx_dw, rel=1e-10)


@pytest.mark.parametrize("row", MORE, ids=lambda row: f"{row[0]}, {row[1]}")
def test_more_points(row):
    at = cliff(row[0], row[1])
    assert [at.loss, at.d_w, at.d_b] == pytest.approx(list(row[2:]), rel=1e-9)


@given(w=st.floats(-8, 8), b=st.floats(-5, 5), x=st.floats(-3, 3), steps=st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_every_derivative_equals_a_complex_step(w, b, x, steps):
    at = cliff(w, b, x_init=x, steps=steps, target=0.3)
    tail = 1e-30
    for found, moved in [
        (at.d_w, (w + 1j * tail, b, x)),
        (at.d_b, (w, b + 1j * tail, x)),
        (at.d_x_init, (w, b, x + 1j * tail)),
    ]:
        exact = slow_loss(*moved, steps=steps, target=0.3).imag / tail
        assert found == pytest.approx(exact, rel=1e-10, abs=1e-13)


def test_a_grid_holds_what_each_point_gives_alone():
    w, b = np.array([[4.5], [5.5]]), np.array([-3.0, -2.5, 0.0])
    grid = cliff(w, b, steps=30)
    assert grid.loss.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        alone = cliff(w[i, 0], b[j], steps=30)
        for name in ("x", "loss", "d_w", "d_b", "d_x_init", "dx_dw", "dx_db", "dx_dx_init"):
            assert getattr(grid, name)[i, j] == pytest.approx(getattr(alone, name), rel=1e-13)
            assert not getattr(grid, name).flags.writeable


@pytest.mark.parametrize("row", WALL["rows"], ids=lambda row: f"w={row[0]}")
def test_table_of_the_wall(row):
    w, b, rho, loss, d_w, d_b = row
    assert wall(w) == pytest.approx(b, rel=1e-11)
    at = on_the_wall(w)
    assert [at.rho, at.loss, at.d_w, at.d_b] == pytest.approx([rho, loss, d_w, d_b], rel=1e-10)


@pytest.mark.parametrize(
    ("w", "tolerance"), [(4.5, 1e-8), (5, 1e-8), (5.5, 1e-8), (6, 1e-8), (7, 1e-3)]
)
def test_gradient_on_the_wall_is_the_closed_form(w, tolerance):
    """An exploding gradient of 50 steps, exactly; at w = 7 the b of the wall itself rounds."""
    at, exact = cliff(w, wall(w)), on_the_wall(w)
    assert at.loss == pytest.approx(exact.loss, rel=tolerance)
    assert at.d_w == pytest.approx(exact.d_w, rel=tolerance)
    assert at.d_b == pytest.approx(exact.d_b, rel=tolerance)


def test_sum_of_the_wall_is_exact_at_its_ends():
    """rho = 1 exactly (x_0 = 0, w = 4): T terms of 1; w = 0: the last term alone."""
    flat = on_the_wall([0.0, 4.0], x_init=0.0, target=0.7, steps=30)
    assert flat.d_b == pytest.approx([2 * -0.2 * 0.25, 2 * -0.2 * 0.25 * 30], rel=1e-14)


def test_wall_repels_from_where_it_begins():
    begins = wall_begins()
    assert begins == pytest.approx(4.25525193041, rel=1e-11)
    assert on_the_wall(begins).rho == pytest.approx(1.0, abs=1e-15)
    s, slope = 1 / (1 + math.exp(-0.5)), 1 / begins
    count_steps = 2 * (s - 0.7) * slope * 50  # 1 + rho + rho^2 + ... at rho = 1
    for above in (0.0, 1e-12, 1e-10, 1e-8):
        grown = count_steps * (1 + 24.5 * above)
        assert on_the_wall(begins * (1 + above)).d_b == pytest.approx(grown, rel=1e-12)
    for w in (4.0, 4.2, 4.3, 5.0):
        apart = [cliff(w, wall(w) + side, steps=3000).x for side in (-1e-6, 1e-6)]
        assert (abs(apart[0] - apart[1]) > 0.5) == (w > begins)


@pytest.mark.parametrize(("w", "low", "high"), WALL["folds"])
def test_folds_are_where_attractors_appear(w, low, high):
    found = folds(w)
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-10)
    for b, attractors in [(low - 1e-3, 1), (low + 1e-3, 2), (high - 1e-3, 2), (high + 1e-3, 1)]:
        ends = {round(float(cliff(w, b, x_init=x, steps=5000).x), 3) for x in (-9.0, 9.0)}
        assert len(ends) == attractors


def test_folds_meet_in_the_cusp_and_are_nan_below():
    found = folds([3.9, 4.0, 1e6])
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert found.low[1] == found.high[1] == -2.0
    assert found.low[2] == pytest.approx(-1e6 + 1 + math.log(1e6), rel=1e-9)
    assert found.high[2] == pytest.approx(-1 - math.log(1e6), rel=1e-5)


def test_float64_ends_in_inf_and_not_in_a_warning():
    """x = 0 is a repeller that float64 keeps exactly: dx/dx_0 grows by w/4 at every step."""
    at = cliff(400.0, -200.0, x_init=0.0, steps=100)
    assert math.log10(at.dx_dx_init) == pytest.approx(200.0)
    assert np.isinf(cliff(400.0, -200.0, x_init=0.0, steps=200).dx_dx_init)
