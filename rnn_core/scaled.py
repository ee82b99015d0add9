"""Arrays that cannot underflow: a float mantissa and an integer power of two per vector.

value = mantissa * 2^exponent, one exponent for all entries of the last axis. Rescaling by a power
of two is exact, so wherever float64 reaches, the numbers are bit-equal to the plain ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, IntArray

LOG10_2: Final = float(np.log10(2.0))

_LARGEST: Final = {np.dtype(kind): np.finfo(kind).maxexp for kind in (np.float32, np.float64)}
"""The exponent of the first power of two beyond each float type."""

_SQUARABLE: Final = (1e-280, 1e280)
"""Sums of squares that float64 holds with all their digits."""


def log10_of(magnitude: Array) -> Array:
    """Return log10 of non-negative numbers, -inf for 0, without a warning."""
    with np.errstate(divide="ignore"):
        return np.log10(magnitude)


def shifted(array: Array, exponent: IntArray | int) -> Array:
    """Return array * 2^exponent, exact; 0 and inf where the float type ends."""
    limited = np.clip(exponent, -5000, 5000).astype(np.int32)
    with np.errstate(over="ignore", under="ignore"):
        if np.abs(limited).max(initial=0) < _LARGEST[array.dtype]:
            return array * np.ldexp(array.dtype.type(1), limited)  # one product is cheaper
        return np.ldexp(array, limited)


@dataclass(frozen=True)
class Scaled:
    """mantissa * 2^exponent, with one exponent for all entries of the last axis.

    Attributes
    ----------
    mantissa : (..., N).
    exponent : (...).
    """

    mantissa: Array
    exponent: IntArray

    @classmethod
    def plain(cls, array: Array) -> "Scaled":
        """Return ordinary numbers in this form."""
        return cls(array, np.zeros(array.shape[:-1], dtype=np.int64))

    def to_float(self) -> Array:
        """Return the plain values, 0 and inf where float64 ends."""
        if not self.exponent.any():
            return self.mantissa
        return shifted(self.mantissa, self.exponent[..., None])

    def log10_abs(self) -> Array:
        """Return log10 of each entry's magnitude (..., N); -inf where the mantissa is 0."""
        return log10_of(np.abs(self.mantissa)) + LOG10_2 * self.exponent[..., None]

    def log10_norms(self) -> Array:
        """Return log10 of the Euclidean norm over the last axis (...)."""
        wide = np.asarray(self.mantissa, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore"):
            squares = np.einsum("...i,...i->...", wide, wide)
        logs = 0.5 * log10_of(squares)
        outside = ~((squares > _SQUARABLE[0]) & (squares < _SQUARABLE[1]))
        if outside.any():  # a square left float64: divide by the largest entry first
            rows = wide[outside]
            largest = np.abs(rows).max(axis=-1, initial=0.0)
            unit = np.where(largest > 0.0, largest, 1.0)
            squares = np.square(rows / unit[..., None]).sum(axis=-1)
            logs[outside] = 0.5 * log10_of(squares) + log10_of(unit)
        return logs + LOG10_2 * self.exponent


def log10_frobenius(log10_norms: Array) -> Array:
    """Combine log10 norms over the last axis into the log10 norm of all of them together."""
    largest = log10_norms.max(axis=-1, initial=-np.inf)
    base = np.where(np.isfinite(largest), largest, 0.0)
    total = np.square(10.0 ** (log10_norms - base[..., None])).sum(axis=-1)
    return 0.5 * log10_of(total) + base


def added(one: Scaled, other: Scaled) -> Scaled:
    """Return the sum, on the larger of the two scales."""
    common = np.maximum(one.exponent, other.exponent)
    mine, others = (shifted(v.mantissa, (v.exponent - common)[..., None]) for v in (one, other))
    return Scaled(mine + others, common)
