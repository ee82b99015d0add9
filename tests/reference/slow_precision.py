"""What float16, bfloat16 or float32 leaves of a gradient: "range only", one step at a time.

The forward pass is float64. W_hh and every vector that a backward pass writes to memory are rounded
to the precision: the adjoints that go from step to step, and within a step the gradients of the
pre-activations. What lies between two such vectors (slopes, gates, products, sums) is float32.

The rounding within the step matters: it is what keeps noise alive among the subnormal numbers. A
tanh net of scale 1.5 (H = 64, T = 1000, 8 sequences, three seeds) loses its float16 gradient at
lags 85, 106, 83 and never reaches 0; PyTorch, all in float16: 86, 104, 83, never 0. Rounded once
per step it would read 90, 109, 88, and 0 from lag 132, 186, 167 on.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tests.reference.slow_bptt import slow_bptt
from tests.reference.slow_rnn import Step, backward_step, forward_steps, read_layer

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array, StateDict


class Format(NamedTuple):
    """A binary floating-point format with gradual underflow.

    `digits` of the significand with its leading 1; `lowest` is log2 of the smallest positive
    number; `largest` the largest finite one.
    """

    digits: int
    lowest: int
    largest: float

    @property
    def smallest_normal(self) -> float:
        """The smallest number with all digits."""
        return math.ldexp(1.0, self.lowest + self.digits - 1)


FORMATS = {
    "float16": Format(11, -24, (2 - 2.0**-10) * 2.0**15),
    "bfloat16": Format(8, -133, (2 - 2.0**-7) * 2.0**127),
    "float32": Format(24, -149, (2 - 2.0**-23) * 2.0**127),
}


def round_to(value: float, precision: str) -> float:
    """Round to the nearest number of the format, ties to the even one, too large ones to inf."""
    form = FORMATS[precision]
    if value == 0 or not math.isfinite(value):
        return value
    _, exponent = math.frexp(value)
    unit = max(exponent - form.digits, form.lowest)
    rounded = math.ldexp(round(math.ldexp(value, -unit)), unit)
    if abs(rounded) > form.largest:
        rounded = math.inf
    return math.copysign(rounded, value)


def rounded(array: Array, precision: str) -> Array:
    """Round every entry; the result is float32, which holds all three formats exactly."""
    flat = [round_to(float(entry), precision) for entry in np.ravel(array)]
    return np.array(flat, dtype=np.float32).reshape(np.shape(array))


def in_float32(step: Step) -> Step:
    """Hand a step's float64 forward values to float32 arithmetic."""

    def cast(array: Array | None) -> Array | None:
        return None if array is None else array.astype(np.float32)

    return dataclasses.replace(
        step,
        h_before=step.h_before.astype(np.float32),
        c_before=cast(step.c_before),
        gates={name: gate.astype(np.float32) for name, gate in step.gates.items()},
        slopes={name: slope.astype(np.float32) for name, slope in step.slopes.items()},
        h_product=cast(step.h_product),
    )


class SlowPrecision(NamedTuple):
    """The gradient in low precision, d_h (T, B, H) with the loss scale divided out, and its lags.

    relative_error (T, B): |d_h - exact| / |exact| over the units; inf where d_h is not finite, nan
    where the exact gradient is 0.
    lost : the first lag where the median over sequences exceeds 0.5.
    first_subnormal, first_not_finite : the first lag where any entry of any sequence is such.
    first_all_zero : the first lag where every entry of every sequence is 0.
    Each lag is None where it does not occur.
    """

    d_h: Array
    relative_error: Array
    lost: int | None
    first_subnormal: int | None
    first_all_zero: int | None
    first_not_finite: int | None


def first_lag(happens: list[bool]) -> int | None:
    """Return the lag of the last step at which something happens; the list is by step."""
    steps = [t for t, does in enumerate(happens) if does]
    return len(happens) - 1 - steps[-1] if steps else None


def relative_errors(low: Array, exact: Array) -> Array:
    """Compare per step and sequence."""
    steps, batch, _ = low.shape
    errors = np.empty((steps, batch))
    for t in range(steps):
        for b in range(batch):
            scale = float(np.max(np.abs(exact[t, b])))
            if scale == 0:
                errors[t, b] = math.nan
            elif not np.all(np.isfinite(low[t, b])):
                errors[t, b] = math.inf
            else:
                off = np.linalg.norm(low[t, b] / scale - exact[t, b] / scale)
                errors[t, b] = off / np.linalg.norm(exact[t, b] / scale)
    return errors


def is_lost(errors: Array) -> bool:
    """Tell whether the median of one step's errors, over sequences with a gradient, exceeds 0.5."""
    known = [float(error) for error in errors if not math.isnan(error)]
    return bool(known) and statistics.median(known) > 0.5


def slow_range_only(
    state: StateDict,
    x: Array,
    d_loss_dh: Array,
    precision: str,
    *,
    cell: str = "rnn",
    activation: str = "tanh",
    reset: str = "after",
    h_init: Array | None = None,
    c_init: Array | None = None,
    loss_scale: int = 0,
) -> SlowPrecision:
    """Carry dL/dh_t back in `precision` and compare with float64; the loss times 2^loss_scale."""
    exact = slow_bptt(
        state,
        x,
        d_loss_dh,
        cell=cell,
        activation=activation,
        reset=reset,
        h_init=h_init,
        c_init=c_init,
    )
    layer = read_layer(state, cell, activation, reset, "l0")
    tape = forward_steps(layer, x, h_init, c_init)
    low = dataclasses.replace(layer, weight_hh=rounded(layer.weight_hh, precision))
    steps, batch, hidden = exact.h.shape
    held = np.zeros((steps, batch, hidden))

    def store(vector: Array) -> Array:
        return rounded(vector, precision)

    with np.errstate(over="ignore", invalid="ignore"):
        for b in range(batch):
            carried_h: Array = np.zeros(hidden, dtype=np.float32)
            carried_c: Array | None = np.zeros(hidden, dtype=np.float32)
            for t in reversed(range(steps)):
                own = store(np.ldexp(d_loss_dh[t, b], loss_scale))
                d_h = store(own + carried_h)
                held[t, b] = d_h
                back = backward_step(low, in_float32(tape[t][b]), d_h, carried_c, store)
                carried_h, carried_c = back.d_h_before, back.d_c_before

    tiny = FORMATS[precision].smallest_normal
    d_h_low = np.ldexp(held, -loss_scale)
    errors = relative_errors(d_h_low, exact.d_h)
    return SlowPrecision(
        d_h=d_h_low,
        relative_error=errors,
        lost=first_lag([is_lost(step) for step in errors]),
        first_subnormal=first_lag([bool(np.any((s != 0) & (np.abs(s) < tiny))) for s in held]),
        first_all_zero=first_lag([not np.any(s) for s in held]),
        first_not_finite=first_lag([not np.all(np.isfinite(s)) for s in held]),
    )
