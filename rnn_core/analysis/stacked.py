"""Sweeps of many single losses side by side: a stack of adjoints, in pieces of bounded memory."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from rnn_core.analysis.crossing import into_input, part_of
from rnn_core.analysis.subject import handed_down, of_direction
from rnn_core.arrays import Array, IntArray
from rnn_core.bptt import Adjoint, sweep
from rnn_core.recording import Recording
from rnn_core.scaled import Scaled

WORKING_SIZE: Final = 2**20
"""Entries of one array of adjoints that are carried at once, unless a single step has more."""

Ends = dict[int, tuple[Scaled, ...]]
"""The gradients of the states that a piece of the run begins with, by layer and direction."""

Piece = tuple[slice, slice, Adjoint]
"""Which losses, which steps, and their gradients in a layer: (n+1, K, B, H)."""


def growing_stack(
    rec: Recording, layer: int, rows: IntArray, readout: Array, some: slice
) -> Iterator[Piece]:
    """Sweep once through all steps, from loss step to loss step, with one adjoint more each time.

    For nets of one direction without a skip in time: there a piece of the run needs to know of
    later steps only the gradient of its last state. A block of truncated BPTT has its own stack.

    Parameters
    ----------
    rows : the loss steps, ascending.
    readout : dl_t/dh_t of every step t, for the sequences `some`, (T, B, N).
    """
    block = rec.truncate or rec.steps
    ends: Ends = {}
    last = len(rows)  # on the stack are the rows from `first` up to it
    for first in reversed(range(len(rows))):
        stop = int(rows[first]) + 1
        border = (stop - 1) // block * block
        start = max(int(rows[first - 1]) + 1 if first else 0, border)
        ends = {k: tuple(_grown(end) for end in states) for k, states in ends.items()}
        length = max(1, WORKING_SIZE // ((last - first) * readout[0].size))
        for end in range(stop, start, -length):
            steps = slice(max(end - length, start), end)
            shape = (steps.stop - steps.start, last - first, *readout.shape[1:])
            value = Scaled.plain(np.zeros(shape))
            if end == stop:
                value.mantissa[-1, 0] = readout[stop - 1]
            yield slice(first, last), steps, _sweep_down(rec, layer, steps, some, value, ends)
        if start == border:
            ends, last = {}, first


def whole_sweeps(
    rec: Recording, layer: int, rows: IntArray, readout: Array, some: slice
) -> Iterator[Piece]:
    """Sweep through all steps with some losses at a time: for paths that jump or run both ways.

    Parameters: as `growing_stack`.
    """
    steps = slice(0, rec.steps)
    at_once = max(1, WORKING_SIZE // (rec.steps * readout[0].size))
    for first in range(0, len(rows), at_once):
        which = slice(first, min(first + at_once, len(rows)))
        value = _each_alone(rows[which], readout)
        yield which, steps, _sweep_down(rec, layer, steps, some, value, {}, rec.truncate)


def handed_over(
    encoder: Recording, decoder: Recording, layer: int, rows: IntArray, readout: Array, some: slice
) -> Iterator[Piece]:
    """Sweep some losses at a time through all of a decoder, and on through its encoder.

    Parameters
    ----------
    layer : of the encoder, whose steps the pieces have.
    rows, readout : of the decoder; otherwise as `growing_stack`.
    """
    steps = slice(0, encoder.steps)
    at_once = max(1, WORKING_SIZE // (max(encoder.steps, decoder.steps) * readout[0].size))
    for first in range(0, len(rows), at_once):
        which = slice(first, min(first + at_once, len(rows)))
        value = _each_alone(rows[which], readout)
        ends: Ends = {}
        _sweep_down(decoder, 0, slice(0, decoder.steps), some, value, ends)
        silence = Scaled.plain(np.zeros((encoder.steps, *value.mantissa.shape[1:])))
        yield which, steps, _sweep_down(encoder, layer, steps, some, silence, ends)


def _each_alone(rows: IntArray, readout: Array) -> Scaled:
    """Return the gradients of single losses side by side, (T, K, B, N)."""
    value = np.zeros((len(readout), len(rows), *readout.shape[1:]))
    value[rows, np.arange(len(rows))] = readout[rows]
    return Scaled.plain(value)


def _grown(end: Scaled) -> Scaled:
    """Put a zero vector in front of a stack of adjoints (K, B, H)."""
    mantissa = np.concatenate([np.zeros_like(end.mantissa[:1]), end.mantissa])
    return Scaled(mantissa, np.concatenate([np.zeros_like(end.exponent[:1]), end.exponent]))


def _sweep_down(
    rec: Recording,
    layer: int,
    steps: slice,
    some: slice,
    value: Scaled,
    ends: Ends,
    truncate: int | None = None,
) -> Adjoint:
    """Carry what reaches the top output of some steps down to one layer, and renew `ends`."""
    net = rec.network
    directions = 2 if net.is_bidirectional else 1
    lowest, level = layer // directions, net.layers - 1
    while True:
        found = {}
        into_inputs = []
        for k in range(level * directions, (level + 1) * directions):
            one = rec.layers[k]
            maps = part_of(one.maps, steps, some)
            own = of_direction(rec, k, value)
            found[k] = sweep(maps, own, d_end=ends.get(k), truncate=truncate, skip=net.skip)
            ends[k] = found[k].at(0)
            if level > lowest:
                into_inputs.append(into_input(maps, one.params.weight_ih, found[k]))
        if level == lowest:
            return found[layer]
        value = handed_down(rec, value, into_inputs)
        level -= 1
