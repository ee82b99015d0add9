"""Small random networks with inputs and losses, to record and to compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

import rnn_core as rc
from tests.reference import slow_bptt

if TYPE_CHECKING:
    from tests.reference.slow_bptt import SlowRun
    from tests.reference.slow_rnn import Array

CELLS = [
    ("rnn", "tanh"),
    ("rnn", "sigmoid"),
    ("rnn", "relu"),
    ("rnn", "identity"),
    ("gru", "tanh"),
    ("lstm", "tanh"),
]
CELL_IDS = ["tanh", "sigmoid", "relu", "identity", "gru", "lstm"]
ROWS = {"rnn": 1, "gru": 3, "lstm": 4}
LOSSES = ["last", "every", "squared"]


@dataclass(frozen=True)
class Case:
    """One network, an input, an initial state and a loss: all that both implementations need."""

    cell: str
    activation: str
    state: dict[str, Array]
    x: Array
    init: dict[str, Array]
    target: Array
    kind: str

    def loss(self, h: Array) -> tuple[float, Array]:
        """Compute L and each step's own dL/dh."""
        return loss_of(self.kind, self.target, h)

    def record(self, **options) -> rc.Recording:
        """Record this case with the engine."""
        net = rc.Network.from_state_dict(self.state, cell=self.cell, activation=self.activation)
        init = tuple(self.init.values())
        return rc.record(
            net, self.x, self.loss, h_init=init if len(init) > 1 else init[0], **options
        )

    def slow(self, truncate: int | None = None) -> SlowRun:
        """Run this case with the slow reference."""
        return slow_bptt(
            self.state,
            self.x,
            lambda h: self.loss(h)[1],
            cell=self.cell,
            activation=self.activation,
            truncate=truncate,
            h_init=self.init["h"],
            c_init=self.init.get("c"),
        )

    def moved(self, name: str, by: Array) -> Case:
        """Return the case with one parameter ("weight_hh_l0") or initial state ("h") moved."""
        if name in self.init:
            return replace(self, init=self.init | {name: self.init[name] + by})
        return replace(self, state=self.state | {name: self.state[name] + by})

    @property
    def movable(self) -> dict[str, Array]:
        """Everything that has a gradient, by name."""
        return self.state | self.init


def loss_of(kind: str, target: Array, h: Array) -> tuple[float, Array]:
    """Compute one of the three losses: v . h_T, the sum of v_t . h_t, half a squared distance."""
    if kind == "squared":
        return 0.5 * float(np.sum((h - target) ** 2)), h - target
    d_h = target.copy()
    if kind == "last":
        d_h[:-1] = 0.0
    return float(np.sum(d_h * h)), d_h


def random_case(
    rng: np.random.Generator,
    cell: str,
    activation: str = "tanh",
    *,
    T: int,
    B: int = 3,
    D: int = 2,
    H: int = 4,
    kind: str = "every",
    scale: float = 1.0,
    has_biases: bool = True,
    is_tied: bool = True,
) -> Case:
    """Draw a case; sizes differ, so that a transposed axis cannot pass."""
    rows = ROWS[cell] * H
    if activation == "sigmoid":
        scale *= 4.0  # its slope is at most 1/4: else nothing arrives to be compared
    recurrent = (rows, H) if is_tied else (T, rows, H)
    state = {
        "weight_ih_l0": rng.normal(size=(rows, D)) / D**0.5,
        "weight_hh_l0": scale * rng.normal(size=recurrent) / H**0.5,
    }
    if has_biases:
        lift = 0.5 if activation == "relu" else 0.0  # else units die within a few steps
        state["bias_ih_l0"] = lift + 0.3 * rng.normal(size=rows)
        state["bias_hh_l0"] = 0.3 * rng.normal(size=rows)
    names = ("h", "c") if cell == "lstm" else ("h",)
    init = {name: rng.normal(size=(B, H)) for name in names}
    x = rng.normal(size=(T, B, D))
    return Case(cell, activation, state, x, init, rng.normal(size=(T, B, H)), kind)


def random_orthogonal(rng: np.random.Generator, size: int) -> Array:
    """Draw an orthogonal matrix."""
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def vanilla(weight_hh: Array, activation: str, *, inputs: int = 1) -> rc.Network:
    """Build a vanilla net without biases that does not see its input."""
    size = weight_hh.shape[-1]
    state = {"weight_ih_l0": np.zeros((size, inputs)), "weight_hh_l0": weight_hh}
    return rc.Network.from_state_dict(state, cell="rnn", activation=activation)


def last_step(v: Array):
    """Return the loss sum over sequences of v . h_T."""

    def loss(h: Array) -> tuple[float, Array]:
        d_h = np.zeros(h.shape)
        d_h[-1] = v
        return float(np.sum(h[-1] * v)), d_h

    return loss


def gradients_of(rec: rc.Recording) -> dict[str, Array]:
    """Collect the gradients of parameters and initial states, by the names of `Case.movable`."""
    init = rec.d_init[0]
    found = dict(rec.gradients) | {"h": init.d_h}
    return found | ({"c": init.d_c} if rec.network.cell == "lstm" else {})


def relative_difference(ours: Array, theirs: Array) -> float:
    """Compare with the array that is known to be right, relative to its largest entry."""
    largest = np.max(np.abs(theirs))
    return float(np.max(np.abs(ours - theirs)) / (largest or 1.0))


def assert_same_to_rounding(ours: Array, theirs: Array) -> None:
    """Compare gradients (T, B, H), each step with its own largest entry.

    A product of more rows may add up in another order, and so end in other last digits.
    """
    largest = np.abs(theirs).max(axis=(1, 2), keepdims=True)
    assert ours.shape == theirs.shape
    assert (np.abs(ours - theirs) <= 1e-12 * largest).all()
