"""What theory says of growth per step against weight scale, for one scheme and its own input.

Vanilla cells, where W_hh is like a random matrix: mean field of the driven net step by step, each
net's own input, with the finite-width term, over the lags that `growth_per_step` is measured on.
Gated cells with unstructured candidates, small states and one bias: log10(f + g/4), log10(1/2 +
g/4), see `gated`. The identity initialiser has separate units and no mean field.

Range, tolerance: those of `prediction` and `gated`; with fewer than 16 units there is no curve.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from rnn_core.analysis.verdict import transient
from rnn_core.arrays import Array, read_only
from rnn_core.config import ExperimentConfig
from rnn_core.experiment import draw
from rnn_core.scaled import log10_of
from rnn_core.theory.gated import at_rest
from rnn_core.theory.mean_field import chi, finite_width
from rnn_core.theory.moments import mean_square
from rnn_core.theory.prediction import LARGEST_CORRECTION, SMALLEST_WIDTH

SMALL_DRIVE: Final = 0.1
"""The input variance up to which a gated cell is near rest: .005 off at forget bias 0, .02 at 1."""

_EVERY: Final = 5
"""The finite-width term, small and smooth, is computed for one sequence in so many."""

_LARGEST_Q: Final = 1e300


class Unit(NamedTuple):
    """What the nets of one scheme have at weight scale 1.

    Attributes
    ----------
    sigma_w : std of the recurrent weights times sqrt(H); of a gated cell the candidate's.
    spread : mean fourth power of the singular values over their squared mean square.
    sigma_max : the largest singular value among the nets; of a gated cell the candidate's.
    drive : s_t, mean over units of (W_ih x_t + b)^2, (T, nets): of each net's first sequence; of a
        gated cell the candidate's.
    h_square : mean over units of h^2 before the first step, one value per sequence.
    input_variance : mean of (W_ih x_t)^2, without biases; of a gated cell the candidate's.
    """

    sigma_w: float
    spread: float
    sigma_max: float
    drive: Array
    h_square: Array
    input_variance: float


class Curve(NamedTuple):
    """Predicted growth per step at each scale, (S,); nan where the theory fails.

    Attributes
    ----------
    growth : for the width of the nets.
    limit : for infinitely many units.
    """

    growth: Array
    limit: Array


def measured_unit(config: ExperimentConfig, seeds: Sequence[int]) -> Unit:
    """Draw the nets of some seeds at weight scale 1 and measure what theory needs of them.

    An untied net is looked at in its first step's matrix.
    """
    squares, fourths, largest, drive, before, variances = [], [], [], [], [], []
    size = config.hidden_size
    for seed in seeds:
        net = draw(replace(config, seed=seed, weight_scale=1.0, batch_size=1))
        params, gate = net.network.params, _candidate(config)
        rows = slice(gate * size, (gate + 1) * size)
        W = params.weight_hh if params.is_tied else params.weight_hh[0]
        values = np.linalg.svd(W[rows], compute_uv=False)
        squares.append(float(np.mean(values**2)))
        fourths.append(float(np.mean(values**4)))
        largest.append(float(values[0]))
        pushed = net.x @ params.weight_ih[rows].T
        bias = sum(one[rows] for one in (params.bias_ih, params.bias_hh) if one is not None)
        with np.errstate(over="ignore"):
            variances.append(float(np.square(pushed).mean()))
            drive.append(np.square(pushed + bias).mean(axis=-1))
        before.append(np.square(net.h_init[0][0]).mean(axis=-1))
    square = float(np.mean(squares))
    spread = max(float(np.mean(fourths)) / square**2, 1.0)
    return Unit(
        float(np.sqrt(square)),
        spread,
        max(largest),
        np.concatenate(drive, axis=1),
        np.concatenate(before),
        float(np.mean(variances)),
    )


def mean_field_curve(config: ExperimentConfig, unit: Unit, scales: Sequence[float]) -> Curve | None:
    """Follow every sequence's q_t at each scale and return the mean growth per step.

    None where it holds nowhere: gated cells, the identity initialiser, fewer than 16 units, T = 1,
    a ReLU net that is never driven.
    """
    drive = np.minimum(unit.drive, _LARGEST_Q)
    steps = len(drive)
    if config.cell != "rnn" or config.init == "identity" or steps == 1:
        return None
    if config.hidden_size < SMALLEST_WIDTH:
        return None
    if config.activation == "relu" and not (drive > 0.0).all():
        return None  # the derivative of a unit at exactly 0 is 0, not one half on average
    phi, width = config.activation, (np.array(scales, dtype=np.float64) * unit.sigma_w)[:, None]
    q = np.empty((steps, len(scales), drive.shape[1]))
    square: Array = np.broadcast_to(unit.h_square, q.shape[1:])
    with np.errstate(over="ignore"):
        for t in range(steps):
            q[t] = np.minimum(width**2 * square + drive[t], _LARGEST_Q)
            square = mean_square(phi, q[t])
    crossed = q[1 : steps - transient(steps)]
    growth = 0.5 * log10_of(chi(phi, width, crossed)).mean(axis=(0, 2))
    few = crossed[..., ::_EVERY]
    correction = finite_width(phi, few, config.hidden_size, unit.spread).mean(axis=(0, 2))
    has_limit = width[:, 0] > 0.0
    is_valid = has_limit & (-correction <= LARGEST_CORRECTION)
    return Curve(
        read_only(np.where(is_valid, growth + correction, np.nan)),
        read_only(np.where(has_limit, growth, np.nan)),
    )


def at_rest_curve(config: ExperimentConfig, unit: Unit, scales: Sequence[float]) -> Curve | None:
    """Return log10(f + g/4) of an LSTM or log10(1/2 + g/4) of a GRU, as far as it is negative.

    None for a vanilla cell, and where the cell is not near rest: input variance beyond .1, biases
    that differ between units.
    """
    if config.cell == "rnn" or config.bias_scale or config.init == "chrono":
        return None
    if unit.input_variance > SMALL_DRIVE or config.h_init == "random":
        return None
    slopes = np.array([rest_slope(config, scale * unit.sigma_w) for scale in scales])
    is_at_rest = slopes < 0.0  # beyond it a state near 0 grows until the gates saturate
    growth = read_only(np.where(is_at_rest, slopes, np.nan))
    return Curve(growth, growth)


def rest_slope(config: ExperimentConfig, gain: float) -> float:
    """Return log10(f + g/4) or log10(1/2 + g/4) of a gated cell with candidate gain g."""
    scheme = 1.0 if (config.cell, config.init) == ("lstm", "keras") else 0.0
    bias = scheme if config.forget_bias is None else config.forget_bias
    return at_rest(config.cell, gain, bias).tied_slope


def _candidate(config: ExperimentConfig) -> int:
    """Return the place of the candidate among a cell's gates: r, z, n or i, f, g, o."""
    return {"rnn": 0, "gru": 2, "lstm": 2}[config.cell]
