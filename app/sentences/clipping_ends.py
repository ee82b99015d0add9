"""What became of a descent, in words that do not hang on the last digits of any number."""

import math
from typing import Final

import numpy as np

from app.clipped import UPDATES, Witnessed
from app.sentences.numerals import counted, number, power
from rnn_core.theory.descent import ARRIVED, Descent

EXPLODED: Final = 10.0
"""How many times its first size a gradient has grown that "explodes"."""

_MARGIN: Final = 1.25
"""What a path arrives below is stated by so much too large: the next rounding may end higher."""

_NOISE: Final = 1e-20
"""An error below this is rounding: the last digit of sigma(x) squared is 10^-32."""

_ROUNDING: Final = f"rounding decides where it is after {UPDATES} updates"


def end(found: Witnessed, learning_rate: float) -> str:
    """Say what became of a path: what rounding decides has no digits.

    Parameters
    ----------
    learning_rate : of the path; a move divided by it is the gradient that clipping left.
    """
    if found.fate == "undecided":
        return f"hangs on the last digits: {_ROUNDING}"
    return {
        "overflow": _overflown,
        "thrown": lambda found: _thrown(found, learning_rate),
        "arrived": _arrived,
        "stuck": _stuck,
        "under way": _under_way,
    }[found.fate](found)


def explodes(found: Witnessed) -> bool:
    """Whether the gradient grows to ten times its first size, however it is rounded."""
    return all(p.gradient_norm.max() > EXPLODED * p.gradient_norm[0] for p in found.all)


def is_thrown_at_once(path: Descent) -> bool:
    """Whether the farthest move of a path is the one after which nothing is gained."""
    return path.fate == "thrown" and path.longest_move == path.last_below


def size(value: float) -> str:
    """Return the norm of a gradient with the digits that a page has room for."""
    if not np.isfinite(value):
        return "no number"
    return number(value, 3 if value >= 100.0 else 2)


def _overflown(found: Witnessed) -> str:
    return f"leaves all numbers at update {found.path.overflow}"


def _arrived(found: Witnessed) -> str:
    bounds = {_above(max(_MARGIN * one.settled_loss, _NOISE)) for one in found.all}
    bound = bounds.pop() if len(bounds) == 1 else number(ARRIVED, 1)
    return f"arrives below an error of {bound}"


def _stuck(found: Witnessed) -> str:
    return f"is stuck{_at_error(found, 'at')}, where the gradient is {_last_size(found)}"


def _under_way(found: Witnessed) -> str:
    if _error(found) is None:
        return f"is still under way, and {_ROUNDING}"
    return f"is still under way{_at_error(found, 'at')}"


def _last_size(found: Witnessed) -> str:
    return size(float(found.path.gradient_norm[-1]))


def _thrown(found: Witnessed, learning_rate: float) -> str:
    path, k = found.path, found.path.last_below
    if not all(is_thrown_at_once(one) for one in found.all):
        return f"is lost after {counted(k, 'update')}{_at_error(found, 'and ends at')}"
    to = f"{_at_error(found, 'to')}, gradient {_last_size(found)}"
    by = size(float(path.gradient_norm[k]))
    if path.is_clipped[k]:
        move = math.hypot(path.w[k + 1] - path.w[k], path.b[k + 1] - path.b[k])
        by += f", clipped to {size(move / learning_rate)},"
    return f"is thrown after {counted(k, 'update')} by a gradient of {by}{to}"


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
