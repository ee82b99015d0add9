"""The weights of one cell, under PyTorch's names and in its shapes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rnn_core.arrays import Array


@dataclass(frozen=True)
class Params:
    """The weights of one cell, under PyTorch's names and in its shapes.

    Attributes
    ----------
    weight_ih : (..., G*H, D).
    weight_hh : (..., G*H, H); with `is_tied` False the first axis is time: (T, ..., G*H, H).
    bias_ih, bias_hh : (..., G*H), or None in a net without biases.
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array | None
    bias_hh: Array | None
    is_tied: bool = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weight_hh.shape[-1])

    @property
    def input_size(self) -> int:
        """D."""
        return int(self.weight_ih.shape[-1])

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes of an ensemble; () for one net."""
        return self.weight_ih.shape[:-2]

    def named(self) -> dict[str, Array]:
        """Return the arrays that exist, by name."""
        every = {
            "weight_ih": self.weight_ih,
            "weight_hh": self.weight_hh,
            "bias_ih": self.bias_ih,
            "bias_hh": self.bias_hh,
        }
        return {name: array for name, array in every.items() if array is not None}

    def mapped(self, change: Callable[[Array], Array]) -> "Params":
        """Return the same parameters with `change` applied to every array."""
        changed = {name: change(array) for name, array in self.named().items()}
        return replace(self, **changed)  # type: ignore[arg-type]

    def of_step(self, t: int) -> "Params":
        """Return the weights of one step, as those of a tied net."""
        return self if self.is_tied else replace(self, weight_hh=self.weight_hh[t], is_tied=True)

    def joined(self) -> Array:
        """Return [W_hh | W_ih | b_ih + b_hh], (..., G*H, H+D+1); (T, ...) in an untied net."""
        bias = np.zeros_like(self.weight_ih[..., 0])
        for part in (self.bias_ih, self.bias_hh):
            if part is not None:
                bias = bias + part
        rest = np.concatenate([self.weight_ih, bias[..., None]], axis=-1)
        if not self.is_tied:
            rest = np.broadcast_to(rest, (len(self.weight_hh), *rest.shape))
        return np.concatenate([self.weight_hh, rest], axis=-1)

    def split(self, gradient: Array) -> dict[str, Array]:
        """Take the gradient of `joined` apart: the gradients of the parameters, by name."""
        size = self.hidden_size
        over_steps = gradient if self.is_tied else gradient.sum(axis=0)
        bias = over_steps[..., -1]
        every = {
            "weight_ih": over_steps[..., size:-1],
            "weight_hh": gradient[..., :size],
            "bias_ih": bias,
            "bias_hh": bias.copy(),
        }
        return {name: np.ascontiguousarray(every[name]) for name in self.named()}
