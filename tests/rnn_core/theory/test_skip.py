"""The rate of a skip in time: the table, its polynomial, and the engine's own skip."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.cells import SkipInTime
from rnn_core.theory.skip import rate
from tests.reference import reference_tables
from tests.rnn_core.random_networks import last_step, vanilla

ROWS = reference_tables()["skip_connection_root"]["rows"]
ROWS = [*ROWS, [0.5, 0.1, 20, 0.926502], [0.8, 0.3, 5, 1.048359]]


@pytest.mark.parametrize(("w", "alpha", "s", "r"), ROWS)
def test_table_of_rates(w, alpha, s, r):
    digits = 1e-9 if [w, alpha, s, r] in ROWS[:3] else 5e-7
    assert abs(rate(w, alpha, s)) == pytest.approx(r, abs=digits)


@given(w=st.floats(-2, 2), alpha=st.floats(-2, 2), s=st.integers(2, 30))
@settings(max_examples=200, deadline=None)
def test_rate_is_the_largest_root_of_the_polynomial(w, alpha, s):
    found = abs(rate(w, alpha, s))
    coefficients = np.zeros(s + 1)
    coefficients[0], coefficients[1] = 1.0, -w
    coefficients[-1] -= alpha
    assert found == pytest.approx(np.abs(np.roots(coefficients)).max(initial=0.0), abs=1e-6)


@pytest.mark.parametrize("s", [2, 5, 30, 1000, 1_000_000])
def test_positive_root_satisfies_its_equation_at_any_length(s):
    r = rate(0.9, 0.05, s).real
    assert 0.9 + 0.05 * math.exp((1 - s) * math.log(r)) == pytest.approx(r, rel=1e-9)


@pytest.mark.parametrize(
    ("w", "alpha", "s"), [(0.5, 0.3, 5), (0.9, 0.05, 10), (-0.6, -0.4, 3), (0.0, 0.5, 4)]
)
def test_engine_s_skip_shrinks_the_gradient_at_this_rate(w, alpha, s):
    """One linear unit h_t = w h_{t-1} + alpha h_{t-s}, over 60 periods of the skip."""
    net = replace(vanilla(np.array([[w]]), "identity"), skip=SkipInTime(s, alpha))
    T = 60 * s
    rec = rc.record(net, np.zeros((T, 1, 1)), last_step(np.ones(1)))
    logs = rec.layers[0].log10_abs("d_h")[::-1, 0, 0]
    slope = (logs[50 * s] - logs[10 * s]) / (40 * s)
    assert slope == pytest.approx(math.log10(abs(rate(w, alpha, s))), abs=1e-4)


def test_no_skip_leaves_the_weight():
    assert rate(0.7, 0.0, 9) == 0.7
    assert rate(-0.7, 0.0, 9) == -0.7
    assert rate(0.0, 0.0, 3) == 0.0
