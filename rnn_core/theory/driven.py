"""Mean field of a driven net, step by step: what the input does to the gradient's slope.

    q_t = sigma_w^2 E phi(sqrt(q_{t-1}) z)^2 + s_t + sigma_b^2,    growth_t = 0.5 log10 chi(q_t),

with s_t the mean over units of (W_ih x_t)^2 and growth_t the factor, in log10 units, that the map
of step t puts on the gradient on its way from h_t back to h_{t-1}. A constant variance in place of
s_t is not enough: with one noise feature at scale 1 it says -.200 per step where -.172 is measured.

Range, source and tolerance: those of `mean_field`; the drive must be spread over the units like a
gaussian.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, read_only
from rnn_core.errors import ShapeError
from rnn_core.scaled import log10_of
from rnn_core.theory.arguments import known, real, reals
from rnn_core.theory.mean_field import chi
from rnn_core.theory.moments import mean_square

_CHUNK: Final = 256
"""Steps whose chi is computed at once: bounded memory at any T."""

_LARGEST_Q: Final = 1e300


@dataclass(frozen=True)
class Driven:
    """A wide net under a given drive; arrays are read-only, with the shape of the drive.

    Attributes
    ----------
    q : variance of the pre-activations at each step.
    chi : factor of each step's map on |delta|^2.
    growth : 0.5 log10 chi.
    """

    q: Array
    chi: Array
    growth: Array

    @property
    def slope(self) -> float | None:
        """Mean growth over the T-1 crossed maps, those of all steps but the first; None at T = 1.

        The map of the first step leads to the state before the run, which is not recorded.
        """
        return float(self.growth[1:].mean()) if len(self.growth) > 1 else None


def driven(
    activation: str,
    sigma_w: float,
    sigma_b: float,
    drive: Array,
    *,
    h_square: Array | float = 0.0,
) -> Driven:
    """Follow the variance q_t and the gradient's growth of a wide net through its steps.

    Parameters
    ----------
    drive : s_t, (T, ...), at least one step; further axes are sequences.
    h_square : mean over units of h^2 before the first step.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> import numpy as np
    >>> critical = driven("tanh", 1.0, 0.0, np.zeros(1001), h_square=1.0)
    >>> round(float(critical.q[1000]), 7)  # a power law, 1 / (2 t)
    0.0005012
    """
    phi = known(activation)
    width = np.array(real("sigma_w", sigma_w, 0.0))
    s = reals("drive", drive, 0.0, np.inf)
    if s.ndim == 0 or not len(s):
        raise ShapeError(f"drive: expected (T, ...) with at least one step, got {s.shape}")
    s = np.minimum(s + real("sigma_b", sigma_b, 0.0) ** 2, _LARGEST_Q)
    q = np.empty_like(s)
    square = reals("h_square", h_square, 0.0, np.inf)
    with np.errstate(over="ignore"):  # a linear net's q may end beyond float64; its chi does not
        for t in range(len(s)):
            q[t] = np.minimum(width**2 * square + s[t], _LARGEST_Q)
            square = mean_square(phi, q[t])
    factor = np.empty_like(s)
    for start in range(0, len(s), _CHUNK):
        factor[start : start + _CHUNK] = chi(phi, width, q[start : start + _CHUNK])
    return Driven(read_only(q), read_only(factor), read_only(0.5 * log10_of(factor)))
