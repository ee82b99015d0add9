"""Gradient clipping: what the optimiser gets, and what became of the gradient's direction.

Clipping by norm multiplies everything by one number: the direction stays, and so does every step's
share in it, an explosion's too. Clipping by value acts on the sum entry by entry and turns it.
Neither restores what vanished.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.allowed import is_real
from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.errors import ConfigError, ShapeError, quoted
from rnn_core.gradients import WeightGradient
from rnn_core.recording import Recording
from rnn_core.scaled import Scaled, shifted

Gradients = Mapping[str, Array] | Mapping[str, WeightGradient]
"""Gradients by name; `rec.gradients`, or `rec.weight_gradients` where some are beyond float64."""

PYTORCH: Final = "pytorch"
PASCANU: Final = "pascanu"

_EPSILON: Final = {PYTORCH: 1e-6, PASCANU: 0.0}


@dataclass(frozen=True)
class Clipped:
    """Gradients after clipping, and what it did to them.

    Attributes
    ----------
    exact : the clipped gradients by name, at any magnitude.
    log10_factor : log10 of the number that multiplied everything; 0 where nothing happened, -inf
        where the norm was inf (the factor is 0), nan where it was nan. None for clipping by value,
        which has no such number.
    log10_norm_before, log10_norm_after : log10 of one norm over all the gradients; +inf and nan
        where entries are, -inf where all are 0.
    cosine, angle : between before and after, the angle in degrees; None where one of them is 0 or
        not finite.
    clipped_entries : how many entries changed, of `entries`.
    """

    exact: Mapping[str, WeightGradient]
    log10_factor: float | None
    log10_norm_before: float
    log10_norm_after: float
    cosine: float | None
    angle: float | None
    clipped_entries: int
    entries: int

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The clipped gradients as plain arrays, by name."""
        return MappingProxyType({n: read_only(g.to_float()) for n, g in self.exact.items()})


@dataclass(frozen=True)
class StepsAfter:
    """What norm clipping leaves of each step's term G_t in dL/dW_hh, (T,) each.

    Attributes
    ----------
    shares : <G_t, G> / |G|^2, before and after alike: they sum to 1 in both.
    log10_before, log10_after : log10 |G_t|, -inf for an exact zero.
    """

    shares: Array
    log10_before: Array
    log10_after: Array


def clip_by_norm(gradients: Gradients, max_norm: float, *, rule: str = PYTORCH) -> Clipped:
    """Scale gradients down to a norm: one norm over *all* of them, or the direction would turn.

    "pascanu": g <- g max_norm / |g| if |g| >= max_norm. "pytorch" (torch.nn.utils.clip_grad_norm_):
    g <- g min(1, max_norm / (|g| + 1e-6)), always; so a gradient exactly at the threshold shrinks
    by 1e-6 / max_norm as well. The norm is exact at any magnitude; a framework's own overflows from
    10^154 (float64) or 10^19 (float32) on, and then clips to 0.

    inf in a gradient makes the factor 0: inf becomes nan and all else 0, by both rules. nan makes
    everything nan by PyTorch's rule, and nothing happens by Pascanu's, whose comparison fails.

    Parameters
    ----------
    gradients : arrays by name, or the `weight_gradients` of a recording.
    max_norm : the threshold, positive.
    rule : "pytorch" or "pascanu".

    Raises
    ------
    ConfigError : "max_norm: expected a positive number, got ..." and likewise for `rule`.
    ShapeError : "gradients: expected at least one array by name, got ...".

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_norm({"w": np.array([3.0, 4.0])}, 1.0, rule="pascanu").gradients["w"]
    array([0.6, 0.8])
    >>> clip_by_norm({"w": np.array([3.0, 4.0])}, 1.0).gradients["w"]
    array([0.59999988, 0.79999984])

    Source: Pascanu, Mikolov & Bengio (2013), algorithm 1; torch.nn.utils.clip_grad_norm_.
    """
    _check_positive("max_norm", max_norm)
    if rule not in _EPSILON:
        raise ConfigError(f"rule: expected one of {', '.join(_EPSILON)}, got {quoted(rule)}")
    before = _exact(gradients)
    joined, exponent = _side_by_side(before)
    size = float(np.linalg.norm(joined))  # entries are at most 1: the norm of the mantissas
    log10_norm = _log10_norm(joined, exponent)
    if not np.isfinite(size):
        is_changed = rule == PYTORCH or np.isinf(size)
        factor = (0.0 if np.isinf(size) else np.nan) if is_changed else 1.0
        after = {n: _times(g, factor, 0) for n, g in before.items()}
        log10_factor = -np.inf if factor == 0.0 else float(np.log10(factor))
        return _compared(before, after, log10_factor, log10_norm)
    epsilon = _EPSILON[rule] * 2.0**-exponent if exponent > -1000 else np.inf
    threshold = float(shifted(np.array(max_norm, dtype=np.float64), -exponent))
    is_large = size >= threshold if rule == PASCANU else size + epsilon > threshold
    if not is_large or size == 0.0:
        return _compared(before, before, 0.0, log10_norm)
    leading, power = math.frexp(max_norm)
    ratio = 0.25 * leading / (size + epsilon)  # at most 1/2: no product overflows
    after = {n: _times(g, ratio, power + 2 - exponent) for n, g in before.items()}
    log10_factor = math.log10(max_norm) - math.log10(size + epsilon) - exponent * math.log10(2)
    return _compared(before, after, log10_factor, log10_norm)


