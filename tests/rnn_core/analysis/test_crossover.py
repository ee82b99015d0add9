"""Where a curve changes sign, on curves whose crossings are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_core import ShapeError
from rnn_core.analysis.crossover import zero_crossings

X = np.array([0.0, 1.0, 2.0, 3.0, 4.0])


def crossings(*y):
    return [tuple(one) for one in zero_crossings(X, np.array(y, dtype=float))]


def test_a_crossing_lies_where_the_straight_line_does():
    assert crossings(-3, -1, 1, 2, 5) == [(1.5, True)]
    assert crossings(3, 1, -3, -4, -5) == [(1.25, False)]


def test_every_change_of_sign_is_found_in_order():
    assert crossings(-1, 1, -1, 1, -1) == [(0.5, True), (1.5, False), (2.5, True), (3.5, False)]


def test_a_curve_without_a_change_has_none():
    assert crossings(-5, -1, -2, -1, -3) == []
    assert crossings(0, 0, 0, 0, 0) == []


def test_a_point_at_zero_is_a_crossing_where_the_sign_changes_and_none_where_it_touches():
    assert crossings(-1, 0, 1, 2, 3) == [(1.0, True)]
    assert crossings(-1, 0, 0, 2, 3) == [(1.5, True)]
    assert crossings(-1, 0, -1, -2, 0) == []


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_nothing_is_said_of_a_gap(gap):
    assert crossings(-1, gap, 1, 2, 3) == []
    assert crossings(gap, -1, 1, gap, -1) == [(1.5, True)]


@given(st.floats(0.05, 3.95), st.sampled_from([-1.0, 1.0]))
def test_a_line_is_crossed_where_it_is_zero(place, sign):
    (found,) = zero_crossings(X, sign * (X - place)) if place not in X else ((place, sign > 0),)
    assert found[0] == pytest.approx(place)
    assert found[1] == (sign > 0)


def test_a_curve_of_another_length_is_refused():
    with pytest.raises(ShapeError, match=r"^y: expected the shape of x, \(5,\), got \(4,\)$"):
        zero_crossings(X, np.zeros(4))
