"""The GRU in PyTorch's equations and gate order r, z, n; z = 1 keeps.

r, z = sigmoid(a_r, a_z), n = tanh(a_n), h_t = (1 - z) n + z h_{t-1}, with
a_r, a_z = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, and the reset after the product:
a_n = W_in x_t + b_in + r q, q = W_hn h_{t-1} + b_hn.

Cho et al. (2014) reset before the product; Chung et al. (2014) write z = 1 as "update".
Source: torch.nn.GRU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_core.activations import are_resolved, resolved, sigmoid, sigmoid_and_rest, tanh_slope
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

_GATES = ("r", "z", "n")


def joined_weights(params: Params) -> Array:
    """Return the weights of the products q, r, z, n, (..., 4H, H+D+1).

    q sees the state alone and n, before the reset joins it, the input alone; so the recurrent
    rows are the first three blocks, and the rows of a = (r, z, n) the last three.
    """
    size = params.hidden_size
    shape = (*params.lead, size)
    zero = np.zeros(shape, dtype=params.weight_ih.dtype)
    b_ih = [zero] * 3 if params.bias_ih is None else _blocks(params.bias_ih, size, -1)
    b_hh = [zero] * 3 if params.bias_hh is None else _blocks(params.bias_hh, size, -1)
    w_ih, w_hh = _blocks(params.weight_ih, size, -2), _blocks(params.weight_hh, size, -2)
    no_ih, no_hh = np.zeros_like(w_ih[0]), np.zeros_like(w_hh[0])
    rows = (
        (w_hh[2], no_ih, b_hh[2]),
        (w_hh[0], w_ih[0], b_ih[0] + b_hh[0]),
        (w_hh[1], w_ih[1], b_ih[1] + b_hh[1]),
        (no_hh, w_ih[2], b_ih[2]),
    )
    return np.concatenate([np.concatenate([h, x, b[..., None]], -1) for h, x, b in rows], -2)


def split_gradient(params: Params, gradient: Array) -> dict[str, Array]:
    """Take the gradient of `joined_weights` apart: gradients of the parameters, by name."""
    size = params.hidden_size
    q, r, z, n = _blocks(gradient, size, -2)
    every = {
        "weight_ih": np.concatenate([block[..., size:-1] for block in (r, z, n)], -2),
        "weight_hh": np.concatenate([block[..., :size] for block in (r, z, q)], -2),
        "bias_ih": np.concatenate([block[..., -1] for block in (r, z, n)], -1),
        "bias_hh": np.concatenate([block[..., -1] for block in (r, z, q)], -1),
    }
    return {name: every[name] for name in params.named()}


def _blocks(array: Array, size: int, axis: int) -> list[Array]:
    return np.split(array, array.shape[axis] // size, axis=axis)


@dataclass(frozen=True)
class GruMaps(StepMaps):
    """The maps of a GRU.

    Attributes
    ----------
    keep : z, the line on which h is kept, (T, ..., B, H).
    recurrent_factor : what the products q, r, z get per unit of d_h, (T, ..., B, 3, H).
    candidate : (1 - z) tanh'(a_n), what a_n gets; q gets r times as much.
    """

    keep: Array
    recurrent_factor: Array
    candidate: Array
    gates: ClassVar[tuple[str, ...]] = ("n", "r", "z")
    line_state: ClassVar[int | None] = 0

    def workspace(self, d_h: Array) -> Workspace:
        """Allocate the gradients of the products, and z d_h."""
        rows = np.empty((*d_h.shape[:-1], 3, d_h.shape[-1]), dtype=d_h.dtype)
        return Workspace(rows, rows.reshape(*d_h.shape[:-1], -1), (np.empty_like(d_h),))

    def write_products(
        self, t: int, d_state: State, line: Array | None, stored: Stored | None, work: Workspace
    ) -> None:
        """Write the gradients of the recurrent products of n, r, z, and z d_h."""
        (d_h,) = d_state
        np.multiply(self.recurrent_factor[t], d_h[..., None, :], work.rows)
        np.multiply(self.keep[t], d_h, line)
        if stored is not None:  # a narrow type keeps dL/da_n, and from that dL/dq and dL/dr come
            into, factors = self.candidate[t][..., None, :], self.recurrent_factor[t][..., :2, :]
            per_unit = np.divide(factors, into, out=np.zeros_like(factors), where=into != 0)
            d_a_n = stored(self.candidate[t] * d_h)
            np.multiply(per_unit, d_a_n[..., None, :], work.rows[..., :2, :])

    def write_line(self, t: int, d_state: State, line: Array, work: Workspace) -> None:
        """Write z d_h."""
        del work
        np.multiply(self.keep[t], d_state[0], line)

    def rows(self, steps: slice, d_state: State) -> Array:
        """Return the gradients of q, r, z, n of some steps."""
        (d_h,) = d_state
        rows = np.empty((*d_h.shape[:-1], 4, d_h.shape[-1]), dtype=d_h.dtype)
        factor = self.recurrent_factor[steps]
        extra = d_h.ndim - self.keep.ndim
        factor = factor.reshape(len(factor), *(1,) * extra, *factor.shape[1:])
        np.multiply(factor, d_h[..., None, :], out=rows[..., :3, :])
        np.multiply(along_time(self.candidate[steps], d_h), d_h, out=rows[..., 3, :])
        return rows.reshape(*d_h.shape[:-1], -1)

    def gate_order(self, rows: Array) -> Array:
        """Return the blocks r, z, n."""
        return rows[..., self.keep.shape[-1] :]

    def recurrent(self, rows: Array) -> Array:
        """Return the blocks of the recurrent products."""
        return rows[..., : 3 * self.keep.shape[-1]]

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        factors = (self.keep, self.recurrent_factor, self.candidate)
        return GruMaps(change(self.weight), self.is_tied, *(change(factor) for factor in factors))


@dataclass(frozen=True)
class GruCell:
    """The GRU cell."""

    name: ClassVar[str] = "gru"
    gates: ClassVar[tuple[str, ...]] = _GATES
    states: ClassVar[tuple[str, ...]] = ("h",)

    def forward(
        self, params: Params, x: Array, init: State, skip: SkipInTime | None = None
    ) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        size = params.hidden_size
        joined = joined_rows(params, x, init)
        h = joined[..., :size]
        products = np.empty((len(x), *h.shape[1:-1], 4 * size), dtype=x.dtype)
        gate = np.empty((*h.shape[1:-1], 2 * size), dtype=x.dtype)
        n, reset = np.empty(h.shape[1:], dtype=x.dtype), np.empty(h.shape[1:], dtype=x.dtype)
        r, z = gate[..., :size], gate[..., size:]
        q, gates, a_n = (
            products[..., block]
            for block in (slice(size), slice(size, 3 * size), slice(3 * size, None))
        )
        steps = zip(joined[:-1], products, q, gates, a_n, h[:-1], h[1:], strict=True)
        with np.errstate(all="ignore"):
            weights = np.ascontiguousarray(joined_weights(params).mT)
            multiply = product_of(joined[0], weights, products[0])
            for t, (row, product_t, q_t, a_rz, a_n_t, before, after) in enumerate(steps):
                multiply(row, weights, product_t)
                sigmoid(a_rz, gate)
                np.multiply(r, q_t, reset)
                np.add(a_n_t, reset, a_n_t)
                _write_state(z, a_n_t, before, after, n, reset)
                if skip is not None and t + 1 >= skip.steps:
                    np.add(after, skip.scale * h[t + 1 - skip.steps], after)
        return Tape(joined, products, (h,), products[..., size:])

    def split(self, params: Params, gradient: Array) -> dict[str, Array]:
        """Take the gradient of the joined weights apart."""
        return split_gradient(params, gradient)

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return r, z, n after their nonlinearities, (T, ..., B, H)."""
        size = tape.states[0].shape[-1]
        pre = {name: tape.a[..., k * size : (k + 1) * size] for k, name in enumerate(_GATES)}
        return {name: np.tanh(a) if name == "n" else sigmoid(a) for name, a in pre.items()}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the factors of every step, a chunk of steps at a time."""
        (h,) = tape.states
        size = params.hidden_size
        shape, dtype = (tape.steps, *h.shape[1:]), h.dtype
        keep, candidate = np.empty(shape, dtype=dtype), np.empty(shape, dtype=dtype)
        recurrent = np.empty((*shape[:-1], 3, size), dtype=dtype)
        maps = GruMaps(_recurrent_weight(params), params.is_tied, keep, recurrent, candidate)
        for chunk in tape.chunks():
            a = tape.a[chunk]
            a_n, q = a[..., 2 * size :], tape.products[chunk][..., :size]
            is_near = are_resolved(a, q)
            gates = sigmoid_and_rest(a[..., : 2 * size], is_resolved=is_near)
            r_and_z = tuple((part[..., :size], part[..., size:]) for part in gates)
            kept = h[:-1][chunk] - np.tanh(a_n)
            _write_maps(maps, chunk, r_and_z, (q, a_n, kept), is_resolved=is_near)
        return maps

    def run_linear(self, params: Params, x: Array, init: State) -> LinearRun:
        """Run many nets and keep h and the factors of every step."""
        size = params.hidden_size
        shape, dtype = (len(x), *init[0].shape), x.dtype
        h = np.empty((len(x) + 1, *init[0].shape), dtype)
        h[0] = init[0]
        keep, candidate = np.empty(shape, dtype), np.empty(shape, dtype)
        recurrent = np.moveaxis(np.empty((len(x), 3, *shape[1:]), dtype), 1, -2)
        maps = GruMaps(_recurrent_weight(params), params.is_tied, keep, recurrent, candidate)
        row = np.ones((*x.shape[1:-1], size + x.shape[-1] + 1), dtype)
        a = np.empty((4, *shape[1:]), dtype)
        q, a_n = a[0], a[3]
        n, kept = np.empty(shape[1:], dtype), np.empty(shape[1:], dtype)
        with np.errstate(all="ignore"):
            weights = gates_first(joined_weights(params), size)
            is_near = largest_drive(params, x, h[0]) < resolved(dtype)
            for t, x_t in enumerate(x):
                row[..., :size], row[..., size:-1] = h[t], x_t
                np.matmul(row, weights, out=a)
                value, rest, slope = sigmoid_and_rest(a[1:3], is_resolved=is_near)
                np.multiply(value[0], q, kept)
                np.add(a_n, kept, a_n)
                _write_state(value[1], a_n, h[t], h[t + 1], n, kept)
                np.subtract(h[t], n, kept)
                gates = (value, rest, slope)
                _write_maps(maps, t, gates, (q, a_n, kept), is_resolved=is_near)
        return LinearRun((h,), maps)


def _write_state(z: Array, a_n: Array, before: Array, after: Array, n: Array, kept: Array) -> None:
    """Write n = tanh(a_n) and h_t = n + z (h_{t-1} - n)."""
    np.tanh(a_n, n)
    np.subtract(before, n, kept)
    np.multiply(z, kept, kept)
    np.add(kept, n, after)


def _write_maps(
    maps: GruMaps,
    at: int | slice,
    gates: Sequence[Sequence[Array] | Array],
    candidate: tuple[Array, Array, Array],
    *,
    is_resolved: bool = False,
) -> None:
    """Write the factors of some steps.

    Parameters
    ----------
    gates : of r and z: their values, 1 minus them, their slopes.
    candidate : q, a_n and h_{t-1} - n.
    is_resolved : whether |q| and |a_n| are known to be below `resolved`.
    """
    (r, z), (_, rest), (of_r, of_z) = gates
    q, a_n, kept = candidate
    recurrent = maps.recurrent_factor[at]
    maps.keep[at] = z
    into = tanh_slope(a_n, is_resolved=is_resolved)
    into *= rest
    maps.candidate[at] = into
    np.multiply(into, r, out=recurrent[..., 0, :])
    if is_resolved or np.isfinite(np.vecdot(q, q)).all():
        into *= q
    else:
        into = _slope_times(q, a_n)
        into *= rest
    np.multiply(into, of_r, out=recurrent[..., 1, :])
    np.multiply(kept, of_z, out=recurrent[..., 2, :])


def _slope_times(q: Array, a_n: Array) -> Array:
    """Return q tanh'(a_n) where |q| may be beyond float64: then tanh' is further below it.

    Where |a_n| is beyond `resolved` it comes from logarithms: the bound that stands for tanh'
    there, times 10^308, would be no bound.
    """
    limits = np.finfo(q.dtype)
    limited = np.clip(q, -limits.max, limits.max)
    size = np.log(np.abs(limited)) + np.log(4.0) - 2.0 * np.abs(a_n)
    far = np.copysign(np.maximum(np.exp(size), limits.tiny), limited)
    return np.where(
        np.abs(a_n) > resolved(q.dtype), np.where(limited == 0, 0.0, far), tanh_slope(a_n) * limited
    )


def _recurrent_weight(params: Params) -> Array:
    """Return W_hn, W_hr, W_hz, one above the other."""
    size = params.hidden_size
    blocks = [params.weight_hh[..., 2 * size :, :], params.weight_hh[..., : 2 * size, :]]
    return np.concatenate(blocks, axis=-2)
