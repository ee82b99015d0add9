"""What twenty nets of one recipe have in common: a claim about one net is an anecdote."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.nets import COUNT, Nets
from app.sentences.numerals import counted, factor
from rnn_core.arrays import Array

_VERBS: Final = {
    "vanishing": ("vanishes", "vanish"),
    "stable": ("holds", "hold"),
    "exploding": ("explodes", "explode"),
}


def over_nets(found: Nets) -> str:
    """Say what becomes of the gradient in all nets, how far they differ, and which they are."""
    decades = np.sort(found.decades[found.arrives])
    lost = COUNT - decades.size
    fates = [
        _fate(found.regimes[regime], *verbs)
        for regime, verbs in _VERBS.items()
        if found.regimes.get(regime, 0)
    ]
    fates += [_fate(lost, "overflows before the loss", "overflow before the loss")] * (lost > 0)
    head = f"Of {COUNT} nets (the band; {_seeds(found)}) {', '.join(fates)}"
    if decades.size < 2:
        return f"{head}."
    if np.isneginf(decades).all():
        return f"{head}: dL/dh at step 1 is exactly 0{' in the others' * (lost > 0)}."
    low, middle, high = (_quantile(decades, level) for level in (0.1, 0.5, 0.9))
    of = f" of the other {decades.size}" if lost else ""
    begin = "dL/dh exactly 0" if middle == float("-inf") else f"dL/dh × {factor(middle)}"
    zeros = int(np.isneginf(decades).sum())
    are = "is" if zeros == 1 else "are"
    counted_zeros = f"; {zeros} {are} exactly 0 and left out of the band" if zeros else ""
    return (
        f"{head}: {begin} in the middle one{of}, {_size(low)} to {_size(high)} in the middle 80 %"
        f"{counted_zeros}."
    )


def of_band(nets: Array | Mapping[str, Array]) -> str:
    """Name the band over nets, and how many have no place in it since they are exactly 0 at step 1.

    Parameters
    ----------
    nets : log10 sizes, (T, N), or several such by the name of a cell.
    """
    if isinstance(nets, Mapping):
        counts = {f"{name} ": _zeros(one) for name, one in nets.items()}
    else:
        counts = {"": _zeros(nets)}
    left = ", ".join(f"{name}{count}" for name, count in counts.items() if count)
    rest = f" (left out, 0 at step 1: {left})" if left else ""
    return f"10–90 % of {COUNT} nets{rest}"


def _zeros(nets: Array) -> int:
    return int(np.isneginf(nets[0]).sum())


def _seeds(found: Nets) -> str:
    return f"seeds from {found.seed} on, {counted(found.sequences, 'sequence')} each"


def _quantile(ordered: Array, level: float) -> float:
    """Return a quantile of numbers in order, between two of them as usual; -inf next to a zero."""
    place = level * (ordered.size - 1)
    lower, upper = ordered[int(np.floor(place))], ordered[int(np.ceil(place))]
    if np.isneginf(lower):
        return float("-inf")
    return float(lower + (place - np.floor(place)) * (upper - lower))


def _size(decades: float) -> str:
    return "0" if decades == float("-inf") else factor(decades)


def _fate(count: int, one: str, several: str) -> str:
    return f"all {several}" if count == COUNT else f"{count} {one if count == 1 else several}"


def notes(settings: Mapping[str, Any], found: Nets | None) -> list[str]:
    """Say what 20 nets do, or why there are none although they were asked for."""
    if found is not None:
        return [_special(settings, found) or over_nets(found)]
    return [TOO_LARGE] if settings["nets"] != "1" else []


def _special(settings: Mapping[str, Any], found: Nets) -> str | None:
    """Return what stands in place of fates where no gradient is free to have one."""
    reached = found.log10_norms[~np.isnan(found.log10_norms).all(axis=1)]
    if len(reached) and np.isneginf(reached[-1]).all():
        return f"In none of {COUNT} nets ({_seeds(found)}) has the loss a gradient."
    if settings["truncate"] is not None and settings["truncate"] < len(reached):
        return CUT.format(COUNT, _seeds(found))
    return None


TOO_LARGE: Final = f"{COUNT} nets like this would take too long: one is shown."

CUT: Final = "The band is over {} nets ({}): backpropagation is cut in all of them."
