"""What the engine calls an array, and the checks of arrays that a caller hands in."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_core.errors import ShapeError, quoted

Array = npt.NDArray[np.floating[Any]]
"""Real numbers; float64 unless a caller asked for float32."""

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def read_only(array: Array) -> Array:
    """Return `array`, closed for writing: what was recorded stays as it was recorded."""
    array.setflags(write=False)
    return array


def all_finite(array: Array) -> bool:
    """Tell whether every entry is finite; one pass where the sum is, which is the usual case."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())


def is_array_of_rank(value: object, rank: int) -> bool:
    """Tell whether a caller's value is an array, or becomes one, with `rank` axes."""
    try:
        return np.ndim(value) == rank  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - ragged lists and foreign objects fail in many ways
        return False


def finite_array(
    name: str,
    value: object,
    expected: str,
    shape: tuple[int | None, ...],
    *,
    may_share: bool = False,
) -> Array:
    """Return `value` as a float64 array of `shape`, where None allows any size.

    A copy: what was recorded does not follow the caller's array. With `may_share` an array that
    owns its numbers and is closed for writing is handed back as it is.

    Raises
    ------
    ShapeError : "<name>: expected <expected>, got <shape, type or the first bad value>".
    """
    try:
        array = np.asarray(value)
    except Exception:  # noqa: BLE001 - ragged lists and foreign objects fail in many ways
        raise ShapeError(f"{name}: expected {expected}, got {quoted(value)}") from None
    if array.dtype.kind not in "fiu":
        raise ShapeError(f"{name}: expected {expected}, got values of type {array.dtype}")
    if array.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, array.shape, strict=True)
    ):
        raise ShapeError(f"{name}: expected {expected}, got {array.shape}")
    is_closed = may_share and array.base is None and not array.flags.writeable
    array = array.astype(np.float64, copy=not is_closed)
    if not all_finite(array):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ShapeError(f"{name}: expected finite numbers, got {array[where]} at {where}")
    return array
