"""What a network reads: noise, an impulse, sines, silence, or typed text."""

from typing import Final

import numpy as np

from rnn_core.arrays import Array
from rnn_core.config import ExperimentConfig, sizes
from rnn_core.streams import Purpose, normals, uniforms

PERIOD: Final = 25
"""Steps in one period of the sine."""


def draw_input(config: ExperimentConfig) -> Array:
    """Return x (T, B, D); a longer sequence begins with the same inputs.

    noise : independent standard normal numbers.
    impulse : the first step of the noise, then zeros.
    sine : sqrt(2) sin(2 pi t / 25 + phase), unit variance, a random phase per feature.
    silence : zeros.
    text : one-hot characters, D different ones in the order of their code points.
    """
    steps, batch, features = sizes(config)
    x = np.zeros((steps, batch, features))
    if config.source == "noise":
        for b in range(batch):
            x[:, b] = normals(config.seed, Purpose.INPUTS, b, rows=steps, columns=features)
    elif config.source == "impulse":
        for b in range(batch):
            x[0, b] = normals(config.seed, Purpose.INPUTS, b, rows=1, columns=features)[0]
    elif config.source == "sine":
        turns = np.arange(steps)[:, None] / PERIOD
        for b in range(batch):
            phase = uniforms(config.seed, Purpose.INPUTS, b, rows=1, columns=features)
            x[:, b] = np.sqrt(2.0) * np.sin(2 * np.pi * turns + np.pi * phase)
    elif config.source == "text":
        read = config.text[:steps]
        x[np.arange(steps), 0, [alphabet(read).index(char) for char in read]] = 1.0
    return x


def alphabet(text: str) -> list[str]:
    """Return the different characters of a text, in the order of their code points."""
    return sorted(set(text))
