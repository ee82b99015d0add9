"""Deep and bidirectional networks, composed of the single layers of `slow_bptt`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from tests.reference.slow_bptt import SlowRun, slow_bptt, slow_forward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.reference.slow_rnn import Array, LossGradient, StateDict


class LayerOptions(TypedDict):
    """The keyword arguments that one layer's forward and backward passes share."""

    cell: str
    activation: str
    reset: str
    suffix: str
    h_init: Array | None
    c_init: Array | None


@dataclass(frozen=True)
class SlowNetworkRun:
    """y (T, B, K): the top layer's states, [forward, reverse] with two directions.

    `layers[suffix]` in PyTorch's order: l0, l0_reverse, l1, ...; index t of every array is the step
    that read x[t], in both directions. `gradients` has all parameters.
    """

    y: Array
    layers: dict[str, SlowRun]
    d_x: Array
    gradients: dict[str, Array]


def directions_of(state: StateDict) -> list[list[str]]:
    """Find layers and directions in the names of a state dict: [[l0, l0_reverse], [l1, ...]]."""
    found, layer = [], 0
    while f"weight_hh_l{layer}" in state:
        both = [f"l{layer}", f"l{layer}_reverse"]
        found.append([suffix for suffix in both if f"weight_hh_{suffix}" in state])
        layer += 1
    return found


def reversed_run(run: SlowRun) -> SlowRun:
    """Put a run over reversed inputs back on the time axis of the inputs that it read."""

    def flip(array: Array | None) -> Array | None:
        return None if array is None else array[::-1]

    return SlowRun(
        h=run.h[::-1],
        c=flip(run.c),
        a=run.a[::-1],
        gates={name: gate[::-1] for name, gate in run.gates.items()},
        d_h=run.d_h[::-1],
        d_c=flip(run.d_c),
        d_a=run.d_a[::-1],
        d_x=run.d_x[::-1],
        d_h_init=run.d_h_init,
        d_c_init=run.d_c_init,
        gradients=run.gradients,
        step_gradients={name: term[::-1] for name, term in run.step_gradients.items()},
    )


def slow_network_bptt(
    state: StateDict,
    x: Array,
    d_loss_dy: LossGradient,
    *,
    cell: str = "rnn",
    activation: str = "tanh",
    reset: str = "after",
    h_init: Mapping[str, Array] | None = None,
    c_init: Mapping[str, Array] | None = None,
    truncate: int | None = None,
) -> SlowNetworkRun:
    """Run a network of any depth, in one direction or two, and its gradient back.

    Layers and directions are those of `state`. `h_init` and `c_init` are keyed by suffix; what is
    missing is 0. All layers are truncated alike; with two directions truncation has no meaning.
    """
    order = directions_of(state)
    if truncate is not None and len(order[0]) > 1:
        raise ValueError("truncate: expected None with two directions")

    def options(suffix: str) -> LayerOptions:
        return {
            "cell": cell,
            "activation": activation,
            "reset": reset,
            "suffix": suffix,
            "h_init": (h_init or {}).get(suffix),
            "c_init": (c_init or {}).get(suffix),
        }

    inputs = [x]
    for suffixes in order:
        outputs = []
        for suffix in suffixes:
            time = -1 if suffix.endswith("_reverse") else 1
            outputs.append(slow_forward(state, inputs[-1][::time], **options(suffix)).h[::time])
        inputs.append(np.concatenate(outputs, axis=2))

    y = inputs.pop()
    d_outputs = d_loss_dy(y) if callable(d_loss_dy) else d_loss_dy
    runs: dict[str, SlowRun] = {}
    for suffixes in reversed(order):
        below = inputs.pop()
        d_below = np.zeros(below.shape)
        parts = np.split(d_outputs, len(suffixes), axis=2)
        for suffix, d_part in zip(suffixes, parts, strict=True):
            time = -1 if suffix.endswith("_reverse") else 1
            run = slow_bptt(
                state, below[::time], d_part[::time], truncate=truncate, **options(suffix)
            )
            runs[suffix] = run if time == 1 else reversed_run(run)
            d_below += runs[suffix].d_x
        d_outputs = d_below

    in_order = {suffix: runs[suffix] for suffixes in order for suffix in suffixes}
    gradients = {n: g for run in in_order.values() for n, g in run.gradients.items()}
    return SlowNetworkRun(y, in_order, d_outputs, gradients)
