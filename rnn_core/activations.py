"""Each activation beside its derivative and its bound: the one place that knows phi.

Derivatives are taken from the pre-activation. 1 - h^2 is exactly 0 in float64 for |a| > 19.06,
where the true derivative of tanh is 10^-16: a saturated unit would read "exactly zero".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray

RESOLVED: Final = 354.0
"""Largest |a| at which tanh'(a) is a normal float64; beyond it the derivative is a bound."""


def sigmoid(a: Array, out: Array | None = None) -> Array:
    """Return 1 / (1 + e^-a), to full relative precision for a > -708 and 0 below -745."""
    with np.errstate(over="ignore"):
        out = np.negative(a, out=out)
        np.exp(out, out=out)
        out += 1.0
        return np.reciprocal(out, out=out)


def sigmoid_slope(a: Array) -> Array:
    """Return the derivative of the sigmoid at `a`, e / (1+e)^2 with e = exp(-|a|).

    Never 0: where it is smaller than the smallest normal number, that number stands for it.
    """
    return _bell(-np.abs(a), height=1.0)


def tanh_slope(a: Array) -> Array:
    """Return the derivative of tanh at `a`, 4 e / (1+e)^2 with e = exp(-2 |a|).

    Never 0: where it is smaller than the smallest normal number, that number stands for it.
    """
    return _bell(-2.0 * np.abs(a), height=4.0)


def _bell(exponent: Array, height: float) -> Array:
    e = np.exp(exponent, out=exponent)
    slope = e + 1.0
    np.square(slope, out=slope)
    np.divide(e, slope, out=slope)
    slope *= height
    return np.maximum(slope, np.finfo(slope.dtype).tiny, out=slope)


@dataclass(frozen=True)
class Activation:
    """phi with its derivative.

    Attributes
    ----------
    apply : phi(a, out).
    slope : phi'(a), a new array.
    bound : gamma, the largest |phi'|.
    is_bounded : whether phi saturates, so that phi' becomes small but never 0.
    """

    name: str
    apply: Callable[[Array, Array | None], Array]
    slope: Callable[[Array], Array]
    bound: float
    is_bounded: bool


def _tanh(a: Array, out: Array | None = None) -> Array:
    return np.tanh(a, out=out)


def _relu(a: Array, out: Array | None = None) -> Array:
    return np.maximum(a, 0.0, out=out)


def _relu_slope(a: Array) -> Array:
    return (a > 0).astype(a.dtype)  # 0 at a = 0, as PyTorch has it


def _identity(a: Array, out: Array | None = None) -> Array:
    return np.positive(a, out=out)


def _identity_slope(a: Array) -> Array:
    return np.ones_like(a)


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
