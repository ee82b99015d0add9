"""A slow, obvious recurrent layer with its backpropagation through time, to judge the engine by.

Written to be read, one sequence and one step at a time, and derived on its own: from the equations
in `forward_step`, the chain rule once per arrow in `backward_step`. It shares no code with the
engine. Slopes come from hyperbolic cosines, sums from loops in the order in which they are written.

Gate blocks are rows of the weights in PyTorch's order: r, z, n (GRU) and i, f, g, o (LSTM).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
StateDict = Mapping[str, Array]
LossGradient = Array | Callable[[Array], Array]
Store = Callable[[Array], Array]

GATE_NAMES = {"rnn": ("h",), "gru": ("r", "z", "n"), "lstm": ("i", "f", "g", "o")}


def sigmoid(u: float) -> float:
    """Compute 1 / (1 + e^-u) without overflow."""
    return 1.0 / (1.0 + math.exp(-u)) if u >= 0 else math.exp(u) / (1.0 + math.exp(u))


def tanh_slope(u: float) -> float:
    """Compute tanh'(u) = 1 / cosh(u)^2; below 10^-600 it is 0."""
    return (1.0 / math.cosh(u)) * (1.0 / math.cosh(u)) if abs(u) < 700 else 0.0


def sigmoid_slope(u: float) -> float:
    """Compute sigmoid'(u) = 1 / (2 cosh(u/2))^2; below 10^-600 it is 0."""
    return (0.5 / math.cosh(u / 2)) * (0.5 / math.cosh(u / 2)) if abs(u) < 1400 else 0.0


VALUE: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "relu": lambda u: max(u, 0.0),
    "identity": lambda u: u,
}
SLOPE: dict[str, Callable[[float], float]] = {
    "tanh": tanh_slope,
    "sigmoid": sigmoid_slope,
    "relu": lambda u: 1.0 if u > 0 else 0.0,
    "identity": lambda _: 1.0,
}


def each(function: Callable[[float], float], units: Array) -> Array:
    """Apply a function of one number to every unit."""
    return np.array([function(float(unit)) for unit in units])


def transposed_times(weight: Array, d_rows: Array) -> Array:
    """Compute weight^T d_rows, one row of the weight after the other, in the weight's own dtype."""
    total: Array = np.zeros_like(weight[0])
    for row, d_row in zip(weight, d_rows, strict=True):
        total = total + row * d_row
    return total


@dataclass(frozen=True)
class Layer:
    """One layer in one direction: what it computes and with which parameters."""

    cell: str
    activation: str
    reset: str
    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weight_hh.shape[1])

    def block(self, gate: str) -> slice:
        """Return the rows of a gate."""
        start = GATE_NAMES[self.cell].index(gate) * self.hidden_size
        return slice(start, start + self.hidden_size)


def read_layer(state: StateDict, cell: str, activation: str, reset: str, suffix: str) -> Layer:
    """Take the layer called `suffix` (l0, l1_reverse, ...) out of a state dict; no bias means 0."""
    weight_hh = np.asarray(state[f"weight_hh_{suffix}"], dtype=np.float64)
    none = np.zeros(len(weight_hh))
    return Layer(
        cell,
        activation,
        reset,
        weight_ih=np.asarray(state[f"weight_ih_{suffix}"], dtype=np.float64),
        weight_hh=weight_hh,
        bias_ih=np.asarray(state.get(f"bias_ih_{suffix}", none), dtype=np.float64),
        bias_hh=np.asarray(state.get(f"bias_hh_{suffix}", none), dtype=np.float64),
    )


@dataclass(frozen=True)
class Step:
    """What one sequence computed in one step. Vectors of H units; `a` has a block per gate.

    `gates` are values after the nonlinearity, `slopes` the nonlinearity's derivative there; the
    LSTM has a slope "c" of the tanh that reads c. `h_product` is the GRU's W_hn h + b_hn.
    """

    x: Array
    h_before: Array
    c_before: Array | None
    a: Array
    gates: dict[str, Array]
    slopes: dict[str, Array]
    h_product: Array | None
    h: Array
    c: Array | None


def forward_step(layer: Layer, x: Array, h: Array, c: Array | None) -> Step:
    """Compute the state after a step from the input and the state before it.

    rnn   h' = phi(W_ih x + b_ih + W_hh h + b_hh)
    gru   r, z = sigmoid(...),  n = tanh(W_in x + b_in + r * (W_hn h + b_hn)),
          h' = (1 - z) n + z h;  reset "before": n = tanh(W_in x + b_in + W_hn (r * h) + b_hn)
    lstm  i, f, o = sigmoid(...),  g = tanh(...),  c' = f c + i g,  h' = o tanh(c')
    """
    from_x = layer.weight_ih @ x + layer.bias_ih
    from_h = layer.weight_hh @ h + layer.bias_hh
    a = from_x + from_h
    names = GATE_NAMES[layer.cell]
    if layer.cell == "rnn":
        kinds = {"h": layer.activation}
    else:
        kinds = {name: "tanh" if name in ("n", "g") else "sigmoid" for name in names}

    h_product = None
    if layer.cell == "gru":
        candidate = layer.block("n")
        r = each(sigmoid, a[layer.block("r")])
        h_product = from_h[candidate]
        if layer.reset == "before":
            h_product = layer.weight_hh[candidate] @ (r * h) + layer.bias_hh[candidate]
            a[candidate] = from_x[candidate] + h_product
        else:
            a[candidate] = from_x[candidate] + r * h_product

    gates = {name: each(VALUE[kinds[name]], a[layer.block(name)]) for name in names}
    slopes = {name: each(SLOPE[kinds[name]], a[layer.block(name)]) for name in names}
    c_before = c
    if layer.cell == "rnn":
        h_after = gates["h"]
    elif layer.cell == "gru":
        h_after = (1 - gates["z"]) * gates["n"] + gates["z"] * h
    else:
        assert c is not None
        c = gates["f"] * c + gates["i"] * gates["g"]
        slopes["c"] = each(tanh_slope, c)
        h_after = gates["o"] * each(math.tanh, c)
    return Step(x, h, c_before, a, gates, slopes, h_product, h_after, c)


