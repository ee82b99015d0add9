"""Many runs as one: seeds and weight scales on a leading axis of weights, states and gradients.

One draw is an anecdote. An ensemble measures the size of the last loss step's gradient in many
nets at once; its members are independent, each equal to `run` of its own config.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product as every_pair
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from rnn_core.analysis import verdict
from rnn_core.arrays import Array, IntArray, all_finite, read_only
from rnn_core.bptt import sweep as carry_back
from rnn_core.cells import Params
from rnn_core.config import FIELDS, ExperimentConfig, refuse_oversize, sizes
from rnn_core.errors import ConfigError, quoted
from rnn_core.experiment import draw, loss_of, run, unit_readouts
from rnn_core.scaled import Scaled

CHUNK: Final = 2**21
"""Entries of the largest array of one batch (16 MiB); a batch needs about twelve times that."""

_SIZES: Final = ("cell", "activation", "steps", "batch_size", "input_size", "hidden_size")


@dataclass(frozen=True)
class Ensemble:
    """The gradients of many runs, by size.

    Attributes
    ----------
    configs : the members.
    log10_norms : log10 |dL/dh_t| of the last loss step's gradient, (N, T, B) in the order of time;
        nan from the step on where a member's forward state overflowed, and after the last loss.
    steps : how many steps of each member have a gradient, (N,).
    """

    configs: tuple[ExperimentConfig, ...]
    log10_norms: Array
    steps: IntArray

    def verdict(self, member: int) -> verdict.Verdict:
        """Judge one member, as its own recording would."""
        steps = int(self.steps[member])
        if steps == 0:
            return verdict.OVERFLOWN
        return verdict.measure(self.log10_norms[member, :steps])

    def growth_per_step(self) -> Array:
        """Return each net's growth per step, (N,); nan where it does not exist."""
        found = [self.verdict(k).growth_per_step for k in range(len(self.configs))]
        return np.array([np.nan if rate is None else rate for rate in found])

    def quantiles(self, levels: Sequence[float] = (0.1, 0.5, 0.9), *, over: str = "nets") -> Array:
        """Return quantiles of log10 norms at every step, (Q, T).

        Parameters
        ----------
        over : "nets": of each net's mean over its sequences; "sequences": of all sequences.

        Raises
        ------
        ConfigError : "over: expected nets or sequences, got ...".
        """
        if over not in ("nets", "sequences"):
            raise ConfigError(f"over: expected nets or sequences, got {quoted(over)}")
        rows = self.log10_norms.mean(axis=2) if over == "nets" else _by_sequence(self.log10_norms)
        # inverted_cdf picks members: no average of an exact zero (-inf) and a number
        return np.nanquantile(rows, levels, axis=0, method="inverted_cdf")


def _by_sequence(log10_norms: Array) -> Array:
    return np.moveaxis(log10_norms, 2, 1).reshape(-1, log10_norms.shape[1])


@dataclass(frozen=True)
class Sweep:
    """An ensemble over the pairs of several settings' values.

    Attributes
    ----------
    axes : the settings and their values.
    ensemble : all members, the last axis fastest.
    """

    axes: Mapping[str, tuple[Any, ...]]
    ensemble: Ensemble

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(values) for values in self.axes.values())

    def growth_per_step(self) -> Array:
        """Return each net's growth per step, in the shape of the axes."""
        return self.ensemble.growth_per_step().reshape(self.shape)


def run_ensemble(
    configs: Iterable[ExperimentConfig], *, executor: Executor | None = None
) -> Ensemble:
    """Measure the gradients of many configs of equal sizes.

    Memory is bounded: members are taken in batches of about 200 MiB, one at a time, or one per
    worker of `executor`: any of `concurrent.futures`, of Dask's or MPI's.

    Raises
    ------
    ConfigError : if the configs differ in a size, the cell or the activation, or there are none.

    Examples
    --------
    >>> from rnn_core import ExperimentConfig
    >>> two = run_ensemble(ExperimentConfig(steps=50, seed=seed) for seed in range(2))
    >>> two.log10_norms.shape
    (2, 50, 8)
    """
    members = tuple(configs)
    if not members:
        raise ConfigError("configs: expected at least one, got none")
    for config in members:
        if not isinstance(config, ExperimentConfig):
            raise ConfigError(f"configs: expected only ExperimentConfig, got {quoted(config)}")
        for name in _SIZES:
            if getattr(config, name) != getattr(members[0], name):
                both = f"{quoted(getattr(members[0], name))} and {quoted(getattr(config, name))}"
                raise ConfigError(f"{name}: expected one value for all configs, got {both}")
        if sizes(config) != sizes(members[0]):
            raise ConfigError("text: expected texts of equal length and alphabet size")
        refuse_oversize(config)
    # members of one seed side by side: their weights and inputs are drawn once
    order = sorted(range(len(members)), key=lambda k: (members[k].seed, members[k].init))
    length = _members_per_batch(members[0])
    batches = [order[start : start + length] for start in range(0, len(order), length)]
    tasks = [tuple(members[k] for k in batch) for batch in batches]
    results = executor.map(_measure, tasks) if executor is not None else map(_measure, tasks)
    steps, batch_size, _ = sizes(members[0])
    log10_norms = np.empty((len(members), steps, batch_size))
    measured = np.empty(len(members), dtype=np.int64)
    for batch, (norms, counts) in zip(batches, results, strict=True):
        log10_norms[batch], measured[batch] = norms, counts
    return Ensemble(members, read_only(log10_norms), measured)


