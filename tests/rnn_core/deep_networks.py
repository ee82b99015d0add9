"""Random networks of any depth, direction and connection, and a slow forward pass to judge them.

The slow pass takes one step of one sequence after the other, with the equations of
`tests.reference.slow_rnn.forward_step`; it shares no code with the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import rnn_core as rc
from rnn_core.running import forward, top_output
from tests.reference.slow_rnn import GATE_NAMES, forward_step, read_layer

KINDS = [
    ("rnn", "tanh", "after"),
    ("rnn", "sigmoid", "after"),
    ("rnn", "relu", "after"),
    ("rnn", "identity", "after"),
    ("gru", "tanh", "after"),
    ("gru", "tanh", "before"),
    ("lstm", "tanh", "after"),
]
KIND_IDS = ["tanh", "sigmoid", "relu", "identity", "gru", "gru_before", "lstm"]


@dataclass(frozen=True)
class Deep:
    """One network of several layers, its input and its initial states "h_l0", "c_l1_reverse"."""

    kind: tuple[str, str, str]
    state: dict
    x: np.ndarray
    init: dict
    is_residual: bool = False
    skip: tuple | None = None

    @property
    def suffixes(self):
        """The layers and directions in PyTorch's order: l0, l0_reverse, l1, ..."""
        return [name.removeprefix("weight_hh_") for name in self.state if "weight_hh" in name]

    @property
    def is_bidirectional(self):
        """Whether there is a reverse direction."""
        return any(suffix.endswith("_reverse") for suffix in self.suffixes)

    @property
    def states(self):
        """The names of a cell's states."""
        return "hc" if self.kind[0] == "lstm" else "h"

    @property
    def network(self):
        """The engine's network."""
        cell, activation, reset = self.kind
        return rc.Network.from_state_dict(
            self.state,
            cell=cell,
            activation=activation,
            reset=reset,
            is_residual=self.is_residual,
            skip=None if self.skip is None else rc.SkipInTime(*self.skip),
        )

    @property
    def h_init(self):
        """The initial states as `record` takes them."""
        stacked = tuple(
            np.stack([self.init[f"{s}_{k}"] for k in self.suffixes]) for s in self.states
        )
        return stacked if len(stacked) > 1 else stacked[0]

    @property
    def movable(self):
        """Everything that has a gradient, by name."""
        return self.state | self.init

    def moved(self, name, by):
        """Return the case with one parameter or initial state moved."""
        if name in self.init:
            return replace(self, init=self.init | {name: self.init[name] + by})
        return replace(self, state=self.state | {name: self.state[name] + by})

    def record(self, loss, **options):
        """Record it with the engine."""
        return rc.record(self.network, self.x, loss, h_init=self.h_init, **options)

    def output(self):
        """Compute the top layer's output with the engine's forward pass alone."""
        net = self.network
        init = tuple(tuple(self.init[f"{s}_{k}"] for s in self.states) for k in self.suffixes)
        return top_output(net, self.x, forward(net, self.x, init))

    def gradients_of(self, rec):
        """Collect the recorded gradients under the names of `movable`."""
        found = {name: rec.gradients[name] for name in self.state}
        for suffix, init in zip(self.suffixes, rec.d_init, strict=True):
            for s in self.states:
                found[f"{s}_{suffix}"] = getattr(init, f"d_{s}")
        return found


def random_deep(
    rng,
    kind,
    *,
    layers=1,
    both=False,
    T=7,
    B=3,
    D=2,
    H=4,
    is_residual=False,
    skip=None,
    has_biases=True,
):
    """Draw a network; sizes differ, so that a transposed axis cannot pass."""
    cell, activation, _ = kind
    rows = len(GATE_NAMES[cell]) * H
    scale = 4.0 if activation == "sigmoid" else 1.0  # its slope is at most 1/4
    state, init = {}, {}
    for layer in range(layers):
        width = D if layer == 0 else (2 * H if both else H)
        for end in ("", "_reverse") if both else ("",):
            k = f"l{layer}{end}"
            state[f"weight_ih_{k}"] = rng.normal(size=(rows, width)) / width**0.5
            state[f"weight_hh_{k}"] = scale * rng.normal(size=(rows, H)) / H**0.5
            if has_biases:
                lift = 0.5 if activation == "relu" else 0.0  # else units die
                state[f"bias_ih_{k}"] = lift + 0.3 * rng.normal(size=rows)
                state[f"bias_hh_{k}"] = 0.3 * rng.normal(size=rows)
            for s in "hc" if cell == "lstm" else "h":
                init[f"{s}_{k}"] = rng.normal(size=(B, H))
    return Deep(kind, state, rng.normal(size=(T, B, D)), init, is_residual, skip)


def slow_states(case, truncate=None, held=None, nudge=None):
    """Run every layer slowly; return the states by name (T, B, H) and the output (T, B, K).

    With `truncate` and `held` (states of an earlier run, and its "init"), what crosses the start
    of a block is taken from `held`: the state itself, and whatever a connection in time reads.
    `nudge` = ("c_l0", t, by) adds to one state after its step t: to c after h has read it.
    """
    steps, batch, _ = case.x.shape
    cell, activation, reset = case.kind
    block = truncate or steps
    below, found = case.x, {}
    directions = ("", "_reverse") if case.is_bidirectional else ("",)
    for layer in range(len(case.suffixes) // len(directions)):
        outputs = []
        for end in directions:
            k = f"l{layer}{end}"
            weights = read_layer(case.state, cell, activation, reset, k)
            size = weights.hidden_size
            states = {s: np.zeros((steps, batch, size)) for s in case.states}
            inputs = below[::-1] if end else below

            def seen(s, t, at, b, states=states, k=k):
                """The state after step t, as step `at` sees it."""
                crosses = max(t, 0) // block != at // block
                if t < 0:
                    return (held["init"] if crosses else case.init)[f"{s}_{k}"][b]
                return (held[f"{s}_{k}"] if crosses else states[s])[t, b]

            for t in range(steps):
                for b in range(batch):
                    c = seen("c", t - 1, t, b) if cell == "lstm" else None
                    step = forward_step(weights, inputs[t, b], seen("h", t - 1, t, b), c)
                    h = step.h
                    if case.skip is not None and t + 1 >= case.skip[0]:
                        h = h + case.skip[1] * seen("h", t - case.skip[0], t, b)
                    states["h"][t, b] = h
                    if cell == "lstm":
                        states["c"][t, b] = step.c
                _nudge(states, k, t, nudge)
            found |= {f"{s}_{k}": array[::-1] if end else array for s, array in states.items()}
            outputs.append(found[f"h_{k}"])
        above = np.concatenate(outputs, axis=2)
        if case.is_residual and above.shape == below.shape:
            above = above + below
        below = above
    return found, below


def _nudge(states, k, t, nudge):
    if nudge is not None and nudge[:2] in {(f"{s}_{k}", t) for s in states}:
        states[nudge[0][0]][t] += nudge[2]


def central_slope(value_at, width):
    """Differentiate at 0 by central differences of three widths, errors of order width^6 left."""
    near, middle, far = (value_at(k * width) - value_at(-k * width) for k in (1, 2, 3))
    return (45 * near - 9 * middle + far) / (60 * width)


def width_of(case):
    """Return a step for differences: where units are not bounded a short one.

    It crosses no kink of a ReLU, and moves no logit of a deep linear net, which may be in the
    hundreds, from one side of a softmax to the other.
    """
    return 1e-5 if case.kind[1] in ("relu", "identity") else 1e-3
