"""What saturation does to a gradient: how many units are saturated, by what, and who pulls harder.

A share of saturated units decides nothing on its own. Beside it stand the two factors of every step
back, W and phi', measured on this gradient, and where the pre-activations come from.
"""

from dataclasses import dataclass

import numpy as np

from rnn_core.analysis.tug_of_war import TugOfWar, tug_of_war
from rnn_core.arrays import Array, read_only
from rnn_core.recording import Recording


@dataclass(frozen=True)
class Saturation:
    """The units of a vanilla net between its first step and its last loss.

    "Crossed" are the steps that the gradient crosses on its way from the last loss back to the
    state after the first step; with one step alone it is that step.

    Attributes
    ----------
    by_step : share of units saturated at each step (T,), over sequences and units: |tanh| > 0.9, a
        sigmoid below .05 or above .95, a ReLU at 0; a linear unit never.
    share : the same over all steps crossed.
    dead_units : units whose slope is exactly 0 at every step crossed, in every sequence.
    recurrent_rms, input_rms : rms over the steps crossed of the two parts of the pre-activation,
        W_hh h_{t-1} and W_ih x_t with the biases.
    steps_crossed : how many maps lie between those two states; 0 with one step.
    tug : each step's growth taken apart.
    decades_by_slope, decades_by_weight, decades_by_loss : the parts of `tug` summed over the steps
        crossed, mean over the sequences whose gradient arrives; together the log10 of what
        dL/dh is multiplied by. The last is None where only the last step has a loss, and all are
        None where no gradient crosses all of them.
    """

    by_step: Array
    share: float
    dead_units: int
    recurrent_rms: float
    input_rms: float
    steps_crossed: int
    tug: TugOfWar
    decades_by_slope: float | None
    decades_by_weight: float | None
    decades_by_loss: float | None

    @property
    def slope_per_step(self) -> float | None:
        """`decades_by_slope` per step crossed, log10: what phi' does in one step, on average."""
        return None if self.decades_by_slope is None else self.decades_by_slope / self.steps_crossed

    @property
    def weight_per_step(self) -> float | None:
        """`decades_by_weight` per step crossed, log10."""
        if self.decades_by_weight is None:
            return None
        return self.decades_by_weight / self.steps_crossed


@dataclass(frozen=True)
class Histogram:
    """Where pre-activations lie.

    Attributes
    ----------
    edges : borders of the bins, one more than bins.
    shares : part of all values in each bin; a value on an inner border belongs above it.
    below, above : parts beyond the first and the last border.
    """

    edges: Array
    shares: Array
    below: float
    above: float


def saturation(rec: Recording) -> Saturation | None:
    """Measure a vanilla net's saturation and the tug of war over its gradient.

    Returns
    -------
    None where an overflow left no states.

    Raises
    ------
    ConfigError : "rec: expected a vanilla net, got cell=...".

    Examples
    --------
    Most units saturated, and a gradient that explodes all the same:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(
    ...     init="orthogonal", weight_scale=10, hidden_size=32, steps=100)
    >>> found = saturation(rc.run(config))
    >>> found.share > 0.85, found.decades_by_slope + found.decades_by_weight > 15
    (True, True)
    """
    if not rec.layers or rec.overflow_left_nan:
        return None
    tug = tug_of_war(rec)
    assert tug is not None  # noqa: S101 - for the types
    layer = rec.layers[0]
    crossed = crossed_steps(rec)
    is_flat = layer.is_saturated
    slopeless = rec.network.activation == "relu"
    recurrent, driven = _parts(rec, crossed)
    slope, weight, loss = _decades(rec, tug)
    return Saturation(
        by_step=read_only(is_flat.mean(axis=(1, 2))),
        share=float(is_flat[crossed].mean()),
        dead_units=int(is_flat[crossed].all(axis=(0, 1)).sum()) if slopeless else 0,
        recurrent_rms=_rms(recurrent),
        input_rms=_rms(driven),
        steps_crossed=rec.last_loss_step,
        tug=tug,
        decades_by_slope=slope,
        decades_by_weight=weight,
        decades_by_loss=loss,
    )


def histogram(rec: Recording, *, reach: float, bins: int) -> Histogram:
    """Count the pre-activations of the steps crossed in `bins` equal bins from -reach to reach.

    A run without states has shares of 0.
    """
    edges = np.linspace(-reach, reach, bins + 1)
    if not rec.layers or rec.overflow_left_nan:
        return Histogram(edges, np.zeros(bins), 0.0, 0.0)
    a = rec.layers[0].a[crossed_steps(rec)].ravel()
    with np.errstate(over="ignore"):
        place = np.floor((a + reach) * (bins / (2.0 * reach)))
    counts = np.bincount(np.clip(place, -1, bins).astype(np.int64) + 1, minlength=bins + 2)
    shares = counts / a.size
    return Histogram(edges, shares[1:-1], float(shares[0]), float(shares[-1]))


def crossed_steps(rec: Recording) -> slice:
    """Return the steps that the last loss's gradient crosses back to the state after the first."""
    return slice(1, rec.last_loss_step + 1) if rec.last_loss_step else slice(0, 1)


def _parts(rec: Recording, crossed: slice) -> tuple[Array, Array]:
    """Return W_hh h_{t-1} and W_ih x_t + b of the steps crossed."""
    layer = rec.layers[0]
    named = layer.params.named()
    weight = named["weight_hh"]
    weight = weight[crossed] if weight.ndim == 3 else weight
    with np.errstate(all="ignore"):
        bias = sum((named[name] for name in ("bias_ih", "bias_hh") if name in named), start=0.0)
        recurrent = layer.h_before[crossed] @ weight.mT
        driven = np.asarray(rec.x)[crossed] @ named["weight_ih"].mT + bias
    return recurrent, driven


def _rms(values: Array) -> float:
    # a sum that left float64 on both sides is nan: its size is beyond float64 too
    largest = float(np.nan_to_num(np.abs(values), nan=np.inf, posinf=np.inf).max(initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.square(values / largest).mean()))


def _decades(rec: Recording, tug: TugOfWar) -> tuple[float | None, float | None, float | None]:
    crossed = crossed_steps(rec)
    if not rec.last_loss_step or tug.is_cut[crossed].any():
        return None, None, None
    parts = [tug.by_slope, tug.by_weight, *([] if tug.by_loss is None else [tug.by_loss])]
    with np.errstate(invalid="ignore"):  # a gradient that dies (-inf) and sets in anew (inf)
        sums = [part[crossed].sum(axis=0) for part in parts]
    arrives = np.logical_and.reduce([np.isfinite(one) for one in sums])
    if not arrives.any():
        return None, None, None
    means = [float(one[arrives].mean()) for one in sums]
    return means[0], means[1], means[2] if rec.loss_steps > 1 else None
