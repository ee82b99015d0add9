"""The output layer y_t = W_hy h_t + b_y, and the losses of its logits at chosen steps.

Every loss sums over sequences: no 1/B enters, a sequence's gradient does not depend on the others
beside it. What happens along time differs, and each says it as its `reduction`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from rnn_core.activations import sigmoid
from rnn_core.allowed import is_whole
from rnn_core.arrays import Array, BoolArray, finite_array, read_only
from rnn_core.errors import ConfigError, ShapeError, quoted
from rnn_core.losses import LossResult

Steps = str | Sequence[int] | BoolArray
"""At which steps there is a loss: "last", "every", numbers from 0, or flags (T,) or (T, B)."""


@dataclass(frozen=True)
class OutputLayer:
    """Logits y_t = W_hy h_t + b_y of the top layer's states.

    Attributes
    ----------
    weight_hy : (K, H); H is 2H of both directions side by side in a bidirectional net.
    bias_y : (K,).

    Raises
    ------
    ShapeError : "weight_hy: expected ..." or "bias_y: expected ...".

    Examples
    --------
    >>> import numpy as np
    >>> layer = OutputLayer(np.array([[1.0, -1.0]]), np.array([0.5]))
    >>> layer.logits(np.array([[[2.0, 3.0]]])).tolist()
    [[[-0.5]]]
    """

    weight_hy: Array
    bias_y: Array

    def __post_init__(self) -> None:
        weight = finite_array("weight_hy", self.weight_hy, "(K, H)", (None, None))
        if 0 in weight.shape:
            raise ShapeError(f"weight_hy: expected (K, H), got {weight.shape}")
        bias = finite_array("bias_y", self.bias_y, f"(K={len(weight)},)", (len(weight),))
        object.__setattr__(self, "weight_hy", read_only(weight))
        object.__setattr__(self, "bias_y", read_only(bias))

    def logits(self, h: Array) -> Array:
        """Return (..., K) for states (..., H); beyond float64, its largest number."""
        size = self.weight_hy.shape[1]
        if h.shape[-1] != size:
            raise ShapeError(
                f"weight_hy: expected (K, H={h.shape[-1]}), got {self.weight_hy.shape}"
            )
        largest = np.finfo(np.float64).max
        with np.errstate(all="ignore"):
            logits: Array = h.astype(np.float64) @ self.weight_hy.T + self.bias_y
            return np.clip(logits, -largest, largest)


class _Chosen(NamedTuple):
    """The steps and sequences that have a loss, as the rows of one matrix."""

    flags: BoolArray
    """(T, B)."""
    h: Array
    """(N, H)."""
    logits: Array
    """(N, K)."""
    targets: Array
    """(N,) or (N, K)."""


@dataclass(frozen=True)
class LogitLoss(ABC):
    """A loss of logits, to be handed to `record`; its subclasses say which.

    Attributes
    ----------
    output : the output layer; its gradients come out as `weight_hy` and `bias_y`.
    targets : what is right, at every step or (without the axis of time) the same at all.
    at : the steps that have a loss: "last", "every", their numbers from 0, or flags, (T,) or
        (T, B) for each sequence by itself.
    """

    output: OutputLayer
    targets: Array
    at: Steps = "every"
    reduction: ClassVar[str]
    """How the losses of single steps become L, in words."""

    def __call__(self, h: Array) -> LossResult:
        """Return L, each step's own dL/dh (T, B, H), and dL/dW_hy, dL/db_y.

        Raises
        ------
        ShapeError, ConfigError : if the targets, the steps or the layer do not fit `h`. What of its
            gradients is beyond float64 `record` refuses, as it does of every loss.
        """
        chosen = self._chosen(h)
        with np.errstate(all="ignore"):  # logits may be of any size, and so may their loss
            values, d_logits = self._of_rows(chosen.logits, chosen.targets)
            weight = self._weights(chosen.flags)[chosen.flags]
            d_logits = d_logits * weight[:, None]
            d_h = np.zeros(h.shape)
            d_h[chosen.flags] = d_logits @ self.output.weight_hy
            gradients = {"weight_hy": d_logits.T @ chosen.h, "bias_y": d_logits.sum(axis=0)}
            return LossResult(float((values * weight).sum()), d_h, gradients)

    def per_step(self, h: Array) -> Array:
        """Return each step's own loss before the reduction, (T, B); 0 where there is none."""
        chosen = self._chosen(h)
        found = np.zeros(h.shape[:2])
        with np.errstate(all="ignore"):
            found[chosen.flags] = self._of_rows(chosen.logits, chosen.targets)[0]
        return found

    def _chosen(self, h: Array) -> _Chosen:
        steps, batch, _ = h.shape
        flags = chosen_steps(self.at, steps, batch)
        targets = self._checked(steps, batch, len(self.output.bias_y))
        rows = np.asarray(h[flags], dtype=np.float64)
        return _Chosen(flags, rows, self.output.logits(rows), targets[flags])

    def _weights(self, flags: BoolArray) -> Array:
        """Return the weight of each step's loss in L, (T, B)."""
        return np.ones(flags.shape)

    def _checked(self, steps: int, batch: int, outputs: int) -> Array:
        """Return the targets (T, B, K)."""
        shape = (batch, outputs)
        words = f"(T={steps}, B={batch}, K={outputs}) or (B={batch}, K={outputs})"
        if np.ndim(self.targets) == 3:
            return finite_array("targets", self.targets, words, (steps, *shape))
        found = finite_array("targets", self.targets, words, shape)
        return np.broadcast_to(found, (steps, *shape))

    @abstractmethod
    def _of_rows(self, logits: Array, targets: Array) -> tuple[Array, Array]:
        """Return the loss (N,) and its derivative (N, K) of each row of logits (N, K)."""


