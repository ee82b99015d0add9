"""The shapes of sequence tasks: which steps read an input and which have a loss, as flags.

One-to-one, one-to-many, many-to-one and many-to-many of equal lengths are one network with other
masks. Many-to-many of different lengths needs two: see `rnn_core.pair`.

A step that reads nothing reads zeros. Sequences of a batch may end early: after its last step a
sequence reads zeros and has no loss, so that its gradient there is exactly 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.arrays import Array, BoolArray, finite_array
from rnn_core.errors import ConfigError, quoted


class Shape(NamedTuple):
    """Which steps of which sequences read and which have a loss.

    Attributes
    ----------
    reads : (T, B), for `masked`.
    loss : (T, B), what a loss of `rnn_core.output` takes as its `at`.
    """

    reads: BoolArray
    loss: BoolArray

    def masked(self, x: Array) -> Array:
        """Return a copy of x (T, B, D) that is 0 where nothing is read.

        Raises
        ------
        ShapeError : "x: expected (T=..., B=..., D), got ...".
        """
        steps, batch = self.reads.shape
        inputs = finite_array("x", x, f"(T={steps}, B={batch}, D)", (steps, batch, None))
        return np.where(self.reads[..., None], inputs, 0.0)


def one_to_one(batch_size: int) -> Shape:
    """Read one step and lose at it: a network without time, (1, B).

    >>> one_to_one(1).loss.tolist()
    [[True]]
    """
    return many_to_many(1, batch_size)


def one_to_many(steps: int, batch_size: int, lengths: Sequence[int] | Array | None = None) -> Shape:
    """Read the first step alone, lose at every one. Answers are not fed back as inputs.

    >>> shape = one_to_many(3, 1)
    >>> shape.reads[:, 0].tolist(), shape.loss[:, 0].tolist()
    ([True, False, False], [True, True, True])
    """
    inside = _inside(steps, batch_size, lengths)
    return Shape(inside & (np.arange(steps) == 0)[:, None], inside)


def many_to_one(steps: int, batch_size: int, lengths: Sequence[int] | Array | None = None) -> Shape:
    """Read every step, lose at each sequence's last.

    >>> many_to_one(3, 2, lengths=[3, 2]).loss.astype(int).tolist()
    [[0, 0], [0, 1], [1, 0]]
    """
    inside = _inside(steps, batch_size, lengths)
    last = inside.copy()
    last[:-1] &= ~inside[1:]
    return Shape(inside, last)


def many_to_many(
    steps: int, batch_size: int, lengths: Sequence[int] | Array | None = None
) -> Shape:
    """Read every step and lose at every one.

    Parameters
    ----------
    lengths : how many steps each sequence has, 1 to T; None is T for all.

    Raises
    ------
    ConfigError : "steps: ...", "batch_size: ..." or "lengths: expected ...".

    >>> many_to_many(3, 2, lengths=[3, 1]).loss.astype(int).tolist()
    [[1, 1], [1, 0], [1, 0]]
    """
    inside = _inside(steps, batch_size, lengths)
    return Shape(inside, inside)


def _inside(steps: int, batch_size: int, lengths: Sequence[int] | Array | None) -> BoolArray:
    """Return which steps belong to which sequence, (T, B)."""
    for name, value in (("steps", steps), ("batch_size", batch_size)):
        if not (is_whole(value) and value >= 1):
            raise ConfigError(f"{name}: expected a whole number of at least 1, got {quoted(value)}")
    if lengths is None:
        return np.ones((steps, batch_size), dtype=bool)
    given = list(lengths) if isinstance(lengths, (list, tuple, np.ndarray)) else []
    if len(given) != batch_size or not all(is_whole(n) and 1 <= n <= steps for n in given):
        raise ConfigError(
            f"lengths: expected {batch_size} whole numbers from 1 to {steps}, got {quoted(lengths)}"
        )
    flags: BoolArray = np.arange(steps)[:, None] < np.array(given)
    return flags
