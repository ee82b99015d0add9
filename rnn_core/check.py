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
from rnn_core.cells import Params, State
from rnn_core.errors import ConfigError
from rnn_core.recording import Recording
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
    ConfigError : "rec: expected ...", for a recording without steps, or with truncated BPTT: that
        gradient is not the slope of the loss, which is the point of truncation.
    """
    if not rec.layers or rec.overflow_left_nan:
        raise ConfigError("rec: expected a recording with gradients, got one that overflowed")
    if rec.truncate is not None:
        raise ConfigError(f"rec: expected full BPTT, got truncate={rec.truncate}")
    directions = [_Direction.drawn(rec, seed, k) for k in range(DIRECTIONS)]
    sizes = rec.layers[0].log10_norms("d_h")
    grows = bool(sizes[np.isfinite(sizes)].max(initial=0.0) > SHARPEST_GROWTH)
    measured = [] if grows else [_slope_of_whole_run(rec, d) for d in directions]
    method = "whole run"
    if grows or None in measured:
        measured = [_slope_step_by_step(rec, d) for d in directions]
        method = "step by step"
    errors = tuple(
        _along_gradient(rec, direction).disagreement(slope)
        for direction, slope in zip(directions, measured, strict=True)
        if slope is not None
    )
    return GradientCheck(errors, method)


@dataclass(frozen=True)
class _Direction:
    """A random direction in the space of all parameters and the initial state."""

    params: Params
    init: State

    @classmethod
    def drawn(cls, rec: Recording, seed: int, k: int) -> "_Direction":
        rng = stream(seed, Purpose.DIRECTIONS, k)
        layer = rec.layers[0]

        def random(array: Array) -> Array:
            drawn: Array = rng.normal(0.0, array.shape[-1] ** -0.5, array.shape)
            return drawn

        return cls(layer.params.mapped(random), tuple(random(s[0]) for s in layer.tape.states))

    def moved(self, params: Params, init: State, by: float) -> tuple[Params, State]:
        """Return parameters and state, moved along this direction."""
        steps = self.params.named()
        named = {name: array + by * steps[name] for name, array in params.named().items()}
        return (
            replace(params, **named),  # type: ignore[arg-type]
            tuple(state + by * step for state, step in zip(init, self.init, strict=True)),
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
    for name, along in direction.params.named().items():
        gradient = rec.weight_gradients[f"{name}_l0"]
        total = total.plus(_Number(float((gradient.mantissa * along).sum()), gradient.exponent))
    for value, along in zip(rec.d_init[0].values.values(), direction.init, strict=True):
        for b, exponent in enumerate(value.exponent):
            total = total.plus(_Number(float(value.mantissa[b] @ along[b]), int(exponent)))
    return total


def _step_sizes(rec: Recording) -> tuple[float, ...]:
    return _KINKED_STEPS if rec.network.activation == "relu" else _SMOOTH_STEPS


def _slope_of_whole_run(rec: Recording, direction: _Direction) -> _Number | None:
    """Difference the loss of the whole run; None where no two step sizes agree on the slope."""
    tape, cell = rec.layers[0].tape, rec.network.maps_of
    init = tuple(state[0] for state in tape.states)

    def loss_at(by: float) -> Array:
        params, start = direction.moved(rec.network.params, init, by)
        return np.array(rec.loss_function(cell.forward(params, tape.x, start).states[0][1:])[0])

    previous: _Number | None = None
    for size in _step_sizes(rec):
        slope = _Number(float(_stencil(loss_at, size)), 0)
        if previous is not None and previous.disagreement(slope) < AGREEMENT:
            return previous  # the longer of two steps that agree has the smaller rounding error
        previous = slope
    return None


def _slope_step_by_step(rec: Recording, direction: _Direction) -> _Number:
    """Carry the disturbance forward, one differenced step after the other."""
    tape, cell, params = rec.layers[0].tape, rec.network.maps_of, rec.network.params
    d_loss = rec.loss_function(tape.states[0][1:])[1]
    total, exponent = _Number(0.0, 0), 0
    disturbance = direction.init
    for t in range(rec.steps):
        here = replace(params, weight_hh=params.weight_hh_at(t), is_tied=True)
        along = replace(direction.params, weight_hh=direction.params.weight_hh_at(t), is_tied=True)
        along = along.mapped(lambda step, by=-exponent: shifted(step, by))  # type: ignore[misc]
        way = _Direction(along, disturbance)

        def states_at(by: float, way: _Direction = way, here: Params = here, t: int = t) -> Array:
            moved, start = way.moved(here, tuple(state[t] for state in tape.states), by)
            return np.stack([s[1] for s in cell.forward(moved, tape.x[t : t + 1], start).states])

        largest = max(np.abs(state[t]).max() for state in tape.states)
        size = _step_sizes(rec)[1] * 2.0 ** max(int(np.frexp(largest)[1]), 0)  # h may be 10^30
        disturbance = tuple(_stencil(states_at, size))
        total = total.plus(_Number(float((d_loss[t] * disturbance[0]).sum()), exponent))
        grown = int(np.frexp(max(np.abs(d).max() for d in disturbance))[1])
        if grown > 0:
            disturbance = tuple(np.ldexp(d, -grown) for d in disturbance)
            exponent += grown
    return total


def _stencil(f: Callable[[float], Array], step: float) -> Array:
    slope = sum(weight * (f(k * step) - f(-k * step)) for k, weight in _STENCIL)
    return np.asarray(slope) / step
