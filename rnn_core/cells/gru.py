"""The GRU in PyTorch's equations and gate order r, z, n; z = 1 keeps.

r, z = sigmoid(a_r, a_z), n = tanh(a_n), h_t = (1 - z) n + z h_{t-1}, with
a_r, a_z = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, and the reset after the product:
a_n = W_in x_t + b_in + r q, q = W_hn h_{t-1} + b_hn.

Cho et al. (2014) reset before the product; Chung et al. (2014) write z = 1 as "update".
Source: torch.nn.GRU.
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

_GATES = ("r", "z", "n")


@dataclass(frozen=True)
class GruMaps(StepMaps):
    """The maps of a GRU.

    Attributes
    ----------
    keep : z, the line on which h is kept, (T, ..., B, H).
    recurrent : what the recurrent products of r, z, n get per unit of d_h, (T, ..., B, 3, H).
    candidate : (1 - z) tanh'(a_n), what a_n gets; differs from the above by the factor r.
    """

    keep: Array
    recurrent: Array
    candidate: Array
    gates: ClassVar[tuple[str, ...]] = _GATES
    line_state: ClassVar[int | None] = 0

    def products(
        self, t: int, d_state: State, line_out: Array | None, stored: Stored | None
    ) -> tuple[Array, Array | None]:
        """Return the gradients of the recurrent products of r, z, n, and z d_h."""
        del line_out, stored
        (d_h,) = d_state
        return self.recurrent[t] * d_h[..., None, :], self.keep[t] * d_h

    def gate_gradients(self, d_state: State) -> GateGradients:
        """Return dL/da and the gradient of the recurrent products, in gate order."""
        (d_h,) = d_state
        recurrent = np.empty((*d_h.shape[:-1], 3, d_h.shape[-1]), dtype=d_h.dtype)
        for k in range(3):
            np.multiply(along_time(self.recurrent[..., k, :], d_h), d_h, out=recurrent[..., k, :])
        d_a = recurrent.copy()
        np.multiply(along_time(self.candidate, d_h), d_h, out=d_a[..., 2, :])
        shape = (*d_h.shape[:-1], 3 * d_h.shape[-1])
        return GateGradients(d_a.reshape(shape), recurrent.reshape(shape))

    def mapped(self, change: Callable[[Array], Array]) -> StepMaps:
        """Return the same maps with `change` applied to every factor and weight."""
        return GruMaps(
            self.params.mapped(change),
            change(self.keep),
            change(self.recurrent),
            change(self.candidate),
        )


@dataclass(frozen=True)
class GruCell:
    """The GRU cell."""

    name: ClassVar[str] = "gru"
    gates: ClassVar[tuple[str, ...]] = _GATES
    states: ClassVar[tuple[str, ...]] = ("h",)

    def forward(self, params: Params, x: Array, init: State) -> Tape:
        """Run all steps; a state that overflows stays in the tape as inf or nan."""
        size = params.hidden_size
        rz_block, n_block = slice(0, 2 * size), slice(2 * size, 3 * size)
        with np.errstate(all="ignore"):
            a = projected(params, x, params.bias_ih)
            (h,) = sequence_of_states(init, a.shape[0], a)
            gates, product = np.empty_like(a), np.empty_like(a)
            update = np.empty_like(h[0])
            transposed = params.weight_hh.mT
            bias = None if params.bias_hh is None else params.bias_hh[..., None, :]
            for t in range(a.shape[0]):
                times(h[t], transposed if params.is_tied else transposed[t], out=product[t])
                if bias is not None:
                    product[t] += bias
                a[t][..., rz_block] += product[t][..., rz_block]
                value = gates[t]
                value[..., rz_block] = sigmoid(a[t][..., rz_block])
                r, z, n = (value[..., k * size : (k + 1) * size] for k in range(3))
                np.multiply(r, product[t][..., n_block], out=update)
                a[t][..., n_block] += update
                np.tanh(a[t][..., n_block], out=n)
                np.subtract(h[t], n, out=update)
                np.multiply(z, update, out=h[t + 1])
                h[t + 1] += n
        return Tape(x, a, (h,), {"gates": gates, "product": product})

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return r, z, n after their nonlinearities, views (T, ..., B, H)."""
        size = tape.states[0].shape[-1]
        gates = tape.parts["gates"]
        return {name: gates[..., k * size : (k + 1) * size] for k, name in enumerate(_GATES)}

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the factors of every step, all steps at once."""
        value = self.gate_values(tape)
        (h,) = tape.states
        size = params.hidden_size
        recurrent = np.empty((*h[1:].shape[:-1], 3, size), dtype=h.dtype)
        pre = tape.a.reshape(recurrent.shape)
        candidate = sigmoid(-pre[..., 1, :])  # 1 - z, without the cancellation
        candidate *= tanh_slope(pre[..., 2, :])
        q = tape.parts["product"][..., 2 * size :]
        recurrent[..., 0, :] = candidate * q * sigmoid_slope(pre[..., 0, :])
        recurrent[..., 1, :] = (h[:-1] - value["n"]) * sigmoid_slope(pre[..., 1, :])
        np.multiply(candidate, value["r"], out=recurrent[..., 2, :])
        return GruMaps(params, value["z"], recurrent, candidate)
