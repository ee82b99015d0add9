"""A skip connection in time: the rate of h_t = w h_{t-1} + alpha h_{t-s}.

The gradient's factor per step is the root of largest modulus of r^s = w r^(s-1) + alpha. A path
that skips s - 1 steps turns alpha into alpha^(1/s) per step: a small alpha reaches far.

Range: one linear unit, or the eigenvalue w of a linear net; where w and alpha (after r -> -r) are
not negative, the root is real and found by bisection to 1e-15; else it is the largest eigenvalue of
the companion matrix, s <= 500, to 1e-9 (to 1e-6 next to a double root).
Source: the recursion's characteristic polynomial; skips in time: Lin et al. (1996), NARX nets.
"""

import numpy as np

from rnn_core.arrays import Array
from rnn_core.theory.arguments import real, whole
from rnn_core.theory.roots import bisect

LARGEST_COMPANION = 500


def rate(w: float, alpha: float, steps: int) -> complex:
    """Return the root of largest modulus; its modulus is the factor per step back.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> round(abs(rate(0.5, 0.3, 5)), 9)  # without the skip 0.5
    0.919562357
    """
    weight = real("w", w, -1e6, 1e6)
    through = real("alpha", alpha, -1e6, 1e6)
    count = whole("steps", steps, 2)
    for sign in (1.0, -1.0):  # r -> -r turns w into -w and alpha into (-1)^s alpha
        straight, skipped = sign * weight, sign**count * through
        if straight >= 0.0 and skipped >= 0.0:
            return complex(sign * _positive(straight, skipped, count))
    whole("steps", steps, 2, LARGEST_COMPANION)
    companion = np.eye(count, k=-1)
    companion[0, 0], companion[0, -1] = weight, through
    roots = np.linalg.eigvals(companion)
    return complex(roots[np.argmax(np.abs(roots))])


def _positive(w: float, alpha: float, steps: int) -> float:
    """Return the positive root; there is one, and none is larger in modulus (Perron)."""
    if alpha == 0.0:
        return w

    def beyond(r: Array) -> Array:
        # divided by r^(s-1), so that nothing leaves float64: r - w - alpha r^(1-s)
        with np.errstate(over="ignore"):
            return np.asarray(r - w - alpha * np.exp((1.0 - steps) * np.log(r)))

    alone = alpha ** (1.0 / steps)
    return float(bisect(beyond, np.array(max(w, alone)), np.array(w + alone)))
