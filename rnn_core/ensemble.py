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
from rnn_core.experiment import Experiment, draw, loss_of, run, unit_readouts
from rnn_core.magnitudes import size_exponents
from rnn_core.recording import mean_log10
from rnn_core.scaled import Scaled, shifted

CHUNK: Final = 2**21
"""Entries of an array of one batch (16 MiB); a batch needs about twelve times that."""

AT_ONCE: Final = 13_500
"""Entries of a state that are worked on at once: they stay in a core's cache, calls are few."""

_SIZES: Final = ("cell", "activation", "steps", "batch_size", "input_size", "hidden_size")

_SHARED: Final = tuple(name for name in FIELDS if name != "weight_scale")
"""What decides the draws of a net but for the factor on its recurrent weights."""


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
        over : "nets": of each net's mean over its sequences, those that are exactly 0 left out;
            "sequences": of all sequences.

        Returns
        -------
        -inf where a quantile is an exact zero, nan at a step that no member has.

        Raises
        ------
        ConfigError : "over: expected nets or sequences, got ...".
        """
        if over not in ("nets", "sequences"):
            raise ConfigError(f"over: expected nets or sequences, got {quoted(over)}")
        if over == "nets":
            rows = np.stack([mean_log10(of_net) for of_net in self.log10_norms])
        else:
            by_step = np.moveaxis(self.log10_norms, 2, 1)
            rows = by_step.reshape(-1, by_step.shape[-1])
        is_known = ~np.isnan(rows).all(axis=0)
        found = np.full((len(levels), rows.shape[1]), np.nan)
        # inverted_cdf picks members: no average of an exact zero (-inf) and a number
        found[:, is_known] = np.nanquantile(
            rows[:, is_known], levels, axis=0, method="inverted_cdf"
        )
        return found


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
    are_tied = all(config.is_tied for config in members)
    batches = [order[part] for part in _batches(members[0], len(order), is_tied=are_tied)]
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


def _batches(config: ExperimentConfig, count: int, *, is_tied: bool) -> list[slice]:
    """Cut the members into batches of about equal length.

    An untied net brings weights for every step, which are more than its states.
    """
    steps, batch_size, _ = sizes(config)
    per_member = batch_size * config.hidden_size
    per_step = per_member if is_tied else max(per_member, config.hidden_size**2)
    longest = max(1, min(AT_ONCE // per_member, CHUNK // (steps * per_step)))
    length = -(-count // -(-count // longest))
    return [slice(start, start + length) for start in range(0, count, length)]


def _measure(members: tuple[ExperimentConfig, ...]) -> tuple[Array, IntArray]:
    """Return log10 norms (N, T, B) and how many steps each member has."""
    first = members[0]
    is_stackable = first.layers == 1 and not first.is_bidirectional and len(members) > 1
    is_stackable &= len({(config.truncate, config.is_tied) for config in members}) == 1
    if not is_stackable:
        return _one_by_one(members)
    drawn = _drawn(members)
    params = _stacked(members, drawn)
    x = np.stack([one.x for one in drawn], axis=1)
    initial = zip(*(one.h_init[0] for one in drawn), strict=True)
    init = tuple(np.stack(of_state) for of_state in initial)
    states, maps = drawn[0].network.recurrence.run_linear(params, x, init)
    if not all(all_finite(state) for state in states):
        return _one_by_one(members)
    h = states[0][1:]
    last, d_loss, at_end = _last_losses(members, h)
    # nothing reaches an LSTM's c from outside
    d_end = None if at_end is None else (at_end, Scaled.plain(np.zeros_like(at_end.mantissa)))
    adjoint = carry_back(maps, d_loss, d_end=d_end, truncate=first.truncate)
    norms = Scaled(adjoint.states[0][1:], adjoint.exponent[1:]).log10_norms()
    norms = np.moveaxis(norms, 1, 0)
    norms[np.arange(len(h)) > last[:, None]] = np.nan
    return norms, last + 1


def _drawn(members: Sequence[ExperimentConfig]) -> list[Experiment]:
    """Draw every member with recurrent weights at scale 1; members of other scales share it."""
    kept: dict[tuple[object, ...], Experiment] = {}
    for config in members:
        key = _but_for_scale(config)
        if key not in kept:
            kept[key] = draw(replace(config, weight_scale=1.0))
    return [kept[_but_for_scale(config)] for config in members]


def _but_for_scale(config: ExperimentConfig) -> tuple[object, ...]:
    return tuple(getattr(config, name) for name in _SHARED)


def _stacked(members: Sequence[ExperimentConfig], drawn: Sequence[Experiment]) -> Params:
    """Put the weights of several nets on a leading axis; in untied nets it comes after time."""
    params = [experiment.network.stack[0] for experiment in drawn]
    named = [one.named() for one in params]
    stacked = {
        name: np.stack([arrays[name] for arrays in named])
        for name in named[0]
        if name != "weight_hh"
    }
    axis = 0 if members[0].is_tied else 1
    shape = list(params[0].weight_hh.shape)
    shape.insert(axis, len(members))
    stacked["weight_hh"] = np.empty(shape)
    by_member = np.moveaxis(stacked["weight_hh"], axis, 0)
    for out, config, one in zip(by_member, members, params, strict=True):
        np.multiply(config.weight_scale, one.weight_hh, out=out)
    return replace(params[0], **stacked)  # type: ignore[arg-type]


def _last_losses(
    members: Sequence[ExperimentConfig], h: Array
) -> tuple[IntArray, Scaled, Scaled | None]:
    """Return each member's last loss step (N,), its own dL/dh there, and what enters at the end.

    Where all losses are at the last step, they enter there from outside, and no step has a loss.
    """
    steps = len(h)
    last = np.full(len(members), steps - 1)
    d_last = np.zeros(h.shape[1:])
    readouts: dict[int, Array] = {}
    for k, config in enumerate(members):
        if config.source == "text":
            own = loss_of(config, steps)(h[:, k])[1]
            with_loss = np.flatnonzero(own.any(axis=(1, 2)))
            last[k] = with_loss[-1] if with_loss.size else steps - 1
            d_last[k] = own[last[k]]
            continue
        if config.seed not in readouts:
            readouts[config.seed] = unit_readouts(config.seed, 1, h.shape[-1])
        d_last[k] = readouts[config.seed]
    if (last == steps - 1).all():
        # scaled as the sweep scales a loss that enters: the same bits as in a single run
        size = size_exponents(d_last)
        at_end = Scaled(shifted(d_last, -size[..., None]), size)
        return last, Scaled.plain(np.zeros((steps, 1, 1, 1))), at_end
    d_loss = np.zeros(h.shape)
    d_loss[last, np.arange(len(members))] = d_last
    return last, Scaled.plain(d_loss), None


def _one_by_one(members: tuple[ExperimentConfig, ...]) -> tuple[Array, IntArray]:
    """Run members that cannot share a batch: deep, cut in other places, or overflowing ones."""
    steps, batch_size, _ = sizes(members[0])
    norms = np.full((len(members), steps, batch_size), np.nan)
    counts = np.zeros(len(members), dtype=np.int64)
    for k, config in enumerate(members):
        rec = run(config)
        if rec.layers:
            counts[k] = rec.last_loss_step + 1
            norms[k, : counts[k]] = rec.layers[0].from_last.log10_norms("d_h")[: counts[k]]
    return norms, counts
