"""The vanilla cell: h_t = phi(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).

Gradient: dL/da_t = phi'(a_t) * dL/dh_t and dL/dh_{t-1} = W_hh^T dL/da_t.
Source: Elman (1990); equations and names of torch.nn.RNN.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnn_core.activations import ACTIVATIONS, Activation
from rnn_core.arrays import Array
from rnn_core.cells.base import (
    GateGradients,
    Params,
    State,
    StepMaps,
    Tape,
    Terms,
    along_time,
    indicated,
    projected,
    sequence_of_states,
    times,
)


@dataclass(frozen=True)
class VanillaMaps:
    """The maps of a vanilla net: diag(phi'(a_t)) first, then W_hh^T.

    Attributes
    ----------
    params : W_hh is the second factor.
    slope : phi'(a), (T, ..., B, H).
    is_bounded : a slope of a bounded phi is never 0, even where it is stored as its bound.
    """

    params: Params
    slope: Array
    is_bounded: bool

    def vjp_step(
        self, t: int, d_state: State, terms: Terms | None = None, out: State | None = None
    ) -> State:
        """Carry dL/dh_t to dL/dh_{t-1}; there is one term, "h"."""
        (d_h,) = d_state
        before = out[0] if out is not None else None
        if terms is not None and "h" not in terms:
            nothing = np.zeros_like(d_h) if before is None else before
            nothing[...] = 0.0
            return (nothing,)
        return (times(self.slope[t] * d_h, self.params.weight_hh_at(t), out=before),)

    def gate_gradients(self, d_state: State) -> GateGradients:
        """Return dL/da for all steps; W_ih x and W_hh h enter at the same place."""
        d_a = along_time(self.slope, d_state[0]) * d_state[0]
        return GateGradients(d_a, d_a)

    def total(self, d_state: State) -> State:
        """Return `d_state`: there is one state."""
        return d_state

    def indicator(self) -> StepMaps:
        """Return the structure: which unit of a step reaches which unit of the one before."""
        slope = np.ones_like(self.slope) if self.is_bounded else indicated(self.slope)
        return VanillaMaps(self.params.mapped(indicated), slope, self.is_bounded)

    def astype(self, dtype: np.dtype[np.floating]) -> StepMaps:
        """Return the same maps in another type."""
        params = self.params.mapped(lambda array: array.astype(dtype))
        return VanillaMaps(params, self.slope.astype(dtype), self.is_bounded)


@dataclass(frozen=True)
class VanillaCell:
    """The vanilla cell with one of the four activations."""

    activation: Activation
    name: ClassVar[str] = "rnn"
    gates: ClassVar[tuple[str, ...]] = ("a",)
    states: ClassVar[tuple[str, ...]] = ("h",)
    terms: ClassVar[Terms] = frozenset({"h"})

    @classmethod
    def named(cls, activation: str) -> "VanillaCell":
        """Return the cell with the activation of that name."""
        return cls(ACTIVATIONS[activation])

    def forward(self, params: Params, x: Array, init: State) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        phi = self.activation.apply
        with np.errstate(all="ignore"):
            a = projected(params, x, params.bias_ih, params.bias_hh)
            (h,) = sequence_of_states(init, a.shape[0], a)
            transposed = params.weight_hh.mT
            recurrent = np.empty_like(h[0])
            for t in range(a.shape[0]):
                times(h[t], transposed if params.is_tied else transposed[t], out=recurrent)
                a[t] += recurrent
                phi(a[t], h[t + 1])
        return Tape(x, a, (h,), {})

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return nothing: a vanilla cell has no gate."""
        del tape
        return {}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return diag(phi'(a_t)) and W_hh."""
        return VanillaMaps(params, self.activation.slope(tape.a), self.activation.is_bounded)
