"""Backpropagation through time over the steps of `slow_rnn`, one sequence after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.reference.slow_rnn import (
    GATE_NAMES,
    Array,
    LossGradient,
    StateDict,
    Step,
    backward_step,
    forward_steps,
    read_layer,
)


@dataclass(frozen=True)
class SlowForward:
    """States and gates of one layer: h, c (T, B, H), a (T, B, G*H), gates[name] (T, B, H)."""

    h: Array
    c: Array | None
    a: Array
    gates: dict[str, Array]


@dataclass(frozen=True)
class SlowRun(SlowForward):
    """A forward pass and its gradients.

    d_h, d_c (T, B, H) are total derivatives; d_a (T, B, G*H) belongs to W_ih x + b_ih; d_x
    (T, B, D). `step_gradients[name]` (T, ...) holds each step's term, summed over the batch;
    `gradients[name]` is its sum over the steps; a parameter that the state dict lacks has none.
    """

    d_h: Array
    d_c: Array | None
    d_a: Array
    d_x: Array
    d_h_init: Array
    d_c_init: Array | None
    gradients: dict[str, Array]
    step_gradients: dict[str, Array]


def stack_forward(tape: list[list[Step]], cell: str) -> SlowForward:
    """Lay what every step computed out in arrays, time first."""

    def stacked(read: list[list[Array]]) -> Array:
        return np.array(read, dtype=np.float64)

    gates = (
        {}
        if cell == "rnn"
        else {
            name: stacked([[step.gates[name] for step in row] for row in tape])
            for name in GATE_NAMES[cell]
        }
    )
    return SlowForward(
        h=stacked([[step.h for step in row] for row in tape]),
        c=stacked([[step.c for step in row if step.c is not None] for row in tape])
        if cell == "lstm"
        else None,
        a=stacked([[step.a for step in row] for row in tape]),
        gates=gates,
    )


def slow_forward(
    state: StateDict,
    x: Array,
    *,
    cell: str = "rnn",
    activation: str = "tanh",
    reset: str = "after",
    suffix: str = "l0",
    h_init: Array | None = None,
    c_init: Array | None = None,
) -> SlowForward:
    """Run one layer forward over x (T, B, D) from h_init, c_init (B, H), 0 where not given."""
    layer = read_layer(state, cell, activation, reset, suffix)
    return stack_forward(forward_steps(layer, x, h_init, c_init), cell)


def slow_bptt(
    state: StateDict,
    x: Array,
    d_loss_dh: LossGradient,
    *,
    cell: str = "rnn",
    activation: str = "tanh",
    reset: str = "after",
    suffix: str = "l0",
    h_init: Array | None = None,
    c_init: Array | None = None,
    truncate: int | None = None,
) -> SlowRun:
    """Run one layer forward and its gradient back.

    Parameters
    ----------
    state : arrays under PyTorch's names; biases may be missing.
    x : (T, B, D).
    d_loss_dh : (T, B, H), what the loss reads from each state directly; or a function that makes
        it from the states h (T, B, H).
    reset : GRU only; "after" (PyTorch) or "before" the product with W_hn.
    suffix : which layer and direction of the state dict: l0, l0_reverse, l1, ...
    truncate : steps per block. At the first step of each later block the state is taken as given,
        so nothing is carried back over that border.
    """
    layer = read_layer(state, cell, activation, reset, suffix)
    tape = forward_steps(layer, x, h_init, c_init)
    forward = stack_forward(tape, cell)
    steps, batch, hidden = forward.h.shape
    from_loss = d_loss_dh(forward.h) if callable(d_loss_dh) else d_loss_dh
    if from_loss.shape != forward.h.shape:
        raise ValueError(f"d_loss_dh: expected {forward.h.shape}, got {from_loss.shape}")

    d_h, d_a, d_x = np.zeros_like(forward.h), np.zeros_like(forward.a), np.zeros(x.shape)
    d_c = np.zeros_like(forward.h) if cell == "lstm" else None
    terms = {
        "weight_ih": np.zeros((steps, *layer.weight_ih.shape)),
        "weight_hh": np.zeros((steps, *layer.weight_hh.shape)),
        "bias_ih": np.zeros((steps, *layer.bias_ih.shape)),
        "bias_hh": np.zeros((steps, *layer.bias_hh.shape)),
    }
    d_h_init = np.zeros((batch, hidden))
    d_c_init = np.zeros((batch, hidden)) if cell == "lstm" else None
    for b in range(batch):
        carried_h: Array = np.zeros(hidden)
        carried_c: Array | None = np.zeros(hidden) if cell == "lstm" else None
        for t in reversed(range(steps)):
            d_h[t, b] = from_loss[t, b] + carried_h
            back = backward_step(layer, tape[t][b], d_h[t, b], carried_c)
            if d_c is not None:
                d_c[t, b] = back.d_c
            d_a[t, b] = back.d_a
            d_x[t, b] = layer.weight_ih.T @ back.d_a
            terms["weight_ih"][t] += np.outer(back.d_a, x[t, b])
            terms["weight_hh"][t] += back.d_weight_hh
            terms["bias_ih"][t] += back.d_a
            terms["bias_hh"][t] += back.d_from_h
            carried_h, carried_c = back.d_h_before, back.d_c_before
            if truncate is not None and t > 0 and t % truncate == 0:
                carried_h = np.zeros(hidden)
                carried_c = None if carried_c is None else np.zeros(hidden)
        d_h_init[b] = carried_h
        if d_c_init is not None:
            d_c_init[b] = carried_c

    named = {f"{name}_{suffix}": term for name, term in terms.items()}
    named = {name: term for name, term in named.items() if name in state}
    return SlowRun(
        h=forward.h,
        c=forward.c,
        a=forward.a,
        gates=forward.gates,
        d_h=d_h,
        d_c=d_c,
        d_a=d_a,
        d_x=d_x,
        d_h_init=d_h_init,
        d_c_init=d_c_init,
        gradients={name: term.sum(axis=0) for name, term in named.items()},
        step_gradients=named,
    )
