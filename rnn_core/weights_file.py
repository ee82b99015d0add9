"""Your model: the weights of a trained network, from a file of PyTorch or Keras, and back.

.safetensors and .npz only: neither can run code when it is read, as a pickle (.pt, .pth, .pkl) can.
"""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final

from rnn_core.errors import ConfigError, ShapeError, quoted, shown
from rnn_core.keras_layout import GATES, from_keras, is_keras
from rnn_core.network import Network
from rnn_core.npz_file import is_zip, npz_bytes, read_npz
from rnn_core.safetensors_file import read_safetensors, safetensors_bytes
from rnn_core.tensors import MAX_BYTES, Tensor

Source = str | PathLike[str] | bytes | BinaryIO

_WRITERS: Final = {".safetensors": safetensors_bytes, ".npz": npz_bytes}


def load_weights(
    source: Source,
    *,
    cell: str | None = None,
    activation: str = "tanh",
    reset: str | None = None,
    prefix: str = "",
) -> Network:
    """Build a network from the weights in a .safetensors or .npz file.

    Float16, bfloat16, float32 and float64 are read, and each parameter remembers its own. The
    file is told by its content, whatever its name.

    Parameters
    ----------
    source : a path, the file's bytes, or a file open for reading them.
    cell : "rnn", "gru" or "lstm"; None reads it off the shapes.
    activation : phi of a vanilla cell; files do not store it.
    reset : of a GRU, "after" or "before" the product; None is "after" (PyTorch), and what the bias
        says of a Keras layer.
    prefix : read only the tensors whose name begins so, without it: "encoder." of a larger model.
        What all names have in common before their last dot is left out in any case.

    Raises
    ------
    ConfigError : "source: ...", "cell: ...", "activation: ...", "reset: ...", "prefix: ...".
    ShapeError : one sentence that names the tensor, for whatever is not a network: a projection
        (weight_hr), another layer's tensor, a shape, a type, nan, a file too large to be read.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.zeros((8, 2))}
    >>> net = Network.from_state_dict(state, cell="lstm")
    >>> load_weights(weights_bytes(net, ".safetensors")).cell
    'lstm'
    """
    tensors = _chosen(read_tensors(source), prefix)
    if is_keras(tensors):
        tensors, found, reset = from_keras(tensors, reset)
    else:
        found = _cell_of(tensors)
    kind = found if cell is None else cell
    arrays = {name: tensor.values for name, tensor in tensors.items()}
    net = Network.from_state_dict(
        arrays, cell=kind, activation=activation, reset="after" if reset is None else reset
    )
    kept = {n: tensor.dtype for n, tensor in tensors.items() if tensor.dtype != "float64"}
    return replace(net, dtypes=kept)


def save_weights(net: Network, path: str | PathLike[str]) -> None:
    """Write a network's weights under PyTorch's names, each in the type in which it came.

    Parameters
    ----------
    path : ends in .safetensors or .npz. (.npz has no bfloat16: it is written as float32.)

    Raises
    ------
    ConfigError : "path: expected ...".
    """
    try:
        content = weights_bytes(net, Path(path).suffix)
    except TypeError:
        raise ConfigError(f"path: expected a path, got {quoted(path)}") from None
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError):
        raise ConfigError(f"path: expected a file to write, got {quoted(str(path))}") from None


def weights_bytes(net: Network, suffix: str) -> bytes:
    """Return what `save_weights` writes to a path of that suffix."""
    if not isinstance(net, Network):
        raise ConfigError(f"net: expected a Network, got {quoted(net)}")
    if suffix not in _WRITERS:
        raise ConfigError(f"path: expected .safetensors or .npz at its end, got {quoted(suffix)}")
    tensors = {
        name: Tensor(array, net.dtypes.get(name, str(array.dtype)))
        for name, array in net.state_dict().items()
    }
    return _WRITERS[suffix](tensors)


def read_tensors(source: Source) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors or .npz file by name; raises as `load_weights`."""
    data = _bytes_of(source)
    if len(data) > MAX_BYTES:
        raise ShapeError(f"file: expected at most {MAX_BYTES:,} bytes, got more")
    tensors = read_npz(data) if is_zip(data) else read_safetensors(data)
    if not tensors:
        raise ShapeError("file: expected tensors, got none")
    return tensors


def _bytes_of(source: object) -> bytes:
    """Return at most one byte more than is allowed."""
    if isinstance(source, bytes):
        return source
    try:
        if isinstance(source, (str, PathLike)):
            with Path(source).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        read = source.read(MAX_BYTES + 1)  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - a file system and a caller's object fail in many ways
        raise ConfigError(f"source: expected a file to read, got {quoted(source)}") from None
    if not isinstance(read, bytes):
        raise ConfigError(f"source: expected a file of bytes, got {quoted(source)}")
    return read


def _chosen(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors that are asked for, without what their names have in common."""
    if not isinstance(prefix, str):
        raise ConfigError(f"prefix: expected the start of a name, got {quoted(prefix)}")
    found = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    if not found:
        names = ", ".join(shown(name) for name in list(tensors)[:8])
        raise ConfigError(f"prefix: expected the start of one of {names}, got {quoted(prefix)}")
    heads = {name.rpartition(".")[0] for name in found}
    if len(heads) == 1:
        return {name.rpartition(".")[2]: tensor for name, tensor in found.items()}
    return found


def _cell_of(tensors: Mapping[str, Tensor]) -> str:
    """Return the cell whose gates the rows of the recurrent weights hold."""
    heads = {name.partition("weight_hh_l0")[0] for name in tensors if "weight_hh_l0" in name}
    head = min(heads, default="")
    for name in tensors:
        if not name.startswith(head):
            raise ShapeError(
                f"{shown(name)}: expected only the layer of {shown(head + 'weight_hh_l0')}, "
                f"which prefix={quoted(head)} reads alone"
            )
    for name, tensor in tensors.items():
        if name.startswith("weight_hr"):
            shape = tensor.values.shape
            raise ShapeError(f"{shown(name)}: expected no projection (proj_size=0), got {shape}")
    for name, tensor in tensors.items():
        if not name.startswith("weight_hh_l"):
            continue
        *_, rows, size = (0, 0, *tensor.values.shape)
        if size and rows % size == 0 and rows // size in GATES:
            return GATES[rows // size]
        raise ShapeError(
            f"{shown(name)}: expected (G*H, H) with G = 1 (rnn), 3 (gru) or 4 (lstm), "
            f"got {tensor.values.shape}"
        )
    name = shown(next(iter(tensors)))
    raise ShapeError(f"{name}: expected the names of a PyTorch or Keras layer, as weight_hh_l0")
