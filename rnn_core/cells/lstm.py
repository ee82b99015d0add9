"""The LSTM with a forget gate, in PyTorch's equations and gate order i, f, g, o.

i, f, o = sigmoid(a_i, a_f, a_o), g = tanh(a_g), c_t = f c_{t-1} + i g, h_t = o tanh(c_t),
with a = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh. Nothing enters a gate from c (no peepholes).

Gradient, in the coordinates (h, c) of the state: e_t = d_c + d_h o tanh'(c_t) is the *total*
derivative dL/dc_t; then d_c goes on as f e_t (the cell line) and d_h as W_hh^T d_a.
A recording's `d_c` is e_t, as PyTorch's retain_grad gives it; Jacobians use (h, c).
Source: Hochreiter & Schmidhuber (1997); forget gate: Gers, Schmidhuber & Cummins (2000).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_core.activations import are_resolved, resolved, sigmoid, sigmoid_and_slope, tanh_slope
from rnn_core.arrays import Array
from rnn_core.cells.base import (
    LinearRun,
    SkipInTime,
    State,
    StepMaps,
    Stored,
    Tape,
    Workspace,
    along_time,
    joined_rows,
    product_of,
)
from rnn_core.cells.many_nets import gates_first, largest_drive
from rnn_core.cells.params import Params

_GATES = ("i", "f", "g", "o")


@dataclass(frozen=True)
class LstmMaps(StepMaps):
    """The maps of an LSTM.

    Attributes
    ----------
    to_cell : o tanh'(c), what of d_h joins d_c, (T, ..., B, H).
    keep : f, the line on which c is kept, (T, ..., B, H).
    into : what the pre-activations of i, f, g get per unit of e_t, (T, ..., B, 3, H).
    output : what that of o gets per unit of d_h, (T, ..., B, H).
    """

    to_cell: Array
    keep: Array
    into: Array
    output: Array
    gates: ClassVar[tuple[str, ...]] = _GATES
    line_state: ClassVar[int | None] = 1

    def workspace(self, d_h: Array) -> Workspace:
        """Allocate dL/da_t and e_t."""
        rows = np.empty((*d_h.shape[:-1], 4, d_h.shape[-1]), dtype=d_h.dtype)
        flat = rows.reshape(*d_h.shape[:-1], -1)
        e = np.empty((*d_h.shape[:-1], 1, d_h.shape[-1]), dtype=d_h.dtype)
        parts = (rows[..., :3, :], rows[..., 3, :], e, e[..., 0, :])
        return Workspace(rows, flat, parts)

    def write_products(
        self, t: int, d_state: State, line: Array | None, stored: Stored | None, work: Workspace
    ) -> None:
        """Write dL/da_t in gate order, and f e_t."""
        d_h, d_c = d_state
        into, output, wide, e = work.parts
        np.multiply(d_h, self.to_cell[t], e)
        np.add(e, d_c, e)
        if stored is not None:
            e[...] = stored(e)
        np.multiply(self.into[t], wide, into)
        np.multiply(self.output[t], d_h, output)
        np.multiply(self.keep[t], e, line)

    def write_line(self, t: int, d_state: State, line: Array, work: Workspace) -> None:
        """Write f e_t."""
        d_h, d_c = d_state
        e = work.parts[3]
        np.multiply(d_h, self.to_cell[t], e)
        np.add(e, d_c, e)
        np.multiply(self.keep[t], e, line)

    def total(self, d_state: State) -> State:
        """Return (d_h, e): the derivative of c with the way through its own h_t included."""
        d_h, d_c = d_state
        e = d_h * along_time(self.to_cell, d_h)
        e += d_c
        return d_h, e

    def rows(self, steps: slice, d_state: State) -> Array:
        """Return dL/da of some steps, in gate order."""
        d_h, d_c = d_state
        e = d_h * along_time(self.to_cell[steps], d_h)
        e += d_c
        d_a = np.empty((*d_h.shape[:-1], 4, d_h.shape[-1]), dtype=d_h.dtype)
        into = self.into[steps]
        extra = d_h.ndim - self.keep.ndim
        into = into.reshape(len(into), *(1,) * extra, *into.shape[1:])
        np.multiply(into, e[..., None, :], out=d_a[..., :3, :])
        np.multiply(along_time(self.output[steps], d_h), d_h, out=d_a[..., 3, :])
        return d_a.reshape(*d_h.shape[:-1], -1)

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        factors = (self.to_cell, self.keep, self.into, self.output)
        return LstmMaps(change(self.weight), self.is_tied, *(change(factor) for factor in factors))


@dataclass(frozen=True)
class LstmCell:
    """The LSTM cell."""

    name: ClassVar[str] = "lstm"
    gates: ClassVar[tuple[str, ...]] = _GATES
    states: ClassVar[tuple[str, ...]] = ("h", "c")

    def forward(
        self, params: Params, x: Array, init: State, skip: SkipInTime | None = None
    ) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        size = params.hidden_size
        joined = joined_rows(params, x, init)
        h = joined[..., :size]
        c = np.empty(h.shape, dtype=x.dtype)
        c[0] = init[1]
        a = np.empty((len(x), *h.shape[1:-1], 4 * size), dtype=x.dtype)
        gate, written = np.empty(a.shape[1:], dtype=x.dtype), np.empty(c.shape[1:], dtype=x.dtype)
        i, f, g, o = (gate[..., k * size : (k + 1) * size] for k in range(4))
        candidate = a[..., 2 * size : 3 * size]
        steps = zip(joined[:-1], a, candidate, c[:-1], c[1:], h[1:], strict=True)
        with np.errstate(all="ignore"):
            weights = np.ascontiguousarray(params.joined().mT)
            multiply = product_of(joined[0], weights, a[0])
            for t, (row, pre, a_g, c_before, c_after, h_after) in enumerate(steps):
                multiply(row, weights if params.is_tied else weights[t], pre)
                sigmoid(pre, gate)
                np.tanh(a_g, g)
                _write_state((i, f, g, o), c_before, c_after, h_after, written)
                if skip is not None and t + 1 >= skip.steps:
                    np.add(h_after, skip.scale * h[t + 1 - skip.steps], h_after)
        return Tape(joined, a, (h, c), a)

    def split(self, params: Params, gradient: Array) -> dict[str, Array]:
        """Take the gradient of the joined weights apart."""
        return params.split(gradient)

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return i, f, g, o after their nonlinearities, (T, ..., B, H)."""
        size = tape.states[0].shape[-1]
        pre = {name: tape.a[..., k * size : (k + 1) * size] for k, name in enumerate(_GATES)}
        return {name: np.tanh(a) if name == "g" else sigmoid(a) for name, a in pre.items()}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the factors of every step, a chunk of steps at a time."""
        h, c = tape.states
        size = params.hidden_size
        shape, dtype = (tape.steps, *h.shape[1:]), h.dtype
        to_cell, keep, output = (np.empty(shape, dtype=dtype) for _ in range(3))
        into = np.empty((*shape[:-1], 3, size), dtype=dtype)
        maps = LstmMaps(params.weight_hh, params.is_tied, to_cell, keep, into, output)
        for chunk in tape.chunks():
            a, after = tape.a[chunk], c[1:][chunk]
            of_input, a_g, of_output = np.split(a, (2 * size, 3 * size), axis=-1)
            a_near, c_near = are_resolved(a), are_resolved(after)
            (i, f), (of_i, of_f) = (
                (part[..., :size], part[..., size:])
                for part in sigmoid_and_slope(of_input, is_resolved=a_near)
            )
            o, of_o = sigmoid_and_slope(of_output, is_resolved=a_near)
            of_g, of_c = (
                tanh_slope(a_g, is_resolved=a_near),
                tanh_slope(after, is_resolved=c_near),
            )
            values = (i, f, np.tanh(a_g), o, np.tanh(after))
            _write_maps(maps, chunk, values, (of_i, of_f, of_g, of_o, of_c), c[:-1][chunk])
        return maps

    def run_linear(self, params: Params, x: Array, init: State) -> LinearRun:
        """Run many nets and keep h, c and the factors of every step."""
        size = params.hidden_size
        shape, dtype = (len(x), *init[0].shape), x.dtype
        h, c = (np.empty((len(x) + 1, *init[0].shape), dtype) for _ in range(2))
        h[0], c[0] = init
        to_cell, keep, output = (np.empty(shape, dtype) for _ in range(3))
        into = np.moveaxis(np.empty((len(x), 3, *shape[1:]), dtype), 1, -2)
        maps = LstmMaps(params.weight_hh, params.is_tied, to_cell, keep, into, output)
        row = np.ones((*x.shape[1:-1], size + x.shape[-1] + 1), dtype)
        a = np.empty((4, *shape[1:]), dtype)
        g, squashed = (np.empty(shape[1:], dtype) for _ in range(2))
        with np.errstate(all="ignore"):
            # i, f, o side by side: what is a sigmoid is one call
            weights = gates_first(params.joined(), size)[[0, 1, 3, 2]]
            a_near = largest_drive(params, x, h[0]) < resolved(dtype)
            c_near = float(np.abs(init[1]).max()) + len(x) < resolved(
                dtype
            )  # |c| grows by 1 at most
            for t, x_t in enumerate(x):
                row[..., :size], row[..., size:-1] = h[t], x_t
                np.matmul(row, weights, out=a)
                (i, f, o), (of_i, of_f, of_o) = sigmoid_and_slope(a[:3], is_resolved=a_near)
                np.tanh(a[3], g)
                _write_state((i, f, g, o), c[t], c[t + 1], h[t + 1], squashed)
                of_g = tanh_slope(a[3], is_resolved=a_near)
                of_c = tanh_slope(c[t + 1], is_resolved=c_near)
                slopes = (of_i, of_f, of_g, of_o, of_c)
                _write_maps(maps, t, (i, f, g, o, squashed), slopes, c[t])
        return LinearRun((h, c), maps)


def _write_state(
    gates: State, c_before: Array, c_after: Array, h_after: Array, squashed: Array
) -> None:
    """Write c_t = f c_{t-1} + i g, tanh(c_t) and h_t = o tanh(c_t)."""
    i, f, g, o = gates
    np.multiply(f, c_before, c_after)
    np.multiply(i, g, squashed)
    np.add(c_after, squashed, c_after)
    np.tanh(c_after, squashed)
    np.multiply(o, squashed, h_after)


def _write_maps(
    maps: LstmMaps, at: int | slice, values: State, slopes: State, c_before: Array
) -> None:
    """Write the factors of some steps from i, f, g, o, tanh(c_t) and the slopes of all five."""
    i, f, g, o, squashed = values
    of_i, of_f, of_g, of_o, of_squashed = slopes
    into = maps.into[at]
    np.multiply(of_i, g, out=into[..., 0, :])
    np.multiply(of_f, c_before, out=into[..., 1, :])
    np.multiply(of_g, i, out=into[..., 2, :])
    np.multiply(of_o, squashed, out=maps.output[at])
    np.multiply(of_squashed, o, out=maps.to_cell[at])
    maps.keep[at] = f
