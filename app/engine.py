"""The only calls into `rnn_core`: cached, bounded in bytes, sized for a page."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Final, NamedTuple

import numpy as np

import rnn_core as rc
from app.cache import ByteCache
from rnn_core.analysis.precision import PrecisionLoss, lost_precision
from rnn_core.config import refuse_oversize, sizes

PAGE_LIMIT: Final = 1_024_000
"""Largest steps x batch_size x hidden_size that a page records."""

LONG: Final = 1_000
"""Beyond this many steps a page records fewer sequences instead of refusing."""

KEPT: Final = 96_000_000
"""Bytes of the recordings that are kept for all readers, or a single larger one. An LSTM keeps
27 numbers for each of steps x batch_size x hidden_size: 220 MB of the largest run."""


class Fitted(NamedTuple):
    """A run that a page can record, and what had to be changed for it, as a sentence."""

    config: rc.ExperimentConfig
    note: str | None


class Run(NamedTuple):
    """What a page shows: the recording, and what had to be changed for it, as a sentence."""

    recording: rc.Recording
    note: str | None


def fitted(config: rc.ExperimentConfig) -> Fitted:
    """Return the run that a page records for `config`.

    Beyond 1,000 steps it has as many of the sequences as fit.

    Raises
    ------
    ConfigError : if the run is too large for a page; the sentence has the product and the limit.
        So far a page shows one layer in one direction and refuses more.
    """
    for name, one in (("layers", 1), ("is_bidirectional", False)):
        if getattr(config, name) != one:
            asked = getattr(config, name)
            raise rc.ConfigError(f"{name}: expected {one} on a page, got {asked}")
    steps, batch_size, _ = sizes(config)
    room = PAGE_LIMIT // (steps * config.hidden_size)
    if steps > LONG and 1 <= room < batch_size:
        smaller = replace(config, batch_size=room)
        refuse_oversize(smaller, PAGE_LIMIT)
        return Fitted(smaller, f"A run this long shows {room} of its {batch_size} sequences.")
    refuse_oversize(config, PAGE_LIMIT)
    return Fitted(config, None)


def recording(config: rc.ExperimentConfig) -> Run:
    """Return the run of `config`, from the cache where it is there.

    Raises
    ------
    ConfigError : as `fitted`.
    """
    able, note = fitted(config)
    return Run(_RUNS.get(able, lambda: rc.run(able)), note)


def precision(config: rc.ExperimentConfig) -> Mapping[str, PrecisionLoss]:
    """Return where float16, the only narrow type that a claim names, loses a run's gradient."""
    able = fitted(config).config

    def lost() -> Mapping[str, PrecisionLoss]:
        return lost_precision(recording(able).recording, types=("float16",), is_brief=True)

    return _LOSSES.get(able, lost)


def _size(rec: rc.Recording) -> int:
    """Return the bytes of a recording's arrays, a view counted as what it is a view of."""
    seen: dict[int, int] = {}
    _measure(rec, seen)
    return sum(seen.values())


def _measure(part: object, seen: dict[int, int]) -> None:
    if isinstance(part, np.ndarray):
        while isinstance(part.base, np.ndarray):
            part = part.base
        seen[id(part)] = part.nbytes
    elif isinstance(part, Mapping):
        for one in part.values():
            _measure(one, seen)
    elif isinstance(part, tuple | list):
        for one in part:
            _measure(one, seen)
    elif is_dataclass(part) and id(part) not in seen:
        seen[id(part)] = 0
        _measure(vars(part), seen)


_RUNS: Final = ByteCache[rc.ExperimentConfig, rc.Recording](KEPT, _size)

_LOSSES: Final = ByteCache[rc.ExperimentConfig, Mapping[str, PrecisionLoss]](1000, lambda _: 1)