@dataclass(frozen=True)
class StepBack:
    """Gradients on the far side of one step.

    `d_c` is the total derivative for the state c *after* the step; `d_a` belongs to
    W_ih x + b_ih, `d_from_h` to W_hh h + b_hh (they differ in the GRU's candidate).
    """

    d_c: Array | None
    d_a: Array
    d_from_h: Array
    d_weight_hh: Array
    d_h_before: Array
    d_c_before: Array | None


def as_it_is(vector: Array) -> Array:
    """Store a vector without loss."""
    return vector


def backward_rnn(layer: Layer, step: Step, d_h: Array, store: Store) -> StepBack:
    """Carry dL/dh back over a vanilla step: through phi, then through W_hh."""
    d_a = store(step.slopes["h"] * d_h)
    d_before = store(transposed_times(layer.weight_hh, d_a))
    return StepBack(None, d_a, d_a, np.outer(d_a, step.h_before), d_before, None)


def backward_gru(layer: Layer, step: Step, d_h: Array, store: Store) -> StepBack:
    """Carry dL/dh back over a GRU's step: along z, and through the candidate and both gates."""
    r, z, n = (step.gates[name] for name in "rzn")
    w_r, w_z, w_n = (layer.weight_hh[layer.block(name)] for name in "rzn")
    d_a_n = store(step.slopes["n"] * (d_h * (1 - z)))
    d_a_z = store(step.slopes["z"] * (d_h * (step.h_before - n)))
    assert step.h_product is not None
    d_product: Array
    through_candidate: Array
    read_by_candidate: Array
    d_r: Array
    if layer.reset == "before":
        d_product = d_a_n
        d_reset_h = store(transposed_times(w_n, d_product))
        d_r = d_reset_h * step.h_before
        through_candidate = d_reset_h * r
        read_by_candidate = r * step.h_before
    else:
        d_product = store(d_a_n * r)
        d_r = d_a_n * step.h_product
        through_candidate = transposed_times(w_n, d_product)
        read_by_candidate = step.h_before
    d_a_r = store(step.slopes["r"] * d_r)
    d_weight = [
        np.outer(d_a_r, step.h_before),
        np.outer(d_a_z, step.h_before),
        np.outer(d_product, read_by_candidate),
    ]
    d_before: Array = d_h * z + through_candidate
    d_before = store(d_before + transposed_times(w_r, d_a_r) + transposed_times(w_z, d_a_z))
    d_a = np.concatenate([d_a_r, d_a_z, d_a_n])
    d_from_h = np.concatenate([d_a_r, d_a_z, d_product])
    return StepBack(None, d_a, d_from_h, np.concatenate(d_weight), d_before, None)


def backward_lstm(layer: Layer, step: Step, d_h: Array, d_c: Array, store: Store) -> StepBack:
    """Carry dL/dh and dL/dc back over an LSTM's step: into c', then along f and through gates."""
    i, f, g, o = (step.gates[name] for name in "ifgo")
    assert step.c is not None
    assert step.c_before is not None
    tanh_c = each(math.tanh, step.c).astype(d_h.dtype)
    d_c = store(d_c + d_h * o * step.slopes["c"])
    d_blocks = [
        step.slopes["i"] * (d_c * g),
        step.slopes["f"] * (d_c * step.c_before),
        step.slopes["g"] * (d_c * i),
        step.slopes["o"] * (d_h * tanh_c),
    ]
    d_a = store(np.concatenate(d_blocks))
    d_before = store(transposed_times(layer.weight_hh, d_a))
    return StepBack(d_c, d_a, d_a, np.outer(d_a, step.h_before), d_before, store(d_c * f))


def backward_step(
    layer: Layer, step: Step, d_h: Array, d_c: Array | None, store: Store = as_it_is
) -> StepBack:
    """Carry dL/dh of the state after the step (and dL/dc of what later steps read) back over it.

    `store` sees every vector that an implementation would write to memory on the way: the gradient
    of each pre-activation, of the GRU's reset product, and of the states.
    """
    if layer.cell == "rnn":
        return backward_rnn(layer, step, d_h, store)
    if layer.cell == "gru":
        return backward_gru(layer, step, d_h, store)
    assert d_c is not None
    return backward_lstm(layer, step, d_h, d_c, store)


def initial(state: Array | None, batch: int, hidden: int) -> Array:
    """Return the state before the first step, (B, H); None means 0."""
    return np.zeros((batch, hidden)) if state is None else np.asarray(state, dtype=np.float64)


def forward_steps(
    layer: Layer, x: Array, h_init: Array | None, c_init: Array | None
) -> list[list[Step]]:
    """Run every sequence on its own; entry [t][b] is what sequence b computed in step t."""
    steps, batch, _ = x.shape
    h = list(initial(h_init, batch, layer.hidden_size))
    c: list[Array | None] = [None] * batch
    if layer.cell == "lstm":
        c = list(initial(c_init, batch, layer.hidden_size))
    tape: list[list[Step]] = []
    for t in range(steps):
        tape.append([forward_step(layer, x[t, b], h[b], c[b]) for b in range(batch)])
        h = [step.h for step in tape[t]]
        c = [step.c for step in tape[t]]
    return tape
