"""Where a measured curve changes sign: the weight scale at which gradients begin to explode."""

from typing import NamedTuple

import numpy as np

from rnn_core.arrays import Array
from rnn_core.errors import ShapeError


class Crossing(NamedTuple):
    """A change of sign.

    Attributes
    ----------
    place : where, by linear interpolation between two points of the curve.
    is_upward : whether the curve is negative before and positive after it.
    """

    place: float
    is_upward: bool


def zero_crossings(x: Array, y: Array) -> tuple[Crossing, ...]:
    """Return every change of sign of a curve through the points (x, y), in the order of x.

    A gap (nan or infinite y) hides what happens in it: no sign changes across it. A point at
    exactly 0 is a crossing if the signs around it differ.

    Parameters
    ----------
    x : (N,), ascending.
    y : (N,).

    Raises
    ------
    ShapeError : "y: expected ..., got ...".

    Examples
    --------
    >>> import numpy as np
    >>> zero_crossings(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 3.0, 4.0]))
    (Crossing(place=1.25, is_upward=True),)
    """
    if x.ndim != 1 or x.shape != y.shape:
        raise ShapeError(f"y: expected the shape of x, {x.shape}, got {y.shape}")
    found = []
    before: int | None = None
    for k in range(len(x)):
        if not np.isfinite(y[k]):
            before = None
            continue
        if y[k] == 0.0:
            continue
        if before is not None and (y[k] > 0.0) != (y[before] > 0.0):
            found.append(Crossing(_place(x, y, before, k), bool(y[k] > 0.0)))
        before = k
    return tuple(found)


def _place(x: Array, y: Array, before: int, after: int) -> float:
    if after - before > 1:  # the points between are at 0
        return float(x[before + 1 : after].mean())
    part = y[before] / (y[before] - y[after])
    return float(x[before] + part * (x[after] - x[before]))
