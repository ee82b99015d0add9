"""The .npz format: a zip of .npy arrays, each a short header and the numbers.

The zip's directory states every size before anything is unpacked, and no member gives more than
it states. A .npy header is Python's own notation; it is matched, never evaluated.
Source: numpy.lib.format (NEP 1).
"""

import io
import math
import re
import zipfile
from collections.abc import Mapping
from typing import Final

import numpy as np

from rnn_core.errors import ShapeError, quoted, shown
from rnn_core.tensors import (
    MAX_BYTES,
    MAX_RANK,
    Tensor,
    check_count,
    check_numbers,
    start_of,
)

MAX_HEADER: Final = 4096

_ENTRY: Final = b"PK\x01\x02"
"""How an entry of a zip's directory begins: their number is bounded before a list is made."""
_MAGIC: Final = b"\x93NUMPY"
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_TYPE: Final = re.compile(r"'descr': *'([^']*)'")
_ORDER: Final = re.compile(r"'fortran_order': *(True|False)")
_SHAPE: Final = re.compile(r"'shape': *\(([0-9, ]*)\)")


def is_zip(data: bytes) -> bool:
    """Tell whether a file begins as a zip does."""
    return data[:2] == b"PK"


def read_npz(data: bytes) -> dict[str, Tensor]:
    """Return the arrays by name, in the order of the zip.

    Raises
    ------
    ShapeError : one sentence that names the array, or "file: ...".
    """
    check_count(data.count(_ENTRY))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_directory(entries)
            found: dict[str, Tensor] = {}
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                with archive.open(entry) as member:
                    found[name] = _from_npy(name, member.read(entry.file_size))
                check_numbers(sum(tensor.values.size for tensor in found.values()))
            return found
    except ShapeError:
        raise
    except Exception:  # noqa: BLE001 - a broken archive fails in many ways
        raise ShapeError("file: expected a .npz file, got a zip that cannot be read") from None


def npz_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the content of a file, as np.savez writes it; bfloat16 as float32.

    >>> list(read_npz(npz_bytes({"a": Tensor(np.ones(2), "float64")})))
    ['a']
    """
    file = io.BytesIO()
    np.savez(file, **{name: tensor.values for name, tensor in tensors.items()})  # type: ignore[arg-type]
    return file.getvalue()


def _check_directory(entries: list[zipfile.ZipInfo]) -> None:
    names = set()
    for entry in entries:
        name = shown(entry.filename)
        if not entry.filename.endswith(".npy"):
            raise ShapeError(f"{name}: expected only .npy arrays in a .npz file")
        if entry.flag_bits & 1 or entry.compress_type not in _PACKED:
            raise ShapeError(
                f"{name}: expected an array stored or deflated, got it packed otherwise"
            )
        if entry.filename in names:
            raise ShapeError(f"{name}: expected once in the file, got twice")
        names.add(entry.filename)
    total = sum(entry.file_size for entry in entries)
    if total > MAX_BYTES:
        raise ShapeError(f"file: expected at most {MAX_BYTES:,} bytes unpacked, got {total:,}")


def _from_npy(name: str, content: bytes) -> Tensor:
    """Read one array: its header has three entries, in NumPy's own words."""
    header, start = _header(content)
    dtype, order, sizes = (rule.search(header) for rule in (_TYPE, _ORDER, _SHAPE))
    if order is None or sizes is None:
        raise ShapeError(f"{shown(name)}: expected a .npy array, got {start_of(content)}")
    kind = "something else" if dtype is None else dtype[1]
    if kind[:1] not in "<>=" or kind[1:] not in ("f2", "f4", "f8"):
        raise ShapeError(f"{shown(name)}: expected float16, float32 or float64, got {quoted(kind)}")
    digits = [n for n in sizes[1].replace(" ", "").split(",") if n]
    if len(digits) > MAX_RANK or any(len(n) > len(str(MAX_BYTES)) for n in digits):
        raise ShapeError(f"{shown(name)}: expected a shape, got {quoted(sizes[1])}")
    shape = tuple(int(n) for n in digits)
    width = int(kind[-1])
    expected, got = math.prod(shape) * width, len(content) - start
    if expected != got:
        raise ShapeError(f"{shown(name)}: expected {expected:,} bytes for {shape}, got {got:,}")
    flat = np.frombuffer(content, kind, offset=start)
    values = flat.reshape(shape[::-1]).T if order[1] == "True" else flat.reshape(shape)
    return Tensor(values.astype(f"f{width}", copy=False), f"float{8 * width}")


def _header(content: bytes) -> tuple[str, int]:
    """Return the header of a .npy and where the numbers begin; "" where there is none."""
    if content[:6] != _MAGIC or content[6:7] not in (b"\x01", b"\x02"):
        return "", 0
    width = 2 if content[6:7] == b"\x01" else 4
    length = int.from_bytes(content[8 : 8 + width], "little")
    start = 8 + width + length
    if length > MAX_HEADER or start > len(content):
        return "", 0
    return content[8 + width : start].decode("latin-1"), start
