"""Tasks that a network can be trained on: inputs, targets, and what guessing would score."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.arrays import Array, read_only
from rnn_core.errors import ConfigError, quoted
from rnn_core.losses import LossResult
from rnn_core.output import OutputLayer, SquaredError
from rnn_core.streams import Purpose, stream, uniforms

LONGEST: Final = 10_000
MOST: Final = 10_000
"""Most sequences of a task."""


@dataclass(frozen=True)
class MeanSquaredError:
    """The mean over sequences of (y_T - target)^2, summed over outputs; y of the last step.

    Attributes
    ----------
    output : its gradients come out as `weight_hy` and `bias_y`.
    targets : (B, K).

    Examples
    --------
    >>> import numpy as np
    >>> loss = MeanSquaredError(OutputLayer(np.ones((1, 1)), np.zeros(1)), np.zeros((2, 1)))
    >>> loss(np.full((3, 2, 1), 2.0)).value
    4.0
    """

    output: OutputLayer
    targets: Array

    def __call__(self, h: Array) -> LossResult:
        """Return L, dL/dh (T, B, H), and dL/dW_hy, dL/db_y."""
        factor = 2.0 / h.shape[1]
        half = SquaredError(self.output, self.targets, at="last")(h)
        with np.errstate(all="ignore"):
            gradients = {name: factor * one for name, one in half.gradients.items()}
            return LossResult(factor * half.value, factor * half.d_h, gradients)


@dataclass(frozen=True)
class Task:
    """A fixed set of sequences with their targets, for training on all of them at once.

    Attributes
    ----------
    name : what a reader calls it.
    x : (T, B, D), read-only.
    targets : (B, K), of the last step, read-only.
    baseline : the mean squared error, over all sequences there could be, of the best guess that
        does not look at the sequence.
    """

    name: str
    x: Array
    targets: Array
    baseline: float

    def loss(self, output: OutputLayer) -> MeanSquaredError:
        """Return the loss of the states of this task's sequences."""
        return MeanSquaredError(output, self.targets)

    def score_of(self, guess: float) -> float:
        """Return the mean squared error of one guess for every number of these targets.

        `baseline` is its expectation for the best guess; a few sequences may be off by half of it.
        """
        return float(np.square(self.targets - guess).sum(axis=1).mean())


def adding(*, steps: int = 50, batch_size: int = 32, seed: int = 0) -> Task:
    """Return the adding problem: the sum of the two marked numbers of a sequence.

    x_t = (u, m): u uniform in [0, 1); m = 1 at one step of each half, 0 elsewhere. The target at
    the last step is the sum of the two marked u; to say 1 whatever was read scores 1/6.

    Parameters
    ----------
    steps : T, at least 2. A longer sequence begins with the same numbers, marked elsewhere.
    seed : of numbers and marks; sequence b does not depend on how many there are.

    Raises
    ------
    ConfigError : "<name>: expected <low> to <high>, got <value>".

    Examples
    --------
    >>> task = adding(steps=8, batch_size=3)
    >>> bool((task.x[:, :, 1].sum(axis=0) == 2).all())
    True

    Source: Hochreiter & Schmidhuber (1997), experiment 4; one mark in each half as in Le, Jaitly &
    Hinton (2015).
    """
    for name, value, low, high in (
        ("steps", steps, 2, LONGEST),
        ("batch_size", batch_size, 1, MOST),
        ("seed", seed, 0, 2**32 - 1),
    ):
        if not (is_whole(value) and low <= value <= high):
            raise ConfigError(f"{name}: expected {low} to {high}, got {quoted(value)}")
    x = np.zeros((steps, batch_size, 2))
    half = steps // 2
    for b in range(batch_size):
        x[:, b, 0] = (uniforms(seed, Purpose.TASK, b, rows=steps, columns=1)[:, 0] + 1.0) / 2.0
        marks = stream(seed, Purpose.TASK, b, 1, 1)
        x[[marks.integers(0, half), marks.integers(half, steps)], b, 1] = 1.0
    targets = (x[:, :, 0] * x[:, :, 1]).sum(axis=0)[:, None]
    return Task("adding problem", read_only(x), read_only(targets), 1.0 / 6.0)
