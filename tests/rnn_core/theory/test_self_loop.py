"""One unit that feeds itself never keeps its error at output 1."""

import numpy as np
import pytest

from rnn_core.theory.self_loop import factor, peak
from tests.reference import reference_tables


def test_peak_of_the_logistic_loop():
    net, largest = reference_tables()["hs97_self_loop"]["rows"][0]
    assert peak().net == pytest.approx(net, abs=1e-9)
    assert peak().factor_times_y == pytest.approx(largest, abs=1e-9)


@pytest.mark.parametrize(("activation", "y"), [("sigmoid", 1.0), ("sigmoid", -0.4), ("tanh", 0.7)])
def test_no_weight_gives_more_than_the_peak(activation, y):
    w = np.linspace(-60.0, 60.0, 240_001)
    found = factor(activation, w, y)
    top = peak(activation)
    assert found.max() == pytest.approx(top.factor_times_y / abs(y), rel=1e-6)
    assert found.max() <= top.factor_times_y / abs(y) * (1 + 1e-12)
    assert abs(w[np.argmax(found)] * y) == pytest.approx(top.net, abs=1e-3)


def test_factor_is_the_product_of_slope_and_weight():
    for w, y in [(4.0, 1.0), (-7.0, 0.3), (0.0, 1.0)]:
        s = 1 / (1 + np.exp(-w * y))
        assert factor("sigmoid", w, y) == pytest.approx(abs(w) * s * (1 - s), rel=1e-12)
        assert factor("tanh", w, y) == pytest.approx(abs(w) * (1 - np.tanh(w * y) ** 2), rel=1e-11)


def test_peaks_of_tanh_and_the_logistic_function_are_related():
    """tanh'(x) = 4 sigmoid'(2x): half the net, twice the factor."""
    assert peak("tanh").net == pytest.approx(peak("sigmoid").net / 2, rel=1e-14)
    assert peak("tanh").factor_times_y == pytest.approx(2 * peak("sigmoid").factor_times_y)
