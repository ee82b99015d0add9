"""Named tensors of a weight file, and the bounds within which a file is read at all.

A file is read as if an enemy had written it: nothing is unpickled, and every size is known and
bounded before memory is taken. At most 128 MiB with at most 2^24 numbers: half a GiB in all.
"""

from typing import Final, NamedTuple

from rnn_core.arrays import Array
from rnn_core.errors import ShapeError

MAX_BYTES: Final = 2**27
MAX_NUMBERS: Final = 2**24
MAX_TENSORS: Final = 1024
MAX_RANK: Final = 4

WIDTHS: Final = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
"""Bytes of a number of each type that is read."""


class Tensor(NamedTuple):
    """Numbers and the type in which the file has them.

    Attributes
    ----------
    values : float16, float32 or float64; of a bfloat16 tensor float32, which holds it exactly.
    dtype : "float16", "bfloat16", "float32" or "float64".
    """

    values: Array
    dtype: str


def check_count(tensors: int) -> None:
    """Refuse a file of too many tensors."""
    if tensors > MAX_TENSORS:
        raise ShapeError(f"file: expected at most {MAX_TENSORS:,} tensors, got {tensors:,}")


def check_numbers(numbers: int) -> None:
    """Refuse a file of too many numbers: each becomes a float64."""
    if numbers > MAX_NUMBERS:
        raise ShapeError(f"file: expected at most {MAX_NUMBERS:,} numbers, got {numbers:,}")


def start_of(data: bytes) -> str:
    """Return how something begins that is not what it should be."""
    return f"{data[:8]!r}" if data else "nothing"
