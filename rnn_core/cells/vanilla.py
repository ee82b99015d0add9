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

    def products(
        self, t: int, d_state: State, line_out: Array | None, stored: Stored | None
    ) -> tuple[Array, Array | None]:
        """Return dL/da_t = phi'(a_t) dL/dh_t."""
        del line_out, stored
        return (self.slope[t] * d_state[0])[..., None, :], None

    def gate_gradients(self, d_state: State) -> GateGradients:
        """Return dL/da for all steps; W_ih x and W_hh h enter at the same place."""
        d_a = along_time(self.slope, d_state[0]) * d_state[0]
        return GateGradients(d_a, d_a)

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        return VanillaMaps(self.params.mapped(change), change(self.slope))


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
        return VanillaMaps(params, self.activation.slope(tape.a))
