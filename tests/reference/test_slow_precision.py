"""The simulated formats round as PyTorch and NumPy do, and lose what they must."""

import math

import numpy as np
import pytest

from tests.reference import (
    FORMATS,
    reference_tables,
    round_to,
    rounding_golden,
    slow_range_only,
)
from tests.reference.small_networks import KINDS, linear_unit, random_state


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_rounding_equals_pytorch(precision):
    table = rounding_golden()
    ours = np.array([round_to(value, precision) for value in table["value"]])
    assert np.array_equal(ours, table[precision])
    assert np.array_equal(np.signbit(ours), np.signbit(table[precision]))


@pytest.mark.parametrize(("precision", "dtype"), [("float16", np.float16), ("float32", np.float32)])
def test_rounding_of_float64_equals_numpy(precision, dtype):
    rng = np.random.default_rng(11)
    values = rng.normal(size=2000) * 10.0 ** rng.uniform(-50, 42, size=2000)
    values = np.concatenate([values, rng.normal(size=2000) * 10.0 ** rng.uniform(-9, 6, size=2000)])
    with np.errstate(over="ignore"):
        neighbours = values.astype(dtype).astype(float)
        halfway = (neighbours + np.nextafter(values.astype(dtype), dtype(0)).astype(float)) / 2
        values = np.concatenate([values, halfway[np.isfinite(halfway)], [math.inf, -math.inf, 0.0]])
        expected = values.astype(dtype).astype(float)
    assert np.array_equal([round_to(value, precision) for value in values], expected)


@pytest.mark.parametrize(
    ("dtype", "smallest_normal", "smallest", "largest"),
    [tuple(row) for row in reference_tables()["float_limits"]["rows"] if row[0] in FORMATS],
)
def test_format_limits_are_those_of_reference_json(dtype, smallest_normal, smallest, largest):
    form = FORMATS[dtype]
    assert form.smallest_normal == pytest.approx(smallest_normal, rel=1e-11)
    assert math.ldexp(1.0, form.lowest) == pytest.approx(smallest, rel=1e-11)
    assert form.largest == pytest.approx(largest, rel=1e-11)


@pytest.mark.parametrize("w", [0.25, 0.5])
@pytest.mark.parametrize("precision", list(FORMATS))
def test_power_of_two_is_subnormal_and_zero_where_reference_json_says(precision, w):
    expected = reference_tables()["float_underflow_T"]["by_rho"][str(w)][precision]
    low = slow_range_only(*linear_unit(w, 160), precision, activation="identity")
    assert [low.first_subnormal, low.first_all_zero] == expected
    assert low.lost == low.first_all_zero
    assert low.first_not_finite is None


@pytest.mark.parametrize("precision", list(FORMATS))
def test_power_of_two_overflows_where_reference_json_says(precision):
    expected = reference_tables()["float_underflow_T"]["by_rho"]["4"][precision]
    low = slow_range_only(*linear_unit(4.0, 70), precision, activation="identity")
    assert [low.first_not_finite] == expected
    assert low.lost == low.first_not_finite


def test_loss_scale_moves_every_lag():
    low = slow_range_only(*linear_unit(0.5, 60), "float16", activation="identity", loss_scale=10)
    assert [low.first_subnormal, low.first_all_zero, low.lost] == [25, 35, 35]
    assert low.d_h[-5:, 0, 0].tolist() == [2**-4, 2**-3, 2**-2, 2**-1, 1]


def test_running_product_in_float32_sticks_to_a_subnormal_number():
    """0.9 x 4 units = 3.6 rounds to 4: lag 965 repeats lag 964, as reference.json says."""
    low = slow_range_only(*linear_unit(0.9, 1000), "float32", activation="identity")
    by_lag = low.d_h[::-1, 0, 0]
    assert by_lag[963] == 5 * 2.0**-149
    assert np.all(by_lag[964:] == 4 * 2.0**-149)
    assert low.first_all_zero is None


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize(
    ("precision", "unit"), [("float32", 2.0**-24), ("bfloat16", 2.0**-8), ("float16", 2.0**-11)]
)
def test_low_precision_is_right_to_its_rounding_while_numbers_are_large(kind, precision, unit):
    """A few roundings per step over eight steps, each within half a unit in the last place."""
    cell, activation, reset = kind
    rng = np.random.default_rng([13, KINDS.index(kind)])
    state, x = random_state(rng, cell, 2, 4), rng.normal(size=(8, 3, 2))
    d_loss_dh = rng.normal(size=(8, 3, 4))
    low = slow_range_only(
        state, x, d_loss_dh, precision, cell=cell, activation=activation, reset=reset
    )
    assert 0.01 * unit < np.median(low.relative_error) < 8 * unit
    assert np.max(low.relative_error) < 50 * unit
    assert low.lost is None
