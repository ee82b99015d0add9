"""The only calls into `rnn_core`: cached, bounded in count and in bytes, sized for a page."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from rnn_core.config import refuse_oversize, sizes

PAGE_LIMIT: Final = 1_024_000
"""Largest steps x batch_size x hidden_size that a page records."""

LONG: Final = 1_000
"""Beyond this many steps a page records fewer sequences instead of refusing."""

_SMALL: Final = 160_000
"""An LSTM keeps 27 numbers for each of steps x batch_size x hidden_size: 35 MB of a small run,
220 MB of the largest. So six small ones and a single large one are kept."""


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

    A run that takes more than half a second shows a sign of progress where it is called.

    Raises
    ------
    ConfigError : as `fitted`.
    """
    able, note = fitted(config)
    steps, batch_size, _ = sizes(able)
    is_small = steps * batch_size * able.hidden_size <= _SMALL
    return Run((_small_run if is_small else _large_run)(able), note)


# The repr of a config is exact; Streamlit's own hash would walk through its fields.
_KEY: Final[dict[str | type[Any], Callable[[Any], str]]] = {rc.ExperimentConfig: repr}


@st.cache_resource(max_entries=6, show_spinner=False, hash_funcs=_KEY)
def _small_run(config: rc.ExperimentConfig) -> rc.Recording:
    return rc.run(config)


@st.cache_resource(max_entries=1, show_spinner="Backpropagating through time", hash_funcs=_KEY)
def _large_run(config: rc.ExperimentConfig) -> rc.Recording:
    return rc.run(config)
