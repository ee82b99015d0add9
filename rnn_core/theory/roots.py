"""Where a function changes its sign: bisection, for one number or for a whole array at once."""

from collections.abc import Callable

import numpy as np

from rnn_core.arrays import Array


def bisect(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Return where `function` rises through 0, entry by entry, to the last digit of float64.

    Each bracket is halved until no number lies between its ends: slow beside Newton's rule, but it
    needs no derivative and cannot leave the bracket.

    Parameters
    ----------
    function : of an array, entry by entry; at most 0 at `low` and at least 0 at `high`.
    low, high : the ends of the brackets, of one shape, of equal sign.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(bisect(lambda x: x * x - 2.0, np.array(0.0), np.array(2.0))), 12)
    1.414213562373
    """
    low, high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    while True:
        middle = low + 0.5 * (high - low)
        inside = (middle > low) & (middle < high)
        if not inside.any():
            return low
        is_below = function(middle) < 0.0
        low = np.where(inside & is_below, middle, low)
        high = np.where(inside & ~is_below, middle, high)
