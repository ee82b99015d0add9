"""The verdict: whether the gradient of the last loss step arrives at the first step.

It is measured, never read off the weights. L[k] is log10 of the gradient's norm at lag k, k steps
before the loss, one value per sequence.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array
from rnn_core.errors import ShapeError
from rnn_core.scaled import LOG10_2

DECADES: Final = 2.0
"""A regime has a name beyond a factor of 100: does at least 1 % of the gradient arrive?"""


@dataclass(frozen=True)
class Verdict:
    """What became of the gradient between the loss and the first step.

    Attributes
    ----------
    regime : "vanishing" (decades < -2), "exploding" (> 2) or "stable".
    decades : mean over sequences of log10 |first| - log10 |last|; -inf if all are exactly 0.
    growth_per_step : mean slope in log10 units per step back, the first lags left out; None where
        there is no pair of steps to measure it on.
    half_life : steps in which the norm halves (or doubles); None where the two halves of the run
        do not have the same rate.
    sequences, zero_sequences : how many there are, and how many arrive as exactly 0. The numbers
        above are means over the others.
    zero_from_step : the step (1..T) from which back all of those are exactly 0.
    """

    regime: str
    decades: float
    growth_per_step: float | None
    half_life: float | None
    sequences: int
    zero_sequences: int
    zero_from_step: int | None


OVERFLOWN: Final = Verdict("exploding", np.inf, None, None, 0, 0, None)
"""A run whose forward state ended at its first step."""


def transient(steps: int) -> int:
    """Return the lags left out of a slope while the gradient's direction settles."""
    return min(10, (steps - 1) // 5)


def measure(log10_norms: Array) -> Verdict:
    """Judge a gradient by its size at each step.

    Parameters
    ----------
    log10_norms : (T, B), log10 |dL/dh_t| per sequence in the order of time; the last row is the
        step of the loss.

    Raises
    ------
    ShapeError : if `log10_norms` is not (T, B) with at least one of each.
    """
    if log10_norms.ndim != 2 or 0 in log10_norms.shape:
        raise ShapeError(f"log10_norms: expected (T, B), got {log10_norms.shape}")
    steps, sequences = log10_norms.shape
    by_lag = log10_norms[::-1]
    is_zero = np.isneginf(by_lag[-1])
    zeros = int(is_zero.sum())
    zero_from_step = None
    if zeros:
        first_lag = np.isneginf(by_lag[:, is_zero]).argmax(axis=0).max()
        zero_from_step = steps - int(first_lag)
    living = by_lag[:, ~is_zero & np.isfinite(by_lag[0])]
    if not living.size:
        regime = "stable" if steps == 1 else "vanishing"
        return Verdict(regime, -np.inf, None, None, sequences, zeros, zero_from_step)
    decades = float((living[-1] - living[0]).mean())
    regime = "stable"
    if steps > 1 and (decades < -DECADES or 2 * zeros >= sequences):
        regime = "vanishing"
    elif decades > DECADES:
        regime = "exploding"
    growth = growth_per_step(living[::-1])
    half_life = _half_life(living, growth)
    return Verdict(regime, decades, growth, half_life, sequences, zeros, zero_from_step)


def growth_per_step(log10_norms: Array) -> float | None:
    """Measure how fast the gradient grows or shrinks on its way back in time.

    (L[T-1] - L[a]) / (T-1-a), averaged over sequences, with L[k] the log10 norm at lag k and
    a = min(10, (T-1)//5) the lags in which the direction still settles.

    Parameters
    ----------
    log10_norms : (T, B) in the order of time, finite.

    Returns
    -------
    log10 units per step back; -0.301 halves the gradient at every step. None at T = 1.

    Source: finite-time Lyapunov exponent, Engelken, Wolf & Abbott (2023), in log10.
    """
    lags = log10_norms.shape[0] - 1
    if lags == 0:
        return None
    start = transient(lags + 1)
    return _rate(log10_norms[::-1], start, lags)


def _rate(by_lag: Array, start: int, end: int) -> float | None:
    """Return the mean slope between two lags; None where a gradient is 0 at one of them."""
    if not np.isfinite(by_lag[[start, end]]).all():
        return None
    return float((by_lag[end] - by_lag[start]).mean() / (end - start))


def _half_life(by_lag: Array, growth: float | None) -> float | None:
    """Return log10(2) / |growth|, where the two halves of the lags agree on the rate."""
    end = by_lag.shape[0] - 1
    start = transient(end + 1)
    middle = (start + end) // 2
    if not growth or middle == start:
        return None
    near, far = _rate(by_lag, start, middle), _rate(by_lag, middle, end)
    if near is None or far is None:
        return None
    difference = abs(near - far)
    is_steady = difference < 0.25 * max(abs(near), abs(far)) or difference < 0.01
    return LOG10_2 / abs(growth) if is_steady else None
