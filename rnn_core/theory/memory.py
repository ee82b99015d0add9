"""The curse of memory: a linear unit that remembers long reacts without bound to its own weight.

h_t = l h_{t-1} + x_t with white input of unit variance: E h^2 = 1 / (1 - l^2) and
E (dh/dl)^2 = (1 + l^2) / (1 - l^2)^3. Nothing explodes with time, and still the sensitivity to l
grows like (1 - l)^(-3) as the memory gets longer.

Range: |l| < 1, the stationary state; exact.
Source: derived, in the setting of Zucchet & Orvieto (2024).
"""

from typing import NamedTuple

import numpy as np

from rnn_core.arrays import Array
from rnn_core.errors import ShapeError
from rnn_core.theory.arguments import reals


class Memory(NamedTuple):
    """Stationary variances of h and of its derivative with respect to l."""

    state: Array
    sensitivity: Array


def curse_of_memory(decay: Array | float) -> Memory:
    """Return E h^2 and E (dh/dl)^2 for each l.

    Raises
    ------
    ShapeError : unless every |l| < 1.

    Examples
    --------
    >>> curse_of_memory([0.5, 0.9]).sensitivity.round(3)
    array([  2.963, 263.887])
    """
    l = reals("decay", decay, -1.0, 1.0)  # noqa: E741 - the field's letter
    if (np.abs(l) == 1.0).any():
        raise ShapeError("decay: expected numbers inside -1 to 1, got 1")
    left = (1.0 - l) * (1.0 + l)
    return Memory(np.asarray(1.0 / left), np.asarray((1.0 + l * l) / left**3))
