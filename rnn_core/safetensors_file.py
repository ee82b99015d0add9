"""The .safetensors format: 8 bytes with the header's length, a JSON header, the numbers.

The header is an object of name -> {dtype, shape, data_offsets}; the ranges must tile the numbers
without a gap or an overlap, from their first byte to the file's last.
Source: huggingface/safetensors, "Format".
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.errors import ShapeError, quoted, shown
from rnn_core.tensors import (
    MAX_BYTES,
    MAX_RANK,
    WIDTHS,
    Tensor,
    check_count,
    check_numbers,
    start_of,
)

MAX_HEADER: Final = 2**20

_TYPES: Final = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


def read_safetensors(data: bytes) -> dict[str, Tensor]:
    """Return the tensors in the order of the header.

    Raises
    ------
    ShapeError : one sentence that names the tensor, or "file: ...", "header: ...".
    """
    length = int.from_bytes(data[:8], "little")
    if data[8:9] != b"{":
        raise ShapeError(f"file: expected a .safetensors or .npz file, got {start_of(data)}")
    most = min(MAX_HEADER, len(data) - 8)
    if length > most:
        raise ShapeError(f"header: expected at most {most:,} bytes, got {length:,}")
    header = _parsed(data[8 : 8 + length])
    start, end, numbers = 8 + length, 0, 0
    entries = {name: _checked(name, entry) for name, entry in header.items()}
    for name, (_, shape, begin, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != end:
            raise ShapeError(f"{shown(name)}: expected to begin at byte {end:,}, got {begin:,}")
        end = stop
        numbers += math.prod(shape)
    if end != len(data) - start:
        raise ShapeError(f"file: expected {end:,} bytes of numbers, got {len(data) - start:,}")
    check_numbers(numbers)
    return {
        name: _decoded(data, dtype, shape, start + begin)
        for name, (dtype, shape, begin, _) in entries.items()
    }


def safetensors_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the content of a file; every tensor begins at a multiple of its number's width.

    >>> list(read_safetensors(safetensors_bytes({"a": Tensor(np.ones(2), "float64")})))
    ['a']
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # PyTorch's loaders ask for it
    names = {dtype: name for name, dtype in _TYPES.items()}
    parts, begin = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda item: -WIDTHS[item[1].dtype]):
        part = _little_endian(tensor)
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.values.shape),
            "data_offsets": [begin, begin + len(part)],
        }
        parts.append(part)
        begin += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(text.decode(), object_pairs_hook=_without_doubles)
    except ShapeError:
        raise
    except (ValueError, RecursionError):
        raise ShapeError("header: expected a JSON object, got something else") from None
    header.pop("__metadata__", None)
    check_count(len(header))
    return header


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: other readers would take the one or the other."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ShapeError(f"{shown(name)}: expected once in the header, got twice")
        found[name] = value
    return found


def _checked(name: str, entry: object) -> tuple[str, tuple[int, ...], int, int]:
    """Return the type, the shape and the range of bytes, which fit each other."""
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    dtype: Any = fields.get("dtype")
    shape: Any = fields.get("shape")
    offsets: Any = fields.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ShapeError(f"{shown(name)}: expected one of {', '.join(_TYPES)}, got {quoted(dtype)}")
    if not _are_sizes(shape, MAX_RANK):
        raise ShapeError(f"{shown(name)}: expected a shape, got {quoted(shape)}")
    if not (_are_sizes(offsets, 2) and len(offsets) == 2):
        raise ShapeError(f"{shown(name)}: expected data_offsets, got {quoted(offsets)}")
    sizes = tuple(shape)
    begin, stop = offsets
    expected = math.prod(sizes) * WIDTHS[_TYPES[dtype]]
    if stop - begin != expected:
        raise ShapeError(
            f"{shown(name)}: expected {expected:,} bytes for {dtype} {sizes}, got {stop - begin:,}"
        )
    return _TYPES[dtype], sizes, begin, stop


def _are_sizes(values: Any, most: int) -> bool:
    is_list = isinstance(values, list) and len(values) <= most
    return is_list and all(is_whole(n) and 0 <= n <= MAX_BYTES for n in values)


def _decoded(data: bytes, dtype: str, shape: tuple[int, ...], offset: int) -> Tensor:
    count = math.prod(shape)
    if dtype == "bfloat16":  # the upper half of a float32
        half = np.frombuffer(data, "<u2", count, offset).astype(np.uint32)
        return Tensor((half << np.uint32(16)).view(np.float32).reshape(shape), dtype)
    values = np.frombuffer(data, f"<f{WIDTHS[dtype]}", count, offset)
    return Tensor(values.reshape(shape), dtype)


def _little_endian(tensor: Tensor) -> bytes:
    if tensor.dtype == "bfloat16":
        bits = np.ascontiguousarray(tensor.values, dtype="<f4").view("<u4") >> np.uint32(16)
        return bits.astype("<u2").tobytes()
    return tensor.values.astype(f"<f{WIDTHS[tensor.dtype]}").tobytes()
