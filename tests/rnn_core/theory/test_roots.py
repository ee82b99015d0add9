"""Bisection finds the last digit, entry by entry."""

import numpy as np
import pytest

from rnn_core.theory.roots import bisect


def test_an_array_of_roots_is_found_to_the_last_digit():
    squares = np.array([[2.0, 1e-6], [3e8, 9.0]])
    found = bisect(lambda x: x * x - squares, np.zeros((2, 2)), np.full((2, 2), 1e6))
    assert found == pytest.approx(np.sqrt(squares), rel=4e-16)


def test_a_root_at_the_end_of_its_bracket_is_found():
    ends = np.array([1.0, 1.0]), np.array([4.0, 1.0])
    assert bisect(lambda x: x - 1.0, *ends) == pytest.approx([1.0, 1.0], abs=1e-15)
