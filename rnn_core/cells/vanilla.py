"""The vanilla cell: h_t = phi(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).

Gradient: dL/da_t = phi'(a_t) * dL/dh_t and dL/dh_{t-1} = W_hh^T dL/da_t.
Source: Elman (1990); equations and names of torch.nn.RNN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_core.activations import ACTIVATIONS, Activation
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
from rnn_core.cells.params import Params


@dataclass(frozen=True)
class VanillaMaps(StepMaps):
    """The maps of a vanilla net: diag(phi'(a_t)) first, then W_hh^T.

    Attributes
    ----------
    slope : phi'(a), (T, ..., B, H).
    """

    slope: Array
    gates: ClassVar[tuple[str, ...]] = ("h",)
    line_state: ClassVar[int | None] = None

    def workspace(self, d_h: Array) -> Workspace:
        """Allocate dL/da_t."""
        flat = np.empty(d_h.shape, dtype=d_h.dtype)
        return Workspace(flat[..., None, :], flat, ())

    def write_products(
        self, t: int, d_state: State, line: Array | None, stored: Stored | None, work: Workspace
    ) -> None:
        """Write dL/da_t = phi'(a_t) dL/dh_t."""
        del line, stored
        np.multiply(self.slope[t], d_state[0], work.flat)

    def rows(self, steps: slice, d_state: State) -> Array:
        """Return dL/da of some steps."""
        return along_time(self.slope[steps], d_state[0]) * d_state[0]

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        return VanillaMaps(change(self.weight), self.is_tied, change(self.slope))


@dataclass(frozen=True)
class VanillaCell:
    """The vanilla cell with one of the four activations."""

    activation: Activation
    name: ClassVar[str] = "rnn"
    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("h",)

    @classmethod
    def named(cls, activation: str) -> "VanillaCell":
        """Return the cell with the activation of that name."""
        return cls(ACTIVATIONS[activation])

    def forward(
        self, params: Params, x: Array, init: State, skip: SkipInTime | None = None
    ) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        phi = self.activation.apply
        joined = joined_rows(params, x, init)
        h = joined[..., : params.hidden_size]
        a = np.empty((len(x), *h.shape[1:]), dtype=x.dtype)
        with np.errstate(all="ignore"):
            weights = np.ascontiguousarray(params.joined().mT)
            multiply = product_of(joined[0], weights, a[0])
            for t, (row, pre, after) in enumerate(zip(joined[:-1], a, h[1:], strict=True)):
                multiply(row, weights if params.is_tied else weights[t], pre)
                phi(pre, after)
                if skip is not None and t + 1 >= skip.steps:
                    np.add(after, skip.scale * h[t + 1 - skip.steps], after)
        return Tape(joined, a, (h,), a)

    def split(self, params: Params, gradient: Array) -> dict[str, Array]:
        """Take the gradient of the joined weights apart."""
        return params.split(gradient)

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return nothing: a vanilla cell has no gate."""
        del tape
        return {}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return diag(phi'(a_t)) and W_hh."""
        slope = np.empty_like(tape.a)
        for chunk in tape.chunks():
            self.activation.slope(tape.a[chunk], slope[chunk])
        return VanillaMaps(params.weight_hh, params.is_tied, slope)

    def run_linear(self, params: Params, x: Array, init: State) -> LinearRun:
        """Run many nets and keep h and diag(phi'(a_t))."""
        size = params.hidden_size
        h = np.empty((len(x) + 1, *init[0].shape), dtype=x.dtype)
        h[0] = init[0]
        row, slope = (
            np.ones((*x.shape[1:-1], size + x.shape[-1] + 1), x.dtype),
            np.empty_like(h[1:]),
        )
        a = np.empty(h.shape[1:], dtype=x.dtype)
        with np.errstate(all="ignore"):
            weights = np.ascontiguousarray(params.of_step(0).joined().mT)
            for t, (x_t, before, after) in enumerate(zip(x, h[:-1], h[1:], strict=True)):
                row[..., :size], row[..., size:-1] = before, x_t
                if not params.is_tied:  # only their recurrent rows differ
                    weights[..., :size, :] = params.weight_hh[t].mT
                np.matmul(row, weights, out=a)
                self.activation.apply(a, after)
                self.activation.slope(a, slope[t])
        return LinearRun((h,), VanillaMaps(params.weight_hh, params.is_tied, slope))