def sweep(
    config: ExperimentConfig,
    axes: Mapping[str, Iterable[Any]],
    *,
    executor: Executor | None = None,
) -> Sweep:
    """Run a config with every pair of some settings' values, as one ensemble.

    Parameters
    ----------
    axes : field -> values, such as {"weight_scale": scales, "seed": range(20)}.

    Raises
    ------
    ConfigError : for an unknown field, a value that is not allowed, or a field that sets a size.
    """
    named = {name: tuple(values) for name, values in axes.items()}
    for name in named:
        if name not in FIELDS or name in _SIZES:
            free = ", ".join(field for field in FIELDS if field not in _SIZES)
            raise ConfigError(f"{name}: expected one of {free}")
    pairs = every_pair(*named.values())
    configs = [replace(config, **dict(zip(named, values, strict=True))) for values in pairs]
    return Sweep(MappingProxyType(named), run_ensemble(configs, executor=executor))


def _members_per_batch(config: ExperimentConfig) -> int:
    steps, batch_size, _ = sizes(config)
    gates = {"rnn": 1, "gru": 4, "lstm": 4}[config.cell]
    return max(1, CHUNK // (steps * batch_size * config.hidden_size * gates))


def _measure(members: tuple[ExperimentConfig, ...]) -> tuple[Array, IntArray]:
    """Return log10 norms (N, T, B) and how many steps each member has."""
    first = members[0]
    is_stackable = first.layers == 1 and not first.is_bidirectional and len(members) > 1
    if not (is_stackable and all(config.is_tied for config in members)):
        return _one_by_one(members)
    drawn = [draw(config) for config in members]
    params = _stacked([experiment.network.stack[0] for experiment in drawn])
    x = np.stack([experiment.x for experiment in drawn], axis=1)
    states = range(len(drawn[0].h_init[0]))
    init = tuple(np.stack([one.h_init[0][k] for one in drawn]) for k in states)
    cell = drawn[0].network.recurrence
    with np.errstate(all="ignore"):
        tape = cell.forward(params, x, init)
        if not all(all_finite(state) for state in tape.states):
            return _one_by_one(members)
        maps = cell.linearize(params, tape)
    h = tape.states[0][1:]
    d_loss = np.zeros(h.shape)
    last = np.empty(len(members), dtype=np.int64)
    for k, config in enumerate(members):
        last[k], d_loss[:, k] = _last_loss(config, h[:, k])
    truncates = {config.truncate for config in members}
    if len(truncates) > 1:
        return _one_by_one(members)
    adjoint = carry_back(maps, Scaled.plain(d_loss), truncate=first.truncate)
    norms = np.moveaxis(adjoint.of_steps(maps)[0].log10_norms(), 1, 0)
    norms[np.arange(tape.steps) > last[:, None]] = np.nan
    return norms, last + 1


def _stacked(params: Sequence[Params]) -> Params:
    """Put the weights of several nets on a leading axis."""
    named = [one.named() for one in params]
    stacked = {name: np.stack([arrays[name] for arrays in named]) for name in named[0]}
    return replace(params[0], **stacked)  # type: ignore[arg-type]


def _last_loss(config: ExperimentConfig, h: Array) -> tuple[int, Array]:
    """Return the last loss step and its own dL/dh alone, (T, B, H)."""
    d_h = np.zeros(h.shape)
    if config.source != "text":
        d_h[-1] = unit_readouts(config.seed, 1, h.shape[-1])
        return len(h) - 1, d_h
    own = loss_of(config, len(h))(h)[1]
    last = int(np.flatnonzero(own.any(axis=(1, 2)))[-1])
    d_h[last] = own[last]
    return last, d_h


def _one_by_one(members: tuple[ExperimentConfig, ...]) -> tuple[Array, IntArray]:
    """Run members that cannot share a batch: deep, untied, or overflowing ones."""
    steps, batch_size, _ = sizes(members[0])
    norms = np.full((len(members), steps, batch_size), np.nan)
    counts = np.zeros(len(members), dtype=np.int64)
    for k, config in enumerate(members):
        rec = run(config)
        if rec.layers:
            counts[k] = rec.last_loss_step + 1
            norms[k, : counts[k]] = rec.layers[0].from_last.log10_norms("d_h")[: counts[k]]
    return norms, counts
