"""Random numbers that stay when a slider moves: one stream per purpose, nested in their sizes.

Each (seed, purpose, part) has streams of its own, one per 16 columns. So a net of H units is the
top-left block of a larger one, and a longer sequence begins with the inputs of a shorter one.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from rnn_core.arrays import Array

BLOCK: Final = 16
"""Columns that share one stream: few streams to make, few numbers drawn in vain."""


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of every link: never renumber."""

    RECURRENT_WEIGHTS = 0
    INPUT_WEIGHTS = 1
    INPUT_BIAS = 2
    RECURRENT_BIAS = 3
    BIAS_NOISE = 4
    INPUTS = 5
    INITIAL_STATE = 6
    READOUT = 7
    UNTIED_WEIGHTS = 8
    DIRECTIONS = 9
    TASK = 10


def stream(seed: int, purpose: Purpose, *part: int) -> np.random.Generator:
    """Return the generator of one purpose and part; equal arguments start the same numbers."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(purpose), *part)))


def normals(seed: int, purpose: Purpose, *part: int, rows: int, columns: int) -> Array:
    """Draw (rows, columns) standard normal numbers, nested in both sizes."""
    blocks = [
        stream(seed, purpose, *part, block).standard_normal((rows, BLOCK))
        for block in range(-(-columns // BLOCK))
    ]
    return np.concatenate(blocks, axis=1)[:, :columns]


def uniforms(seed: int, purpose: Purpose, *part: int, rows: int, columns: int) -> Array:
    """Draw (rows, columns) numbers uniform in [-1, 1), nested in both sizes."""
    blocks = [
        stream(seed, purpose, *part, block).uniform(-1.0, 1.0, (rows, BLOCK))
        for block in range(-(-columns // BLOCK))
    ]
    return np.concatenate(blocks, axis=1)[:, :columns]


def matrices(seed: int, purpose: Purpose, *, steps: int, size: int, is_uniform: bool) -> Array:
    """Draw (steps, size, size) numbers, standard normal or uniform in [-1, 1), nested in both."""
    blocks = -(-size // BLOCK)
    drawn = np.empty((steps, blocks * BLOCK, blocks * BLOCK))
    for row in range(blocks):
        for column in range(blocks):
            rows = slice(row * BLOCK, (row + 1) * BLOCK)
            columns = slice(column * BLOCK, (column + 1) * BLOCK)
            rng = stream(seed, purpose, row, column)
            shape = (steps, BLOCK, BLOCK)
            block = rng.uniform(-1.0, 1.0, shape) if is_uniform else rng.standard_normal(shape)
            drawn[:, rows, columns] = block
    return drawn[:, :size, :size]
