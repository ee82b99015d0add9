"""The GRU with the reset before the product, as it was first written; gates r, z, n; z = 1 keeps.

r, z = sigmoid(a_r, a_z), n = tanh(a_n), h_t = (1 - z) n + z h_{t-1}, with
a_r, a_z = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, and the reset before the product:
a_n = W_in x_t + b_in + W_hn (r h_{t-1}) + b_hn.

The reset state r h_{t-1} is a second vector that meets recurrent weights, so a tape keeps it beside
the first, [h_{t-1}; r h_{t-1}; x_t; 1], and a step takes two products, one after the other.
PyTorch has no such cell; Keras has it as `reset_after=False`.
Source: Cho et al. (2014), equations 5 to 8, with the two biases of torch.nn.GRU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_core.activations import are_resolved, sigmoid, sigmoid_and_slope, tanh_slope
from rnn_core.arrays import Array
from rnn_core.cells.base import (
    LinearRun,
    SkipInTime,
    State,
    StepMaps,
    Stored,
    Tape,
    Terms,
    Workspace,
    along_time,
    joined_rows,
    product,
)
from rnn_core.cells.gru import GruCell
from rnn_core.cells.params import Params


@dataclass(frozen=True)
class ResetTape(Tape):
    """A tape whose `joined` is [h_{t-1}; r h_{t-1}; x_t; 1], (T+1, ..., B, 2H+D+1)."""

    @property
    def x(self) -> Array:
        """The inputs (T, ..., B, D)."""
        return self.joined[:-1, ..., 2 * self.states[0].shape[-1] : -1]

    def recurrent_terms(self, rows: Array, steps: slice) -> tuple[Array, Array]:
        """Return r and z with h_{t-1}, and n with r h_{t-1}, as if of twice as many sequences."""
        size = self.states[0].shape[-1]
        of_gates, of_candidate = rows.copy(), rows.copy()
        of_gates[..., 2 * size :] = 0.0
        of_candidate[..., : 2 * size] = 0.0
        met = self.joined[:-1][steps]
        return (
            np.concatenate([of_gates, of_candidate], axis=-2),
            np.concatenate([met[..., :size], met[..., size : 2 * size]], axis=-2),
        )


@dataclass(frozen=True)
class ResetBeforeMaps(StepMaps):
    """The maps of a GRU that resets before the product; `weight` is W_hh in the order r, z, n.

    With d_n = candidate d_h and d_q = W_hn^T d_n, the gradient of the reset state:
    dL/dh_{t-1} = keep d_h + reset d_q + W_hr^T (to_reset d_q) + W_hz^T (to_update d_h).

    Attributes
    ----------
    keep : z, the line on which h is kept, (T, ..., B, H).
    candidate : (1 - z) tanh'(a_n).
    to_update : (h_{t-1} - n) z'.
    reset : r.
    to_reset : h_{t-1} r'.
    """

    keep: Array
    candidate: Array
    to_update: Array
    reset: Array
    to_reset: Array
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    line_state: ClassVar[int | None] = 0

    def workspace(self, d_h: Array) -> Workspace:
        """Allocate dL/da_t, z d_h and the gradient of the reset state."""
        rows = np.empty((*d_h.shape[:-1], 3, d_h.shape[-1]), dtype=d_h.dtype)
        flat = rows.reshape(*d_h.shape[:-1], -1)
        return Workspace(rows, flat, (np.empty_like(d_h), np.empty(d_h.shape, d_h.dtype)))

    def write_products(
        self, t: int, d_state: State, line: Array | None, stored: Stored | None, work: Workspace
    ) -> None:
        """Write dL/da_t in the order r, z, n, and z d_h; leave d_q in the workspace."""
        (d_h,) = d_state
        d_q = work.parts[1]
        d_n = self.candidate[t] * d_h
        if stored is not None:
            d_n = stored(d_n)
        product(d_n, self._of_candidate(), d_q)
        if stored is not None:
            d_q[...] = stored(d_q)
        np.multiply(self.to_reset[t], d_q, work.rows[..., 0, :])
        np.multiply(self.to_update[t], d_h, work.rows[..., 1, :])
        work.rows[..., 2, :] = d_n
        np.multiply(self.keep[t], d_h, line)

    def vjp_step(
        self,
        t: int,
        d_state: State,
        terms: Terms | None = None,
        out: State | None = None,
        stored: Stored | None = None,
        work: Workspace | None = None,
    ) -> State:
        """Carry dL/dh_t to dL/dh_{t-1}; see the base class for the arguments."""
        if work is None:
            work = self.workspace(d_state[0])
        if out is None:
            out = (np.empty(d_state[0].shape, d_state[0].dtype),)
        line, d_q = work.parts
        self.write_products(t, d_state, line, stored, work)
        size = d_q.shape[-1]
        flat = work.flat if stored is None else stored(work.flat)
        gates = flat[..., : 2 * size]
        if terms is not None:
            gates = gates.copy()
            for k, name in enumerate(("r", "z")):
                if name not in terms:
                    gates[..., k * size : (k + 1) * size] = 0.0
        product(gates, self.weight[..., : 2 * size, :], out[0])
        if terms is None or "n" in terms:
            d_q *= self.reset[t]
            out[0][...] += d_q
        if terms is None or "line" in terms:
            out[0][...] += line
        return out

    def vjp_steps(self, first: int, stop: int, states: Sequence[State], work: Workspace) -> None:
        """Carry gradients back through some steps; see the base class."""
        for t in range(stop - 1, first - 1, -1):
            self.vjp_step(t, states[t + 1], out=states[t], work=work)

    def rows(self, steps: slice, d_state: State) -> Array:
        """Return dL/da of some steps, in the order r, z, n."""
        (d_h,) = d_state
        rows = np.empty((*d_h.shape[:-1], 3, d_h.shape[-1]), dtype=d_h.dtype)
        d_n = along_time(self.candidate[steps], d_h) * d_h
        d_q = np.empty(d_n.shape, d_n.dtype)
        product(d_n, self._of_candidate(), d_q)
        np.multiply(along_time(self.to_reset[steps], d_h), d_q, out=rows[..., 0, :])
        np.multiply(along_time(self.to_update[steps], d_h), d_h, out=rows[..., 1, :])
        rows[..., 2, :] = d_n
        return rows.reshape(*d_h.shape[:-1], -1)

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        factors = (self.keep, self.candidate, self.to_update, self.reset, self.to_reset)
        changed = (change(factor) for factor in factors)
        return ResetBeforeMaps(change(self.weight), self.is_tied, *changed)

    def _of_candidate(self) -> Array:
        """W_hn."""
        return self.weight[..., 2 * self.weight.shape[-1] :, :]


@dataclass(frozen=True)
class ResetBeforeCell(GruCell):
    """The GRU cell that resets before the product: `reset="before"`."""

    def forward(
        self, params: Params, x: Array, init: State, skip: SkipInTime | None = None
    ) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        size = params.hidden_size
        plain = joined_rows(params, x, init)
        joined = np.zeros((*plain.shape[:-1], plain.shape[-1] + size), dtype=plain.dtype)
        joined[..., :size], joined[..., 2 * size :] = plain[..., :size], plain[..., size:]
        h, reset = joined[..., :size], joined[:-1, ..., size : 2 * size]
        a = np.empty((len(x), *h.shape[1:-1], 3 * size), dtype=x.dtype)
        gate = np.empty((*h.shape[1:-1], 2 * size), dtype=x.dtype)
        of_n, n = np.empty(h.shape[1:], dtype=x.dtype), np.empty(h.shape[1:], dtype=x.dtype)
        into_gates = np.empty(gate.shape, dtype=x.dtype)
        r, z = gate[..., :size], gate[..., size:]
        with np.errstate(all="ignore"):
            weights = self._joined_weights(params)
            gates, candidate = (
                np.ascontiguousarray(part.mT)
                for part in (weights[..., : 2 * size, :], weights[..., 2 * size :, :])
            )
            steps = zip(joined[:-1], a, reset, h[:-1], h[1:], strict=True)
            for t, (row, pre, kept, before, after) in enumerate(steps):
                product(row, gates, into_gates)
                sigmoid(into_gates, gate)
                np.multiply(r, before, kept)
                product(row, candidate, of_n)
                pre[..., : 2 * size], pre[..., 2 * size :] = into_gates, of_n
                np.tanh(of_n, n)
                np.subtract(before, n, of_n)
                np.multiply(z, of_n, of_n)
                np.add(of_n, n, after)
                if skip is not None and t + 1 >= skip.steps:
                    np.add(after, skip.scale * h[t + 1 - skip.steps], after)
        return ResetTape(joined, a, (h,), a)

    def split(self, params: Params, gradient: Array) -> dict[str, Array]:
        """Take the gradient of the joined weights apart."""
        size = params.hidden_size
        gates, candidate = gradient[..., : 2 * size, :], gradient[..., 2 * size :, :]
        bias = gradient[..., -1]
        every = {
            "weight_ih": gradient[..., 2 * size : -1],
            "weight_hh": np.concatenate(
                [gates[..., :size], candidate[..., size : 2 * size]], axis=-2
            ),
            "bias_ih": bias,
            "bias_hh": bias.copy(),
        }
        return {name: np.ascontiguousarray(every[name]) for name in params.named()}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the factors of every step, a chunk of steps at a time."""
        (h,) = tape.states
        size = params.hidden_size
        shape, dtype = (tape.steps, *h.shape[1:]), h.dtype
        keep, candidate, to_update, reset, to_reset = (np.empty(shape, dtype) for _ in range(5))
        for chunk in tape.chunks():
            a, before = tape.a[chunk], h[:-1][chunk]
            a_n = a[..., 2 * size :]
            value, slope = sigmoid_and_slope(a[..., : 2 * size], is_resolved=are_resolved(a))
            reset[chunk], keep[chunk] = value[..., :size], value[..., size:]
            into = sigmoid(-a[..., size : 2 * size])  # 1 - z, without the cancellation
            np.multiply(into, tanh_slope(a_n), out=candidate[chunk])
            np.multiply(before - np.tanh(a_n), slope[..., size:], out=to_update[chunk])
            np.multiply(before, slope[..., :size], out=to_reset[chunk])
        factors = (keep, candidate, to_update, reset, to_reset)
        return ResetBeforeMaps(params.weight_hh, params.is_tied, *factors)

    def run_linear(self, params: Params, x: Array, init: State) -> LinearRun:
        """Run many nets and keep h and the factors of every step."""
        tape = self.forward(params, x, init)
        with np.errstate(all="ignore"):
            return LinearRun(tape.states, self.linearize(params, tape))

    def _joined_weights(self, params: Params) -> Array:
        """Return the weights of a over [h; r h; x; 1], (..., 3H, 2H+D+1)."""
        size = params.hidden_size
        plain = params.joined()
        joined = np.zeros((*plain.shape[:-1], plain.shape[-1] + size), dtype=plain.dtype)
        joined[..., : 2 * size, :size] = plain[..., : 2 * size, :size]
        joined[..., 2 * size :, size : 2 * size] = plain[..., 2 * size :, :size]
        joined[..., 2 * size :] = plain[..., size:]
        return joined
