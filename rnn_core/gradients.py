"""Gradients at any magnitude: of states, step by step, and of weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray, read_only
from rnn_core.bptt import Adjoint
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
    reached : computes which entries have a path to the loss at all, by name.
    has_bounds : whether some slope is stored as its bound, too small for float64.
    """

    values: Mapping[str, Scaled]
    reached: Callable[[], dict[str, BoolArray]]
    has_bounds: bool

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
        marked: BoolArray = (size < largest * 10.0**-FAR_BELOW) & (largest > 0)
        is_zero = marked & (size == 0)
        if not is_zero.any():
            return marked
        has_lost_bits = bool(((size < largest * _NO_LOSS_OF_BITS) & (size > 0)).any())
        if has_lost_bits or self.has_bounds:  # a zero may be an underflow: follow the paths
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


@dataclass(frozen=True)
class Structure:
    """Which states the loss can reach at all: the sweep with every factor replaced by 0 or 1.

    It is needed only where a zero may be an underflow, and computed only then.

    Attributes
    ----------
    maps, d_loss, truncate : what the sweep was given.
    has_bounds : whether some slope is stored as its bound, too small for float64.
    """

    maps: StepMaps
    d_loss: Array
    truncate: int | None
    has_bounds: bool

    @cached_property
    def reached(self) -> tuple[BoolArray, ...]:
        """Which entries have a path to the loss, at all positions (T+1, ..., B, H)."""
        maps = self.maps.indicator()
        local = self.d_loss != 0
        steps = local.shape[0]
        count = 1 if maps.line_state != 1 else 2
        reached = tuple(np.zeros((steps + 1, *local.shape[1:]), dtype=bool) for _ in range(count))
        reached[0][steps] = local[-1]
        for t in range(steps - 1, -1, -1):
            if t and self.truncate and t % self.truncate == 0:
                paths: tuple[Array, ...] = ()
            else:
                paths = maps.vjp_step(t, tuple(r[t + 1].astype(np.float64) for r in reached))
            for flags, number in zip(reached, paths, strict=False):
                flags[t] = number > 0
            if t:
                reached[0][t] |= local[t - 1]
        return reached

    def of_steps(self) -> dict[str, BoolArray]:
        """Return the same for the total derivatives after each step, by name."""
        after = tuple(flags[1:].astype(np.float64) for flags in self.reached)
        return _by_name(tuple(d > 0 for d in self.maps.indicator().total(after)))

    def of_init(self) -> dict[str, BoolArray]:
        """Return the same for the state before the first step, by name."""
        return _by_name(tuple(flags[0] for flags in self.reached))


def _by_name(values: tuple[BoolArray, ...]) -> dict[str, BoolArray]:
    return dict(zip(("d_h", "d_c"), values, strict=False))


def state_gradients(
    adjoint: Adjoint, maps: StepMaps, structure: Structure
) -> tuple[StateGradient, StateGradient]:
    """Return the gradients after each step and before the first one."""
    steps = dict(zip(("d_h", "d_c"), adjoint.of_steps(maps), strict=False))
    init = dict(zip(("d_h", "d_c"), adjoint.of_init(), strict=False))
    return (
        StateGradient(MappingProxyType(steps), structure.of_steps, has_bounds=structure.has_bounds),
        StateGradient(MappingProxyType(init), structure.of_init, has_bounds=structure.has_bounds),
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
    exponent: IntArray

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


def _on_scale(d: Array, exponent: IntArray, common: int) -> Array:
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
