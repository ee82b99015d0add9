"""What mean field predicts for one recorded run, from its own weights and its own input.

sigma_w and the drive are measured, not read off a config: s_t is the mean over units of
(W_ih x_t + b_ih + b_hh)^2, per sequence, and sigma_w^2 = H times the mean of W_hh^2.

Range: vanilla cells of one layer and direction, at least 16 units, W_hh without the structure that
lets its powers add up (see `_is_random`); full BPTT. Tolerance for the mean over seeds: .003 per
step at H = 64 where the input drives the net at unit variance (scales 0.5 to 4); .01 at input scale
10 (.03 at H = 32). In silence and under weak input tied gaussian nets lie above it by up to .02
(H = 128) or .04 (H = 32), see `mean_field`. One net: the spread over seeds, about .01 at H = 64.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.arrays import Array, read_only
from rnn_core.cells import Params
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import Recording, mean_log10
from rnn_core.theory.arguments import LARGEST
from rnn_core.theory.driven import Driven, driven
from rnn_core.theory.mean_field import finite_width

SMALLEST_WIDTH: Final = 16
"""With fewer units the spread over seeds is larger than what is predicted."""

LARGEST_CORRECTION: Final = 0.15
"""Beyond it about two unsaturated units carry the gradient: no mean over many describes them."""

SMALLEST_SCALE: Final = 1e-100
"""Squares of a smaller sigma_w would leave float64."""

_MATRICES: Final = 8
"""How many of an untied net's matrices are looked at: their statistics agree."""


@dataclass(frozen=True)
class Prediction:
    """What mean field says about one run; arrays are read-only.

    Attributes
    ----------
    sigma_w : as measured.
    drive : s_t, (T, B).
    q : predicted variance of the pre-activations, (T, B).
    growth : log10 growth by each step's map, mean over sequences, (T,).
    finite_width : what H units instead of infinitely many add to it, (T,).
    last : the step of the loss, lag 0.
    log10_norm : predicted log10 |dL/dh_t| (T,), from the measured size at the loss; -inf after it.
    """

    sigma_w: float
    drive: Array
    q: Array
    growth: Array
    finite_width: Array
    last: int
    log10_norm: Array

    @property
    def slope(self) -> float:
        """Mean growth per step back over all recorded maps, finite width included."""
        return self.slope_over(0, self.last)

    def slope_over(self, near: int, far: int) -> float:
        """Return the mean growth per step back between two lags, finite width included.

        Raises
        ------
        ConfigError : if not 0 <= near < far <= the lag of the first step.
        """
        if not (is_whole(near) and is_whole(far) and 0 <= near < far <= self.last):
            raise ConfigError(
                f"near, far: expected 0 <= near < far <= {self.last}, "
                f"got {quoted(near)}, {quoted(far)}"
            )
        crossed = slice(self.last - far + 1, self.last - near + 1)
        return float((self.growth + self.finite_width)[crossed].mean())


def of_recording(rec: Recording) -> Prediction | None:
    """Predict the gradient of a run from its weights and its input.

    Returns
    -------
    None where mean field does not hold: gated cells, several layers or directions, residual or
    skip connections, truncated BPTT, fewer than 16 units, weights with structure (the identity, a
    symmetric matrix, W = 0 or beyond 10^100), ReLU units at rest, overflow, a net so
    saturated that about two units carry the gradient; and where no map is crossed.

    Examples
    --------
    >>> import rnn_core as rc
    >>> found = of_recording(rc.run(rc.ExperimentConfig(hidden_size=128)))
    >>> round(found.slope, 1)  # unit-variance input: at scale 1 no edge of chaos, it vanishes
    -0.2
    """
    last = rec.last_loss_step
    if not _is_plain(rec) or last < 1:
        return None
    layer = rec.layers[0]
    with np.errstate(over="ignore"):
        drive = _drive(layer.params, rec.x)
        h_square = np.square(layer.h_before[0], dtype=np.float64).mean(axis=-1)
    statistics = _statistics(layer.params)
    if statistics is None:
        return None
    sigma_w, spread = statistics
    field = driven(rec.network.activation, sigma_w, 0.0, drive, h_square=h_square)
    if rec.network.activation == "relu" and not field.q.all():
        return None  # the derivative of a unit at exactly 0 is 0, not one half on average
    correction = finite_width(rec.network.activation, field.q, rec.network.hidden_size, spread)
    if -correction[1:].mean() > LARGEST_CORRECTION:
        return None
    return _prediction(rec, sigma_w, drive, field, correction)


