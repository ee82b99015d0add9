"""The latch: a unit that keeps a bit for ever loses its gradient for that very reason.

x <- tanh(w x), w > 1, has the attractors +-x* and keeps the sign of x_0. The factor on the gradient
is M'(x) = w (1 - tanh(w x)^2): at x* it is below 1, so |dx_T/dx_0| -> 0; at the separatrix x = 0 it
is w and explodes. The larger w, the safer the bit and the faster the gradient dies: memory is not
gradient.

Range: one unit, no input, w >= 0. Tolerance: 1e-12.
Source: Bengio, Simard & Frasconi (1994), sections III and IV (the statement); numbers computed.
"""

from typing import NamedTuple

import numpy as np

from rnn_core.activations import tanh_slope
from rnn_core.arrays import Array, read_only
from rnn_core.scaled import log10_of
from rnn_core.theory.arguments import LARGEST, real, whole
from rnn_core.theory.roots import bisect


class Attractor(NamedTuple):
    """Where x <- tanh(w x) settles.

    Attributes
    ----------
    x : x* >= 0; 0 for w <= 1.
    factor : M' at x*, on the gradient per step.
    slope : log10 of it.
    """

    x: float
    factor: float
    slope: float


def attractor(w: float) -> Attractor:
    """Return the fixed point that holds the bit, and what it does to the gradient.

    Raises
    ------
    ConfigError : "w: expected 0 to 100, got <value>".

    Examples
    --------
    >>> at = attractor(2.0)
    >>> round(at.x, 8), round(at.factor, 8), round(at.slope, 4)
    (0.95750402, 0.16637209, -0.7789)
    """
    weight = real("w", w, 0.0, 100.0)
    x = 0.0
    if weight > 1.0:
        # tanh(u) >= u - u^3 / 3: the fixed point is not below this, and 0 is kept out
        low = np.sqrt(3.0 * (weight - 1.0) / weight**3)
        x = float(bisect(lambda x: x - np.tanh(weight * x), np.array(min(low, 0.5)), np.array(1.0)))
    factor = weight * float(tanh_slope(np.array([weight * x]))[0])
    with np.errstate(divide="ignore"):
        return Attractor(x, factor, float(np.log10(factor)))


class Held(NamedTuple):
    """A bit and its gradient over time, index t from the start; arrays are read-only.

    Attributes
    ----------
    x : (T+1,), x_0 first.
    log10_gradient : log10 |dx_t/dx_0|, (T+1,); 0 first.
    """

    x: Array
    log10_gradient: Array


def hold(w: float, x_init: float, steps: int) -> Held:
    """Run the latch from x_0 and follow what is left of dx_t/dx_0.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> kept = hold(2.0, 0.5, 100)
    >>> round(float(kept.x[-1]), 4), round(float(kept.log10_gradient[-1]), 1)
    (0.9575, -76.8)
    """
    weight = real("w", w, 0.0, 100.0)
    x = np.empty(whole("steps", steps, 0, 100_000) + 1)
    x[0] = real("x_init", x_init, -LARGEST)
    for t in range(len(x) - 1):
        x[t + 1] = np.tanh(weight * x[t])
    factors = weight * tanh_slope(weight * x[:-1])
    logs = np.concatenate([[0.0], np.cumsum(log10_of(factors))])
    return Held(read_only(x), read_only(logs))
