"""Small networks to try the slow reference on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array

KINDS = [
    ("rnn", "tanh", "after"),
    ("rnn", "sigmoid", "after"),
    ("rnn", "relu", "after"),
    ("rnn", "identity", "after"),
    ("gru", "tanh", "after"),
    ("gru", "tanh", "before"),
    ("lstm", "tanh", "after"),
]
ROWS = {"rnn": 1, "gru": 3, "lstm": 4}


def random_state(
    rng: np.random.Generator, cell: str, D: int, H: int, scale: float = 1.0
) -> dict[str, Array]:
    """Draw one layer's parameters; `scale` multiplies the recurrent weights."""
    rows = ROWS[cell] * H
    return {
        "weight_ih_l0": rng.normal(size=(rows, D)) / D**0.5,
        "weight_hh_l0": scale * rng.normal(size=(rows, H)) / H**0.5,
        "bias_ih_l0": 0.3 * rng.normal(size=rows),
        "bias_hh_l0": 0.3 * rng.normal(size=rows),
    }


def linear_unit(w: float, T: int) -> tuple[dict[str, Array], Array, Array]:
    """Give the state dict, inputs and last-step loss gradient of h_t = w h_{t-1}."""
    state = {"weight_ih_l0": np.zeros((1, 1)), "weight_hh_l0": np.array([[w]])}
    d_loss_dh = np.zeros((T, 1, 1))
    d_loss_dh[-1] = 1.0
    return state, np.zeros((T, 1, 1)), d_loss_dh
