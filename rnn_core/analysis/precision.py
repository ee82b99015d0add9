"""Lost precision: the step from which back the gradient of a narrow type is wrong.

"Range only": the float64 forward pass; the recurrent weights and the adjoint are stored in the
narrow type, each step's products are accumulated in float32 and rounded to it, to nearest even,
with gradual underflow: the gradients at the gates as well as those of the states. Rounding within
the step is what keeps noise alive. There is no loss scaling unless asked for.

A gradient is *wrong* long before it is *zero*: rounding keeps noise alive among the subnormals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from rnn_core.arrays import Array, IntArray
from rnn_core.recording import Recording
from rnn_core.scaled import shifted

if TYPE_CHECKING:
    from rnn_core.cells import State


def round_float32(values: Array) -> Array:
    """Round to float32."""
    return values.astype(np.float32)


def round_float16(values: Array) -> Array:
    """Round to float16 (IEEE binary16), held as float32."""
    return values.astype(np.float16).astype(np.float32)


def round_bfloat16(values: Array) -> Array:
    """Round to bfloat16, to nearest even, held as float32: the upper half of a float32."""
    bits = values.astype(np.float32).view(np.uint32)
    halfway = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    rounded = ((bits + halfway) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isfinite(values), rounded, values.astype(np.float32))


@dataclass(frozen=True)
class FloatType:
    """A narrow type: how numbers are rounded to it, and where its range ends.

    Attributes
    ----------
    smallest_normal, smallest_subnormal, largest : positive limits (IEEE 754; bfloat16 likewise).
    """

    name: str
    round: Callable[[Array], Array]
    smallest_normal: float
    smallest_subnormal: float
    largest: float


TYPES: Final[Mapping[str, FloatType]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            FloatType("float16", round_float16, 2.0**-14, 2.0**-24, 65504.0),
            FloatType("bfloat16", round_bfloat16, 2.0**-126, 2.0**-133, (2 - 2.0**-7) * 2.0**127),
            FloatType("float32", round_float32, 2.0**-126, 2.0**-149, (2 - 2.0**-23) * 2.0**127),
        )
    }
)


@dataclass(frozen=True)
class PrecisionLoss:
    """At which lag (steps back from the loss) a narrow type fails; None where it does not.

    Attributes
    ----------
    lost_lag : the median over sequences of |g_p - g| / |g| first exceeds 0.5.
    first_subnormal : some entry is below the smallest normal number, but not 0.
    first_zero : every entry of every sequence is 0.
    first_nonfinite : some entry is inf or nan.
    """

    lost_lag: int | None
    first_subnormal: int | None
    first_zero: int | None
    first_nonfinite: int | None


def lost_precision(rec: Recording, *, loss_scale: int = 0) -> Mapping[str, PrecisionLoss]:
    """Simulate the last loss step's gradient in float16, bfloat16 and float32.

    Parameters
    ----------
    loss_scale : k multiplies the loss by 2^k, as mixed-precision training does.

    Returns
    -------
    For each type its lags; an empty mapping for a run without steps or of several layers, or whose
    loss is another run's.
    """
    if len(rec.layers) != 1 or rec.overflow_left_nan or not rec.has_own_loss:
        return MappingProxyType({})
    with np.errstate(all="ignore"):  # what leaves the range of a narrow type is the subject
        return MappingProxyType({n: _lost(rec, kind, loss_scale) for n, kind in TYPES.items()})


def _lost(rec: Recording, kind: FloatType, loss_scale: int) -> PrecisionLoss:
    layer = rec.layers[0]
    true = layer.from_last.scaled("d_h")
    last = rec.last_loss_step
    narrow = layer.maps.mapped(round_float32)
    narrow = replace(narrow, weight=kind.round(narrow.weight))
    start = shifted(true.mantissa[last], true.exponent[last][..., None] + loss_scale)
    found: dict[str, int] = {}
    state: State = (
        kind.round(start),
        *(np.zeros_like(start, np.float32) for _ in layer.tape.states[1:]),
    )
    for lag in range(last + 1):
        t = last - lag
        if lag:
            is_border = rec.truncate is not None and (t + 1) % rec.truncate == 0
            before = narrow.vjp_step(t + 1, state, stored=kind.round)
            state = tuple(kind.round(0.0 * d if is_border else d) for d in before)
        size = np.abs(state[0])
        if not np.isfinite(size).all():
            found.setdefault("first_nonfinite", lag)
        if ((size > 0) & (size < kind.smallest_normal)).any():
            found.setdefault("first_subnormal", lag)
        if not size.any():
            found.setdefault("first_zero", lag)
        if "lost_lag" not in found:
            error = _relative_error(state[0], true.mantissa[t], true.exponent[t] + loss_scale)
            if error.size and np.median(error) > 0.5:
                found["lost_lag"] = lag
        if "first_zero" in found:
            break  # what is lost stays lost, what is 0 stays 0
    names = ("lost_lag", "first_subnormal", "first_zero", "first_nonfinite")
    return PrecisionLoss(*(found.get(name) for name in names))


def _relative_error(narrow: Array, mantissa: Array, exponent: IntArray) -> Array:
    """Return |g_p - g| / |g| of the sequences where g is not 0; inf where g_p is not finite."""
    # brought to the true gradient's own scale, where neither side can leave float64
    here = shifted(narrow.astype(np.float64), -exponent[..., None])
    difference = np.linalg.norm(here - mantissa, axis=-1)
    size = np.linalg.norm(mantissa, axis=-1)
    error: Array = np.where(np.isfinite(narrow).all(axis=-1), difference / size, np.inf)
    known: Array = error[size > 0]
    return known
