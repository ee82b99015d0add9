"""What twenty nets of one recipe have in common: a claim about one net is an anecdote."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.nets import COUNT, Nets
from app.sentences.numerals import counted, factor

_VERBS: Final = {"vanishing": "vanish", "stable": "hold", "exploding": "explode"}


def over_nets(found: Nets) -> str:
    """Say what becomes of the gradient in all nets, and how far they differ."""
    fates = [
        f"all {verb}" if found.regimes[regime] == COUNT else f"{found.regimes[regime]} {verb}"
        for regime, verb in _VERBS.items()
        if found.regimes.get(regime, 0)
    ]
    finite = found.decades[np.isfinite(found.decades)]
    head = f"Of {COUNT} nets {', '.join(fates)}"
    if finite.size < 2:
        return f"{head}."
    low, middle, high = (float(one) for one in np.quantile(finite, (0.1, 0.5, 0.9)))
    return (
        f"{head}: × {factor(middle)} in the middle one, "
        f"{factor(low)} to {factor(high)} in the middle 80 %."
    )


def which_nets(found: Nets) -> str:
    """Say which nets a band is over."""
    sequences = "the one sequence" if found.sequences == 1 else counted(found.sequences, "sequence")
    return (
        f"The band: 10–90 % of {COUNT} nets, the seeds from {found.seed} on, "
        f"each the mean of {sequences}."
    )


def beside(claim: str, found: Nets | None) -> str:
    """Return a claim about one net, with what 20 nets say beside it."""
    return claim if found is None else f"{claim} {over_nets(found)}"


def notes(settings: Mapping[str, Any], found: Nets | None) -> list[str]:
    """Say which nets a band is over, or why there is none although it was asked for."""
    if found is not None:
        return [which_nets(found)]
    return [TOO_LARGE] if settings["nets"] != "1" else []


TOO_LARGE: Final = f"{COUNT} nets like this would take too long: one is shown."
