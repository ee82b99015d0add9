"""What became of a descent, in words that do not hang on the last digits of any number."""

import math
from typing import Final

import numpy as np

from app.clipped import Witnessed
from app.sentences.numerals import counted, number, power
from rnn_core.theory.descent import ARRIVED

EXPLODED: Final = 10.0
"""How many times its usual size a gradient has grown that "explodes"."""

_ONE_STEP: Final = 0.2
"""No gradient of this unit is larger with one step of time: beside the wall the first one may be,
since it has exploded already."""

_MARGIN: Final = 1.25
"""What a path arrives below is stated by so much too large: the next rounding may end higher."""

_NOISE: Final = 1e-20
"""An error below this is rounding: the last digit of sigma(x) squared is 10^-32."""

_ROUNDING: Final = "ends where rounding decides"

_VANISHED: Final = 0.1
"""The part of its first size that a gradient is below which "has vanished"."""


def end(found: Witnessed, *, is_brief: bool = False) -> str:
    """Say what became of a path: what rounding decides has no digits.

    Parameters
    ----------
    is_brief : whether to leave out what throws it, and what is left of the gradient.
    """
    if found.fate == "undecided":
        return _ROUNDING
    return {
        "overflow": _overflown,
        "thrown": lambda found: _thrown(found, is_brief=is_brief),
        "arrived": _arrived,
        "stuck": lambda found: _stuck(found, is_brief=is_brief),
        "under way": _under_way,
    }[found.fate](found)


def explodes(found: Witnessed) -> bool:
    """Whether the gradient grows to ten times its usual size, however it is rounded."""
    return all(
        path.gradient_norm.max() > EXPLODED * min(path.gradient_norm[0], _ONE_STEP)
        for path in found.all
    )


def vanishes(found: Witnessed) -> bool:
    """Whether nothing to speak of is left of the gradient at the end, however it is rounded."""
    return all(p.gradient_norm[-1] < _VANISHED * p.gradient_norm[0] for p in found.all)


def thrower(found: Witnessed, learning_rate: float) -> str:
    """Return what clipping left of the gradient that throws a path; "" where it is none of it.

    Parameters
    ----------
    learning_rate : of the path; a move divided by it is the gradient that clipping left.
    """
    path, k = found.path, found.path.last_below
    if found.fate != "thrown" or not _is_at_once(found) or not path.is_clipped[k]:
        return ""
    move = math.hypot(path.w[k + 1] - path.w[k], path.b[k + 1] - path.b[k])
    return size(move / learning_rate)


def last_size(found: Witnessed) -> str | None:
    """Return the size of the gradient at the end; None where rounding decides the way there."""
    if _error(found) is None or not found.is_same_largest:
        return None
    return size(float(found.path.gradient_norm[-1]))


def size(value: float) -> str:
    """Return the norm of a gradient with the digits that a page has room for."""
    if not np.isfinite(value):
        return "no number"
    return number(value, 3 if value >= 100.0 else 2)


def _overflown(found: Witnessed) -> str:
    return f"leaves all numbers at update {found.path.overflow}"


def _arrived(found: Witnessed) -> str:
    settled = [one.settled_loss for one in found.all]
    bounds = {_above(max(_MARGIN * one, _NOISE)) for one in settled}
    is_one = len(bounds) == 1 and max(settled) < ARRIVED  # else it came late, or came otherwise
    return f"arrives below an error of {bounds.pop() if is_one else number(ARRIVED, 1)}"


def _stuck(found: Witnessed, *, is_brief: bool) -> str:
    last = last_size(found)
    where = "" if is_brief or last is None else f", where the gradient is {last}"
    return f"is stuck{_at_error(found, 'at')}{where}"


def _under_way(found: Witnessed) -> str:
    return _ROUNDING if _error(found) is None else f"is under way{_at_error(found, 'at')}"


def _thrown(found: Witnessed, *, is_brief: bool) -> str:
    k = found.path.last_below
    when = "at once" if k == 0 else f"after {counted(k, 'update')}"
    if not _is_at_once(found):
        return f"is lost {when}{_at_error(found, 'to' if is_brief else 'and ends at')}"
    to, last = _at_error(found, "to"), last_size(found)
    if is_brief:
        return f"is thrown {when}{to}"
    left = "" if last is None else f", gradient {last}"
    return f"is thrown {when} by a gradient of {size(float(found.path.gradient_norm[k]))}{to}{left}"


def _is_at_once(found: Witnessed) -> bool:
    """Tell whether the farthest move of a path is the one after which nothing is gained."""
    return all(path.longest_move == path.last_below for path in found.all)


def _error(found: Witnessed) -> str | None:
    """Return the last error where rounding leaves its digits alone."""
    written = {number(float(one.loss[-1])) for one in found.all}
    return written.pop() if len(written) == 1 else None


def _at_error(found: Witnessed, word: str) -> str:
    error = _error(found)
    return "" if error is None else f" {word} error {error}"


def _above(value: float) -> str:
    """Return a number of one digit that is above `value`: more digits the wall would decide."""
    log10 = math.log10(value)
    if log10 < -4.0:
        return power(math.ceil(10.0 * log10) / 10.0)
    unit = 10.0 ** math.floor(log10)
    return number(math.ceil(value / unit) * unit, 1)
