"""Influence: how much the loss of one step reads the state of another, for every pair of steps.

Row t of the matrix is the gradient of l_t alone. All rows are one sweep with a growing stack of
adjoints: each loss step puts one more on the stack, and all travel back side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.analysis.stacked import (
    WORKING_SIZE,
    Piece,
    growing_stack,
    handed_over,
    whole_sweeps,
)
from rnn_core.analysis.subject import layer_of, own_loss_gradient
from rnn_core.arrays import Array, BoolArray, IntArray, read_only
from rnn_core.bptt import Adjoint
from rnn_core.errors import ConfigError, quoted
from rnn_core.pair import Pair
from rnn_core.recording import Recording
from rnn_core.scaled import Scaled, log10_frobenius

MAX_LOSS_STEPS: Final = 256


@dataclass(frozen=True)
class Influence:
    """log10 of the gradient of single losses, one row per loss step, one column per state.

    Of a pair the rows are the decoder's steps and the columns the encoder's: L and T are then of
    two runs, and every state has a path.

    Means over sequences of log10 norms (or one sequence's), exact zeros left out.

    Attributes
    ----------
    loss_steps : the step t (from 0) of each row, ascending, (L,).
    log10_norms : log10 |dl_t/dh_k| (L, T); -inf where there is no path, and where the gradient is
        exactly 0 in all sequences.
    log10_state_norms : the same of the whole state, |dl_t/d(h_k, c_k)| in an LSTM. Its coordinates
        are h and c: dl_t/dc_k holds h_k fixed, unlike the recorded `d_c`. Equal to `log10_norms`
        in other cells.
    has_path : whether the structure lets h_k reach l_t at all, (L, T): not k > t in one direction,
        not across a border of truncated BPTT.
    zero_sequences : how many sequences are exactly 0 although there is a path, (L, T).
    is_own_loss : True if l_t are the recording's own losses; False if it has but one, and the
        direction of that one's gradient, at length 1, reads every step: l_t = v . h_t, |v| = 1.
    """

    loss_steps: IntArray
    log10_norms: Array
    log10_state_norms: Array
    has_path: BoolArray
    zero_sequences: IntArray
    is_own_loss: bool


def influence(
    rec: Recording | Pair,
    loss_steps: Sequence[int] | None = None,
    *,
    layer: int = 0,
    sequence: int | None = None,
) -> Influence | None:
    """Measure log10 |dl_t/dh_k| for chosen loss steps t and all states k.

    dl_t/dh_k = (dl_t/dh_t) J_t ... J_{k+1}, exact at any magnitude. Memory: up to twenty arrays
    of 2^20 entries (or of one step's 256 adjoints, if these are more), beside the matrix.

    Of a pair, t is a step of the decoder, which has the loss, and k one of the encoder: with T
    steps there, dl_t/dh_k = (dl_t/ds_0) J_{T-1} ... J_{k+1}, where s_0 is the state handed over
    and dl_t/ds_0 the decoder's own product down to its start. What a decoder's loss reads of the
    decoder itself is `influence(pair.decoder)`.

    Parameters
    ----------
    rec : a recording with a loss of its own, or a pair.
    loss_steps : at most 256 steps (from 0) that have a loss; None chooses them evenly spaced, the
        first and the last one included.
    layer : whose states, a number in PyTorch's order of layers and directions; of a pair, a layer
        of the encoder.
    sequence : one sequence; None is the mean over all.

    Returns
    -------
    None where an overflow left no gradient (`overflow` says where it was), and for an encoder by
    itself: its recording does not know the decoder whose loss it is.

    Raises
    ------
    ConfigError : "loss_steps: expected ...", "layer: expected ...", "sequence: expected ...".

    Examples
    --------
    A linear net of scale 1/2 halves at every step, from whichever loss:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(activation="identity", init="orthogonal", weight_scale=0.5)
    >>> seen = influence(rc.run(config), [10, 199])
    >>> seen.log10_norms[:, [0, 10, 199]].round(2) + 0.0
    array([[ -3.01,   0.  ,   -inf],
           [-59.9 , -56.89,   0.  ]])
    >>> seen.has_path[:, 199]
    array([False,  True])

    Source: the products of Jacobians of Pascanu, Mikolov & Bengio (2013), equation 5, one by one.
    """
    with_states, with_loss = (rec.encoder, rec.decoder) if isinstance(rec, Pair) else (rec, rec)
    chosen = layer_of(with_states, layer)
    batch = with_states.x.shape[1]
    if sequence is not None and not (is_whole(sequence) and 0 <= sequence < batch):
        message = f"sequence: expected None or 0 to {batch - 1}, got {quoted(sequence)}"
        raise ConfigError(message)
    if chosen is None or not with_loss.has_own_loss:
        return None
    readout, has_loss = _readouts(with_loss)
    rows = _chosen_steps(with_loss, loss_steps, has_loss)
    sequences = range(batch) if sequence is None else range(sequence, sequence + 1)
    if isinstance(rec, Pair):
        has_path = np.ones((len(rows), with_states.steps), dtype=bool)
    else:
        has_path = _paths(rec, layer, rows)
    table = _Table(rows, has_path, len(sequences), is_reverse=chosen.is_reverse)
    longest = max(with_states.steps, with_loss.steps)
    width = len(rows) if _is_local(rec) else longest
    at_once = max(1, WORKING_SIZE // (width * with_states.network.hidden_size))
    for first in range(sequences.start, sequences.stop, at_once):
        some = slice(first, min(first + at_once, sequences.stop))
        for which, steps, adjoint in _pieces(rec, layer, rows, readout[:, some], some):
            table.add(which, steps, adjoint)
    return table.result(is_own_loss=with_loss.loss_steps > 1)


def _is_local(rec: Recording | Pair) -> bool:
    """Tell whether no path of one step jumps over others, runs the other way, or leaves the run."""
    if isinstance(rec, Pair):
        return False
    return rec.network.skip is None and not rec.network.is_bidirectional


def _pieces(
    rec: Recording | Pair, layer: int, rows: IntArray, readout: Array, some: slice
) -> Iterator[Piece]:
    if isinstance(rec, Pair):
        return handed_over(rec.encoder, rec.decoder, layer, rows, readout, some)
    sweeps = growing_stack if _is_local(rec) else whole_sweeps
    return sweeps(rec, layer, rows, readout, some)


class _Table:
    """Sums over sequences of what the sweeps find; `influence` is its only user."""

    def __init__(
        self, rows: IntArray, has_path: BoolArray, sequences: int, *, is_reverse: bool
    ) -> None:
        self.rows, self.has_path, self.is_reverse = rows, has_path, is_reverse
        self.sums = [np.zeros(has_path.shape), np.zeros(has_path.shape)]
        self.living = [np.zeros(has_path.shape, dtype=np.int64) for _ in self.sums]
        self.sequences = sequences

    def add(self, which: slice, steps: slice, adjoint: Adjoint) -> None:
        """Add the norms after some steps, of adjoints (n, K, B, H)."""
        parts = [Scaled(state[1:], adjoint.exponent[1:]) for state in adjoint.states]
        norms = [part.log10_norms() for part in parts]
        norms.append(log10_frobenius(np.stack(norms, axis=-1)) if len(norms) > 1 else norms[0])
        for total, living, found in zip(self.sums, self.living, (norms[0], norms[-1]), strict=True):
            is_alive = ~np.isneginf(found)
            total[which, steps] += np.where(is_alive, found, 0.0).sum(axis=2).T
            living[which, steps] += is_alive.sum(axis=2).T

    def result(self, *, is_own_loss: bool) -> Influence:
        """Return the means."""
        order = slice(None, None, -1 if self.is_reverse else None)
        means = []
        for total, living in zip(self.sums, self.living, strict=True):
            mean = np.where(living > 0, total / np.maximum(living, 1), -np.inf)
            means.append(read_only(mean[:, order]))
        zeros = np.where(self.has_path, self.sequences - self.living[0][:, order], 0)
        return Influence(self.rows, means[0], means[1], self.has_path, zeros, is_own_loss)


def _readouts(rec: Recording) -> tuple[Array, BoolArray]:
    """Return dl_t/dh_t of the top layer (T, B, N), and which steps have a loss."""
    local = own_loss_gradient(rec)
    if rec.loss_steps > 1:
        with_loss: BoolArray = np.any(local != 0, axis=(1, 2))
        return local, with_loss
    v = local[rec.last_loss_step]
    largest = np.abs(v).max(axis=-1, keepdims=True)
    unit = v / np.where(largest > 0, largest, 1.0)
    size = np.linalg.norm(unit, axis=-1, keepdims=True)
    unit = unit / np.where(size > 0, size, 1.0)
    return np.broadcast_to(unit, local.shape), np.ones(rec.steps, dtype=bool)


def _chosen_steps(
    rec: Recording, loss_steps: Sequence[int] | None, with_loss: BoolArray
) -> IntArray:
    available = np.flatnonzero(with_loss)
    if loss_steps is None:
        count = min(len(available), MAX_LOSS_STEPS)
        return available[np.linspace(0, len(available) - 1, count).round().astype(np.int64)]
    steps = list(loss_steps) if isinstance(loss_steps, Sequence | np.ndarray) else [None]
    if not all(is_whole(t) and 0 <= t < rec.steps for t in steps):
        raise ConfigError(
            f"loss_steps: expected steps from 0 to {rec.steps - 1}, got {quoted(loss_steps)}"
        )
    rows = np.unique(np.array(steps, dtype=np.int64))
    if not 1 <= len(rows) <= MAX_LOSS_STEPS:
        raise ConfigError(f"loss_steps: expected 1 to {MAX_LOSS_STEPS} steps, got {len(rows)}")
    if not with_loss[rows].all():
        without = int(rows[~with_loss[rows]][0])
        raise ConfigError(f"loss_steps: expected steps with a loss of their own, got {without}")
    return rows


def _paths(rec: Recording, layer: int, rows: IntArray) -> BoolArray:
    """Return which states the structure lets reach which losses, (L, T)."""
    states, net = np.arange(rec.steps), rec.network
    if net.is_bidirectional:
        if layer // 2 < net.layers - 1:
            return np.ones((len(rows), rec.steps), dtype=bool)  # the other direction goes round
        order = -1 if layer % 2 else 1
        return np.less_equal(order * states, order * rows[:, None])
    block = rec.truncate or rec.steps
    within: BoolArray = (states <= rows[:, None]) & (states // block == rows[:, None] // block)
    return within
