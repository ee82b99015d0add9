"""What an optimiser makes of a gradient: pure functions from parameters to parameters.

Clipping bounds the gradient that an optimiser gets. With plain gradient descent that bounds the
step as well; Adam divides by the size of past gradients, so its step is about the learning rate
whatever the threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from rnn_core.allowed import is_real
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError, ShapeError, quoted, shown

Parameters = Mapping[str, Array]

_LARGEST_RATE: Final = 1e6


@dataclass(frozen=True)
class Memory:
    """What an optimiser keeps from one update to the next.

    Attributes
    ----------
    updates : how many there have been.
    mean, square : running averages of the gradient and of its square, by name; empty for SGD
        without momentum.
    """

    updates: int = 0
    mean: Parameters = field(default_factory=dict)
    square: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Updated:
    """Parameters after an update, and what the optimiser keeps."""

    parameters: Parameters
    memory: Memory


class Optimizer(Protocol):
    """How parameters follow a gradient."""

    def update(self, parameters: Parameters, gradients: Parameters, memory: Memory) -> Updated:
        """Return the parameters after one update; start with `Memory()`."""
        ...


@dataclass(frozen=True)
class SGD:
    """Gradient descent: p <- p - rate m, with m <- momentum m + g (torch.optim.SGD).

    With all sequences in every gradient there is nothing stochastic about it.

    Raises
    ------
    ConfigError : "<name>: expected <low> to <high>, got <value>".

    Examples
    --------
    >>> import numpy as np
    >>> after = SGD(0.1).update({"w": np.array([1.0])}, {"w": np.array([2.0])}, Memory())
    >>> after.parameters["w"]
    array([0.8])
    """

    learning_rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _check("learning_rate", self.learning_rate, 0.0, _LARGEST_RATE)
        _check("momentum", self.momentum, 0.0, 1.0)

    def update(self, parameters: Parameters, gradients: Parameters, memory: Memory) -> Updated:
        """Return the parameters after one update.

        Raises
        ------
        ShapeError : "<name>: expected <shape>, got <shape>" where gradients do not fit.
        """
        _check_shapes(parameters, gradients)
        moves, kept = gradients, memory.mean
        with np.errstate(all="ignore"):
            if self.momentum:
                kept = {n: self.momentum * kept[n] + g if kept else g for n, g in gradients.items()}
                moves = kept
            after = {n: p - self.learning_rate * moves[n] for n, p in parameters.items()}
        return Updated(MappingProxyType(after), Memory(memory.updates + 1, kept))


@dataclass(frozen=True)
class Adam:
    """Adam without weight decay (torch.optim.Adam).

    m <- beta_1 m + (1 - beta_1) g; s <- beta_2 s + (1 - beta_2) g^2; with both divided by
    1 - beta^k after k updates, p <- p - rate m / (sqrt(s) + epsilon).

    Raises
    ------
    ConfigError : "<name>: expected <low> to <high>, got <value>".

    Source: Kingma & Ba (2015), algorithm 1.
    """

    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check("learning_rate", self.learning_rate, 0.0, _LARGEST_RATE)
        for name in ("beta_1", "beta_2", "epsilon"):
            _check(name, getattr(self, name), 0.0, 1.0)

    def update(self, parameters: Parameters, gradients: Parameters, memory: Memory) -> Updated:
        """Return the parameters after one update.

        Raises
        ------
        ShapeError : "<name>: expected <shape>, got <shape>" where gradients do not fit.
        """
        _check_shapes(parameters, gradients)
        count = memory.updates + 1
        mean, square, after = {}, {}, {}
        with np.errstate(all="ignore"):
            for name, g in gradients.items():
                kept, kept_square = memory.mean.get(name, 0.0), memory.square.get(name, 0.0)
                mean[name] = self.beta_1 * kept + (1.0 - self.beta_1) * g
                square[name] = self.beta_2 * kept_square + (1.0 - self.beta_2) * np.square(g)
                m = mean[name] / (1.0 - self.beta_1**count)
                s = square[name] / (1.0 - self.beta_2**count)
                move = m / (np.sqrt(s) + self.epsilon)
                after[name] = parameters[name] - self.learning_rate * move
        return Updated(MappingProxyType(after), Memory(count, mean, square))


def _check(name: str, value: object, low: float, high: float) -> None:
    if not (is_real(value) and low <= value <= high):  # type: ignore[operator]
        raise ConfigError(f"{name}: expected {low:g} to {high:g}, got {quoted(value)}")


def _check_shapes(parameters: Parameters, gradients: Parameters) -> None:
    for name, p in parameters.items():
        shape = np.shape(gradients[name]) if name in gradients else None
        if shape != p.shape:
            raise ShapeError(f"{shown(name)}: expected {p.shape}, got {shape or 'nothing'}")
    for name in gradients:
        if name not in parameters:
            raise ShapeError(f"{shown(name)}: expected one of {', '.join(parameters)}")
