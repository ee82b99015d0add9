"""Gaussian means of an activation: E phi(u)^2, E phi'(u)^2 and their like, u ~ N(0, q).

ReLU and the identity have closed forms. The sigmoid's means are those of tanh at q / 4, since
sigmoid(u) = (1 + tanh(u/2)) / 2; those of tanh are sums over equally spaced points.

The rule: u = sqrt(q) z is even in z, so z = 0, h, 2h, ... with weights h exp(-z^2/2) / sqrt(2 pi),
doubled but the first, and h = min(0.5, 0.2 / sqrt(q)). Such a sum converges like
exp(-2 pi d / h), where d is the distance of the nearest pole from the real line, here that of tanh
at pi / (2 sqrt(q)); for the gaussian alone like exp(-2 pi^2 / h^2) (Trefethen & Weideman 2014).
It ends at |z| = 9, or at |u| = 20 where all that is summed has decayed. Relative error: below
1e-14; of phi'^4, whose pole is of order 8, below 2e-12.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from rnn_core.activations import tanh_slope
from rnn_core.arrays import Array

_LARGEST_Z: Final = 9.0
_LARGEST_U: Final = 20.0
_STEP_U: Final = 0.2
_STEP_Z: Final = 0.5
_LARGEST_Q: Final = 1e300
"""Beyond it sqrt(q) h would leave float64; the means of a saturated unit have no news to tell."""


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
    # where |u| > 20 counts, 1 - E tanh' is exact; where q is small the direct sum keeps its digits
    direct = _even_mean(lambda u: np.tanh(u) ** 2, np.minimum(q, 1.0))
    return np.where(q < 1.0, direct, 1.0 - _even_mean(tanh_slope, q))


def mean_slope_power(activation: str, q: Array, power: int) -> Array:
    """Return E phi'(u)^power for u ~ N(0, q), power 1 to 4, entry by entry."""
    if activation == "relu":
        return np.full_like(q, 0.5)
    if activation == "identity":
        return np.ones_like(q)
    if activation == "sigmoid":
        return 0.25**power * mean_slope_power("tanh", 0.25 * q, power)
    return _even_mean(lambda u: tanh_slope(u) ** power, q)


def mean_curvature(activation: str, q: Array) -> Array:
    """Return E phi''(u) phi(u) for u ~ N(0, q): what dq'/dq has beyond chi_1, per sigma_w^2."""
    if activation in {"relu", "identity"}:
        return np.zeros_like(q)
    if activation == "sigmoid":  # phi'' phi, made even: -phi' tanh(u/2)^2 / 2
        return 0.0625 * mean_curvature("tanh", 0.25 * q)
    return _even_mean(lambda u: -2.0 * np.tanh(u) ** 2 * tanh_slope(u), q)


def _even_mean(function: Callable[[Array], Array], q: Array) -> Array:
    """Return E f(u), u ~ N(0, q), of an even f that has decayed at |u| = 20 (or q <= 1)."""
    root = np.sqrt(np.clip(q, 0.0, _LARGEST_Q))
    step = _STEP_U / np.maximum(root, _STEP_U / _STEP_Z)
    end = _LARGEST_U / np.maximum(root, _LARGEST_U / _LARGEST_Z)
    count = int(np.ceil(np.max(end / step, initial=0.0))) + 1
    z = step[..., None] * np.arange(count)
    weights = np.exp(-0.5 * z * z)
    weights[..., 0] *= 0.5
    total = np.einsum("...k,...k->...", weights, function(root[..., None] * z))
    return np.asarray(np.sqrt(2.0 / np.pi) * step * total)
