"""Gradient descent next to the cliff, with and without clipping.

By norm, g <- threshold g / |g| where |g| >= threshold (no epsilon); by value, each entry of g is
cut to [-threshold, threshold]. Then (w, b) <- (w, b) - rate g.

The explosion ends in vanishing: without clipping one step from the wall lands on a plateau,
sigmoid(x) ~ 1 and E ~ 0.09, where the gradient is ~0. With clipping the path stays at the wall and
follows it to where it ends (w = 4.2553).

The lesson is of 51 maps. There the unclipped path is thrown at step 43 whatever the last digits;
with 50 it meets the wall several times before, each time with its rounding multiplied by some 10^4,
and the step at which it is thrown (62 to 101) hangs on the last bit of exp.
Source: Pascanu, Mikolov & Bengio (2013), algorithm 1 and section 2.3.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.errors import ConfigError, quoted
from rnn_core.theory.arguments import LARGEST, real, whole
from rnn_core.theory.cliff import START, TARGET

FROM: Final = (5.0, -2.5)
LEARNING_RATE: Final = 0.1
THRESHOLD: Final = 1.0
TAUGHT_STEPS: Final = 51
MODES: Final = ("norm", "value")
ARRIVED: Final = 0.005
STUCK: Final = 0.01

_NO_OVERFLOW: Final = 0.68 * np.finfo(np.float64).maxexp
_TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Descent:
    """A path over the surface: entry k is before update k; arrays are read-only.

    Attributes
    ----------
    w, b, loss : (updates + 1,), or fewer where the path left the range of numbers.
    gradient_norm : before clipping.
    is_clipped : at which updates the gradient was changed.
    overflow : the update after which w or b is beyond 10^100 or no number; None if it stayed.
    """

    w: Array
    b: Array
    loss: Array
    gradient_norm: Array
    is_clipped: BoolArray
    overflow: int | None = None

    @property
    def longest_move(self) -> int:
        """The update (from 0) that goes farthest: where an unclipped path is thrown."""
        moves = np.hypot(np.diff(self.w), np.diff(self.b))
        return int(np.argmax(moves)) if moves.size else 0

    @property
    def last_below(self) -> int:
        """The last entry whose loss is at most that of the start: after it, nothing is gained."""
        return int(np.flatnonzero(self.loss <= self.loss[0])[-1])

    @property
    def is_thrown(self) -> bool:
        """Whether the last quarter of the path, or more, stays above the loss of the start.

        A path that zigzags over the wall is not thrown: it comes back below.
        """
        return self.overflow is not None or self.last_below < 0.75 * (len(self.loss) - 1)

    @property
    def settled_loss(self) -> float:
        """The largest loss of the last tenth of the entries: what the path keeps below."""
        return float(self.loss[-max(len(self.loss) // 10, 1) :].max())

    @property
    def fate(self) -> str:
        """What became of the path: "overflow", "thrown", "arrived", "stuck" or "under way".

        Arrived: the loss is below 0.005 and has been so for the last tenth of the entries, or the
        gradient is below 1 % of that at the start. Stuck: the gradient is, and the loss is not.
        """
        if self.overflow is not None:
            return "overflow"
        if self.is_thrown:
            return "thrown"
        if self.settled_loss < ARRIVED:
            return "arrived"
        if self.gradient_norm[-1] >= STUCK * self.gradient_norm[0]:
            return "under way"
        return "arrived" if self.loss[-1] < ARRIVED else "stuck"


def descend(
    *,
    start: tuple[float, float] = FROM,
    learning_rate: float = LEARNING_RATE,
    threshold: float | None = THRESHOLD,
    mode: str = "norm",
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
    if mode not in MODES:
        raise ConfigError(f"mode: expected one of {', '.join(MODES)}, got {quoted(mode)}")
    unit = _Unit(
        whole("steps", steps, 1), real("x_init", x_init, -LARGEST), real("target", target, 0.0, 1.0)
    )
    w, b = (real("start", value, -LARGEST) for value in start)
    path: list[tuple[float, float, float, float, bool]] = []
    overflow = None
    with np.errstate(all="ignore"):
        for k in range(count + 1):
            at = unit.at(w, b)
            norm = math.hypot(at.d_w, at.d_b)
            d_w, d_b = _clipped(at, norm, limit, mode)
            path.append((w, b, at.loss, norm, (d_w, d_b) != (at.d_w, at.d_b) or norm == limit))
            w, b = w - rate * d_w, b - rate * d_b
            if not (abs(w) <= LARGEST and abs(b) <= LARGEST):
                overflow = k
                break
    columns = np.array([entry[:4] for entry in path]).T
    of_w, of_b, loss, norms = (read_only(np.ascontiguousarray(column)) for column in columns)
    return Descent(of_w, of_b, loss, norms, np.array([entry[4] for entry in path]), overflow)


class _At(NamedTuple):
    loss: float
    d_w: float
    d_b: float


class _Unit(NamedTuple):
    """The unit of `cliff` at one point, in plain numbers: a path is 40 times as fast, bit by bit.

    Its exp is NumPy's: that of `math` may differ in the last bit, which a wall multiplies.
    """

    steps: int
    x_init: float
    target: float

    def at(self, w: float, b: float) -> _At:
        x, dx_dw, dx_db = self.x_init, 0.0, 0.0
        for _ in range(self.steps):
            e = float(np.exp(min(-x, _NO_OVERFLOW)))
            s = 1.0 / (e + 1.0)
            factor = w * max(e * s * s, _TINY)
            dx_dw, dx_db = s + factor * dx_dw, 1.0 + factor * dx_db
            x = w * s + b
        e = float(np.exp(min(-x, _NO_OVERFLOW)))
        s = 1.0 / (e + 1.0)
        error = s - self.target
        outer = 2.0 * error * max(e * s * s, _TINY)
        return _At(error * error, outer * dx_dw, outer * dx_db)


def _clipped(at: _At, norm: float, limit: float, mode: str) -> tuple[float, float]:
    if mode == "value":
        return min(max(at.d_w, -limit), limit), min(max(at.d_b, -limit), limit)
    if norm >= limit:
        return at.d_w * (limit / norm), at.d_b * (limit / norm)
    return at.d_w, at.d_b
