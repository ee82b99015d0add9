"""How large vectors are, as powers of two: what a sweep rescales by."""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray

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


def size_exponents(*arrays: Array) -> IntArray:
    """Return e with the largest magnitude of the last axis in [2^(e-1), 2^e); NOTHING for 0."""
    return exponents(largest_entries(*arrays))


def exponents(largest: Array) -> IntArray:
    """Return e with each number in [2^(e-1), 2^e); NOTHING for 0."""
    exponent: IntArray = np.frexp(largest)[1].astype(np.int64)
    exponent[largest == 0] = NOTHING
    return exponent


def largest_entries(*arrays: Array) -> Array:
    """Return the largest magnitude over the last axis of all arrays."""
    found: list[Array] = [np.abs(a).max(axis=-1) for a in arrays]
    return found[0] if len(found) == 1 else np.maximum(found[0], found[1])


def norm_exponents(*arrays: Array) -> IntArray | None:
    """Return e with each vector's norm in [2^(e-1), 2^e); None where a square may leave the type.

    The vectors lie side by side in the arrays, along their last axes. A sum of squares costs a
    quarter of a largest entry.

    >>> norm_exponents(np.array([[3.0, 4.0], [0.1, 0.0]]))
    array([ 3, -3])
    """
    squares = np.vecdot(arrays[0], arrays[0])
    for array in arrays[1:]:
        squares += np.vecdot(array, array)
    if _is_outside(squares).any():
        return None  # zero, nan and inf among them
    exponent: IntArray = np.frexp(squares)[1].astype(np.int64)
    return (exponent + 1) // 2


def has_left_type(vectors: Array) -> BoolArray:
    """Tell of each vector whether its entries may have left their type, or are all 0."""
    return _is_outside(np.vecdot(vectors, vectors))


def _is_outside(squares: Array) -> BoolArray:
    limits = np.finfo(squares.dtype)
    inside: BoolArray = (squares > limits.tiny * 2.0**24) & (squares < limits.max * 2.0**-24)
    return ~inside