@dataclass(frozen=True)
class BinaryCrossEntropy(LogitLoss):
    """-y log s - (1 - y) log(1 - s) with s = sigmoid(logit), summed over outputs and time.

    From the logits, never from s: max(a, 0) - a y + log(1 + e^-|a|) is exact at any size of a, and
    so is its derivative s - y, taken as (1 - y) s(a) - y s(-a).
    `targets` (T, B, K) or (B, K), from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> layer = OutputLayer(np.ones((1, 1)), np.zeros(1))
    >>> loss = BinaryCrossEntropy(layer, np.ones((1, 1)), at="last")
    >>> round(loss(np.zeros((3, 1, 1))).value, 6), loss(np.full((3, 1, 1), -1e300)).value
    (0.693147, 1e+300)
    """

    reduction: ClassVar[str] = "summed over outputs, chosen steps and sequences"

    def _checked(self, steps: int, batch: int, outputs: int) -> Array:
        found = super()._checked(steps, batch, outputs)
        outside = found[(found < 0) | (found > 1)]
        if outside.size:
            raise ShapeError(f"targets: expected 0 to 1, got {outside[0]}")
        return found

    def _of_rows(self, logits: Array, targets: Array) -> tuple[Array, Array]:
        values = np.maximum(logits, 0.0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
        d_logits = (1.0 - targets) * sigmoid(logits) - targets * sigmoid(-logits)
        return values.sum(axis=1), d_logits


@dataclass(frozen=True)
class CrossEntropy(LogitLoss):
    """-log softmax(logits)[target], averaged over each sequence's chosen steps.

    The largest logit is taken off first, and of the sum only what it has beyond that logit's own 1
    is added up; the derivative at the target is minus the sum of the other probabilities. Both keep
    their digits where the target's probability rounds to 1.
    `targets` (T, B) or (B,), whole numbers from 0 to K-1; where there is no loss they do not
    matter, but must be such numbers.

    Examples
    --------
    >>> import numpy as np
    >>> layer = OutputLayer(np.zeros((4, 2)), np.zeros(4))
    >>> round(CrossEntropy(layer, np.array([3]))(np.zeros((5, 1, 2))).value, 6)  # log 4
    1.386294
    """

    reduction: ClassVar[str] = "averaged over each sequence's chosen steps, summed over sequences"

    def _weights(self, flags: BoolArray) -> Array:
        count = np.maximum(flags.sum(axis=0), 1)
        return np.broadcast_to(1.0 / count, flags.shape)

    def _checked(self, steps: int, batch: int, outputs: int) -> Array:
        words = f"(T={steps}, B={batch}) or (B={batch},)"
        if np.ndim(self.targets) == 2:
            found = finite_array("targets", self.targets, words, (steps, batch))
        else:
            found = finite_array("targets", self.targets, words, (batch,))
        wrong = found[(found != np.floor(found)) | (found < 0) | (found >= outputs)]
        if wrong.size:
            raise ShapeError(
                f"targets: expected whole numbers from 0 to {outputs - 1}, got {wrong[0]:g}"
            )
        return np.broadcast_to(found, (steps, batch))

    def _of_rows(self, logits: Array, targets: Array) -> tuple[Array, Array]:
        rows, classes = np.arange(len(logits)), targets.astype(np.int64)
        below = logits - logits.max(axis=1, keepdims=True)
        # the largest is 1: its rivals, added to it, would be lost where the net is sure
        rivals = np.exp(below)
        rivals[rows, logits.argmax(axis=1)] = 0.0
        log_total = np.log1p(rivals.sum(axis=1, keepdims=True))
        probs = np.exp(below - log_total)
        probs[rows, classes] = 0.0
        probs[rows, classes] = -probs.sum(axis=1)
        return log_total[:, 0] - below[rows, classes], probs


@dataclass(frozen=True)
class SquaredError(LogitLoss):
    """(y - target)^2 / 2, summed over outputs and time. `targets` (T, B, K) or (B, K).

    Examples
    --------
    >>> import numpy as np
    >>> loss = SquaredError(OutputLayer(np.ones((1, 1)), np.zeros(1)), np.zeros((1, 1)), at=[0, 2])
    >>> loss(np.full((3, 1, 1), 2.0)).value
    4.0
    """

    reduction: ClassVar[str] = "half the sum over outputs, chosen steps and sequences"

    def _of_rows(self, logits: Array, targets: Array) -> tuple[Array, Array]:
        error = logits - targets
        return 0.5 * np.square(error).sum(axis=1), error


def chosen_steps(at: Steps, steps: int, batch: int) -> BoolArray:
    """Return which steps of which sequences have a loss, (T, B).

    Raises
    ------
    ConfigError : "at: expected last, every, ...".

    Examples
    --------
    >>> chosen_steps([0, 2], steps=3, batch=1)[:, 0].tolist()
    [True, False, True]
    """
    flags: BoolArray = np.zeros((steps, batch), dtype=bool)
    words = f"last, every, steps from 0 to {steps - 1}, or flags ({steps},) or ({steps}, {batch})"
    if isinstance(at, str):
        if at not in ("last", "every"):
            raise ConfigError(f"at: expected {words}, got {quoted(at)}")
        flags[-1 if at == "last" else slice(None)] = True
        return flags
    if isinstance(at, np.ndarray) and at.dtype == np.bool_:
        if at.shape not in ((steps,), (steps, batch)):
            raise ConfigError(f"at: expected {words}, got {at.shape}")
        flags[...] = at if at.ndim == 2 else at[:, None]
        return flags
    numbers = list(at) if isinstance(at, (list, tuple, range, np.ndarray)) else []
    if not numbers or not all(is_whole(t) and 0 <= t < steps for t in numbers):
        raise ConfigError(f"at: expected {words}, got {quoted(at)}")
    flags[numbers] = True
    return flags
