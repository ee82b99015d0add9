"""Gaussian means of an activation: E phi(u)^2, E phi'(u)^2 and their like, u ~ N(0, q).

ReLU and the identity have closed forms. The sigmoid's means are those of tanh at q / 4, since
sigmoid(u) = (1 + tanh(u/2)) / 2; those of tanh are sums over equally spaced points.

The rule: all that is summed is even in u, so u = 0, h, 2h, ... with gaussian weights, doubled but
the first; h = 0.2 where sqrt(q) >= 0.4, so that the values of tanh are computed once for all q, and
h = 0.5 sqrt(q) below. Such a sum converges like exp(-2 pi d / h), where d = pi / 2 is the distance
of tanh's nearest pole from the real line; for the gaussian alone like exp(-2 pi^2 q / h^2)
(Trefethen & Weideman 2014). It ends at |u| = 20, where all that is summed has decayed, or at
|u| = 9 sqrt(q). Relative error: below 1e-14; of phi'^4, whose pole is of order 8, below 2e-12.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np

from rnn_core.activations import tanh_slope
from rnn_core.arrays import Array, read_only

_NARROW: Final = 0.4
"""Below this sqrt(q) a step of 0.2 in u would not resolve the gaussian."""

_U: Final = read_only(0.2 * np.arange(101))
_Z: Final = read_only(0.5 * np.arange(19))
_WEIGHTS_Z: Final = read_only(
    np.sqrt(2.0 / np.pi) * 0.5 * np.exp(-0.5 * _Z**2) / (1.0 + (_Z == 0.0))
)
_WEIGHTS_U: Final = read_only(np.sqrt(2.0 / np.pi) * 0.2 / (1.0 + (_U == 0.0)))

_LARGEST_Q: Final = 1e300
"""Beyond it 1 / q would leave float64; the means of a saturated unit have no news to tell."""


def mean_square(activation: str, q: Array) -> Array:
    """Return E phi(u)^2 for u ~ N(0, q), entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> mean_square("tanh", np.array([0.0, 1.0, 1e12])).round(9)
    array([0.        , 0.39429449, 0.9999992 ])
    """
    if activation == "relu":
        return 0.5 * q
    if activation == "identity":
        return 1.0 * q
    if activation == "sigmoid":
        return 0.25 + 0.25 * mean_square("tanh", 0.25 * q)
    # tanh^2 does not decay, 1 - E tanh' is exact; where q is small the direct sum keeps its digits
    is_narrow = q < 1.0
    if not is_narrow.any():
        return np.asarray(1.0 - _even_mean(tanh_slope, q))
    direct = _even_mean(_tanh_square, np.minimum(q, 1.0))
    return np.where(is_narrow, direct, 1.0 - _even_mean(tanh_slope, q))


def mean_slope_power(activation: str, q: Array, power: int) -> Array:
    """Return E phi'(u)^power for u ~ N(0, q), power 1 to 4, entry by entry."""
    if activation == "relu":
        return np.full_like(q, 0.5)
    if activation == "identity":
        return np.ones_like(q)
    if activation == "sigmoid":
        return 0.25**power * mean_slope_power("tanh", 0.25 * q, power)
    return _even_mean(_slope_powers[power - 1], q)


def mean_curvature(activation: str, q: Array) -> Array:
    """Return E phi''(u) phi(u) for u ~ N(0, q): what dq'/dq has beyond chi_1, per sigma_w^2."""
    if activation in {"relu", "identity"}:
        return np.zeros_like(q)
    if activation == "sigmoid":  # phi'' phi, made even: -phi' tanh(u/2)^2 / 2
        return 0.0625 * mean_curvature("tanh", 0.25 * q)
    return _even_mean(_bend, q)


def _tanh_square(u: Array) -> Array:
    return np.asarray(np.tanh(u) ** 2)


def _bend(u: Array) -> Array:
    """Return tanh'' tanh = -2 tanh^2 tanh'."""
    return np.asarray(-2.0 * np.tanh(u) ** 2 * tanh_slope(u))


def _slope_power(power: int) -> Callable[[Array], Array]:
    return lambda u: np.asarray(tanh_slope(u) ** power)


_slope_powers: Final = tuple(_slope_power(power) for power in (1, 2, 3, 4))


@lru_cache(maxsize=8)
def _weighted(function: Callable[[Array], Array]) -> Array:
    """Return the values on the fixed points, with the weights that do not depend on q."""
    return read_only(_WEIGHTS_U * function(_U))


def _even_mean(function: Callable[[Array], Array], q: Array) -> Array:
    """Return E f(u), u ~ N(0, q), of an even f that has decayed at |u| = 20 (or q <= 1)."""
    root = np.sqrt(np.minimum(q, _LARGEST_Q))
    is_narrow = root < _NARROW
    width = np.maximum(root, _NARROW)
    wide = np.exp(-0.5 * np.square(_U / width[..., None])) @ _weighted(function) / width
    if not is_narrow.any():
        return np.asarray(wide)
    narrow = function(np.minimum(root, _NARROW)[..., None] * _Z) @ _WEIGHTS_Z
    return np.where(is_narrow, narrow, wide)
