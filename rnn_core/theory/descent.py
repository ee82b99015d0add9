"""Gradient descent next to the cliff, with and without norm clipping.

g <- threshold g / |g| where |g| >= threshold (no epsilon), then (w, b) <- (w, b) - rate g.

The explosion ends in vanishing: without clipping one step from the wall lands on a plateau,
sigmoid(x) ~ 1 and E ~ 0.09, where the gradient is ~0. With clipping the path stays at the wall and
follows it to where it ends (w = 4.2553).

The lesson is of 51 maps. There the unclipped path is thrown at step 43 whatever the last digits;
with 50 it meets the wall several times before, each time with its rounding multiplied by some 10^4,
and the step at which it is thrown (62 to 101) hangs on the last bit of exp.
Source: Pascanu, Mikolov & Bengio (2013), algorithm 1 and section 2.3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.theory.arguments import LARGEST, real, whole
from rnn_core.theory.cliff import START, TARGET, cliff

FROM: Final = (5.0, -2.5)
LEARNING_RATE: Final = 0.1
THRESHOLD: Final = 1.0
TAUGHT_STEPS: Final = 51


@dataclass(frozen=True)
class Descent:
    """A path over the surface: entry k is before update k; arrays are read-only.

    Attributes
    ----------
    w, b, loss : (updates + 1,).
    gradient_norm : before clipping, (updates + 1,).
    is_clipped : at which updates the gradient was shortened, (updates + 1,).
    """

    w: Array
    b: Array
    loss: Array
    gradient_norm: Array
    is_clipped: BoolArray

    @property
    def longest_move(self) -> int:
        """The update (from 0) that goes farthest: where an unclipped path is thrown."""
        return int(np.argmax(np.hypot(np.diff(self.w), np.diff(self.b))))


def descend(
    *,
    start: tuple[float, float] = FROM,
    learning_rate: float = LEARNING_RATE,
    threshold: float | None = THRESHOLD,
    updates: int = 1000,
    steps: int = TAUGHT_STEPS,
    x_init: float = START,
    target: float = TARGET,
) -> Descent:
    """Follow the gradient from `start`; `threshold` None does not clip.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> thrown = descend(threshold=None, updates=60)
    >>> thrown.longest_move, round(float(thrown.loss[-1]), 2)
    (43, 0.09)
    """
    count = whole("updates", updates, 1, 100_000)
    rate = real("learning_rate", learning_rate, 0.0)
    limit = np.inf if threshold is None else real("threshold", threshold, 1e-100)
    at = np.array([real("start", value, -LARGEST) for value in start])
    path = np.empty((count + 1, 4))
    for k in range(count + 1):
        here = cliff(at[0], at[1], steps=steps, x_init=x_init, target=target)
        gradient = np.array([here.d_w, here.d_b])
        norm = float(np.hypot(*gradient))
        path[k] = *at, float(here.loss), norm
        if norm >= limit:
            gradient *= limit / norm
        at = at - rate * gradient
    w, b, loss, norms = (read_only(np.ascontiguousarray(column)) for column in path.T)
    return Descent(w, b, loss, norms, is_clipped=norms >= limit)
