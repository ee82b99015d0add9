"""Wide runs: beyond 1,000 steps a column of a heatmap stands for several."""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray

MOST: Final = 1000
"""Columns that a screen can tell apart."""


class Columns(NamedTuple):
    """Which steps each column shows.

    Attributes
    ----------
    per_column : steps in a column; the last one may have fewer.
    starts : first step of each column, from 0.
    edges : borders on the axis of steps 1..T, one more than columns.
    """

    per_column: int
    starts: IntArray
    edges: Array


def columns(steps: int, most: int = MOST) -> Columns:
    """Return the columns of a run of `steps` steps."""
    per_column = max(-(-steps // most), 1)
    starts = np.arange(0, steps, per_column, dtype=np.int64)
    edges = np.append(starts, steps).astype(np.float32) + np.float32(0.5)
    return Columns(per_column, starts, edges)


def mean_of(values: Array, shown: Columns) -> Array:
    """Return the mean over the steps of each column, (T, ...) -> (columns, ...)."""
    if shown.per_column == 1:
        return values
    counts = np.diff(np.append(shown.starts, len(values)))
    parts = values / np.repeat(counts, counts).reshape(-1, *(1,) * (values.ndim - 1))
    means: Array = np.add.reduceat(parts, shown.starts, axis=0)  # divided first: h may be 10^307
    return means


def largest_of(values: Array, shown: Columns) -> Array:
    """Return the largest over the steps of each column."""
    if shown.per_column == 1:
        return values
    return np.maximum.reduceat(values, shown.starts, axis=0)


def all_of(marks: BoolArray, shown: Columns) -> BoolArray:
    """Tell which columns are marked at all of their steps."""
    return np.logical_and.reduceat(marks, shown.starts, axis=0)