def _is_plain(rec: Recording) -> bool:
    net = rec.network
    return (
        net.cell == "rnn"
        and len(rec.layers) == 1
        and not net.is_residual
        and net.skip is None
        and rec.truncate is None
        and not rec.overflow_left_nan
        and net.hidden_size >= SMALLEST_WIDTH
    )


def _drive(params: Params, x: Array) -> Array:
    """Return the mean over units of (W_ih x_t + b_ih + b_hh)^2, (T, B)."""
    pushed = np.asarray(x, dtype=np.float64) @ params.weight_ih.T
    for bias in (params.bias_ih, params.bias_hh):
        if bias is not None:
            pushed = pushed + bias
    return np.asarray(np.minimum(np.square(pushed).mean(axis=-1), np.finfo(np.float64).max))


def _statistics(params: Params) -> tuple[float, float] | None:
    """Return sigma_w and the spread of singular values; None where W is not like a random one."""
    size = params.hidden_size
    W = np.asarray(params.weight_hh, dtype=np.float64).reshape(-1, size, size)
    with np.errstate(over="ignore", under="ignore"):
        sigma_w = float(np.sqrt(np.einsum("tij,tij->", W, W) / (len(W) * size)))
    if not SMALLEST_SCALE < sigma_w <= LARGEST:
        return None
    unit = W[np.linspace(0, len(W) - 1, min(len(W), _MATRICES)).astype(int)] / sigma_w
    if not _is_random(unit):
        return None
    gram = unit @ unit.mT
    spread = float(np.square(gram).sum(axis=(-2, -1)).mean() / size)
    return sigma_w, max(spread, 1.0)  # an orthogonal W gives 1 but for rounding


def _is_random(unit: Array) -> bool:
    """Tell whether the powers of W, scaled to sigma_w = 1, do not add up along some direction.

    For independent entries the mean eigenvalue tr W / H, the mean square tr W^2 / H and the
    eigenvalue that a mean entry adds, sum(W) / H, are of order 1/H, 1/H and 1/sqrt(H). The identity
    has 1, 1, 1; a symmetric matrix has tr W^2 / H = 1; an eigenvalue beyond 1 leaves the disc.
    """
    size = unit.shape[-1]
    trace = np.trace(unit, axis1=-2, axis2=-1) / size
    square = (unit * unit.mT).sum(axis=(-2, -1)) / size
    outlier = unit.sum(axis=(-2, -1)) / size
    return bool(
        abs(trace.mean()) < 0.5 and abs(square.mean()) < 0.5 and np.abs(outlier).mean() < 1.0
    )


def _prediction(
    rec: Recording, sigma_w: float, drive: Array, field: Driven, correction: Array
) -> Prediction:
    last = rec.last_loss_step
    growth, correction = field.growth.mean(axis=1), correction.mean(axis=1)
    curve = np.full(rec.steps, -np.inf)
    curve[last] = mean_log10(rec.layers[0].from_last.log10_norms("d_h"))[last]
    curve[:last] = curve[last] + np.cumsum((growth + correction)[1 : last + 1][::-1])[::-1]
    return Prediction(
        sigma_w,
        read_only(drive),
        field.q,
        read_only(growth),
        read_only(correction),
        last,
        read_only(curve),
    )
