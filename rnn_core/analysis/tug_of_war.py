"""The tug of war: whether slopes or weights made a gradient grow or shrink in one step back.

Vanilla cells: dL/dh_{t-1} = W^T (phi'_t o dL/dh_t) + dl_{t-1}/dh_{t-1}, so the growth of a step is
a sum of logs, exact for every sequence and therefore for means of log10. The paths of a gated cell
add up as vectors, and logs do not: `term_shares` is for them.
"""

from dataclasses import dataclass

import numpy as np

from rnn_core.analysis.crossing import chunks, through_gates
from rnn_core.analysis.subject import is_top, layer_of
from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.errors import ConfigError
from rnn_core.recording import LayerRecording, Recording
from rnn_core.scaled import LOG10_2, Scaled


@dataclass(frozen=True)
class TugOfWar:
    """The parts of each step's growth, log10 units per step back, (T, B) each.

    Index t is the step that the gradient crosses, from dL/dh_t to dL/dh_{t-1}; index 0 leads into
    the initial state. Exact zeros are told as such: -inf where a part made the gradient 0 (dead
    ReLUs, zero weights), +inf where a loss set in on nothing, 0 where nothing stayed nothing.

    Attributes
    ----------
    by_slope : log10 |phi' o d| / |d|, what the slopes did.
    by_weight : log10 |W^T (phi' o d)| / |phi' o d|, what the weights did *to this gradient*.
    by_loss : log10 |carried + new| / |carried|, new being the loss of step t-1 itself (of a lower
        layer what arrives from above; of a skip in time what arrives along it). None where only
        the last step has a loss.
    total : log10 |dL/dh_{t-1}| / |dL/dh_t|, measured on its own; the others sum to it.
    is_cut : steps at which truncated BPTT passes nothing on, (T,). There by_slope and by_weight
        are 0, and what the sum misses is the cut.
    """

    by_slope: Array
    by_weight: Array
    by_loss: Array | None
    total: Array
    is_cut: BoolArray


def tug_of_war(rec: Recording, *, layer: int = 0) -> TugOfWar | None:
    """Take each step's growth of the gradient apart: slopes, weights, new loss.

    growth = log10 |phi' o d| / |d| + log10 |W^T (phi' o d)| / |phi' o d|, with d = dL/dh_t of the
    whole loss; with a loss at every step + log10 |carried + dl_{t-1}/dh_{t-1}| / |carried|. Each
    part is measured, none is what the others leave. Memory: a few arrays (T, B).

    Parameters
    ----------
    layer : which layer and direction, in PyTorch's order.

    Returns
    -------
    None where an overflow left no gradient; `rec.overflow` says where it was.

    Raises
    ------
    ConfigError : "rec: expected a vanilla net, got cell=..." or "layer: expected 0 to ...".

    Examples
    --------
    In an orthogonal linear net of scale 1/2 the weights pull, and nothing else:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(activation="identity", init="orthogonal", weight_scale=0.5)
    >>> pulls = tug_of_war(rc.run(config))
    >>> bool(abs(pulls.by_slope).max() < 1e-12), float(pulls.by_weight.mean().round(3))
    (True, -0.301)

    Source: the two factors of Pascanu, Mikolov & Bengio (2013), equation 5, measured apart.
    """
    if rec.network.cell != "rnn":
        raise ConfigError(f"rec: expected a vanilla net, got cell={rec.network.cell}")
    chosen = layer_of(rec, layer)
    if chosen is None:
        return None
    adjoint, maps = chosen.flow.adjoint, chosen.maps
    d_h = Scaled(adjoint.states[0], adjoint.exponent)
    shape = adjoint.exponent[1:].shape
    by_slope, by_weight, by_loss, total = (np.empty(shape) for _ in range(4))
    is_cut = cuts(rec)
    for steps in chunks(rec.steps, adjoint.states[0][0].size):
        after = Scaled(d_h.mantissa[1:][steps], d_h.exponent[1:][steps])
        before = Scaled(d_h.mantissa[steps], d_h.exponent[steps])
        (crossing,) = through_gates(maps, ["h"], steps, adjoint)
        carried = crossing.beyond
        carried.mantissa[is_cut[steps]] = 0.0
        by_slope[steps] = log10_ratio(crossing.at_gate, after)
        by_weight[steps] = log10_ratio(carried, crossing.at_gate)
        by_loss[steps] = log10_ratio(before, carried)
        total[steps] = log10_ratio(before, after)
    by_slope[is_cut] = by_weight[is_cut] = 0.0
    order = slice(None, None, -1 if chosen.is_reverse else None)
    parts = [read_only(part[order]) for part in (by_slope, by_weight, by_loss, total)]
    has_new = not _is_last_alone(rec, chosen, layer)
    return TugOfWar(parts[0], parts[1], parts[2] if has_new else None, parts[3], is_cut[order])


def cuts(rec: Recording) -> BoolArray:
    """Mark the first step of every later block of truncated BPTT, (T,): nothing passes it."""
    marked: BoolArray = np.zeros(rec.steps, dtype=bool)
    if rec.truncate is not None:
        marked[rec.truncate :: rec.truncate] = True
    return marked


def log10_ratio(one: Scaled, other: Scaled) -> Array:
    """Return log10 of |one| / |other| over the last axis, 0 where both are exactly 0.

    The powers of two are subtracted as integers: at 10^-1,000,000 no digit of the ratio is lost.
    """
    logs = [Scaled.plain(part.mantissa).log10_norms() for part in (one, other)]
    nothing = np.isneginf(logs[0]) & np.isneginf(logs[1])
    ratio = logs[0] - np.where(nothing, 0.0, logs[1])
    return np.where(nothing, 0.0, ratio + LOG10_2 * (one.exponent - other.exponent))


def _is_last_alone(rec: Recording, chosen: LayerRecording, layer: int) -> bool:
    """Tell whether nothing enters the sweep of this layer but a loss at its last step."""
    return (
        rec.loss_steps <= 1
        and rec.last_loss_step == rec.steps - 1
        and is_top(rec, layer)
        and not chosen.is_reverse
        and rec.network.skip is None
    )
