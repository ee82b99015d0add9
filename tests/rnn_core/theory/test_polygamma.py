"""psi and psi' at whole and half numbers, where they are finite sums, and by recurrence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.theory.polygamma import digamma, trigamma

EULER = 0.57721566490153286


@pytest.mark.parametrize("n", [1, 2, 3, 8, 40, 256])
def test_whole_and_half_numbers_are_finite_sums(n):
    whole, half = np.array([float(n)]), np.array([n - 0.5])
    assert digamma(whole)[0] == pytest.approx(
        -EULER + math.fsum(1 / k for k in range(1, n)), rel=1e-14
    )
    assert digamma(half)[0] == pytest.approx(
        -EULER - 2 * math.log(2) + math.fsum(2 / (2 * k - 1) for k in range(1, n)),
        rel=1e-13,
        abs=1e-15,
    )
    assert trigamma(whole)[0] == pytest.approx(
        math.pi**2 / 6 - math.fsum(1 / k**2 for k in range(1, n)), rel=1e-12
    )
    assert trigamma(half)[0] == pytest.approx(
        math.pi**2 / 2 - math.fsum(4 / (2 * k - 1) ** 2 for k in range(1, n)), rel=1e-12
    )


@given(st.floats(1e-3, 1e6))
def test_digamma_is_the_slope_of_the_logarithm_of_gamma(x):
    width = 1e-4 * x
    ends = [math.lgamma(x + k * width) for k in (-2, -1, 1, 2)]
    slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * width)
    assert digamma(np.array([x]))[0] == pytest.approx(slope, rel=1e-7, abs=1e-8)


@given(st.floats(1e-3, 1e6))
def test_trigamma_is_the_slope_of_digamma(x):
    width = 1e-3 * x
    ends = digamma(x + width * np.array([-2.0, -1.0, 1.0, 2.0]))
    slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * width)
    assert trigamma(np.array([x]))[0] == pytest.approx(slope, rel=1e-7)
