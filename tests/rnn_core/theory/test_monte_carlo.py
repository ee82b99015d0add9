"""A fast part of `benchmarks/validation.py`: our runs against the Monte Carlo tables.

All rows, with all seeds, are measured by `python -m benchmarks.validation`.
"""

import numpy as np
import pytest

from benchmarks.validation import NAMES, compare, rows_of, slope
from rnn_core.theory.mean_field import finite_width, fixed_point

ROWS = [
    (name, row["sigma_w"], row["sigma_b"])
    for name, every in (("mc_tied_tanh_H64", 3), ("mc_tied_tanh_H128", 5))
    for row in rows_of(name)[::every]
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), ROWS)
def test_tied_nets_have_the_mean_slope_of_the_table(name, sigma_w, sigma_b):
    """Within 3 standard errors of the difference, 24 nets of our own."""
    row = next(r for r in rows_of(name) if (r["sigma_w"], r["sigma_b"]) == (sigma_w, sigma_b))
    found = compare(row, seeds=24)
    assert found.expected == row["mc_slope"]
    assert found.measured_se < 0.006
    assert abs(found.measured - found.expected) < 3 * np.hypot(row["se"], found.measured_se)


@pytest.mark.parametrize("sigma_w", [0.5, 1.5, 3.0, 5.0])
def test_untied_nets_of_64_units_meet_theory_with_its_finite_width_term(sigma_w):
    """.003 and 3 standard errors of 24 nets; without the term they would differ by up to .03."""
    row = {"activation": "tanh", "mode": "untied", "H": 64, "sigma_b": 0.1, "sigma_w": sigma_w}
    measured = [slope(row | {"T": 60, "burn": 20}, seed) for seed in range(24)]
    wide = fixed_point("tanh", sigma_w, 0.1)
    error = np.std(measured, ddof=1) / np.sqrt(24)
    expected = wide.slope + finite_width("tanh", wide.q, 64)
    assert abs(np.mean(measured) - expected) < 0.003 + 3 * error
    assert error < 0.005


def test_every_row_of_every_table_is_measured_by_the_benchmark():
    assert [len(rows_of(name)) for name in NAMES] == [16, 16, 16, 32]
