"""One unit that feeds itself: why |f'(w y) w| stays below 1 for a sigmoid of output 1.

The error that flows back through a self-loop is multiplied by f'(net) w at every step, net = w y.
As w grows, f' falls faster: for fixed y the factor peaks where net tanh(net/2) = 1 for the logistic
function (net* = 1.5434, value 0.2238716 / |y|) and where 2 net tanh(net) = 1 for tanh (0.7717,
0.4477432 / |y|). With |y| <= 1 a loop of one unit that holds its output cannot keep its error.

Range: one unit at a constant output y. Tolerance: 1e-12.
Source: Hochreiter & Schmidhuber (1997), section 3.1.
"""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError, quoted
from rnn_core.theory.arguments import LARGEST, real, reals
from rnn_core.theory.roots import bisect

_HALF: Final = {"sigmoid": 0.5, "tanh": 1.0}
"""c with f'' / f' = -2 c tanh(c net): the peak is where 2 c net tanh(c net) = 1."""


def factor(activation: str, w: Array | float, y: float) -> Array:
    """Return |f'(w y) w|, the factor on the error per step, for each w.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> factor("sigmoid", [4.0, 1.5434], 1.0).round(6)
    array([0.070651, 0.223872])
    """
    _checked(activation)
    weight = np.atleast_1d(reals("w", w, -LARGEST))
    slope = ACTIVATIONS[activation].slope(weight * real("y", y, -LARGEST))
    return np.reshape(np.abs(slope * weight), np.shape(w))


class Peak(NamedTuple):
    """The largest factor that any w gives.

    Attributes
    ----------
    net : w y there.
    factor_times_y : the factor times |y|.
    """

    net: float
    factor_times_y: float


def peak(activation: str = "sigmoid") -> Peak:
    """Return where |f'(w y) w| is largest.

    Examples
    --------
    >>> round(peak().net, 8), round(peak().factor_times_y, 8)
    (1.54340464, 0.2238716)
    """
    c = _HALF[_checked(activation)]

    def beyond(net: Array) -> Array:
        return np.asarray(2.0 * c * net * np.tanh(c * net) - 1.0)

    net = bisect(beyond, np.array(0.1), np.array(10.0))
    return Peak(float(net), float(factor(activation, float(net), 1.0)))


def _checked(activation: str) -> str:
    if activation not in _HALF:
        names = ", ".join(_HALF)
        raise ConfigError(f"activation: expected one of {names}, got {quoted(activation)}")
    return activation
