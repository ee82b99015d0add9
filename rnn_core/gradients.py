"""Gradients at any magnitude: of states, step by step, and of weights."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray, all_finite, read_only
from rnn_core.bptt import Adjoint
from rnn_core.cells import Cell, Params, StepMaps, Tape
from rnn_core.cells.base import product
from rnn_core.errors import ConfigError, quoted
from rnn_core.magnitudes import NOTHING
from rnn_core.scaled import Scaled, log10_frobenius, shifted
from rnn_core.structure import Structure

FAR_BELOW: Final = 260.0
"""Decades below its vector's largest entry at which an entry is no longer resolved."""

FAR_DOWN: Final = 700
"""Powers of two by which a gradient is lowered where a factor of a step is near 10^300."""

_NO_LOSS_OF_BITS: Final = 2.0**-500

_SAFE_POWERS: Final = 450.0
"""Powers of two between a step's factors that an entry within 2^500 of the largest survives."""


@dataclass(frozen=True)
class StateGradient:
    """dL/dh (and dL/dc) of some states: of every step, or of the one before the first.

    Attributes
    ----------
    values : "d_h" (and "d_c") with its mantissas and powers of two, (..., B, H).
    reached : computes which entries have a path to the loss at all, by name.
    may_underflow : tells whether a zero somewhere in the sweep may be an underflow.
    """

    values: Mapping[str, Scaled]
    reached: Callable[[], dict[str, BoolArray]]
    may_underflow: Callable[[], bool]

    def reversed_in_time(self) -> "StateGradient":
        """Return the same with the steps in the opposite order."""
        values = {n: Scaled(v.mantissa[::-1], v.exponent[::-1]) for n, v in self.values.items()}

        def reached() -> dict[str, BoolArray]:
            return {name: flags[::-1] for name, flags in self.reached().items()}

        return StateGradient(MappingProxyType(values), reached, self.may_underflow)

    def scaled(self, name: str) -> Scaled:
        """Return a gradient as mantissa and power of two.

        Raises
        ------
        ConfigError : "name: expected one of d_h, d_c, got ...".
        """
        if name not in self.values:
            names = ", ".join(self.values)
            raise ConfigError(f"name: expected one of {names}, got {quoted(name)}")
        return self.values[name]

    @cached_property
    def _floats(self) -> dict[str, Array]:
        return {name: read_only(value.to_float()) for name, value in self.values.items()}

    @property
    def d_h(self) -> Array:
        """dL/dh in float64: 0 and inf where float64 ends."""
        return self._floats["d_h"]

    @property
    def d_c(self) -> Array:
        """dL/dc in float64, of an LSTM; the total derivative after a step."""
        self.scaled("d_c")
        return self._floats["d_c"]

    def log10_abs(self, name: str) -> Array:
        """Return log10 of every entry's magnitude; -inf only for an exact zero.

        An entry more than 260 decades below the largest of its vector may have lost its digits:
        it reads as that bound, and `is_far_below` marks it.
        """
        value = self.scaled(name)
        logs = value.log10_abs()
        far_below = self.is_far_below(name)
        if far_below.any():
            bound = logs.max(axis=-1, keepdims=True) - FAR_BELOW
            logs = np.where(far_below, bound, logs)
        return logs

    def is_far_below(self, name: str) -> BoolArray:
        """Mark entries more than 260 decades below the largest entry of their vector."""
        size = np.abs(self.scaled(name).mantissa)
        largest = size.max(axis=-1, keepdims=True)
        ratio = size / np.where(largest > 0, largest, 1.0)
        marked: BoolArray = (ratio < 10.0**-FAR_BELOW) & (largest > 0)
        is_zero = marked & (size == 0)
        if not is_zero.any():
            return marked
        if self.may_underflow():  # then follow the paths
            is_zero &= ~self.reached()[name]
        resolved: BoolArray = marked & ~is_zero
        return resolved

    def log10_norms(self, name: str) -> Array:
        """Return log10 of the norm over units, per sequence (..., B); -inf for an exact zero."""
        return self.scaled(name).log10_norms()

    def log10_norm(self, name: str) -> Array:
        """Return log10 of the Frobenius norm over batch and units (...), as PyTorch's `norm`.

        It follows the largest sequence; curves, bands and verdicts use `log10_norms`.
        """
        return log10_frobenius(self.log10_norms(name))


def state_gradients(
    adjoint: Adjoint, maps: StepMaps, structure: Structure, has_bounds: Callable[[], bool]
) -> tuple[StateGradient, StateGradient]:
    """Return the gradients after each step and before the first one.

    `has_bounds` tells whether some slope is stored as its bound, too small for float64, or whether
    something was lost where it entered.
    """

    @cache
    def may_underflow() -> bool:
        lost = has_bounds() or any(_has_lost_bits(state) for state in adjoint.states)
        return lost or _are_far_apart(maps)

    steps = dict(zip(("d_h", "d_c"), adjoint.of_steps(maps), strict=False))
    init = dict(zip(("d_h", "d_c"), adjoint.at(0), strict=False))
    return (
        StateGradient(MappingProxyType(steps), structure.of_steps, may_underflow),
        StateGradient(MappingProxyType(init), structure.of_init, may_underflow),
    )


