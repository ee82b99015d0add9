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

from rnn_core.activations import sigmoid, sigmoid_slope, tanh_slope
from rnn_core.arrays import Array
from rnn_core.cells.base import (
    GateGradients,
    Params,
    State,
    StepMaps,
    Stored,
    Tape,
    along_time,
    projected,
    sequence_of_states,
    times,
)

_GATES = ("i", "f", "g", "o")


@dataclass(frozen=True)
class LstmMaps(StepMaps):
    """The maps of an LSTM.

    Attributes
    ----------
    to_cell : o tanh'(c), what of d_h joins d_c, (T, ..., B, H).
    keep : f, the line on which c is kept, (T, ..., B, H).
    gate : what each gate's pre-activation gets per unit of e_t (i, f, g) or of d_h (o),
        (T, ..., B, 4, H).
    """

    to_cell: Array
    keep: Array
    gate: Array
    gates: ClassVar[tuple[str, ...]] = _GATES
    line_state: ClassVar[int | None] = 1

    def products(
        self, t: int, d_state: State, line_out: Array | None, stored: Stored | None
    ) -> tuple[Array, Array | None]:
        """Return dL/da_t in gate order, and f e_t."""
        d_h, d_c = d_state
        e = d_h * self.to_cell[t]
        e += d_c
        if stored is not None:
            e = stored(e)
        gate = self.gate[t]
        d_a = np.empty((*d_h.shape[:-1], 4, d_h.shape[-1]), dtype=d_h.dtype)
        np.multiply(gate[..., :3, :], e[..., None, :], out=d_a[..., :3, :])
        np.multiply(gate[..., 3, :], d_h, out=d_a[..., 3, :])
        return d_a, np.multiply(self.keep[t], e, out=line_out)

    def total(self, d_state: State) -> State:
        """Return (d_h, e): the derivative of c with the way through its own h_t included."""
        d_h, d_c = d_state
        e = d_h * along_time(self.to_cell, d_h)
        e += d_c
        return d_h, e

    def gate_gradients(self, d_state: State) -> GateGradients:
        """Return dL/da for all steps, in gate order."""
        d_h, e = self.total(d_state)
        d_a = np.empty((*d_h.shape[:-1], 4, d_h.shape[-1]), dtype=d_h.dtype)
        for k in range(4):
            factor = along_time(self.gate[..., k, :], d_h)
            np.multiply(factor, d_h if k == 3 else e, out=d_a[..., k, :])
        rows = d_a.reshape(*d_h.shape[:-1], -1)
        return GateGradients(rows, rows)

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        return LstmMaps(
            self.params.mapped(change), change(self.to_cell), change(self.keep), change(self.gate)
        )


@dataclass(frozen=True)
class LstmCell:
    """The LSTM cell."""

    name: ClassVar[str] = "lstm"
    gates: ClassVar[tuple[str, ...]] = _GATES
    states: ClassVar[tuple[str, ...]] = ("h", "c")

    def forward(self, params: Params, x: Array, init: State) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        size = params.hidden_size
        g_block = slice(2 * size, 3 * size)
        with np.errstate(all="ignore"):
            a = projected(params, x, params.bias_ih, params.bias_hh)
            h, c = sequence_of_states(init, a.shape[0], a)
            gates, squashed = np.empty_like(a), np.empty_like(h[1:])
            recurrent, written = np.empty_like(a[0]), np.empty_like(h[0])
            transposed = params.weight_hh.mT
            for t in range(a.shape[0]):
                times(h[t], transposed if params.is_tied else transposed[t], out=recurrent)
                a[t] += recurrent
                value = sigmoid(a[t], out=gates[t])
                np.tanh(a[t][..., g_block], out=value[..., g_block])
                i, f = value[..., :size], value[..., size : 2 * size]
                g, o = value[..., g_block], value[..., 3 * size :]
                np.multiply(f, c[t], out=c[t + 1])
                np.multiply(i, g, out=written)
                c[t + 1] += written
                np.tanh(c[t + 1], out=squashed[t])
                np.multiply(o, squashed[t], out=h[t + 1])
        return Tape(x, a, (h, c), {"gates": gates, "tanh_c": squashed})

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return i, f, g, o after their nonlinearities, views (T, ..., B, H)."""
        size = tape.states[0].shape[-1]
        gates = tape.parts["gates"]
        return {name: gates[..., k * size : (k + 1) * size] for k, name in enumerate(_GATES)}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the factors of every step, all steps at once."""
        value = self.gate_values(tape)
        size = params.hidden_size
        c = tape.states[1]
        gate = np.empty((*c[1:].shape[:-1], 4, size), dtype=c.dtype)
        pre = tape.a.reshape(gate.shape)
        for k in (0, 1, 3):
            gate[..., k, :] = sigmoid_slope(pre[..., k, :])
        gate[..., 2, :] = tanh_slope(pre[..., 2, :])
        for k, factor in enumerate((value["g"], c[:-1], value["i"], tape.parts["tanh_c"])):
            gate[..., k, :] *= factor
        return LstmMaps(params, value["o"] * tanh_slope(c[1:]), value["f"], gate)
