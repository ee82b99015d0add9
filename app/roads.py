"""The roads of a gated run's gradient, kept: to draw a page anew costs no sweep. Bounded."""

from typing import Final

from app.cache import ByteCache
from rnn_core import ExperimentConfig, Recording
from rnn_core.analysis.roads import Roads, roads

_KEPT: Final = 8_000_000
"""Bytes of what is kept for all readers: some ten runs of 1,000 steps."""

_Kept = tuple[Roads | None]


def roads_of(rec: Recording) -> Roads | None:
    """Return the roads of a run, from the cache where they are there."""
    if rec.config is None:
        return roads(rec)
    return _ROADS.get(rec.config, lambda: (roads(rec),))[0]


def _size(kept: _Kept) -> int:
    found = kept[0]
    if found is None:
        return 500
    parts = (*found.split.log10_norms.values(), *found.split.shares.values(), found.product)
    return 500 + sum(part.nbytes for part in parts)


_ROADS: Final = ByteCache[ExperimentConfig, _Kept](_KEPT, _size)
