"""The numbers that a page prints, in plain loops: norms, verdict, slope, bound, ledger.

Arrays are indexed by time step, as everywhere; lag k counts back from the last step, so lag k is
step T-1-k. A log10 norm of -inf is a gradient of exactly 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array

GAMMA = {"tanh": 1.0, "sigmoid": 0.25, "relu": 1.0, "identity": 1.0}
"""The largest slope of each activation."""


def log10_length(numbers: Array) -> float:
    """Compute log10 of the root of the sum of squares of all numbers; -inf for nothing but zeros.

    The largest is divided out first, so that squares neither vanish nor overflow.
    """
    flat = [abs(float(number)) for number in np.ravel(numbers)]
    largest = max(flat)
    if largest == 0:
        return -math.inf
    return math.log10(largest) + 0.5 * math.log10(sum((size / largest) ** 2 for size in flat))


def slow_log10_norms(d_h: Array) -> Array:
    """Compute log10 |d_h[t, b]| over the units, per sequence: (T, B, H) to (T, B)."""
    return np.array([[log10_length(units) for units in step] for step in d_h])


def slow_log10_norm(d_h: Array) -> Array:
    """Compute log10 |d_h[t]| over sequences and units (Frobenius): (T, B, H) to (T,)."""
    return np.array([log10_length(step) for step in d_h])


class SlowVerdict(NamedTuple):
    """What the run says about its gradient; `zero_sequences` of them arrive as exactly 0.

    growth_per_step and half_life are None where they do not exist. If every sequence is 0,
    `decades` is -inf.
    """

    growth_per_step: float | None
    decades: float
    regime: str
    half_life: float | None
    zero_sequences: int


def mean(numbers: list[float]) -> float:
    """Compute the arithmetic mean."""
    return sum(numbers) / len(numbers)


def by_lag(log10_norms: Array) -> list[list[float]]:
    """Turn (T, B) by step into one list per sequence whose entry k is the log10 norm at lag k."""
    steps, sequences = log10_norms.shape
    return [[float(log10_norms[steps - 1 - k, b]) for k in range(steps)] for b in range(sequences)]


def slow_verdict(log10_norms: Array) -> SlowVerdict:
    """Measure growth, decades, regime and half-life from log10 |dL/dh_t| (T, B).

    The gradient is that of the last step's loss alone. A sequence counts as 0 if nothing arrives at
    the first step; means are over the others.
    """
    curves = by_lag(log10_norms)
    last = len(log10_norms) - 1
    alive = [L for L in curves if L[last] != -math.inf]
    zeros = len(curves) - len(alive)
    decades = mean([L[last] - L[0] for L in alive]) if alive else -math.inf
    if last == 0:
        return SlowVerdict(None, decades, "stable", None, zeros)

    regime = "stable"
    if decades < -2 or 2 * zeros >= len(curves):
        regime = "vanishing"
    elif decades > 2:
        regime = "exploding"
    if not alive:
        return SlowVerdict(None, decades, regime, None, zeros)

    a = min(10, last // 5)
    growth = mean([(L[last] - L[a]) / (last - a) for L in alive])
    half_life = None
    m = (a + last) // 2
    if a < m < last and growth != 0:
        r1 = mean([(L[m] - L[a]) / (m - a) for L in alive])
        r2 = mean([(L[last] - L[m]) / (last - m) for L in alive])
        difference = abs(r1 - r2)
        if difference < 0.25 * max(abs(r1), abs(r2)) or difference < 0.01:
            half_life = math.log10(2) / abs(growth)
    return SlowVerdict(growth, decades, regime, half_life, zeros)


def slow_least_squares_slope(log10_norms: Array, first: int = 20, last: int = 80) -> float:
    """Fit a line through the lags first..last, both included; return the mean slope over sequences.

    log10 units per step back; (T, B) with T > last.
    """
    slopes = []
    for L in by_lag(log10_norms):
        lags = range(first, last + 1)
        middle, height = mean([float(k) for k in lags]), mean([L[k] for k in lags])
        up = sum((k - middle) * (L[k] - height) for k in lags)
        slopes.append(up / sum((k - middle) ** 2 for k in lags))
    return mean(slopes)


def slow_pascanu_bound(weight_hh: Array, activation: str, log10_norms: Array) -> Array:
    """Bound log10 |dL/dh_t| of a vanilla net with a loss at the last step: (T, B).

    (T-1-t) log10(gamma sigma_max) + log10 |dL/dh_{T-1}|, sigma_max the root of the largest
    eigenvalue of W^T W (Pascanu, Mikolov & Bengio 2013).
    """
    sigma = math.sqrt(max(float(np.linalg.eigvalsh(weight_hh.T @ weight_hh)[-1]), 0.0))
    eta = GAMMA[activation] * sigma
    steps, sequences = log10_norms.shape
    bound = np.empty((steps, sequences))
    for t in range(steps):
        lag = steps - 1 - t
        grown = lag * math.log10(eta) if eta > 0 and lag > 0 else (0.0 if lag == 0 else -math.inf)
        for b in range(sequences):
            bound[t, b] = grown + log10_norms[-1, b]
    return bound


class SlowLedger(NamedTuple):
    """Whose step is in dL/dW: `share` (T,) sums to 1; `log10_size` (T,) is log10 |G_t|/|G|."""

    share: Array
    log10_size: Array


def slow_ledger(step_gradients: Array) -> SlowLedger | None:
    """Compute share_t = <G_t, G> / |G|^2 from each step's term G_t (T, rows, columns).

    `SlowRun.step_gradients["weight_hh_l0"]` has those terms, outer products summed over the batch.
    None where there is no share: at T = 1, and where the sum G is exactly 0.
    """
    total = np.zeros(step_gradients.shape[1:])
    for term in step_gradients:
        total = total + term
    size = log10_length(total)
    if len(step_gradients) == 1 or size == -math.inf:
        return None
    scale = float(np.max(np.abs(total)))
    unit = total / scale
    squared = float(np.sum(unit * unit))
    share = [float(np.sum((term / scale) * unit)) / squared for term in step_gradients]
    log10_size = [log10_length(term) - size for term in step_gradients]
    return SlowLedger(np.array(share), np.array(log10_size))
