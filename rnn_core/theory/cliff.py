"""The one-unit cliff: one parameter step throws a recurrent unit to its other attractor.

    x_t = w sigmoid(x_{t-1}) + b,  x_0 = 0.5,  E = (sigmoid(x_50) - 0.7)^2.

dE/dw = 2 (s - 0.7) s (1-s) p with s = sigmoid(x_T), p_t = dx_t/dw = s_{t-1} + w s' p_{t-1};
likewise r_t = dx_t/db = 1 + w s' r_{t-1} and dx_t/dx_0 = w s' dx_{t-1}/dx_0: exact derivatives.

The wall is the line b = x_0 - w sigmoid(x_0): there x stays at x_0 for ever. For
w > 1/s'(x_0) = 4.2553 it is a repeller, so both sides part: a cliff. On it
dx_T/db = (rho^T - 1)/(rho - 1), rho = w s'(x_0), and dx_T/dw = s dx_T/db. The folds, between which
there are two attractors (w > 4), are b = x - w s with s = (1 +- sqrt(1 - 4/w)) / 2. Crossing a fold
need not change the gradient; crossing the wall does.

Range: any w, b; inf where float64 ends. Tolerance: 1e-10 relative away from the wall; on the wall,
where b itself rounds, 1e-8 at w = 6 and 1e-3 at w = 7.
Source: Pascanu, Mikolov & Bengio (2013), equation 8 and figure 6; wall and folds derived.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.activations import sigmoid_and_slope
from rnn_core.arrays import Array, read_only
from rnn_core.theory.arguments import LARGEST, real, reals, whole

STEPS: Final = 50
START: Final = 0.5
TARGET: Final = 0.7


@dataclass(frozen=True)
class Cliff:
    """The loss and its exact derivatives over a grid of (w, b); arrays are read-only.

    Attributes
    ----------
    x : x_T.
    loss : E.
    d_w, d_b, d_x_init : derivatives of E.
    dx_dw, dx_db, dx_dx_init : derivatives of x_T.
    """

    x: Array
    loss: Array
    d_w: Array
    d_b: Array
    d_x_init: Array
    dx_dw: Array
    dx_db: Array
    dx_dx_init: Array


def cliff(
    w: Array | float,
    b: Array | float,
    *,
    steps: int = STEPS,
    x_init: float = START,
    target: float = TARGET,
) -> Cliff:
    """Return the loss surface and its gradient; w and b are broadcast against each other.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> import numpy as np
    >>> at = cliff(5.0, np.array([-2.6122, -2.6124]))  # on both sides of the wall
    >>> at.loss.round(6), at.d_b.round(3)
    (array([0.004199, 0.322412]), array([  51.663, -703.221]))
    """
    grid = reals("w", w, -LARGEST), reals("b", b, -LARGEST)
    shape = np.broadcast_shapes(*(side.shape for side in grid))
    width, bias = (np.broadcast_to(side, shape).reshape(-1) for side in grid)
    x = np.full(width.shape, real("x_init", x_init, -LARGEST))
    dx_dw, dx_db, dx_dx_init = np.zeros_like(x), np.zeros_like(x), np.ones_like(x)
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(whole("steps", steps, 1)):
            s, slope = sigmoid_and_slope(x)
            factor = width * slope
            dx_dw, dx_db, dx_dx_init = s + factor * dx_dw, 1.0 + factor * dx_db, factor * dx_dx_init
            x = width * s + bias
        s, slope = sigmoid_and_slope(x)
        error = s - real("target", target, 0.0, 1.0)
        outer = 2.0 * error * slope
        arrays = (
            x,
            error**2,
            outer * dx_dw,
            outer * dx_db,
            outer * dx_dx_init,
            dx_dw,
            dx_db,
            dx_dx_init,
        )
    return Cliff(*(read_only(array.reshape(shape)) for array in arrays))


def wall(w: Array | float, *, x_init: float = START) -> Array:
    """Return the b at which x stays at x_0: the basin boundary where `wall_begins` < w.

    Examples
    --------
    >>> round(float(wall(5.0)), 8)
    -2.61229666
    """
    s, _ = _held(x_init)
    return np.asarray(x_init - reals("w", w, -LARGEST) * s)


def wall_begins(*, x_init: float = START) -> float:
    """Return the w beyond which the wall repels, 1 / (s (1-s)) at x_0.

    Examples
    --------
    >>> round(wall_begins(), 8)
    4.25525193
    """
    return 1.0 / _held(x_init)[1]


def _held(x_init: float) -> tuple[float, float]:
    """Return the sigmoid and its slope at the state that the wall holds."""
    s, slope = sigmoid_and_slope(np.array([real("x_init", x_init, -700.0, 700.0)]))
    return float(s[0]), float(slope[0])


@dataclass(frozen=True)
class OnTheWall:
    """Loss and gradient on the wall in closed form."""

    rho: Array
    loss: float
    d_w: Array
    d_b: Array


def on_the_wall(
    w: Array | float, *, steps: int = STEPS, x_init: float = START, target: float = TARGET
) -> OnTheWall:
    """Return E, dE/dw and dE/db at (w, wall(w)): an exploding gradient of `steps` steps, exactly.

    Examples
    --------
    >>> round(float(on_the_wall(5.5).d_w), 4)
    -28937.3328
    """
    width = reals("w", w, 0.0)
    s, slope = _held(x_init)
    rho = width * slope
    count = whole("steps", steps, 1)
    beyond = rho - 1.0
    with np.errstate(over="ignore", divide="ignore"):  # log1p(-1) at w = 0: the sum is 1
        power = np.expm1(count * np.log1p(beyond))  # rho^T - 1 with its digits next to rho = 1
    total = np.where(beyond == 0.0, count, power / np.where(beyond == 0.0, 1.0, beyond))
    error = s - real("target", target, 0.0, 1.0)
    d_b = 2.0 * error * slope * total
    return OnTheWall(read_only(rho), error**2, read_only(s * d_b), read_only(d_b))


@dataclass(frozen=True)
class Folds:
    """Between `low` and `high` there are two attractors; nan where w < 4 and there is one."""

    low: Array
    high: Array


def folds(w: Array | float) -> Folds:
    """Return the two b at which an attractor appears or ends; they meet in the cusp (4, -2).

    Examples
    --------
    >>> at = folds(5.0)
    >>> round(float(at.low), 8), round(float(at.high), 8)
    (-2.65561034, -2.34438966)
    """
    width = reals("w", w, 0.0)
    has_fold = width >= 4.0
    root = np.sqrt(1.0 - 4.0 / np.where(has_fold, width, 4.0))

    def b_at(s: Array) -> Array:
        return np.where(has_fold, np.log(s / (1.0 - s)) - width * s, np.nan)

    low_s = 2.0 / (np.where(has_fold, width, 4.0) * (1.0 + root))  # (1 - root) / 2, digits kept
    ends = b_at(low_s), -width - b_at(low_s)
    return Folds(read_only(np.minimum(*ends)), read_only(np.maximum(*ends)))
