"""Check a recorded gradient against finite differences of the forward pass.

Along a random direction (dW, db, dh_init) the slope of the loss is measured in two ways: from the
gradient that the sweep recorded, and from forward passes alone.

"whole run": differences of the loss, believed where two step sizes give the same slope. In a
chaotic run the shortest step that float64 can hold moves the loss from one end of its range to the
other, so there "step by step": a small disturbance is carried forward through differences of
single steps and made small again after each. Both use nothing of the backward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rnn_core.arrays import Array
from rnn_core.cells import State
from rnn_core.errors import ConfigError
from rnn_core.network import Network
from rnn_core.recording import Recording
from rnn_core.running import forward, top_output
from rnn_core.scaled import shifted
from rnn_core.streams import Purpose, stream

DIRECTIONS: Final = 3
SHARPEST_GROWTH: Final = 3.0
"""Decades of growth up to which a difference over the whole run is still sharp."""

AGREEMENT: Final = 1e-7
"""Two step sizes must give the same slope to this, or a whole-run difference is not believed."""

_SMOOTH_STEPS: Final = (2.0**-12, 2.0**-15, 2.0**-18, 2.0**-21)
_KINKED_STEPS: Final = (2.0**-25, 2.0**-27, 2.0**-29)
"""A ReLU net is linear between kinks: a short step crosses none, and has no error but rounding."""
_STENCIL: Final = ((1, 8.0 / 12.0), (2, -1.0 / 12.0))
"""(f(s) - f(-s)) 8/12 - (f(2s) - f(-2s)) 1/12, over s: the slope, up to s^4."""


@dataclass(frozen=True)
class GradientCheck:
    """How well the gradient agrees with finite differences.

    Attributes
    ----------
    errors : relative error along each random direction.
    method : "whole run" or "step by step".
    """

    errors: tuple[float, ...]
    method: str

    @property
    def largest(self) -> float:
        """The largest relative error."""
        return max(self.errors)


def gradient_check(rec: Recording, seed: int = 0) -> GradientCheck:
    """Compare the gradient of all parameters and of the initial state with finite differences.

    Raises
    ------
    ConfigError : "rec: expected ...", for a recording without steps, in float32, of the encoder of
        a pair, or with truncated BPTT: that gradient is not the slope of the loss, which is the
        point of it; and where moved weights leave float64.
    """
    if not rec.layers or rec.overflow_left_nan:
        raise ConfigError("rec: expected a recording with gradients, got one that overflowed")
    if not rec.has_own_loss:
        raise ConfigError("rec: expected a recording with a loss of its own, got a pair's encoder")
    if rec.truncate is not None:
        raise ConfigError(f"rec: expected full BPTT, got truncate={rec.truncate}")
    if rec.layers[0].h.dtype != np.float64:
        raise ConfigError("rec: expected a recording in float64, got one in float32")
    with np.errstate(all="ignore"):  # weights near the end of float64, moved, are beyond it
        found = _compared(rec, [_Direction.drawn(rec, seed, k) for k in range(DIRECTIONS)])
    if not np.isfinite(found.errors).all():
        raise ConfigError(
            "rec: expected numbers that can be moved, got some near the end of float64"
        )
    return found


def _compared(rec: Recording, directions: "list[_Direction]") -> GradientCheck:
    sizes = np.concatenate([layer.log10_norms("d_h") for layer in rec.layers])
    is_causal = not rec.network.is_bidirectional and rec.network.skip is None
    grows = is_causal and bool(sizes[np.isfinite(sizes)].max(initial=0.0) > SHARPEST_GROWTH)
    slopes = [] if grows else [_slope_of_whole_run(rec, d) for d in directions]
    measured = [slope for slope in slopes if slope is not None]
    method = "whole run"
    if len(measured) < DIRECTIONS and is_causal:
        measured = [_slope_step_by_step(rec, d) for d in directions]
        method = "step by step"
    if len(measured) < DIRECTIONS:
        raise ConfigError(
            "rec: expected a run whose loss can be differenced, got one too chaotic to check "
            "as a whole, and its steps cannot be taken one by one"
        )
    errors = tuple(
        _along_gradient(rec, direction).disagreement(slope)
        for direction, slope in zip(directions, measured, strict=True)
    )
    return GradientCheck(errors, method)


@dataclass(frozen=True)
class _Direction:
    """A random direction in the space of all parameters and the initial states."""

    params: dict[str, Array]
    init: tuple[State, ...]

    @classmethod
    def drawn(cls, rec: Recording, seed: int, k: int) -> "_Direction":
        rng = stream(seed, Purpose.DIRECTIONS, k)

        def random(array: Array) -> Array:
            drawn: Array = rng.normal(0.0, array.shape[-1] ** -0.5, array.shape)
            return drawn

        return cls(
            {name: random(weight) for name, weight in rec.network.state_dict().items()},
            tuple(tuple(random(s[0]) for s in layer.tape.states) for layer in rec.layers),
        )

    def moved(
        self, net: Network, init: tuple[State, ...], by: float
    ) -> tuple[Network, tuple[State, ...]]:
        """Return network and states, moved along this direction."""
        state = net.state_dict()
        return (
            net.mapped({name: state[name] + by * step for name, step in self.params.items()}),
            tuple(
                tuple(s + by * step for s, step in zip(states, steps, strict=True))
                for states, steps in zip(init, self.init, strict=True)
            ),
        )


@dataclass(frozen=True)
class _Number:
    """value * 2^exponent: directional derivatives reach 10^954."""

    value: float
    exponent: int

    def plus(self, other: "_Number") -> "_Number":
        if self.value == 0.0:
            return other
        if other.value == 0.0:
            return self
        common = max(self.exponent, other.exponent)
        value = sum(np.ldexp(n.value, max(n.exponent - common, -5000)) for n in (self, other))
        return _Number(float(value), common)

    def disagreement(self, other: "_Number") -> float:
        """Return |a - b| / max(|a|, |b|)."""
        minus = _Number(-other.value, other.exponent)
        difference = self.plus(minus)
        if difference.value == 0.0:
            return 0.0
        logs = [np.log2(abs(n.value)) + n.exponent for n in (self, other) if n.value]
        return float(2.0 ** (np.log2(abs(difference.value)) + difference.exponent - max(logs)))


def _along_gradient(rec: Recording, direction: _Direction) -> _Number:
    total = _Number(0.0, 0)
    for name, along in direction.params.items():
        gradient = rec.weight_gradients[name]
        total = total.plus(_Number(float((gradient.mantissa * along).sum()), gradient.exponent))
    for gradient_at_init, steps in zip(rec.d_init, direction.init, strict=True):
        for value, along in zip(gradient_at_init.values.values(), steps, strict=True):
            for b, exponent in enumerate(value.exponent):
                total = total.plus(_Number(float(value.mantissa[b] @ along[b]), int(exponent)))
    return total


def _step_sizes(rec: Recording) -> tuple[float, ...]:
    return _KINKED_STEPS if rec.network.activation == "relu" else _SMOOTH_STEPS


def _slope_of_whole_run(rec: Recording, direction: _Direction) -> _Number | None:
    """Difference the loss of the whole run; None where no two step sizes agree on the slope."""
    init = tuple(tuple(state[0] for state in layer.tape.states) for layer in rec.layers)

    def loss_at(by: float) -> Array:
        net, start = direction.moved(rec.network, init, by)
        return np.array(rec.loss_function(top_output(net, rec.x, forward(net, rec.x, start)))[0])

    previous: _Number | None = None
    for size in _step_sizes(rec):
        slope = _Number(float(_stencil(loss_at, size)), 0)
        if previous is not None and previous.disagreement(slope) < AGREEMENT:
            return previous  # the longer of two steps that agree has the smaller rounding error
        previous = slope
    return None


def _slope_step_by_step(rec: Recording, direction: _Direction) -> _Number:
    """Carry the disturbance forward, one differenced step after the other."""
    y = top_output(rec.network, rec.x, tuple(layer.tape for layer in rec.layers))
    d_loss = rec.loss_function(y)[1]
    total, exponent = _Number(0.0, 0), 0
    disturbance = direction.init
    for t in range(rec.steps):
        net = _of_step(rec.network, t)
        along = {n: _at_step(rec.network, n, w, t) for n, w in direction.params.items()}
        along = {name: shifted(weight, -exponent) for name, weight in along.items()}
        way = _Direction(along, disturbance)
        before = tuple(tuple(state[t] for state in layer.tape.states) for layer in rec.layers)
        x = rec.x[t : t + 1]

        def after(
            by: float,
            way: _Direction = way,
            net: Network = net,
            before: tuple[State, ...] = before,
            x: Array = x,
        ) -> Array:
            moved, start = way.moved(net, before, by)
            tapes = forward(moved, x, start)
            states = [state[1].ravel() for tape in tapes for state in tape.states]
            return np.concatenate([*states, top_output(moved, x, tapes).ravel()])

        largest = max(np.abs(state).max() for states in before for state in states)
        size = float(np.ldexp(_step_sizes(rec)[1], max(int(np.frexp(largest)[1]), 0)))  # h: 10^30
        slope = _stencil(after, size)
        total = total.plus(_Number(float(slope[-y[t].size :] @ d_loss[t].ravel()), exponent))
        grown = max(int(np.frexp(np.abs(slope).max())[1]), 0)
        exponent += grown
        disturbance = _like(before, shifted(slope, -grown))
    return total


def _of_step(net: Network, t: int) -> Network:
    """Return the net that takes step t alone: an untied one with that step's weights."""
    stack = tuple(
        params if params.is_tied else replace(params, weight_hh=params.weight_hh[t], is_tied=True)
        for params in net.stack
    )
    return replace(net, stack=stack)


def _at_step(net: Network, name: str, weight: Array, t: int) -> Array:
    is_untied = not net.stack[0].is_tied and name.startswith("weight_hh")
    return weight[t] if is_untied else weight


def _like(states: tuple[State, ...], flat: Array) -> tuple[State, ...]:
    """Cut a flat vector into states of these shapes."""
    found, start = [], 0
    for layer in states:
        parts = []
        for state in layer:
            parts.append(flat[start : start + state.size].reshape(state.shape))
            start += state.size
        found.append(tuple(parts))
    return tuple(found)


def _stencil(f: Callable[[float], Array], step: float) -> Array:
    slope = sum(weight * (f(k * step) - f(-k * step)) for k, weight in _STENCIL)
    return np.asarray(slope) / step
