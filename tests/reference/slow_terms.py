"""The terms of each step back, one sequence and one step at a time: tug of war, shares, paths.

`slow_rnn.backward_step` gives the gradient of what each gate's weights multiply; here every block
goes through its own rows of the weights and is kept apart.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tests.reference.slow_numbers import log10_length
from tests.reference.slow_rnn import (
    GATE_NAMES,
    Layer,
    Step,
    backward_step,
    forward_steps,
    read_layer,
    transposed_times,
)

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array, StateDict


@dataclass(frozen=True)
class Parts:
    """What one step back makes of (d_h, d_c): the line, each gate's way, and d_c before it."""

    line: Array
    gates: dict[str, Array]
    d_c: Array | None


def parts_of(layer: Layer, step: Step, d_h: Array, d_c: Array | None) -> Parts:
    """Take one step back apart."""
    back = backward_step(layer, step, d_h, d_c)
    gates = {
        name: transposed_times(layer.weight_hh[layer.block(name)], back.d_from_h[layer.block(name)])
        for name in GATE_NAMES[layer.cell]
    }
    if layer.reset == "before":
        gates["n"] = gates["n"] * step.gates["r"]  # the candidate's weights read r h
    if layer.cell == "lstm":
        return Parts(back.d_c * step.gates["f"], gates, back.d_c)
    line = d_h * step.gates["z"] if layer.cell == "gru" else np.zeros_like(d_h)
    return Parts(line, gates, None)


def to_cell(layer: Layer, step: Step | None) -> Array | float:
    """Return what dL/dh adds to the line per unit: o tanh'(c) of an LSTM, where h is made of c."""
    if layer.cell != "lstm":
        return 1.0
    return 0.0 if step is None else step.gates["o"] * step.slopes["c"]


@dataclass(frozen=True)
class SlowTug:
    """log10 growth of each step (T, B) by slope, weight and new loss; index 0 enters h_init."""

    by_slope: Array
    by_weight: Array
    by_loss: Array


def slow_tug_of_war(
    state: StateDict, x: Array, d_loss_dh: Array, *, activation: str, h_init: Array
) -> SlowTug:
    """Measure |phi' o d| / |d|, |W^T (phi' o d)| / |phi' o d| and |carried + new| / |carried|."""
    layer = read_layer(state, "rnn", activation, "after", "l0")
    tape = forward_steps(layer, x, h_init, None)
    steps, batch, _ = d_loss_dh.shape
    found = [np.zeros((steps, batch)) for _ in range(3)]
    for b in range(batch):
        d_h = d_loss_dh[-1, b]
        for t in reversed(range(steps)):
            d_a = np.array([s * d for s, d in zip(tape[t][b].slopes["h"], d_h, strict=True)])
            carried = transposed_times(layer.weight_hh, d_a)
            before = carried + (d_loss_dh[t - 1, b] if t else 0.0)
            sizes = [log10_length(vector) for vector in (d_h, d_a, carried, before)]
            for part, (near, far) in zip(found, itertools.pairwise(sizes), strict=True):
                part[t, b] = far - near
            d_h = before
    return SlowTug(*found)


def slow_term_shares(
    state: StateDict,
    x: Array,
    d_loss_dh: Array,
    *,
    cell: str,
    h_init: Array,
    c_init: Array | None = None,
) -> dict[str, Array]:
    """Project every term of a step on their sum, dL/dh_{t-1} or the total dL/dc_{t-1}: (T, B)."""
    layer = read_layer(state, cell, "tanh", "after", "l0")
    tape = forward_steps(layer, x, h_init, c_init)
    steps, batch, hidden = d_loss_dh.shape
    names = ["line", *GATE_NAMES[cell], "loss"]
    found = {name: np.zeros((steps, batch)) for name in names}
    for b in range(batch):
        d_h, d_c = d_loss_dh[-1, b], np.zeros(hidden)
        for t in reversed(range(steps)):
            parts = parts_of(layer, tape[t][b], d_h, d_c if cell == "lstm" else None)
            joins = to_cell(layer, tape[t - 1][b] if t else None)
            new = d_loss_dh[t - 1, b] if t else np.zeros(hidden)
            paths = {"line": parts.line, "loss": joins * new}
            paths |= {name: joins * way for name, way in parts.gates.items()}
            total = sum(paths.values())
            for name, path in paths.items():
                found[name][t, b] = np.dot(path, total) / np.dot(total, total)
            carried = sum(parts.gates.values())
            d_h = new + carried + (parts.line if cell == "gru" else 0.0)
            d_c = parts.line
    return found


@dataclass
class _Tagged:
    """The gradient of the states that belongs to one tag, while it is carried back."""

    d_h: Array
    d_c: Array
    record: list[Array] = field(default_factory=list)


def slow_paths(
    state: StateDict,
    x: Array,
    d_loss_dh: Array,
    *,
    cell: str,
    h_init: Array,
    c_init: Array | None = None,
    truncate: int | None = None,
    reset: str = "after",
) -> dict[str, Array]:
    """Split dL/dh_t (GRU) or the total dL/dc_t (LSTM) by the gate of the first exit: (T, B, H).

    Every tag is carried by itself: "line" loses what leaves through a gate, and that gate's tag
    gets it; what is tagged once stays so.
    """
    layer = read_layer(state, cell, "tanh", reset, "l0")
    tape = forward_steps(layer, x, h_init, c_init)
    steps, batch, hidden = d_loss_dh.shape
    names = ["line", *GATE_NAMES[cell]]
    found = {name: np.zeros((steps, batch, hidden)) for name in names}
    is_lstm = cell == "lstm"
    for b in range(batch):
        tags = {name: _Tagged(np.zeros(hidden), np.zeros(hidden)) for name in names}
        for t in reversed(range(steps)):
            tags["line"].d_h = tags["line"].d_h + d_loss_dh[t, b]
            joins = to_cell(layer, tape[t][b])
            exits: dict[str, Array] = {}
            for name, tag in tags.items():
                total = joins * tag.d_h + (tag.d_c if is_lstm else 0.0)
                found[name][t, b] = total
                parts = parts_of(layer, tape[t][b], tag.d_h, tag.d_c if is_lstm else None)
                if name == "line":
                    exits = parts.gates
                    tag.d_h = np.zeros(hidden) if is_lstm else parts.line
                else:
                    tag.d_h = sum(parts.gates.values()) + (0.0 if is_lstm else parts.line)
                tag.d_c = parts.line
            for name, way in exits.items():
                tags[name].d_h = tags[name].d_h + way
            if truncate is not None and t > 0 and t % truncate == 0:
                tags = {name: _Tagged(np.zeros(hidden), np.zeros(hidden)) for name in names}
    return found
