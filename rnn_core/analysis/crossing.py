"""What one step back makes of a gradient, term by term: all steps at once, at any magnitude.

The sweep runs these terms together, one step after the other. Here the gradients after all steps
are known, so a chunk of steps is one product; each term is brought to a scale of its own, since
one may be hundreds of decades below another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray
from rnn_core.bptt import Adjoint
from rnn_core.cells.base import CHUNK, State, StepMaps
from rnn_core.cells.gru import GruMaps
from rnn_core.cells.gru_reset_before import ResetBeforeMaps
from rnn_core.cells.lstm import LstmMaps
from rnn_core.magnitudes import NOTHING, size_exponents
from rnn_core.scaled import Scaled, shifted

_RAISED: Final = 600
"""Powers of two by which a gradient is raised where a term makes it tiny."""


_NEAR: Final = 200
"""Powers of two from 1 up to which a vector is left as it is: weights may multiply it."""


@dataclass(frozen=True)
class Crossing:
    """A gradient on its way through one gate, at some steps.

    Attributes
    ----------
    at_gate : dL/d(the gate's recurrent product), (n, B, H); phi' o dL/dh of a vanilla cell.
    beyond : W^T of that, the gate's part in dL/dh of the state before the step, (n, B, H).
    """

    at_gate: Scaled
    beyond: Scaled


def part_of(maps: StepMaps, steps: slice, sequences: slice = slice(None)) -> StepMaps:
    """Return views of the maps of some steps and some sequences."""
    weight, is_tied = maps.weight, maps.is_tied

    def cut(array: Array) -> Array:
        if array is weight:
            return array if is_tied else array[steps]
        return array[steps, sequences]

    return maps.mapped(cut)


def chunks(steps: int, per_step: int) -> Iterator[slice]:
    """Cut the steps into pieces that are worked on at once."""
    length = max(1, CHUNK // max(1, per_step))
    for start in range(0, steps, length):
        yield slice(start, min(start + length, steps))


def unit_after(adjoint: Adjoint, steps: slice) -> tuple[State, IntArray]:
    """Return the gradients after some steps with largest entries near 1, and their exponents."""
    size = adjoint.size[1:][steps]
    by = np.where(size == NOTHING, 0, size)
    states = tuple(_wide(state[1:][steps], -by) for state in adjoint.states)
    return states, adjoint.exponent[1:][steps] + by


def through_gates(
    maps: StepMaps, names: Sequence[str], steps: slice, adjoint: Adjoint
) -> list[Crossing]:
    """Follow the gradients after some steps through gates and their weights, one crossing each.

    Parameters
    ----------
    names : of `maps.gates`, some that follow each other.
    """
    size, first = maps.weight.shape[-1], maps.gates.index(names[0])
    assert tuple(names) == maps.gates[first : first + len(names)]  # noqa: S101 - rows lie so
    weight = maps.weight if maps.is_tied else maps.weight[steps]
    states, exponent = unit_after(adjoint, steps)

    def at_gates(d: State) -> Array:
        rows = maps.recurrent(maps.rows(steps, d))
        return rows.reshape(*rows.shape[:-1], -1, size)[..., first : first + len(names), :]

    found = []
    with np.errstate(all="ignore"):
        gates, of_gates = _resolved(at_gates, states)
        for k, name in enumerate(names):
            gate, place = gates[..., k, :], (first + k) * size
            unit, of_weight = _unit(weight[..., place : place + size, :])
            flat = gate.reshape(-1, size) if maps.is_tied else gate
            of_gate = exponent + of_gates[..., k]
            beyond = Scaled(
                (flat @ unit).reshape(gate.shape),
                of_gate + (of_weight if maps.is_tied else of_weight[:, None]),
            )
            if isinstance(maps, ResetBeforeMaps) and name == "n":
                beyond.mantissa[...] *= maps.reset[steps]  # its weights read r h
            found.append(Crossing(Scaled(gate, of_gate), beyond))
    return found


def into_input(maps: StepMaps, weight_ih: Array, adjoint: Adjoint) -> Scaled:
    """Return dL/dx after all steps, (T, ..., B, D), where weights may near the end of float64."""
    weight, of_weight = _unit(weight_ih)
    exponent = adjoint.exponent[1:]
    found = np.empty((*exponent.shape, weight.shape[-1]))
    exponents = np.empty_like(exponent)
    for steps in chunks(len(exponent), adjoint.states[0][0].size):
        states, of_states = unit_after(adjoint, steps)
        part = part_of(maps, steps)

        def gates(d: State, part: StepMaps = part) -> Array:
            return part.gate_order(part.rows(slice(None), d))

        with np.errstate(all="ignore"):
            rows, of_rows = _resolved(gates, states)
            found[steps] = rows @ weight
        exponents[steps] = of_states + of_rows + of_weight
    return Scaled(found, exponents)


def along_line(maps: StepMaps, steps: slice, adjoint: Adjoint) -> Scaled:
    """Follow the gradients after some steps along the line on which a gated cell keeps its state.

    f dL/dc of an LSTM (the total derivative), z dL/dh of a GRU, (n, B, H).
    """
    states, exponent = unit_after(adjoint, steps)
    part = part_of(maps, steps)
    with np.errstate(all="ignore"):
        line, of_line = _resolved(lambda d: kept(part) * part.total(d)[line_of(part)], states)
    return Scaled(line, exponent + of_line)


def landed(maps: StepMaps, steps: slice, part: Scaled) -> Scaled:
    """Return what a part of dL/dh *before* some steps adds to the gradient on the line there.

    In an LSTM it joins dL/dc through o tanh'(c) of the step before; the initial c has no such h.
    In other cells it is itself.
    """
    if not isinstance(maps, LstmMaps):
        return part
    to_cell = maps.to_cell[max(steps.start - 1, 0) : steps.stop - 1]
    if steps.start == 0:
        to_cell = np.concatenate([np.zeros_like(maps.to_cell[:1]), to_cell])
    size = size_exponents(part.mantissa)
    by = np.where(size == NOTHING, 0, size)
    unit = (_wide(part.mantissa, -by),)
    with np.errstate(all="ignore"):
        joined, of_joined = _resolved(lambda d: to_cell * d[0], unit)
    return Scaled(joined, part.exponent + by + of_joined)


def kept(maps: StepMaps) -> Array:
    """Return the factor of the line, f of an LSTM and z of a GRU, (T, B, H)."""
    assert isinstance(maps, GruMaps | ResetBeforeMaps | LstmMaps)  # noqa: S101 - for the types
    return maps.keep


def line_of(maps: StepMaps) -> int:
    """Return which state the line carries: 0 for h, 1 for c; h of a cell without a line."""
    return maps.line_state or 0


def _unit(weight: Array) -> tuple[Array, IntArray]:
    """Return weights with largest entries near 1, of every matrix, and the powers left out."""
    of_weight: IntArray = np.asarray(np.frexp(np.abs(weight).max(axis=(-2, -1)))[1], np.int64)
    return shifted(weight, -of_weight[..., None, None]), of_weight


def _wide(array: Array, exponent: IntArray) -> Array:
    """Return array * 2^exponent per vector as float64, whose range `_resolved` needs."""
    return shifted(array.astype(np.float64, copy=False), exponent[..., None])


def _resolved(factor: Callable[[State], Array], unit: State) -> tuple[Array, IntArray]:
    """Return `factor` of the gradients, entries not far from 1, and the power of two left out."""
    value = factor(unit)
    size = size_exponents(value)
    if ((np.abs(size) < _NEAR) | (size == NOTHING)).all():
        return value, np.zeros_like(size)
    small: BoolArray = size < -_RAISED // 2
    by = np.where(size == NOTHING, 0, size)
    if small.any():
        raised = factor(tuple(shifted(state, _RAISED) for state in unit))
        small &= np.isfinite(raised).all(axis=-1)  # else a factor is 0, and another huge
        raised_size = size_exponents(raised)
        value = np.where(small[..., None], raised, value)
        size = np.where(small, raised_size, size)
        by = np.where(size == NOTHING, 0, size)
        return shifted(value, -by[..., None]), np.where(small, by - _RAISED, by)
    return shifted(value, -by[..., None]), by
