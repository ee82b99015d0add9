"""The latch keeps its bit and loses its gradient."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.theory.latch import attractor, hold
from tests.reference import reference_tables
from tests.rnn_core.random_networks import last_step, vanilla

ROWS = reference_tables()["tanh_latch"]["rows"]


@pytest.mark.parametrize(("w", "x", "factor"), ROWS)
def test_table_of_attractors(w, x, factor):
    found = attractor(w)
    assert found.x == pytest.approx(x, abs=1e-7)
    assert found.factor == pytest.approx(factor, abs=1e-7)
    assert found.slope == pytest.approx(math.log10(factor), abs=1e-7)


@pytest.mark.parametrize("w", [1.0001, 1.01, 1.3, 7.0, 20.0, 100.0])
def test_attractor_is_a_fixed_point_that_attracts(w):
    found = attractor(w)
    assert 0 < found.x <= 1
    assert math.tanh(w * found.x) == pytest.approx(found.x, rel=1e-11)
    assert found.factor == pytest.approx(w / math.cosh(w * found.x) ** 2, rel=1e-9)
    assert found.factor < 1


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0])
def test_weak_loop_holds_nothing(w):
    found = attractor(w)
    assert (found.x, found.factor) == (0.0, w)
    assert found.slope == (math.log10(w) if w else -math.inf)


def test_saturated_unit_keeps_a_slope_beyond_one_minus_h_squared():
    """1 - tanh(20)^2 is 0 in float64; the slope is -15.4687, and -7.0838 at w = 10."""
    assert attractor(20.0).slope == pytest.approx(-15.4687, abs=5e-5)
    assert attractor(10.0).slope == pytest.approx(-7.0838, abs=5e-5)


@pytest.mark.parametrize("x_init", [0.5, -0.01, 2.0])
def test_sign_is_kept_for_ever_while_the_gradient_dies(x_init):
    kept = hold(2.0, x_init, 100)
    assert (np.sign(kept.x) == np.sign(x_init)).all()
    assert kept.log10_gradient[0] == 0.0
    last = kept.log10_gradient[100] - kept.log10_gradient[99]
    assert last == pytest.approx(attractor(2.0).slope, abs=1e-10)
    assert kept.log10_gradient[100] < -70


def test_gradient_of_a_held_bit_is_the_one_that_the_engine_records():
    kept = hold(1.5, 0.3, 40)
    rec = rc.record(
        vanilla(np.array([[1.5]]), "tanh"),
        np.zeros((40, 1, 1)),
        last_step(np.ones(1)),
        h_init=np.array([[0.3]]),
    )
    assert rec.layers[0].h[:, 0, 0] == pytest.approx(kept.x[1:], abs=1e-14)
    back = kept.log10_gradient[-1] - kept.log10_gradient[1:]
    assert rec.layers[0].log10_abs("d_h")[:, 0, 0] == pytest.approx(back, abs=1e-12)


def test_separatrix_explodes():
    assert hold(3.0, 0.0, 10).log10_gradient == pytest.approx(np.arange(11) * math.log10(3))
