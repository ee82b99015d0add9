"""A connection in time at any size: one linear unit against exact arithmetic and its root."""

import re
from decimal import Decimal, localcontext

import numpy as np
import pytest

import rnn_core as rc
from tests.rnn_core.deep_networks import KIND_IDS, KINDS, random_deep
from tests.rnn_core.random_networks import relative_difference

SKIPS = [  # w, alpha, s, and the largest root of r^s = w r^(s-1) + alpha
    (0.5, 0.5, 10, 1.0),
    (0.5, 0.3, 5, 0.919562),
    (0.9, 0.05, 10, 0.967386),
    (0.5, 0.1, 20, 0.926502),
    (0.8, 0.3, 5, 1.048359),
]


def unit(w, alpha, s):
    state = {"weight_ih_l0": np.zeros((1, 1)), "weight_hh_l0": np.array([[w]])}
    skip = rc.SkipInTime(s, alpha)
    return rc.Network.from_state_dict(state, cell="rnn", activation="identity", skip=skip)


def recorded(w, alpha, s, T, d_y=None, truncate=None):
    if d_y is None:
        d_y = np.zeros(T)
        d_y[-1] = 1.0
    v = d_y[:, None, None]
    return rc.record(
        unit(w, alpha, s),
        np.zeros((T, 1, 1)),
        lambda y: (float(np.sum(y * v)), v),
        truncate=truncate,
    )


def exact_log10(w, alpha, s, d_y, truncate=None):
    """Solve d_t = dl_t + w d_{t+1} + alpha d_{t+s} in decimal numbers of any size."""
    T, w, alpha = len(d_y), Decimal(w), Decimal(alpha)
    block = truncate or T
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 40, -(10**9), 10**9
        d = [Decimal(0)] * T
        for t in reversed(range(T)):
            d[t] = Decimal(float(d_y[t]))
            if t + 1 < T and (t + 1) // block == t // block:
                d[t] += w * d[t + 1]
            if t + s < T and (t + s) // block == t // block:
                d[t] += alpha * d[t + s]
        return np.array([float(abs(x).log10()) if x else -np.inf for x in d])


@pytest.mark.parametrize(("w", "alpha", "s", "root"), SKIPS)
def test_growth_per_step_is_the_largest_root(w, alpha, s, root):
    norms = recorded(w, alpha, s, 3000).layers[0].log10_norm("d_h")
    assert (norms[0] - norms[1000]) / 1000 == pytest.approx(np.log10(root), abs=5e-7)


@pytest.mark.parametrize("truncate", [None, 90])
@pytest.mark.parametrize(
    ("w", "alpha", "s"),
    [
        (0.5, 0.3, 5),
        (1e-3, 1e-3, 7),  # 10^-900: far below float64
        (1e-30, 1e-200, 2),
        (0.0, 1e-200, 3),  # only every third step has a gradient at all
        (1e-200, 0.9, 4),
        (1e-250, 1e250, 2),
        (1e-5, -1e5, 11),
        (-0.7, 1e-300, 300),
    ],
)
def test_gradient_equals_exact_arithmetic(rng, w, alpha, s, truncate):
    """Decimals, step by step, for a loss at the last step and at every step."""
    d_y = rng.normal(size=1000)
    for loss in (d_y * (np.arange(1000) == 999), d_y):
        rec = recorded(w, alpha, s, 1000, loss, truncate)
        expected = exact_log10(w, alpha, s, loss, truncate)
        assert rec.layers[0].log10_norm("d_h") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_connection_of_scale_zero_is_none(rng, kind):
    case = random_deep(rng, kind, layers=2)
    v = rng.normal(size=(7, 3, 4))
    runs = [
        rc.record(
            rc.Network.from_state_dict(
                case.state, cell=kind[0], activation=kind[1], reset=kind[2], skip=skip
            ),
            case.x,
            lambda y: (float(np.sum(v * y)), v),
            h_init=case.h_init,
        )
        for skip in (None, rc.SkipInTime(3, 0.0), rc.SkipInTime(8, 5.0))
    ]
    for other in runs[1:]:
        for one, same in zip(runs[0].layers, other.layers, strict=True):
            assert np.array_equal(one.h, same.h)
            assert relative_difference(same.d_h, one.d_h) < 1e-14


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        (rc.SkipInTime(1, 0.5), "skip: expected steps of at least 2, got 1"),
        (rc.SkipInTime(2.5, 0.5), "skip: expected steps of at least 2, got 2.5"),
        (rc.SkipInTime("2", 0.5), "skip: expected steps of at least 2, got '2'"),
        (rc.SkipInTime(2, np.inf), "skip: expected a finite scale, got inf"),
        (rc.SkipInTime(2, None), "skip: expected a finite scale, got None"),
        ((2, 0.5), "skip: expected None or a SkipInTime, got (2, 0.5)"),
    ],
)
def test_connection_that_means_nothing_is_refused(skip, message):
    state = {"weight_ih_l0": np.zeros((1, 1)), "weight_hh_l0": np.ones((1, 1))}
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.Network.from_state_dict(state, cell="rnn", skip=skip)
