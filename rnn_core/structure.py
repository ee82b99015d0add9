"""Which states a loss can reach at all: a sweep with every factor replaced by 0 or 1.

A gradient of 0 is exact where no path leads to the loss, and may be an underflow where one does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_core.arrays import BoolArray
from rnn_core.cells import StepMaps
from rnn_core.cells.base import SkipInTime


@dataclass(frozen=True)
class Structure:
    """The paths of one layer's sweep, computed when first asked for.

    Attributes
    ----------
    maps, truncate, skip : what the sweep was given.
    d_loss : computes which entries of the layer's output have a loss above them, (T, ..., B, H).
    d_end : computes which entries of the last state are reached from outside, by name.
    """

    maps: StepMaps
    d_loss: Callable[[], BoolArray]
    truncate: int | None
    skip: SkipInTime | None
    d_end: Callable[[], dict[str, BoolArray]] | None = None

    @cached_property
    def reached(self) -> tuple[BoolArray, ...]:
        """Which entries have a path to the loss, at all positions (T+1, ..., B, H)."""
        maps = self.maps.indicator()
        local = self.d_loss()
        steps = local.shape[0]
        reached = tuple(
            np.zeros((steps + 1, *local.shape[1:]), dtype=bool) for _ in range(maps.state_count)
        )
        reached[0][steps] = local[-1]
        if self.d_end is not None:
            for flags, outside in zip(reached, self.d_end().values(), strict=True):
                flags[steps] |= outside
        borders = range(self.truncate, steps, self.truncate) if self.truncate else range(0)
        for t in range(steps - 1, -1, -1):
            if t not in borders:
                after = tuple(flags[t + 1].astype(np.float64) for flags in reached)
                for flags, paths in zip(reached, maps.vjp_step(t, after), strict=True):
                    flags[t] = paths > 0
            later = t + self.skip.steps if self.skip and self.skip.scale else steps + 1
            if later <= steps and not any(t <= border < later for border in borders):
                reached[0][t] |= reached[0][later]
            if t:
                reached[0][t] |= local[t - 1]
        return reached

    def of_steps(self) -> dict[str, BoolArray]:
        """Return the same for the total derivatives after each step, by name."""
        after = tuple(flags[1:].astype(np.float64) for flags in self.reached)
        return _by_name(tuple(d > 0 for d in self.maps.indicator().total(after)))

    def of_init(self) -> dict[str, BoolArray]:
        """Return the same for the state before the first step, by name."""
        return _by_name(tuple(flags[0] for flags in self.reached))


def _by_name(values: tuple[BoolArray, ...]) -> dict[str, BoolArray]:
    return dict(zip(("d_h", "d_c"), values, strict=False))
