"""Chaos in a wide tanh net: the Lyapunov exponent of a map, and where its growth begins.

An RNN is a map, so lambda_1 = 0.5 ln chi_1 per step (Molgedey, Schuchhardt & Schuster 1992), and
the gradient's slope is lambda_1 / ln 10: in an autonomous tied net an exploding gradient is chaos.
Just above g = 1 lambda_1 ~ (2/3) (g - 1)^2; far above chi_1 -> (4/3) g / sqrt(2 pi) = 0.532 g. The
(g - 1)^2 / 2 of Sompolinsky, Crisanti & Sommers (1988) is for a differential equation in continuous
time, not for this map.

At g = 1 in silence there is no exponent but a power law: q_t -> 1 / (2 t), and the gradient changes
like t^(-1/2) (`driven` iterates it).

Range: tanh, no input, no bias, H -> infinity; a tied net of H = 64 is not chaotic before g = 1.5.
Tolerance: see `mean_field`; of the near-onset form 4 % at g = 1.01, 30 % at 1.1.
"""

import numpy as np

from rnn_core.arrays import Array
from rnn_core.theory.arguments import reals
from rnn_core.theory.mean_field import slopes


def largest_exponent(g: Array | float, drive: Array | float = 0.0) -> Array:
    """Return lambda_1 of a wide tanh net, natural log per step; positive is chaos.

    Raises
    ------
    ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> largest_exponent([0.8, 1.5, 3.0]).round(4)
    array([-0.2231,  0.0652,  0.3102])
    """
    return np.asarray(slopes("tanh", g, 0.0, drive) * np.log(10.0))


def near_onset(g: Array | float) -> Array:
    """Return (2/3) (g - 1)^2 for g >= 1: lambda_1 just above the onset of chaos.

    Examples
    --------
    >>> float(near_onset(1.01).round(7))  # the exponent itself is 6.45e-05
    6.67e-05
    """
    return np.asarray(2.0 / 3.0 * (reals("g", g, 1.0) - 1.0) ** 2)


def far_above(g: Array | float) -> Array:
    """Return 0.5 ln(0.532 g): lambda_1 for large g, where units switch between -1 and 1.

    Examples
    --------
    >>> float(far_above(100.0).round(3)), float(largest_exponent(100.0).round(3))
    (1.987, 1.989)
    """
    return np.asarray(0.5 * np.log(4.0 / 3.0 * reals("g", g, 1e-100) / np.sqrt(2.0 * np.pi)))
