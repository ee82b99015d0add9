"""What the page of clipping says of its training runs: when one died, and what the other learnt."""

import math
from typing import Final

import numpy as np

from app.sentences.numerals import chosen, counted, factor, number
from app.trained import Pair, is_finished
from rnn_core.training import Training

TASK: Final = (
    "A tanh net of 32 units (orthogonal weights × 1.5, the seed of this page) learns the adding "
    "problem: the sum of two marked numbers among 80 steps. All 32 sequences are in every "
    "gradient; plain gradient descent, threshold and way of clipping as above."
)
"""What is trained below the picture."""

_GROWN: Final = 1.5
"""How many times its first size a gradient is that "has reached" another."""


def training_words(pair: Pair) -> str:
    """Say what became of the two training runs, finished or stopped."""
    one, other = pair.unclipped, pair.clipped
    said = [] if one is None else [_unclipped(one)]
    if other is None:
        return " ".join([*said, "The clipped run had not begun."])
    return " ".join([*said, _clipped(pair, other)])


def _unclipped(run: Training) -> str:
    if not is_finished(run):
        return f"Stopped after {counted(run.updates, 'update')} without clipping{_so_far(run)}."
    if run.dies_at is None:
        return f"Without clipping this net survives: its loss goes {_course(run)}."
    return _death(run, run.dies_at)


def _clipped(pair: Pair, run: Training) -> str:
    cut = f"lipped by {pair.mode} at {chosen(pair.threshold)}"
    if not is_finished(run):
        stopped = f"Stopped after {counted(run.updates, 'update')} of the run c{cut}{_so_far(run)}"
        return f"{stopped}; {_always_1(pair)}."
    if run.dies_at is not None:
        died = pair.unclipped is not None and pair.unclipped.dies_at is not None
        return f"C{cut}, it dies{' as well' if died else ''}, {_when(run.dies_at)}."
    count = int(run.is_clipped[:-1].sum())
    if not count:
        return f"C{cut}, it is the same run: no gradient on the way is so large."
    return (
        f"C{cut}, in {count} of {counted(run.updates, 'update')}, its loss goes {_course(run)}; "
        f"{_always_1(pair)}."
    )


def _always_1(pair: Pair) -> str:
    return f"to say 1 to every sequence would score {number(pair.baseline)}"


def _so_far(run: Training) -> str:
    return "" if run.updates == 0 else f": its loss has gone {_course(run)}"


def _course(run: Training) -> str:
    return f"from {number(float(run.loss[0]))} to {number(float(run.loss[-1]))}"


def _when(update: int) -> str:
    return "at its first update" if update == 0 else f"after {counted(update, 'update')}"


def _death(run: Training, died: int) -> str:
    last = run.updates if run.overflow is None else max(run.updates - 1, 0)
    grown = run.log10_norm[: died + 2]
    largest = float(grown[np.isfinite(grown)].max(initial=-np.inf))
    first, before = float(run.log10_norm[0]), float(run.saturated_share[0])
    if not np.isfinite(first):
        return "The net overflows before its first update: there is nothing to train."
    gradient = (
        f"its gradient, of norm {factor(first)} at the start, has reached {factor(largest)}"
        if largest > first + math.log10(_GROWN)
        else f"its gradient of norm {factor(first)} is too large for the learning rate"
    )
    sentence = (
        f"Without clipping the net dies {_when(died)}: {gradient}, and from there the loss never "
        "falls back to that of the start"
    )
    share = float(run.saturated_share[last])
    plateau = f"; the share of saturated units goes from {_per_cent(before)} to {_per_cent(share)}"
    end = (
        ""
        if run.overflow is None
        else f", and after {counted(run.overflow, 'update')} the loss is beyond float32"
    )
    return f"{sentence}{plateau}{end}."


def _per_cent(share: float) -> str:
    return f"{number(100.0 * share)} %"
