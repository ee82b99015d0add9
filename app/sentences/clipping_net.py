"""What clipping makes of the gradient of a real net, and what it cannot: norm, angle, ledger."""

from typing import Final

import numpy as np

from app.clipped import LAST, ClippedNet
from app.sentences.belief import Belief
from app.sentences.numerals import chosen, counted, factor, number, part
from rnn_core import Recording

_SQUARE: Final = 90.0
_PROJECTED: Final = (
    " A part is its projection on the whole: all add up to 100 %, and where steps cancel one may "
    "exceed that or be negative."
)
_ABOVE_ALL: Final = 1.05
"""A share that two digits write as more than 100 %."""

_AS_BEFORE: Final = ", as before: one number multiplies the terms of all steps"
_FEWEST: Final = 4
"""Below this many steps the first half of them is step 1."""

_UNTURNED: Final = 1e-6
"""Degrees that are rounding."""

_MOST: Final = 0.75
"""The part of dL/dW_hh from which on steps hold "the explosion": a linear net grows on its way
forward as the gradient does back, and every step has the same part."""

_SMALL: Final = 0.1
"""The part of dL/dW_hh below which steps "have vanished", or an explosion has buried them."""


def net_words(rec: Recording, found: ClippedNet | None, threshold: float) -> str:
    """Say norm, angle and ledger of the clipped gradient of a real run."""
    return f"{_overflow(rec)}{_net_words(rec, found, threshold)}"


def _overflow(rec: Recording) -> str:
    if rec.overflow is None:
        return ""
    return f"The hidden state overflows at step {rec.overflow.step + 1:,}. "


def _net_words(rec: Recording, found: ClippedNet | None, threshold: float) -> str:
    if found is None:
        return "The net of these settings has no gradient to clip."
    norm = found.by_norm.log10_norm_before
    before = f"The gradient of this net has norm {factor(norm)}"
    if found.by_norm.log10_factor == 0.0:
        kept = f"{before}, below the threshold of {chosen(threshold)}: clipping leaves it alone"
        return f"{kept}. {_ledger(rec, found, 'of it')}"
    angle, cut = found.by_norm.angle, found.by_value
    by_norm = "" if angle is None else f" and turns it by {_degrees(angle)}"
    turned = "" if cut.angle is None else f" and turns it by {_degrees(cut.angle)}"
    by_value = (
        f"it leaves {factor(cut.log10_norm_after)}{turned}, having cut {cut.clipped_entries:,} of "
        f"{counted(cut.entries, 'number')}"
        if cut.clipped_entries
        else f"nothing is cut: none of its {counted(cut.entries, 'number')} exceeds "
        f"{chosen(threshold)}"
    )
    return (
        f"{before}. Clipping by norm makes that {factor(found.by_norm.log10_norm_after)}{by_norm}; "
        f"by value {by_value}. {_ledger(rec, found, 'of the clipped gradient', _AS_BEFORE)}"
    )


def beliefs_of_net(rec: Recording, net: ClippedNet | None) -> tuple[Belief, ...]:
    """Return what is often read of clipping and what this gradient shows of it."""
    if net is None:
        return ()
    found = []
    last, early = net.last_share, net.early_share
    decades = rec.verdict.decades
    if last is not None and early is not None and rec.steps > 2 * LAST:
        is_cut = rec.config is not None and rec.config.truncate is not None
        if decades < -2.0 and abs(early) < _SMALL and not is_cut:
            found.append(
                Belief(
                    "“If clipping shrinks large gradients, scaling up small ones cures vanishing.”",
                    "one number multiplies every step’s term, so at any norm the first half of "
                    f"this run’s steps holds {_share(early)} of dL/dW_hh: what had vanished is "
                    "still vanished",
                )
            )
        elif decades > 2.0 and abs(last) < _SMALL and early > _MOST:
            found.append(
                Belief(
                    "“Clipping cures the explosion.”",
                    f"of the clipped gradient the last {LAST} steps hold {_share(last)}, the first "
                    f"half {_share(early)}: the explosion keeps its direction",
                )
            )
    turned = net.by_value.angle
    if turned is not None and turned >= _UNTURNED and net.by_norm.angle is not None:
        found.append(
            Belief(
                "“Clipping by value and by norm are the same.”",
                f"by norm this gradient turns by {_degrees(net.by_norm.angle)}, by value by "
                f"{_degrees(turned)}",
            )
        )
    return tuple(found)


def _ledger(rec: Recording, found: ClippedNet, of: str, rest: str = "") -> str:
    last, early = found.last_share, found.early_share
    if last is None or early is None:
        return "There is no sum over steps in it to share out."
    if rec.steps < _FEWEST and early == 0.0:
        return f"Step 1, from a state of 0, adds nothing to dL/dW_hh{rest}."
    if rec.steps <= 2 * LAST:
        why = _PROJECTED if _is_odd(early) else ""
        return f"The first half of the steps holds {_share(early)} {of}{rest}.{why}"
    why = _PROJECTED if _is_odd(early) or _is_odd(last) else ""
    parts = f"The last {LAST} steps hold {_share(last)} {of}, the first half {_share(early)}"
    return f"{parts}{rest}.{why}"


def _is_odd(share: float) -> bool:
    """Tell whether a reader who takes a share for a part of a sum of sizes would wonder."""
    return share < 0.0 or share >= _ABOVE_ALL


def _degrees(angle: float) -> str:
    if angle < _UNTURNED:
        return "0°"
    return f"{number(angle)}°" if angle < _SQUARE else f"{angle:.0f}°"


def _share(value: float) -> str:
    if value == 0.0:
        return "0 %"
    sign = "−" if value < 0.0 else ""
    if abs(value) >= 1.0:
        return f"{sign}{number(100.0 * abs(value))} %"
    return f"{sign}{part(float(np.log10(abs(value))))}"
