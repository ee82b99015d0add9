"""The one backward sweep: every cell, every loss, any number of adjoints side by side.

Position p holds the gradient of the state after p steps: p = T is where a last-step loss enters,
p = 0 is the initial state. Each step back is `vjp_step`, then the step's own loss is added.

Nothing underflows: a vector is a mantissa and a power of two. Blocks of steps run with one
exponent, unchecked; afterwards the whole block is looked at, and from the first position whose
size left the safe window the sweep runs again, rescaled. So the check costs one pass over
a block, and a single step may still shrink or grow by any factor that float64 can hold.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray
from rnn_core.cells.base import SkipInTime, State, StepMaps, Terms
from rnn_core.magnitudes import (
    NOTHING,
    WINDOWS,
    exponents,
    largest_entries,
    norm_exponents,
    size_exponents,
)
from rnn_core.scaled import Scaled, shifted

BLOCK: Final = 32
"""Steps between two looks at the sizes: long enough to be cheap, short enough to rerun."""


@dataclass(frozen=True)
class Adjoint:
    """Gradients of the states at all positions.

    Attributes
    ----------
    states : one mantissa array per state, (T+1, ..., B, H).
    exponent : (T+1, ..., B), shared by the states of a sequence.
    size : e with the norm or the largest entry of the mantissas in [2^(e-1), 2^e), (T+1, ..., B);
        NOTHING for a zero vector.
    """

    states: State
    exponent: IntArray
    size: IntArray

    def part(self, k: int) -> "Adjoint":
        """Return the k-th of several adjoints, side by side on the axis after time."""
        states = tuple(state[:, k] for state in self.states)
        return Adjoint(states, self.exponent[:, k], self.size[:, k])

    def of_steps(self, maps: StepMaps) -> list[Scaled]:
        """Return the total derivatives of h_t (and c_t) after each step, (T, ..., B, H)."""
        after = tuple(state[1:] for state in self.states)
        return [Scaled(state, self.exponent[1:]) for state in maps.total(after)]

    def at(self, position: int) -> tuple[Scaled, ...]:
        """Return the gradients of h (and c) after `position` steps, (..., B, H)."""
        return tuple(Scaled(state[position], self.exponent[position]) for state in self.states)


def sweep(
    maps: StepMaps,
    d_loss: Scaled,
    *,
    d_end: tuple[Scaled, ...] | None = None,
    truncate: int | None = None,
    skip: SkipInTime | None = None,
    terms: Terms | None = None,
) -> Adjoint:
    """Carry the gradient of a loss back through all steps.

    Parameters
    ----------
    d_loss : each step's own dl_t/dh_t, mantissa (T, ..., B, H); extra leading axes are
        adjoints that travel side by side. Broadcast against `d_end`, if there is one.
    d_end : what reaches the last state from outside, h (and c): a decoder's gradient, say.
    truncate : steps per block of truncated BPTT; nothing passes a block's first step.
    skip : the connection h_t + scale h_{t-s}, along which dL/dh goes back as well.
    terms : handed to `vjp_step`.
    """
    shape = d_loss.mantissa.shape[1:]
    if d_end is not None:
        shape = np.broadcast_shapes(shape, d_end[0].mantissa.shape)
    backward = _Sweep(maps, d_loss, shape, truncate, skip, terms)
    with np.errstate(all="ignore"):
        backward.run(d_end)
    return Adjoint(backward.states, backward.exponent, backward.size)


class _Sweep:
    """The running state of one sweep; `sweep` is its only user."""

    def __init__(
        self,
        maps: StepMaps,
        d_loss: Scaled,
        shape: tuple[int, ...],
        truncate: int | None,
        skip: SkipInTime | None,
        terms: Terms | None,
    ) -> None:
        steps = len(d_loss.mantissa)
        dtype = d_loss.mantissa.dtype
        self.maps, self.d_loss, self.terms = maps, d_loss, terms
        self.skip = skip if skip is not None and skip.scale else None
        self.scale, self.scale_exponent = math.frexp(skip.scale) if skip is not None else (0.0, 0)
        self.steps = steps
        self.states: State = tuple(
            np.empty((steps + 1, *shape), dtype) for _ in range(maps.state_count)
        )
        self.views = list(zip(*self.states, strict=True))
        self.exponent: IntArray = np.zeros((steps + 1, *shape[:-1]), dtype=np.int64)
        self.size: IntArray = np.full((steps + 1, *shape[:-1]), NOTHING)
        self.work = maps.workspace(self.states[0][0])
        self.window = WINDOWS[dtype]
        with_loss: BoolArray = np.any(d_loss.mantissa.reshape(steps, -1) != 0, axis=1)
        self.has_loss = [bool(flag) for flag in with_loss]
        self.loss_size: IntArray = np.full((steps, *shape[:-1]), NOTHING)
        if with_loss.any():
            first, last = np.flatnonzero(with_loss)[[0, -1]]
            rows = slice(int(first), int(last) + 1)
            with np.errstate(all="ignore"):
                sizes = norm_exponents(d_loss.mantissa[rows])
            if sizes is None:  # a zero vector, or a square that leaves the type
                sizes = size_exponents(d_loss.mantissa[rows])
            self.loss_size[rows] = np.maximum(sizes + d_loss.exponent[rows], NOTHING)
        self.borders = frozenset(range(truncate, steps, truncate)) if truncate else frozenset()

    def run(self, d_end: tuple[Scaled, ...] | None) -> None:
        """Fill all positions, from the last to the first."""
        self._start(d_end)
        position = self.steps
        while position > 0:
            self._rescale(position, self.window.rescale)
            end = max(position - BLOCK, 0)
            self.exponent[end:position] = self.exponent[position]
            if self._is_plain(end, position):
                self.maps.vjp_steps(end, position, self.views, self.work)
            else:
                own = self._own_losses(position, end)
                for p in range(position - 1, end - 1, -1):
                    self._step_to(p)
                    if p and self.has_loss[p - 1]:
                        self.views[p][0][...] += own[p - end]
            trusted = self._trusted(position, end)
            position = trusted if trusted < position else self._careful_step(position)

    def _start(self, d_end: tuple[Scaled, ...] | None) -> None:
        last = self.steps
        for k, state in enumerate(self.states):
            state[last] = 0.0 if d_end is None else d_end[k].mantissa
        if d_end is not None:
            self.exponent[last] = d_end[0].exponent
        self.size[last] = size_exponents(*self.views[last])
        self._add_loss(last)
        self.size[last] = size_exponents(*self.views[last])

    def _is_plain(self, end: int, position: int) -> bool:
        """Tell whether nothing enters, leaves or jumps between these positions."""
        if self.terms is not None or self.skip is not None:
            return False
        if any(self.has_loss[max(end - 1, 0) : position - 1]):
            return False
        return not any(end <= border < position for border in self.borders)

    def _step_to(self, p: int) -> None:
        before = self.views[p]
        if p in self.borders:
            for state in before:
                state[...] = 0.0
        else:
            self.maps.vjp_step(p, self.views[p + 1], self.terms, before, None, self.work)
        if self._has_skip(p):
            assert self.skip is not None  # noqa: S101 - for the types
            later = p + self.skip.steps
            by = self.exponent[later] - self.exponent[p] + self.scale_exponent
            before[0][...] += shifted(self.scale * self.states[0][later], by[..., None])

    def _has_skip(self, p: int) -> bool:
        """Tell whether h after p steps is read again `skip.steps` later, in the same block."""
        if self.skip is None or p + self.skip.steps > self.steps:
            return False
        return not any(p <= border < p + self.skip.steps for border in self.borders)

    def _own_losses(self, position: int, end: int) -> Array:
        """Return dl/dh of the steps before positions end to position - 1, on the block's scale."""
        first = max(end - 1, 0)
        rows = slice(first, position - 1)
        local = self.d_loss.mantissa[rows]
        if not any(self.has_loss[rows]):
            return local
        by = self.d_loss.exponent[rows] - self.exponent[position]
        local = shifted(local, by[..., None]) if by.any() else local
        return local if end else np.concatenate([local[:1], local])  # position 0 has no step before

    def _loss_sizes(self, position: int, end: int) -> IntArray:
        """Return the sizes of the losses that enter at positions end to position - 1."""
        sizes = self.loss_size[max(end - 1, 0) : position - 1]
        if end:
            return sizes
        return np.concatenate([np.full_like(self.size[:1], NOTHING), sizes])

    def _add_loss(self, p: int) -> None:
        """Add dl/dh of the step before position p, at whatever scale keeps the larger one."""
        if p == 0 or not self.has_loss[p - 1]:
            return
        self._make_room(p, self.loss_size[p - 1])
        by: IntArray = self.d_loss.exponent[p - 1] - self.exponent[p]
        self.views[p][0][...] += shifted(self.d_loss.mantissa[p - 1], by[..., None])

    def _make_room(self, p: int, size: IntArray) -> None:
        """Give position p a scale on which something of `size` can be added to it."""
        own: IntArray = self.exponent[p]
        behind: BoolArray = size - own > self.window.reach
        behind |= (size > NOTHING // 2) & (largest_entries(*self.views[p]) == 0)
        if behind.any():
            self._move(p, np.where(behind, size - own, 0))

    def _move(self, p: int, by: IntArray) -> None:
        """Write the vectors at p with an exponent that is larger by `by`."""
        for state in self.views[p]:
            state[...] = shifted(state, -by[..., None])
        self.exponent[p] += by
        self.size[p] = np.where(self.size[p] > NOTHING // 2, self.size[p] - by, NOTHING)

    def _rescale(self, p: int, limit: int) -> None:
        size = self.size[p]
        outside = (np.abs(size) > limit) & (size > NOTHING // 2)
        if outside.any():
            self._move(p, np.where(outside, size, 0))

    def _trusted(self, position: int, end: int) -> int:
        """Return the lowest position down to which this block's numbers are exact."""
        block = tuple(state[end:position] for state in self.states)
        by_norm = norm_exponents(*block)
        if by_norm is not None:
            self.size[end:position] = by_norm
            if np.abs(by_norm).max(initial=0) <= self.window.trust:
                return end
        largest = largest_entries(*block)
        size = exponents(largest)
        self.size[end:position] = size
        fits: BoolArray = np.isfinite(largest) & (np.abs(size) <= self.window.trust)
        is_zero: BoolArray = np.equal(size, NOTHING)
        if is_zero.any():
            above = np.concatenate([is_zero[1:], self.size[position][None] == NOTHING])
            fits |= is_zero & above  # a new zero may be an underflow: look at it by itself
            for p in self.borders:
                if end <= p < position:
                    fits[p - end] |= is_zero[p - end]
            entered = is_zero & (self._loss_sizes(position, end) > NOTHING // 2)
            fits &= ~entered  # a loss was lost on the scale of what came before the zero
        good = fits.reshape(position - end, -1).all(axis=1)
        bad = np.flatnonzero(~good)
        return end + int(bad[-1]) + 1 if bad.size else end

    def _careful_step(self, position: int) -> int:
        """Step once where a step is large: try the middle of the range, then its far side."""
        before = position - 1
        middle = self.size[position]
        self._move(position, np.where(middle > NOTHING // 2, middle, 0))
        self._single(position)
        finite = np.isfinite(largest_entries(*self.views[before]))
        size = size_exponents(*self.views[before])
        small = finite & (size < -self.window.trust)
        large = ~finite | (size > self.window.trust)
        aside = np.where(small, -self.window.reach, np.where(large, self.window.reach, 0))
        if aside.any():
            self._move(position, aside)
            self._single(position)
            # what was 0 because parts beyond float64 would cancel: the middle had it right
            undone = small & ~np.isfinite(largest_entries(*self.views[before]))
            if undone.any():
                self._move(position, np.where(undone, self.window.reach, 0))
                self._single(position)
        self.size[before] = size_exponents(*self.views[before])
        self._rescale(before, 0)
        return before

    def _single(self, position: int) -> None:
        p = position - 1
        by = self._room_for_skip(position)
        if not by.any():
            self.exponent[p] = self.exponent[position]
            self._step_to(p)
        else:  # on the scale of what arrives the position itself may be too small to be kept
            kept = [state.copy() for state in self.views[position]]
            exponent, size = self.exponent[position].copy(), self.size[position].copy()
            self._move(position, by)
            self.exponent[p] = self.exponent[position]
            self._step_to(p)
            for state, own in zip(self.views[position], kept, strict=True):
                state[...] = own
            self.exponent[position], self.size[position] = exponent, size
        self._add_loss(p)

    def _room_for_skip(self, position: int) -> IntArray:
        """Return by how much the exponent must change for what the connection in time brings."""
        own: IntArray = self.exponent[position]
        if self.skip is None or not self._has_skip(position - 1):
            return np.zeros_like(own)
        later = position - 1 + self.skip.steps
        arriving: IntArray = self.size[later] + self.exponent[later] + self.scale_exponent
        is_zero = self.size[position] == NOTHING  # a zero vector has no scale of its own
        needed: BoolArray = is_zero & (self.size[later] > NOTHING // 2)
        needed |= arriving - own > self.window.reach
        return np.where(needed, arriving - own, 0)
