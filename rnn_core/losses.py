"""Losses: functions of the hidden states that return a value and each step's own gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnn_core.arrays import Array, read_only


class LossResult(NamedTuple):
    """What a loss says of the states it was shown.

    Attributes
    ----------
    value : L.
    d_h : each step's own dL/dh_t (T, B, H), without what flows back from later steps.
    gradients : of parameters of the loss itself (an output layer), by name.
    """

    value: float
    d_h: Array
    gradients: Mapping[str, Array] = {}


Loss = Callable[[Array], LossResult | tuple[float, Array]]


@dataclass(frozen=True)
class HandedOver:
    """No loss of its own: the gradient of the run enters at its last state, from another run."""

    def __call__(self, h: Array) -> LossResult:
        """Return 0 and a gradient of 0 at every step."""
        return LossResult(0.0, np.zeros(h.shape))


@dataclass(frozen=True)
class Projection:
    """L = sum over steps and sequences of v_t . h_t; no 1/B and no 1/T enters.

    Attributes
    ----------
    readout : v (T, H); a row of zeros is a step without a loss.
    """

    readout: Array

    def __call__(self, h: Array) -> LossResult:
        """Return L and dl_t/dh_t = v_t for every sequence."""
        steps = np.flatnonzero(self.readout.any(axis=1))
        v = self.readout[steps]
        d_h = np.zeros(h.shape)
        d_h[steps] = v[:, None, :]
        seen = h if len(steps) == len(h) else h[steps]
        return LossResult(float(np.einsum("tbh,th->", seen, v)), read_only(d_h))


@dataclass(frozen=True)
class NextCharacter:
    """The next-character loss of an untrained net that reads typed text.

    logits = Y h_t. At each chosen step: -log softmax(logits)[target], or, where a rival is
    named, logit(target) - logit(rival). The sum over steps, no mean.

    Attributes
    ----------
    readout : Y (K, H), a row per character.
    targets : step -> row of the character that comes next.
    rivals : step -> row of the character that must not come.
    """

    readout: Array
    targets: Mapping[int, int]
    rivals: Mapping[int, int] = field(default_factory=dict)

    def __call__(self, h: Array) -> LossResult:
        """Return L and its gradient at the chosen steps, 0 elsewhere."""
        d_h = np.zeros(h.shape)
        value = 0.0
        for step, target in self.targets.items():
            logits = h[step] @ self.readout.T
            if step in self.rivals:
                pull = self.readout[target] - self.readout[self.rivals[step]]
                value += float((h[step] @ pull).sum())
                d_h[step] = pull
                continue
            logits = logits - logits.max(axis=-1, keepdims=True)
            # the largest is 1: its rivals, added to it, would be lost where the net is sure
            weights = np.exp(logits)
            np.put_along_axis(weights, logits.argmax(axis=-1)[:, None], 0.0, axis=-1)
            log_total = np.log1p(weights.sum(axis=-1, keepdims=True))
            value += float((log_total[:, 0] - logits[:, target]).sum())
            slope = np.exp(logits - log_total)
            slope[:, target] = 0.0
            slope[:, target] = -slope.sum(axis=-1)
            d_h[step] = slope @ self.readout
        return LossResult(value, d_h)
