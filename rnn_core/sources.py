"""What a network reads: noise, an impulse, sines, silence, or typed text."""

from functools import lru_cache
from typing import Final

import numpy as np

from rnn_core.arrays import Array, read_only
from rnn_core.config import ExperimentConfig, sizes
from rnn_core.streams import Purpose, normals, uniforms

PERIOD: Final = 25
"""Steps in one period of the sine."""

KEPT: Final = 2**18
"""Entries up to which an input is kept for the next run (2 MiB)."""


def draw_input(config: ExperimentConfig) -> Array:
    """Return x (T, B, D), read-only; a longer sequence begins with the same inputs.

    noise : independent standard normal numbers.
    impulse : the first step of the noise, then zeros.
    sine : sqrt(2) sin(2 pi t / 25 + phase), unit variance, a random phase per feature.
    silence : zeros.
    text : one-hot characters, D different ones in the order of their code points.
    """
    shape = sizes(config)
    text = config.text if config.source == "text" else ""
    draw = _kept if np.prod(shape) <= KEPT else _drawn
    return draw(config.source, text, config.seed, shape)


def _drawn(source: str, text: str, seed: int, shape: tuple[int, int, int]) -> Array:
    steps, batch, features = shape
    x = np.zeros(shape)
    if source == "noise":
        for b in range(batch):
            x[:, b] = normals(seed, Purpose.INPUTS, b, rows=steps, columns=features)
    elif source == "impulse":
        for b in range(batch):
            x[0, b] = normals(seed, Purpose.INPUTS, b, rows=1, columns=features)[0]
    elif source == "sine":
        turns = np.arange(steps)[:, None] / PERIOD
        for b in range(batch):
            phase = uniforms(seed, Purpose.INPUTS, b, rows=1, columns=features)
            x[:, b] = np.sqrt(2.0) * np.sin(2 * np.pi * turns + np.pi * phase)
    elif source == "text":
        read = text[:steps]
        x[np.arange(steps), 0, [alphabet(read).index(char) for char in read]] = 1.0
    return read_only(x)


_kept = lru_cache(maxsize=16)(_drawn)  # a drag draws the same input at every repaint


def alphabet(text: str) -> list[str]:
    """Return the different characters of a text, in the order of their code points."""
    return sorted(set(text))
