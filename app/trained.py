"""Two short training runs of one net, without and with clipping: kept once they are finished."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.cache import ByteCache
from rnn_core import ExperimentConfig
from rnn_core.optimizers import SGD
from rnn_core.tasks import Task, adding
from rnn_core.training import Clip, Training, Update, model_of, train, training

UPDATES: Final = 150
NET: Final[Mapping[str, Any]] = {
    "init": "orthogonal",
    "weight_scale": 1.5,
    "input_size": 2,
    "hidden_size": 32,
    "steps": 80,
    "batch_size": 32,
}
READOUT: Final = 0.5
"""A tanh net whose unclipped training dies with every seed tried, and whose clipped one learns."""


class Key(NamedTuple):
    """What decides one training run; a threshold of None does not clip."""

    seed: int
    rate: float
    threshold: float | None
    mode: str


@dataclass(frozen=True)
class Pair:
    """Both runs, finished or as far as they came; None where one has not begun.

    Attributes
    ----------
    baseline : what saying 1 to every sequence scores on the sequences that are trained on.
    """

    threshold: float
    mode: str
    baseline: float
    unclipped: Training | None
    clipped: Training | None

    @property
    def is_complete(self) -> bool:
        """Whether both runs came to their end."""
        return all(one is not None and is_finished(one) for one in (self.unclipped, self.clipped))


def is_finished(run: Training) -> bool:
    """Tell whether a run came to its end: all updates, or numbers that no float32 holds."""
    return run.updates == UPDATES or run.overflow is not None


def keys(settings: Mapping[str, Any]) -> tuple[Key, Key]:
    """Return the two runs of a page: without clipping, and with it."""
    seed, rate = settings["seed"], settings["training_rate"]
    return (
        Key(seed, rate, None, "norm"),
        Key(seed, rate, settings["threshold"], settings["clip"]),
    )


def config(seed: int) -> ExperimentConfig:
    """Return the net that is trained."""
    return ExperimentConfig(**NET, seed=seed)


def task(seed: int) -> Task:
    """Return what it is trained on."""
    return adding(steps=NET["steps"], batch_size=NET["batch_size"], seed=seed)


def entries(key: Key) -> Iterator[Update]:
    """Train, one entry at a time; whoever asks may stop."""
    clip = None if key.threshold is None else Clip(key.threshold, key.mode)
    model = model_of(config(key.seed), readout_scale=READOUT)
    yield from train(model, task(key.seed), optimizer=SGD(key.rate), clip=clip, updates=UPDATES)


def keep(key: Key, found: list[Update]) -> None:
    """Keep a finished run for all readers."""
    _KEPT.get(key, lambda: training(found))


def kept(key: Key) -> Training | None:
    """Return a finished run, if it is there."""
    try:
        return _KEPT.get(key, _missing)
    except KeyError:
        return None


def pair_of(settings: Mapping[str, Any], begun: Mapping[Key, list[Update]]) -> Pair | None:
    """Return both runs as far as they are known; None where neither has begun.

    Parameters
    ----------
    begun : entries of runs that were stopped, by key.
    """
    runs = [
        kept(key) or (training(begun[key]) if begun.get(key) else None) for key in keys(settings)
    ]
    if runs == [None, None]:
        return None
    always_1 = task(settings["seed"]).score_of(1.0)
    return Pair(settings["threshold"], settings["clip"], always_1, runs[0], runs[1])


def fingerprint(pair: Pair) -> str:
    """Return 12 hex digits of the recorded losses and norms."""
    digest = hashlib.sha256()
    for run in (pair.unclipped, pair.clipped):
        if run is not None:
            digest.update(run.loss.tobytes() + run.log10_norm.tobytes())
    return digest.hexdigest()[:12]


def _missing() -> Training:
    raise KeyError


_KEPT: Final = ByteCache[Key, Training](400, lambda _: 1)
