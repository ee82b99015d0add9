"""The weights of many nets at once: how their products lie, and how large they can become."""

import numpy as np

from rnn_core.arrays import Array
from rnn_core.cells.params import Params


def largest_drive(params: Params, x: Array, h_init: Array) -> float:
    """Bound every |a| of a run whose states stay in [-1, 1], but for `h_init`."""
    of_h = max(1.0, float(np.abs(h_init).max()))
    of_x = float(np.abs(x).max())
    drive = of_h * np.abs(params.weight_hh).sum(axis=-1) + of_x * np.abs(params.weight_ih).sum(-1)
    for bias in (params.bias_ih, params.bias_hh):
        if bias is not None:
            drive = drive + np.abs(bias)
    return float(drive.max())


def gates_first(weights: Array, size: int) -> Array:
    """Return joined weights (..., G*H, K) as (G, ..., K, H): a product per gate, side by side.

    What comes out of them is contiguous gate by gate, so that elementwise work runs through it.
    """
    blocks = weights.reshape(*weights.shape[:-2], -1, size, weights.shape[-1])
    return np.ascontiguousarray(np.moveaxis(blocks, -3, 0).mT)
