"""What twenty nets of one recipe have in common: a claim about one net is an anecdote."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.nets import COUNT, Nets
from app.sentences.numerals import counted, factor

_VERBS: Final = {
    "vanishing": ("vanishes", "vanish"),
    "stable": ("holds", "hold"),
    "exploding": ("explodes", "explode"),
}


def over_nets(found: Nets) -> str:
    """Say what becomes of the gradient in all nets, how far they differ, and which they are."""
    fates = [
        _fate(found.regimes[regime], *verbs)
        for regime, verbs in _VERBS.items()
        if found.regimes.get(regime, 0)
    ]
    each = counted(found.sequences, "sequence")
    head = f"Of {COUNT} nets (the band; seeds from {found.seed} on, {each} each) {', '.join(fates)}"
    finite = found.decades[np.isfinite(found.decades)]
    if finite.size < 2:
        return f"{head}."
    low, middle, high = (float(one) for one in np.quantile(finite, (0.1, 0.5, 0.9)))
    return (
        f"{head}: × {factor(middle)} in the middle one, "
        f"{factor(low)} to {factor(high)} in the middle 80 %."
    )


def _fate(count: int, one: str, several: str) -> str:
    return f"all {several}" if count == COUNT else f"{count} {one if count == 1 else several}"


def notes(settings: Mapping[str, Any], found: Nets | None) -> list[str]:
    """Say what 20 nets do, or why there are none although they were asked for."""
    if found is not None:
        return [over_nets(found)]
    return [TOO_LARGE] if settings["nets"] != "1" else []


TOO_LARGE: Final = f"{COUNT} nets like this would take too long: one is shown."
