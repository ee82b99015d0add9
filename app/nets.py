"""Twenty nets of one recipe: what one draw of weights and input does not tell. Cached, bounded."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from app import engine
from app.cache import ByteCache
from rnn_core import ExperimentConfig
from rnn_core.arrays import Array, BoolArray, read_only
from rnn_core.config import sizes
from rnn_core.ensemble import run_ensemble
from rnn_core.experiment import steps_to_loss
from rnn_core.recording import mean_log10

COUNT: Final = 20
SEQUENCES: Final = 2
"""Of each net: what differs between nets is more than what differs between its sequences."""

_WORK: Final = 400_000_000
"""Gates x steps x sequences x hidden_size^2 of one net: 20 such take some seconds."""

_KEPT: Final = 16_000_000
"""Bytes of what is kept for all readers."""


class Nets(NamedTuple):
    """The gradients of 20 nets.

    Attributes
    ----------
    log10_norms : log10 |dL/dh_t| of the last loss, each net's mean over its sequences, (T, N);
        nan from the step on where a net's state overflowed, -inf where it is exactly 0.
    decades : of each net, as its verdict says, (N,); -inf where its gradient arrives as exactly 0.
    regimes : how many of the nets that `arrives` marks have each regime.
    arrives : whether a net's state stayed finite up to the loss, (N,): one that overflowed has a
        gradient over fewer steps, whose decades are no others' measure.
    seed, sequences : the first seed, and how many sequences of each net.
    """

    log10_norms: Array
    decades: Array
    regimes: Mapping[str, int]
    arrives: BoolArray
    seed: int
    sequences: int


def asked(settings: Mapping[str, Any], config: ExperimentConfig) -> Nets | None:
    """Return 20 nets like `config` where the reader wants to see them and they can be afforded."""
    return nets(config) if settings["nets"] == "20" and is_affordable(config) else None


def is_affordable(config: ExperimentConfig) -> bool:
    """Tell whether 20 nets of this size can be run while a reader waits."""
    steps, sequences, _ = sizes(engine.fitted(config).config)
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[config.cell]
    used = min(sequences, SEQUENCES)
    return config.is_tied and gates * steps * used * config.hidden_size**2 <= _WORK


def nets(config: ExperimentConfig) -> Nets:
    """Return 20 nets like `config`: its seed and the 19 that follow."""
    able = engine.fitted(config).config
    few = replace(able, batch_size=min(able.batch_size, SEQUENCES))
    return _NETS.get(few, lambda: _measured(few))


def _measured(config: ExperimentConfig) -> Nets:
    seeds = [(config.seed + k) % 2**32 for k in range(COUNT)]
    found = run_ensemble(replace(config, seed=seed) for seed in seeds)
    verdicts = [found.verdict(k) for k in range(COUNT)]
    by_net = np.stack([mean_log10(norms) for norms in found.log10_norms], axis=1)
    decades = np.array([verdict.decades for verdict in verdicts])
    arrives = found.steps >= steps_to_loss(config)
    regimes = Counter(verdicts[k].regime for k in np.flatnonzero(arrives))
    sequences = found.log10_norms.shape[2]
    return Nets(read_only(by_net), read_only(decades), regimes, arrives, config.seed, sequences)


_NETS: Final = ByteCache[ExperimentConfig, Nets](_KEPT, lambda kept: kept.log10_norms.nbytes)
