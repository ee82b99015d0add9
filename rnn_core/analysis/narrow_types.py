"""Narrow float types: how numbers are rounded to float16, bfloat16 and float32."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.arrays import Array

_EXPONENT: Final = np.uint32(0x7F800000)


def _biased(exponent: int) -> np.uint32:
    """Return the bits of an exponent of a float32."""
    return np.uint32((exponent + 127) << 23)


_TO_LARGE: Final = np.uint32((13 << 23) + (1 << 22))
"""What makes the bits of 1.5 * 2^(e+13) of those of 2^e."""


def round_float32(values: Array) -> Array:
    """Round to float32."""
    return values.astype(np.float32)


def round_float16(values: Array) -> Array:
    """Round to float16 (IEEE binary16), to nearest even, held as float32.

    A float32 x, 2^e <= |x| < 2^(e+1), is added to 1.5 * 2^(e+13) and taken from it again: the sum
    has digits down to 2^(e-10), the last one of a float16. A cast does the same, but slowly where
    numbers are tiny, as in a gradient that vanishes.
    """
    if values.dtype != np.float32:
        return values.astype(np.float16).astype(np.float32)  # rounded once
    exponent = values.view(np.uint32) & _EXPONENT
    is_near_end = np.maximum.reduce(exponent, axis=None, initial=np.uint32(0)) >= _biased(15)
    np.maximum(exponent, _biased(-14), out=exponent)
    np.minimum(exponent, _biased(17), out=exponent)
    exponent += _TO_LARGE
    large = exponent.view(np.float32)
    rounded = values + large
    rounded -= large
    np.copysign(rounded, values, out=rounded)
    if is_near_end:
        rounded[np.abs(rounded) > np.float32(65504)] *= np.float32(np.inf)
    return rounded


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
