"""Gradients at any magnitude: of states, step by step, and of weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.bptt import Adjoint, sweep
from rnn_core.cells import Params, StepMaps, Tape
from rnn_core.errors import ConfigError, quoted
from rnn_core.scaled import Scaled, log10_frobenius, shifted

FAR_BELOW: Final = 260.0
"""Decades below its vector's largest entry at which an entry is no longer resolved."""

_NO_LOSS_OF_BITS: Final = 2.0**-500


@dataclass(frozen=True)
class StateGradient:
    """dL/dh (and dL/dc) of some states: of every step, or of the one before the first.

    Attributes
    ----------
    values : "d_h" (and "d_c") with its mantissas and powers of two, (..., B, H).
    alive : which entries are linked to the loss at all, by name; entries are computed when asked.
    """

    values: Mapping[str, Scaled]
    structure: "Structure"

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
        value = self.scaled(name)
        size = np.abs(value.mantissa)
        largest = size.max(axis=-1, keepdims=True)
        marked = (size < largest * 10.0**-FAR_BELOW) & (largest > 0)
        is_zero = marked & (size == 0)
        if not is_zero.any():
            return marked
        lost_bits = (
            (size < largest * _NO_LOSS_OF_BITS) & (size > 0)
        ).any() or self.structure.is_bound
        if not lost_bits:
            return marked & ~is_zero
        return marked & ~(is_zero & ~self.structure.alive(name))

    def log10_norms(self, name: str) -> Array:
        """Return log10 of the norm over units, per sequence (..., B); -inf for an exact zero."""
        return self.scaled(name).log10_norms()

    def log10_norm(self, name: str) -> Array:
        """Return log10 of the Frobenius norm over batch and units (...), as PyTorch's `norm`.

        It follows the largest sequence; curves, bands and verdicts use `log10_norms`.
        """
        return log10_frobenius(self.log10_norms(name))


class Structure:
    """Which states the loss can reach at all: the sweep with every factor replaced by 0 or 1.

    It is needed only where a zero may be an underflow, and computed only then.
    """

    def __init__(
        self, maps: StepMaps, d_loss: Scaled, state_count: int, truncate: int | None, is_bound: bool
    ) -> None:
        self._maps, self._d_loss, self._truncate = maps, d_loss, truncate
        self._state_count = state_count
        self._part: slice | int = slice(1, None)
        self.is_bound = is_bound

    def before_first_step(self) -> "Structure":
        """Return the same for the state before the first step."""
        other = Structure(
            self._maps, self._d_loss, self._state_count, self._truncate, self.is_bound
        )
        other._part = 0
        return other

    def alive(self, name: str) -> BoolArray:
        """Return, entry by entry, whether a path to the loss exists."""
        return self._alive[name]

    @cached_property
    def _alive(self) -> dict[str, BoolArray]:
        maps = _Clipped(self._maps.indicator())
        reached = (self._d_loss.mantissa != 0).astype(np.float64)
        exponent = np.zeros_like(self._d_loss.exponent)
        adjoint = sweep(maps, Scaled(reached, exponent), self._state_count, truncate=self._truncate)
        values = adjoint.of_steps(maps) if self._part != 0 else adjoint.of_init()
        return {
            name: value.mantissa > 0 for name, value in zip(("d_h", "d_c"), values, strict=False)
        }


class _Clipped:
    """Step maps whose results are cut to 0 or 1: a number of paths becomes "there is one"."""

    def __init__(self, maps: StepMaps) -> None:
        self._maps = maps
        self.total = maps.total
        self.gate_gradients = maps.gate_gradients
        self.indicator = maps.indicator
        self.astype = maps.astype

    def vjp_step(
        self,
        t: int,
        d_state: tuple[Array, ...],
        terms: frozenset[str] | None = None,
        out: tuple[Array, ...] | None = None,
    ) -> tuple[Array, ...]:
        """Step back, then cut."""
        reached = self._maps.vjp_step(t, tuple(np.minimum(d, 1.0) for d in d_state), terms, out)
        for d in reached:
            np.minimum(d, 1.0, out=d)
        return reached


def state_gradients(
    adjoint: Adjoint, maps: StepMaps, structure: Structure
) -> tuple[StateGradient, StateGradient]:
    """Return the gradients after each step and before the first one."""
    steps = dict(zip(("d_h", "d_c"), adjoint.of_steps(maps), strict=False))
    init = dict(zip(("d_h", "d_c"), adjoint.of_init(), strict=False))
    return (
        StateGradient(MappingProxyType(steps), structure),
        StateGradient(MappingProxyType(init), structure.before_first_step()),
    )


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
class GateGradient:
    """dL/da and the gradient of the recurrent products, on one scale for the whole run.

    Attributes
    ----------
    d_a, d_recurrent : mantissas (T, ..., B, G*H).
    exponent : (T, ..., B).
    """

    d_a: Array
    d_recurrent: Array
    exponent: Array

    @classmethod
    def of(cls, adjoint: Adjoint, maps: StepMaps) -> "GateGradient":
        """Compute both from the gradients of the states."""
        after = tuple(state[1:] for state in adjoint.states)
        return cls(*maps.gate_gradients(after), exponent=adjoint.exponent[1:])

    def common_exponent(self) -> int:
        """Return the largest exponent of a step that is not 0."""
        counts = self.d_recurrent.any(axis=-1)
        return int(self.exponent[counts].max()) if counts.any() else 0


def weight_gradients(params: Params, tape: Tape, gate: GateGradient) -> dict[str, WeightGradient]:
    """Return the gradient of every parameter: sums over steps, one matrix product each.

    dL/dW_ih = sum_t d_a_t^T x_t and dL/dW_hh = sum_t d_recurrent_t^T h_{t-1}; biases likewise. An
    untied net has a weight_hh per step, and no sum.
    """
    common = gate.common_exponent()
    d_a, d_recurrent = (_on_scale(d, gate.exponent, common) for d in (gate.d_a, gate.d_recurrent))
    before = tape.states[0][:-1]
    found = {"weight_ih": _outer_sum(d_a, tape.x)}
    if params.is_tied:
        found["weight_hh"] = _outer_sum(d_recurrent, before)
    else:
        found["weight_hh"] = np.matmul(d_recurrent.mT, before)
    if params.bias_ih is not None:
        found["bias_ih"] = d_a.sum(axis=(0, -2))
    if params.bias_hh is not None:
        found["bias_hh"] = d_recurrent.sum(axis=(0, -2))
    return {name: WeightGradient(mantissa, common) for name, mantissa in found.items()}


def _on_scale(d: Array, exponent: Array, common: int) -> Array:
    difference = exponent - common
    return shifted(d, difference[..., None]) if difference.any() else d


def _outer_sum(d: Array, y: Array) -> Array:
    """Return sum over t and b of d_tb^T y_tb for (T, ..., B, G) and (T, ..., B, N)."""
    if y.ndim < d.ndim:
        y = y.reshape(y.shape[0], *(1,) * (d.ndim - y.ndim), *y.shape[1:])
    if d.ndim > 3:
        y = np.broadcast_to(y, (*d.shape[:-1], y.shape[-1]))
        d, y = (np.moveaxis(array, 0, -3) for array in (d, y))
    rows = d.reshape(*d.shape[:-3], -1, d.shape[-1])
    return rows.mT @ y.reshape(*y.shape[:-3], -1, y.shape[-1])
