"""Initialisers side by side, each fed at the same measured input variance.

A scheme draws its input weights too: left alone, one net is driven ten times as hard as another,
and the drive alone moves a gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rnn_core.analysis.weight_sweep import NETS, reduced
from rnn_core.config import ExperimentConfig, sizes
from rnn_core.ensemble import run_ensemble
from rnn_core.experiment import draw

PAIRS: Final = (
    ("gaussian", "tanh"),
    ("orthogonal", "tanh"),
    ("pytorch", "tanh"),
    ("keras", "tanh"),
    ("orthogonal", "relu"),
    ("identity", "relu"),
    ("he", "relu"),
)
"""Schemes and activations of a vanilla net."""

_LARGEST_SCALE: Final = 100.0


@dataclass(frozen=True)
class Initialiser:
    """What many nets of one scheme do to a gradient, at weight scale 1.

    Attributes
    ----------
    init, activation : what was drawn.
    input_scale : the factor on the scheme's own input weights.
    input_variance : mean of (W_ih x_t)^2 with that factor, over nets, steps, sequences and units.
    growth : growth per step of each net that has one.
    dead : nets that have none: their gradient arrives as exactly 0.
    """

    init: str
    activation: str
    input_scale: float
    input_variance: float
    growth: tuple[float, ...]
    dead: int

    @property
    def mean(self) -> float | None:
        """Mean growth per step over nets, None where none has one."""
        return float(np.mean(self.growth)) if self.growth else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over nets; None for fewer than two."""
        return float(np.std(self.growth, ddof=1)) if len(self.growth) > 1 else None


def compare_initialisers(
    config: ExperimentConfig, variance: float, *, seeds: Sequence[int] = tuple(range(NETS))
) -> tuple[Initialiser, ...]:
    """Measure every pair of `PAIRS` with the input of a config, scaled to one variance.

    Parameters
    ----------
    config : its input, sizes (reduced as for a sweep) and initial state; all else is the scheme's.
    variance : of W_ih x_t, the same for all. Where an input scale beyond 100 would be needed it
        is 100, and the measured variance says so.

    Examples
    --------
    >>> found = compare_initialisers(ExperimentConfig(steps=30, hidden_size=16), 1.0, seeds=[0, 1])
    >>> [(one.init, round(one.input_variance, 6)) for one in found[:2]]
    [('gaussian', 1.0), ('orthogonal', 1.0)]
    """
    plain = replace(
        reduced(config),
        cell="rnn",
        is_tied=True,
        forget_bias=None,
        bias_scale=0.0,
        input_scale=1.0,
        init="he",
    )
    found = []
    for init, activation in PAIRS:
        unit = replace(plain, init=init, activation=activation)
        own = _input_variance(unit, seeds)
        scale = min(float(np.sqrt(variance / own)), _LARGEST_SCALE) if own else 1.0
        growth = np.full(len(seeds), np.nan)
        if sizes(unit)[0] > 1:
            growth = run_ensemble(
                replace(unit, input_scale=scale, seed=seed) for seed in seeds
            ).growth_per_step()
        alive = growth[np.isfinite(growth)]
        found.append(
            Initialiser(
                init,
                activation,
                scale,
                scale**2 * own,
                tuple(alive.tolist()),
                len(growth) - len(alive) if sizes(unit)[0] > 1 else 0,
            )
        )
    return tuple(found)


def _input_variance(config: ExperimentConfig, seeds: Sequence[int]) -> float:
    """Return the mean of (W_ih x_t)^2 at input scale 1 over nets, steps, sequences and units."""
    found = []
    for seed in seeds:
        net = draw(replace(config, seed=seed))
        found.append(np.square(net.x @ net.network.params.weight_ih.T).mean())
    return float(np.mean(found))
