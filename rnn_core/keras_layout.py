"""The weights of one Keras layer, turned into PyTorch's names, shapes and gate orders.

Keras multiplies from the right: kernel (D, G*H), recurrent_kernel (H, G*H), bias (G*H,). Gates:
LSTM i, f, c, o (the order of i, f, g, o); GRU z, r, h against r, z, n. A GRU with
`reset_after=True` has a bias (2, 3H), of the inputs and of the states; with False (3H,), and
resets before the product. One bias becomes bias_ih, beside a bias_hh of 0.
Activations are not stored: ours are Keras's defaults, tanh and sigmoid (not `hard_sigmoid`).
Source: keras.layers.SimpleRNN, GRU, LSTM.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from rnn_core.arrays import Array, finite_array
from rnn_core.errors import ConfigError, ShapeError, quoted, shown
from rnn_core.tensors import Tensor

GATES: Final = {1: "rnn", 3: "gru", 4: "lstm"}
"""The cell, by how many gates its rows hold."""

_NAMES: Final = ("kernel", "recurrent_kernel", "bias")
_NUMBERED: Final = {"arr_0": "kernel", "arr_1": "recurrent_kernel", "arr_2": "bias"}
_TO_PYTORCH: Final = {"gru": (1, 0, 2)}
"""Which of Keras's blocks stands where in PyTorch's order."""


def is_keras(names: Mapping[str, object]) -> bool:
    """Tell whether a file speaks of a Keras layer: by the names of its weights or by np.savez's."""
    return any(_plain(name) in _NAMES[:2] or name in _NUMBERED for name in names)


def from_keras(
    tensors: Mapping[str, Tensor], reset: str | None
) -> tuple[dict[str, Tensor], str, str]:
    """Return the weights under PyTorch's names, the cell, and where a GRU resets.

    Parameters
    ----------
    tensors : `np.savez(path, *layer.get_weights())` (arr_0, ...), or tensors whose names end in
        kernel, recurrent_kernel, bias; a layer without biases has the first two.
    reset : "after" or "before"; None reads it off the bias, and is "after" without one.

    Raises
    ------
    ShapeError, ConfigError : one sentence that names the tensor.
    """
    named = _by_kind(tensors)
    (kernel_name, kernel), (recurrent_name, recurrent) = named["kernel"], named["recurrent_kernel"]
    size = recurrent.values.shape[0] if recurrent.values.ndim == 2 else 0
    gates = recurrent.values.shape[1] // size if size else 0
    if gates not in GATES or recurrent.values.shape != (size, gates * size):
        raise ShapeError(
            f"{recurrent_name}: expected (H, G*H) with G = 1 (rnn), 3 (gru) or 4 (lstm), "
            f"got {recurrent.values.shape}"
        )
    if kernel.values.ndim != 2 or kernel.values.shape[1] != gates * size:
        raise ShapeError(f"{kernel_name}: expected (D, {gates * size}), got {kernel.values.shape}")
    cell = GATES[gates]
    state = {
        "weight_ih_l0": Tensor(_ordered(kernel.values, cell).T, kernel.dtype),
        "weight_hh_l0": Tensor(_ordered(recurrent.values, cell).T, recurrent.dtype),
    }
    if "bias" not in named:
        return state, cell, reset or "after"
    name, bias = named["bias"]
    rows, found = _biases(name, bias.values, cell, gates * size)
    if cell == "gru" and reset not in (None, found):
        raise ConfigError(f"reset: expected {found}, as {name} has it, got {quoted(reset)}")
    for kind, row in zip(("bias_ih_l0", "bias_hh_l0"), rows, strict=True):
        state[kind] = Tensor(_ordered(row, cell), bias.dtype)
    return state, cell, reset or found


def _by_kind(tensors: Mapping[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """Return kernel, recurrent_kernel and, if there is one, bias: its name and the tensor."""
    is_numbered = any(name in _NUMBERED for name in tensors)
    known = ", ".join(_NUMBERED if is_numbered else _NAMES)
    found: dict[str, tuple[str, Tensor]] = {}
    for name, tensor in tensors.items():
        kind = _NUMBERED.get(name) if is_numbered else _plain(name)
        if kind not in _NAMES or kind in found:
            raise ShapeError(f"{shown(name)}: expected only {known} of one Keras layer")
        shape = tensor.values.shape
        finite_array(shown(name), tensor.values, f"{shape}", shape)  # under its own name
        found[kind] = (shown(name), tensor)
    for k, kind in enumerate(_NAMES[:2]):
        if kind not in found:
            name = list(_NUMBERED)[k] if is_numbered else kind
            raise ShapeError(f"{name}: expected beside {', '.join(n for n, _ in found.values())}")
    return found


def _plain(name: str) -> str:
    """Return the last part of a name such as lstm/lstm_cell/kernel:0."""
    return name.removesuffix(":0").rpartition("/")[2].rpartition(".")[2]


def _biases(name: str, bias: Array, cell: str, rows: int) -> tuple[tuple[Array, Array], str]:
    """Return bias_ih and bias_hh in Keras's gate order, and where the reset stands."""
    if cell == "gru" and bias.shape == (2, rows):
        return (bias[0], bias[1]), "after"
    if bias.shape != (rows,):
        words = f"(2, {rows}) or ({rows},)" if cell == "gru" else f"({rows},)"
        raise ShapeError(f"{name}: expected {words}, got {bias.shape}")
    return (bias, np.zeros_like(bias)), "before" if cell == "gru" else "after"


def _ordered(array: Array, cell: str) -> Array:
    """Put the blocks of the last axis into PyTorch's gate order."""
    order = _TO_PYTORCH.get(cell)
    if order is None:
        return array
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[k] for k in order], axis=-1)