def _has_lost_bits(state: Array) -> bool:
    """Tell whether some entry is so far below its vector's largest that the next may be 0."""
    size = np.abs(state)
    largest = size.max(axis=-1, keepdims=True)
    ratio = size / np.where(largest > 0, largest, 1.0)
    return bool(((ratio < _NO_LOSS_OF_BITS) & (ratio > 0)).any())


def _are_far_apart(maps: StepMaps) -> bool:
    """Tell whether the factors of one step may lose an entry that was there in full before it."""
    powers = 0.0

    def look(factor: Array) -> Array:
        nonlocal powers
        size = np.abs(factor)
        least, most = size.min(initial=np.inf, where=size > 0), size.max(initial=0.0)
        if 0.0 < most < np.inf:
            powers += float(np.log2(most) - np.log2(least))
        return factor

    maps.mapped(look)
    return powers > _SAFE_POWERS


@dataclass(frozen=True)
class WeightGradient:
    """The gradient of one parameter, mantissa * 2^exponent with one exponent for all of it."""

    mantissa: Array
    exponent: int

    def to_float(self) -> Array:
        """Return the plain values, 0 and inf where float64 ends."""
        return shifted(self.mantissa, self.exponent) if self.exponent else self.mantissa

    def log10_norm(self) -> float:
        """Return log10 of the Frobenius norm, exact at any size."""
        flat = Scaled(self.mantissa.reshape(1, -1), np.array([self.exponent], dtype=np.int64))
        return float(flat.log10_norms()[0])


@dataclass(frozen=True)
class GateFlow:
    """Gradients where the weights enter, computed a chunk of steps at a time and not kept.

    Attributes
    ----------
    maps, tape, adjoint : what they follow from.
    """

    maps: StepMaps
    tape: Tape
    adjoint: Adjoint

    def rows(self, steps: slice, down: int = 0) -> Array:
        """Return mantissas of dL/d(products) of some steps over 2^down, (n, ..., B, K)."""
        after = tuple(state[1:][steps] for state in self.adjoint.states)
        if down:
            after = tuple(shifted(state, -down) for state in after)
        return self.maps.rows(steps, after)

    def chunks(self, down: int = 0) -> Iterator[tuple[slice, Array, IntArray]]:
        """Yield pieces of the run: which steps, mantissas (n, ..., B, K), exponents (n, ..., B)."""
        for steps in self.tape.chunks():
            yield steps, self.rows(steps, down), self.adjoint.exponent[1:][steps]

    def in_gate_order(self) -> Scaled:
        """Return dL/da of all steps, (T, ..., B, G*H)."""
        rows = self.maps.gate_order(self.rows(slice(None)))
        return Scaled(rows, self.adjoint.exponent[1:])

    def common_exponent(self) -> int:
        """Return the largest exponent of a gradient that is not 0."""
        exponent = self.adjoint.exponent[1:][self.adjoint.size[1:] != NOTHING]
        return int(exponent.max()) if exponent.size else 0

    def into_inputs(self, params: Params) -> Scaled:
        """Return dL/dx of all steps, (T, ..., B, D)."""
        exponent = self.adjoint.exponent[1:]
        d_x = np.empty((*exponent.shape, params.input_size), dtype=self.tape.joined.dtype)
        for steps, rows, _ in self.chunks():
            product(self.maps.gate_order(rows), params.weight_ih, d_x[steps])
        return Scaled(d_x, exponent)


def weight_gradients(cell: Cell, params: Params, flow: GateFlow) -> dict[str, WeightGradient]:
    """Return the gradient of every parameter: sums over steps, as one matrix product.

    dL/d[W_hh | W_ih | b] = sum_t d_t^T [h_{t-1}; x_t; 1]. An untied net has a weight_hh per step,
    and no sum there.
    """
    with np.errstate(all="ignore"):
        gradient, exponent = _summed(params, flow, 0, 0)
        named = cell.split(params, gradient)
        if not all(all_finite(part) for part in named.values()):
            # states near the end of float64: both factors scaled down
            largest = float(np.abs(flow.tape.joined[:-1]).max())
            gradient, exponent = _summed(params, flow, int(np.frexp(largest)[1]), FAR_DOWN)
            named = cell.split(params, gradient)
    return {name: WeightGradient(mantissa, exponent) for name, mantissa in named.items()}


def _summed(params: Params, flow: "GateFlow", of_joined: int, of_rows: int) -> tuple[Array, int]:
    """Return the gradient of the joined weights, with its factors divided by these powers of 2."""
    common = flow.common_exponent()
    joined = shifted(flow.tape.joined, -of_joined) if of_joined else flow.tape.joined
    total: Array | None = None
    untied: list[Array] = []
    for steps, rows, exponent in flow.chunks(down=of_rows):
        by = exponent - common
        d = shifted(rows, by[..., None]) if by.any() else rows
        if params.is_tied:
            part = _outer_sum(d, joined[steps])
            total = part if total is None else np.add(total, part, out=total)
        else:
            untied.append(np.matmul(d.mT, joined[steps]))
    gradient = np.concatenate(untied) if total is None else total
    return gradient, common + of_joined + of_rows


def _outer_sum(d: Array, y: Array) -> Array:
    """Return sum over t and b of d_tb^T y_tb for (T, ..., B, K) and (T, ..., B, J)."""
    if d.ndim > 3:
        d, y = (np.moveaxis(array, 0, -3) for array in (d, y))
    rows = d.reshape(*d.shape[:-3], -1, d.shape[-1])
    return rows.mT @ y.reshape(*y.shape[:-3], -1, y.shape[-1])
