"""The one backward sweep: every cell, every loss, any number of adjoints side by side.

Position p holds the gradient of the state after p steps: p = T is where a last-step loss enters,
p = 0 is the initial state. Each step back is `vjp_step`, then the step's own loss is added.

Nothing underflows: a vector is a mantissa and a power of two. Blocks of steps run with one
exponent, unchecked; afterwards the whole block is looked at, and from the first position whose
size left the safe window the sweep runs again, rescaled. So the check costs one pass over
a block, and a single step may still shrink or grow by any factor that float64 can hold.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray
from rnn_core.cells.base import State, StepMaps, Terms
from rnn_core.scaled import Scaled, shifted

BLOCK: Final = 32
"""Steps between two looks at the sizes: long enough to be cheap, short enough to rerun."""

NOTHING: Final = -(2**40)
"""The exponent of a zero vector: smaller than that of any other."""


class Window(NamedTuple):
    """Powers of two between which mantissas are kept, for one float type."""

    rescale: int
    """A block starts with magnitudes in [2^-rescale, 2^rescale]."""
    trust: int
    """A position is trusted when its largest magnitude is in [2^-trust, 2^trust]."""
    reach: int
    """Where a vector is put before a step known to leave the window."""


WINDOWS: Final = {
    np.dtype(np.float64): Window(200, 500, 400),
    np.dtype(np.float32): Window(20, 60, 50),
}


@dataclass(frozen=True)
class Adjoint:
    """Gradients of the states at all positions.

    Attributes
    ----------
    states : one mantissa array per state, (T+1, ..., B, H).
    exponent : (T+1, ..., B), shared by the states of a sequence.
    """

    states: State
    exponent: IntArray

    def of_steps(self, maps: StepMaps) -> list[Scaled]:
        """Return the total derivatives of h_t (and c_t) after each step, (T, ..., B, H)."""
        after = tuple(state[1:] for state in self.states)
        return [Scaled(state, self.exponent[1:]) for state in maps.total(after)]

    def part(self, k: int) -> "Adjoint":
        """Return the k-th of several adjoints, side by side on the axis after time."""
        return Adjoint(tuple(state[:, k] for state in self.states), self.exponent[:, k])

    def of_init(self) -> list[Scaled]:
        """Return the gradients of h (and c) before the first step, (..., B, H)."""
        return [Scaled(state[0], self.exponent[0]) for state in self.states]


def sweep(
    maps: StepMaps,
    d_loss: Scaled,
    *,
    truncate: int | None = None,
    terms: Terms | None = None,
) -> Adjoint:
    """Carry the gradient of a loss back through all steps.

    Parameters
    ----------
    d_loss : each step's own dl_t/dh_t, mantissa (T, ..., B, H); extra leading axes are
        adjoints that travel side by side.
    truncate : steps per block of truncated BPTT; nothing passes a block's first step.
    terms : handed to `vjp_step`.
    """
    backward = _Sweep(maps, d_loss, truncate, terms)
    with np.errstate(all="ignore"):
        backward.run()
    return Adjoint(backward.states, backward.exponent)


def size_exponents(*arrays: Array) -> IntArray:
    """Return e with the largest magnitude of the last axis in [2^(e-1), 2^e); NOTHING for 0."""
    largest = _largest(arrays)
    exponent: IntArray = np.frexp(largest)[1].astype(np.int64)
    return np.where(largest > 0, exponent, NOTHING)


def _largest(arrays: tuple[Array, ...]) -> Array:
    sizes: list[Array] = [np.maximum(a.max(axis=-1), -a.min(axis=-1)) for a in arrays]
    return sizes[0] if len(sizes) == 1 else np.maximum(sizes[0], sizes[1])


class _Sweep:
    """The running state of one sweep; `sweep` is its only user."""

    def __init__(
        self,
        maps: StepMaps,
        d_loss: Scaled,
        truncate: int | None,
        terms: Terms | None,
    ) -> None:
        steps, *shape = d_loss.mantissa.shape
        dtype = d_loss.mantissa.dtype
        self.maps, self.d_loss, self.terms = maps, d_loss, terms
        self.steps = steps
        self.states: State = tuple(
            np.empty((steps + 1, *shape), dtype=dtype)
            for _ in range(2 if maps.line_state == 1 else 1)
        )
        self.exponent: IntArray = np.zeros((steps + 1, *shape[:-1]), dtype=np.int64)
        self.window = WINDOWS[dtype]
        self.has_loss = d_loss.mantissa.reshape(steps, -1).any(axis=1).tolist()
        self.borders = frozenset(range(truncate, steps, truncate)) if truncate else frozenset()

    def run(self) -> None:
        for state in self.states:
            state[self.steps] = 0.0
        self._add_loss(self.steps)
        position = self.steps
        while position > 0:
            self._rescale(position, self.window.rescale)
            end = max(position - BLOCK, 0)
            for p in range(position - 1, end - 1, -1):
                self._step_to(p)
            trusted = self._trusted(position, end)
            if trusted == position:
                self._careful_step(position)
                trusted = position - 1
            position = trusted

    def _at(self, p: int) -> State:
        return tuple(state[p] for state in self.states)

    def _step_to(self, p: int) -> None:
        before = self._at(p)
        if p in self.borders:
            for state in before:
                state[...] = 0.0
        else:
            self.maps.vjp_step(p, self._at(p + 1), self.terms, before)
        self.exponent[p] = self.exponent[p + 1]
        self._add_loss(p)

    def _add_loss(self, p: int) -> None:
        """Add dl/dh of the step before position p, at whatever scale keeps the larger one."""
        if p == 0 or not self.has_loss[p - 1]:
            return
        local, own = self.d_loss.mantissa[p - 1], self.d_loss.exponent[p - 1]
        size = size_exponents(local) + own
        behind: BoolArray = size - self.exponent[p] > self.window.reach
        behind |= (size > NOTHING // 2) & (_largest(self._at(p)) == 0)
        if behind.any():
            self._move(p, np.where(behind, size - self.exponent[p], 0))
        self.states[0][p] += shifted(local, (own - self.exponent[p])[..., None])

    def _move(self, p: int, by: IntArray) -> None:
        """Write the vectors at p with an exponent that is larger by `by`."""
        for state in self._at(p):
            state[...] = shifted(state, -by[..., None])
        self.exponent[p] += by

    def _rescale(self, p: int, limit: int) -> None:
        size = size_exponents(*self._at(p))
        outside = (np.abs(size) > limit) & (size > NOTHING // 2)
        if outside.any():
            self._move(p, np.where(outside, size, 0))

    def _trusted(self, position: int, end: int) -> int:
        """Return the lowest position down to which this block's numbers are exact."""
        states = tuple(state[end : position + 1] for state in self.states)
        size = size_exponents(*states)
        finite = np.isfinite(_largest(states))
        fits = finite & (np.abs(size) <= self.window.trust)
        is_zero: BoolArray = size == NOTHING
        was_zero = np.concatenate([is_zero[1:], is_zero[-1:]])
        fits |= is_zero & was_zero  # a new zero may be an underflow: look at it by itself
        wrong: BoolArray = ~fits[:-1].reshape(position - end, -1).all(axis=1)
        for p in self.borders:
            if end <= p < position:
                wrong[p - end] &= not is_zero[p - end].all()
        bad = np.flatnonzero(wrong)
        return end + int(bad[-1]) + 1 if bad.size else end

    def _careful_step(self, position: int) -> None:
        """Step once where a step is large: try the middle of the range, then its far side."""
        middle = size_exponents(*self._at(position))
        self._move(position, np.where(middle > NOTHING // 2, middle, 0))
        self._step_to(position - 1)
        size = size_exponents(*self._at(position - 1))
        finite = np.isfinite(_largest(self._at(position - 1)))
        small = finite & (size < -self.window.trust)
        large = ~finite | (size > self.window.trust)
        aside = np.where(small, -self.window.reach, np.where(large, self.window.reach, 0))
        if aside.any():
            self._move(position, aside)
            self._step_to(position - 1)
        self._rescale(position - 1, 0)
