"""The gradient of one loss after the other, each by a backpropagation of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.reference.slow_network import slow_network_bptt
from tests.reference.slow_numbers import log10_length

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array, StateDict


def slow_influence(
    state: StateDict,
    x: Array,
    readout: Array,
    loss_steps: list[int],
    *,
    cell: str,
    layer: str = "l0",
    activation: str = "tanh",
    truncate: int | None = None,
    h_init: dict[str, Array] | None = None,
    c_init: dict[str, Array] | None = None,
) -> tuple[Array, Array]:
    """Compute log10 |dl_t/dh_k| and log10 |dl_t/d(h_k, c_k)| (L, T, B), l_t = readout[t] . y_t.

    With h_k held fixed, dl/dc_k is what step k+1 makes of the total derivative: f dl/dc_{k+1}.
    """
    steps, batch, _ = x.shape
    of_h = np.full((len(loss_steps), steps, batch), -np.inf)
    of_state = of_h.copy()
    for row, t in enumerate(loss_steps):
        own = np.zeros(readout.shape)
        own[t] = readout[t]
        net = slow_network_bptt(
            state, x, own, cell=cell, activation=activation, truncate=truncate,
            h_init=h_init, c_init=c_init,
        )  # fmt: skip
        run = net.layers[layer]
        for k in range(steps):
            for b in range(batch):
                of_h[row, k, b] = log10_length(run.d_h[k, b])
                both = [run.d_h[k, b]]
                is_cut = truncate is not None and (k + 1) % truncate == 0
                later = k - 1 if layer.endswith("reverse") else k + 1
                if run.d_c is not None and 0 <= later < steps and not is_cut:
                    both.append(run.gates["f"][later, b] * run.d_c[later, b])
                of_state[row, k, b] = log10_length(np.concatenate(both))
    return of_h, of_state
