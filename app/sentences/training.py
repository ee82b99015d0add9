"""What the page of clipping says of its training runs: when one died, and what the other learnt."""

import math
from typing import Final

import numpy as np

from app.sentences.numerals import counted, factor, number
from app.trained import Pair

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
    if one is None or other is None:
        made = counted(0 if one is None else one.updates, "update")
        return f"Stopped after {made} without clipping; the clipped run had not begun."
    stopped = (
        ""
        if pair.is_complete
        else f"Stopped after {one.updates} and {counted(other.updates, 'update')}. "
    )
    end = f"from {number(float(other.loss[0]))} to {number(float(other.loss[-1]))}"
    count = int(other.is_clipped[:-1].sum())
    died = one.dies_at
    cut = f"Clipped by {pair.mode} at {number(pair.threshold)}"
    if other.dies_at is not None:
        kept = f"{cut}, it dies as well, after {counted(other.dies_at, 'update')}"
    else:
        kept = (
            f"{cut}, in {count} of {counted(other.updates, 'update')}, its loss goes {end}; to say "
            f"1 to every sequence would score {number(pair.baseline)}"
        )
    if died is None:
        return (
            f"{stopped}Without clipping this net survives: its loss goes from "
            f"{number(float(one.loss[0]))} to {number(float(one.loss[-1]))}. {kept}."
        )
    return f"{stopped}{_death(pair, died)} {kept}."


def _death(pair: Pair, died: int) -> str:
    run = pair.unclipped
    assert run is not None  # noqa: S101 - for the types
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
        f"Without clipping the net dies after {counted(died, 'update')}: {gradient}, and from "
        "there the loss never falls back to that of the start"
    )
    share = float(run.saturated_share[last])
    plateau = f"; the share of saturated units goes from {_per_cent(before)} to {_per_cent(share)}"
    end = "" if run.overflow is None else f", and after {run.overflow} the loss is beyond float32"
    return f"{sentence}{plateau}{end}."


def _per_cent(share: float) -> str:
    return f"{number(100.0 * share)} %"
