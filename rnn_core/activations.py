"""Each activation beside its derivative and its bound: the one place that knows phi.

Derivatives are taken from the pre-activation. 1 - h^2 is exactly 0 in float64 for |a| > 19.06,
where the true derivative of tanh is 10^-16: a saturated unit would read "exactly zero".
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

import numpy as np

from rnn_core.arrays import Array, BoolArray

RESOLVED: Final = 354.0
"""Largest |a| at which tanh'(a) is a normal float64; beyond it the derivative is a bound."""


@cache
def resolved(dtype: np.dtype[Any]) -> float:
    """Return the like of `RESOLVED` for a float type.

    >>> resolved(np.dtype("float64")), round(resolved(np.dtype("float32")), 1)
    (354.0, 43.7)
    """
    return min(RESOLVED, -0.5 * float(np.log(np.finfo(dtype).tiny)))


def are_resolved(*arrays: Array) -> bool:
    """Tell whether no slope at these pre-activations needs a bound; nan does."""
    limit = resolved(arrays[0].dtype)
    return all(array.max() < limit and array.min() > -limit for array in arrays)


def sigmoid(a: Array, out: Array | None = None) -> Array:
    """Return 1 / (1 + e^-a), to full relative precision for a > -708 and 0 below -745.

    e^-a may overflow; callers that must not warn silence NumPy around their loop.
    """
    out = np.negative(a, out)
    np.exp(out, out)
    np.add(out, 1.0, out)
    return np.reciprocal(out, out)


def sigmoid_and_slope(a: Array, *, is_resolved: bool = False) -> tuple[Array, Array]:
    """Return the sigmoid and its derivative s (1 - s) = e s^2 with e = exp(-a).

    The derivative keeps its relative precision where s rounds to 1, and is never 0: where it is
    smaller than the smallest normal number, that number stands for it.

    Parameters
    ----------
    is_resolved : whether all |a| are known to be below `resolved`, so that no bound is needed.
    """
    e, value = _exponential_and_sigmoid(a, is_resolved=is_resolved)
    e *= value
    e *= value
    return value, e if is_resolved else np.maximum(e, np.finfo(a.dtype).tiny, out=e)


def sigmoid_and_rest(a: Array, *, is_resolved: bool = False) -> tuple[Array, Array, Array]:
    """Return the sigmoid s, 1 - s without cancellation, and s (1 - s); the last two are never 0."""
    e, value = _exponential_and_sigmoid(a, is_resolved=is_resolved)
    e *= value
    slope = np.multiply(e, value)
    if not is_resolved:
        tiny = np.finfo(a.dtype).tiny
        np.maximum(e, tiny, out=e)
        np.maximum(slope, tiny, out=slope)
    return value, e, slope


def _exponential_and_sigmoid(a: Array, *, is_resolved: bool) -> tuple[Array, Array]:
    """Return e = exp(-a), kept below overflow, and 1 / (1 + e)."""
    e = np.negative(a)
    if not is_resolved:  # 1 / (1 + e) stays normal, and e far from overflow
        np.minimum(e, -np.log(4.0 * np.finfo(a.dtype).tiny), out=e)
    np.exp(e, out=e)
    value = np.add(e, 1.0)
    return e, np.reciprocal(value, out=value)


def sigmoid_slope(a: Array, out: Array | None = None) -> Array:
    """Return the derivative of the sigmoid; see `sigmoid_and_slope`."""
    slope = sigmoid_and_slope(a)[1]
    if out is None:
        return slope
    out[...] = slope
    return out


def tanh_slope(a: Array, out: Array | None = None, *, is_resolved: bool = False) -> Array:
    """Return the derivative of tanh at `a`, 4 e / (1+e)^2 with e = exp(-2 |a|).

    Never 0: where it is smaller than the smallest normal number, that number stands for it.
    `is_resolved` as in `sigmoid_and_slope`.
    """
    e = np.abs(a)
    e *= -2.0
    np.exp(e, out=e)
    slope = np.add(e, 1.0, out=out)
    np.divide(2.0, slope, out=slope)
    np.square(slope, out=slope)
    slope *= e
    return slope if is_resolved else np.maximum(slope, np.finfo(a.dtype).tiny, out=slope)


class Elementwise(Protocol):
    """A function of every entry, written into `out` where one is given."""

    def __call__(self, a: Array, out: Array | None = None, /) -> Array:
        """Return the values."""
        ...


@dataclass(frozen=True)
class Activation:
    """phi with its derivative.

    Attributes
    ----------
    apply : phi(a, out).
    slope : phi'(a, out).
    bound : gamma, the largest |phi'|.
    is_bounded : whether phi saturates, so that phi' becomes small but never 0.
    """

    name: str
    apply: Elementwise
    slope: Elementwise
    bound: float
    is_bounded: bool


def _tanh(a: Array, out: Array | None = None) -> Array:
    return np.tanh(a, out)


def _relu(a: Array, out: Array | None = None) -> Array:
    return np.maximum(a, 0.0, out=out)


def _relu_slope(a: Array, out: Array | None = None) -> Array:
    return np.greater(a, 0.0, out=np.empty_like(a) if out is None else out)  # 0 at 0, as PyTorch


def _identity(a: Array, out: Array | None = None) -> Array:
    return np.positive(a, out)


def _identity_slope(a: Array, out: Array | None = None) -> Array:
    slope = np.empty_like(a) if out is None else out
    slope[...] = 1.0
    return slope


ACTIVATIONS: Final = {
    activation.name: activation
    for activation in (
        Activation("tanh", _tanh, tanh_slope, bound=1.0, is_bounded=True),
        Activation("sigmoid", sigmoid, sigmoid_slope, bound=0.25, is_bounded=True),
        Activation("relu", _relu, _relu_slope, bound=1.0, is_bounded=False),
        Activation("identity", _identity, _identity_slope, bound=1.0, is_bounded=False),
    )
}


def is_saturated(activation: str, h: Array) -> BoolArray:
    """Tell which units are saturated: |tanh| > 0.9 (phi' < 0.19); sigmoid below .05 or above .95.

    ReLU and identity do not saturate; a ReLU at 0 is dead, which is another thing, and counted
    here, since its derivative is 0.
    """
    saturated: BoolArray = np.zeros(h.shape, dtype=bool)
    if activation == "tanh":
        saturated = np.abs(h) > 0.9
    elif activation == "sigmoid":
        saturated = (h < 0.05) | (h > 0.95)
    elif activation == "relu":
        saturated = h == 0.0
    return saturated
