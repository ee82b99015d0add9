"""Growth per step against weight scale, over many nets: at which scale gradients arrive.

A sweep is smaller than the run that it belongs to: at most 100 steps, 32 units and two sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rnn_core.analysis.crossover import Crossing, zero_crossings
from rnn_core.arrays import Array, read_only
from rnn_core.config import ExperimentConfig, sizes
from rnn_core.ensemble import sweep
from rnn_core.errors import ConfigError
from rnn_core.experiment import steps_to_loss

SCALES: Final = tuple(k / 10 for k in range(41))
"""Weight scales 0, 0.1, ... 4."""

NETS: Final = 20
"""Nets, with the seeds 0 to 19."""

MOST_STEPS: Final = 100
MOST_UNITS: Final = 32
MOST_SEQUENCES: Final = 2

FEWEST: Final = 0.5
"""A mean is taken where at least this part of the nets has a growth."""


@dataclass(frozen=True)
class WeightSweep:
    """What was measured; arrays are read-only.

    Attributes
    ----------
    config : the reduced run; seed and weight_scale are those of none of its nets.
    scales : (S,).
    growth : growth per step of each net at each scale, (N, S); nan where a net has none, because
        its gradient arrives as exactly 0 in all sequences or the loss is at the first step.
    """

    config: ExperimentConfig
    scales: Array
    growth: Array

    @property
    def has_way_back(self) -> bool:
        """Whether there is a step before that of the loss: else no net has a growth."""
        return steps_to_loss(self.config) > 1

    @property
    def mean(self) -> Array:
        """Mean over nets, (S,); nan where fewer than half of them have a growth."""
        alive = np.isfinite(self.growth)
        count = alive.sum(axis=0)
        total = np.where(alive, self.growth, 0.0).sum(axis=0)
        has_mean = count >= FEWEST * len(self.growth)
        return np.where(has_mean, total / np.maximum(count, 1), np.nan)

    def quantile(self, level: float) -> Array:
        """Return a quantile over the nets that have a growth, (S,); nan where `mean` is."""
        ordered = np.sort(self.growth, axis=0)  # those without a growth come last
        alive = np.isfinite(ordered).sum(axis=0)
        place = level * np.maximum(alive - 1, 0)
        below = np.floor(place).astype(np.int64)
        edges = [
            np.take_along_axis(ordered, row[None], axis=0)[0]
            for row in (below, np.ceil(place).astype(np.int64))
        ]
        between: Array = edges[0] + (place - below) * (edges[1] - edges[0])
        return np.where(np.isfinite(self.mean), between, np.nan)

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """Where the mean changes sign."""
        return zero_crossings(self.scales, self.mean)

    def band_crossings(self, low: float = 0.1, high: float = 0.9) -> tuple[float, float] | None:
        """Return the scales at which the band's upper and lower edges first become positive."""
        edges = [zero_crossings(self.scales, self.quantile(level)) for level in (high, low)]
        upward = [[one.place for one in found if one.is_upward] for found in edges]
        return (upward[0][0], upward[1][0]) if all(upward) else None


def reduced(config: ExperimentConfig) -> ExperimentConfig:
    """Return the run that a sweep repeats: at most 100 steps, 32 units, two sequences.

    The gradient is that of the last loss step, through all steps.
    """
    return replace(
        config,
        steps=min(config.steps, MOST_STEPS),
        hidden_size=min(config.hidden_size, MOST_UNITS),
        batch_size=min(config.batch_size, MOST_SEQUENCES),
        weight_scale=1.0,
        truncate=None,
        loss_at="last",
        seed=0,
    )


def weight_sweep(
    config: ExperimentConfig,
    *,
    scales: Sequence[float] = SCALES,
    seeds: Sequence[int] = tuple(range(NETS)),
) -> WeightSweep:
    """Measure the growth per step of many nets at many weight scales, as one batch.

    Parameters
    ----------
    config : of the run; it is reduced, and its seed and weight scale do not matter.
    scales, seeds : of the nets.

    Raises
    ------
    ConfigError : for a scale or a seed that is not allowed, or none of them.

    Examples
    --------
    An orthogonal linear net multiplies the gradient by its scale:

    >>> from rnn_core import ExperimentConfig
    >>> linear = ExperimentConfig(init="orthogonal", activation="identity")
    >>> found = weight_sweep(linear, scales=[0.5, 2.0], seeds=range(3))
    >>> found.mean.round(6).tolist(), found.crossings[0].place.__round__(6)
    ([-0.30103, 0.30103], 1.25)
    """
    small = reduced(config)
    if not len(scales) or not len(seeds):
        raise ConfigError("scales, seeds: expected at least one of each, got none")
    if sizes(small)[0] == 1:
        growth = np.full((len(seeds), len(scales)), np.nan)
    else:
        growth = sweep(small, {"seed": seeds, "weight_scale": scales}).growth_per_step()
    return WeightSweep(small, read_only(np.array(scales, dtype=np.float64)), read_only(growth))


def joined(parts: Sequence[WeightSweep]) -> WeightSweep:
    """Return one sweep of the nets of several."""
    first = parts[0]
    growth = np.concatenate([part.growth for part in parts])
    return WeightSweep(first.config, first.scales, read_only(growth))
