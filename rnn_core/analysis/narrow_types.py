"""Narrow float types: how numbers are rounded to float16, bfloat16 and float32."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.arrays import Array


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