def clip_by_value(gradients: Gradients, limit: float) -> Clipped:
    """Cut every entry of the gradients to [-limit, limit], which turns their direction.

    It acts on the sum over steps: what a step's own term would be "after" does not exist. inf
    becomes the limit, nan stays (torch.nn.utils.clip_grad_value_).

    Raises
    ------
    ConfigError : "limit: expected a positive number, got ...".
    ShapeError : "gradients: expected at least one array by name, got ...".

    Examples
    --------
    >>> import numpy as np
    >>> cut = clip_by_value({"w": np.array([30.0, 0.4])}, 1.0)
    >>> cut.gradients["w"], round(cut.angle, 1)
    (array([1. , 0.4]), 21.0)
    """
    _check_positive("limit", limit)
    before = _exact(gradients)
    after = {}
    for name, gradient in before.items():
        plain = gradient.to_float().astype(np.float64, copy=False)
        is_beyond = np.abs(plain) > limit
        after[name] = (
            WeightGradient(np.clip(plain, -limit, limit), 0) if is_beyond.any() else gradient
        )
    joined, exponent = _side_by_side(before)
    return _compared(before, after, None, _log10_norm(joined, exponent))


def steps_after(rec: Recording, clipped: Clipped) -> StepsAfter | None:
    """Tell what norm clipping left of each step's term in dL/dW_hh of the first layer.

    Every term is multiplied by the same number: sizes fall together, shares stay as they were. An
    explosion keeps its direction, and what vanished stays lost.

    Returns
    -------
    None where there is no such gradient (see `Recording.ledger`), and for clipping by value.

    Examples
    --------
    An exploding run, clipped to norm 1, still is what its first steps made of it:

    >>> import rnn_core as rc
    >>> rec = rc.run(rc.ExperimentConfig(weight_scale=3, steps=100))
    >>> left = steps_after(rec, clip_by_norm(rec.weight_gradients, 1.0))
    >>> bool(left.shares[-10:].sum() < 1e-4), bool(left.shares[:50].sum() > 0.9)
    (True, True)
    """
    ledger = rec.ledger
    if ledger is None or clipped.log10_factor is None:
        return None
    before = ledger.log10_sizes + rec.log10_gradient_norm["weight_hh_l0"]
    return StepsAfter(ledger.shares, before, before + clipped.log10_factor)


def _exact(gradients: Gradients) -> dict[str, WeightGradient]:
    if not isinstance(gradients, Mapping) or not gradients:
        raise ShapeError(f"gradients: expected at least one array by name, got {quoted(gradients)}")
    return {
        name: value
        if isinstance(value, WeightGradient)
        else WeightGradient(np.array(value, dtype=np.float64), 0)
        for name, value in gradients.items()
    }


def _side_by_side(gradients: Mapping[str, WeightGradient]) -> tuple[Array, int]:
    """Return all entries as one vector with the largest in [1/2, 1), and its power of two."""
    parts = [(np.ravel(g.mantissa), g.exponent) for g in gradients.values()]
    sizes = [(np.abs(m[np.isfinite(m)]).max(initial=0.0), e) for m, e in parts]
    powers = [int(np.frexp(size)[1]) + e for size, e in sizes if size > 0]
    common = max(powers, default=0)
    return np.concatenate([shifted(m, e - common) for m, e in parts]), common


def _log10_norm(joined: Array, exponent: int) -> float:
    if not np.isfinite(joined).all():
        return float(np.nan if np.isnan(joined).any() else np.inf)
    one = Scaled(joined[None], np.array([exponent], dtype=np.int64))
    return float(one.log10_norms()[0])


def _times(gradient: WeightGradient, factor: float, exponent: int) -> WeightGradient:
    with np.errstate(all="ignore"):
        return WeightGradient(gradient.mantissa * factor, gradient.exponent + exponent)


def _compared(
    before: Mapping[str, WeightGradient],
    after: Mapping[str, WeightGradient],
    log10_factor: float | None,
    log10_norm_before: float,
) -> Clipped:
    one, _ = _side_by_side(before)
    other, exponent = _side_by_side(after)
    log10_norm_after = _log10_norm(other, exponent)
    cosine = angle = None
    if np.isfinite(log10_norm_before) and np.isfinite(log10_norm_after):
        u, v = one / np.linalg.norm(one), other / np.linalg.norm(other)
        cosine = float(np.clip(u @ v, -1.0, 1.0))
        # good to the last digit for small angles too, where arccos is not (Kahan)
        angle = math.degrees(2.0 * math.atan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))
    changed = sum(int((~_same(before[name], after[name])).sum()) for name in before)
    return Clipped(
        MappingProxyType(dict(after)),
        log10_factor,
        log10_norm_before,
        log10_norm_after,
        cosine,
        angle,
        changed,
        one.size,
    )


def _same(one: WeightGradient, other: WeightGradient) -> BoolArray:
    here = shifted(other.mantissa, other.exponent - one.exponent)
    same: BoolArray = np.equal(here, one.mantissa) | (np.isnan(here) & np.isnan(one.mantissa))
    return same


def _check_positive(name: str, value: float) -> None:
    if not (is_real(value) and 0.0 < value < np.inf):
        raise ConfigError(f"{name}: expected a positive number, got {quoted(value)}")
