"""Mean field: how large the states of a wide random net become, and how its gradient grows.

W_ij ~ N(0, sigma_w^2 / H), b_i ~ N(0, sigma_b^2). In a wide net the pre-activations of a step are
gaussian over units, with variance q, and

    q' = sigma_w^2 E phi(sqrt(q) z)^2 + sigma_b^2 + drive,        z ~ N(0, 1)
    chi_1 = sigma_w^2 E phi'(sqrt(q*) z)^2,    slope = 0.5 log10 chi_1,

with q* the fixed point and `drive` the variance that the input adds at every step (the mean over
units of (W_ih x_t)^2, if it is the same at all steps; see `driven` where it is not).

Range: H -> infinity and weights drawn anew at every step; a vanilla net with one random W follows
it too, since its Jacobians have zero mean, but with errors of order 1/sqrt(H) near chi_1 = 1, where
it may sit at a fixed point, and with powers of W where the states are ~0. No gates, no identity
initialiser, no symmetric or trained W. Tolerance: the numbers are exact to 1e-10; a simulation with
H = 512 agrees to .004 per step, with H = 64 to .03.
Source: Poole et al. (2016); Schoenholz et al. (2017); with inputs Chen, Pennington & Schoenholz
(2018). The finite-width term is derived from E log of a sum of H terms.
"""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array
from rnn_core.scaled import log10_of
from rnn_core.theory.arguments import known, real, reals, whole
from rnn_core.theory.moments import mean_slope_power, mean_square
from rnn_core.theory.roots import bisect

_LARGEST_SQUARE: Final = {"tanh": 1.0, "sigmoid": 0.5}
"""The largest E phi^2 of a bounded activation, at q = infinity."""


class FixedPoint(NamedTuple):
    """Where the states of a wide net settle.

    Attributes
    ----------
    q : variance of the pre-activations; inf where they grow without end.
    chi_1 : factor on |delta|^2 per step back.
    slope : 0.5 log10 chi_1, log10 units per step back; -inf at sigma_w = 0.
    """

    q: float
    chi_1: float
    slope: float


def fixed_point(
    activation: str, sigma_w: float, sigma_b: float = 0.0, drive: float = 0.0
) -> FixedPoint:
    """Return the state and the slope at which a constantly driven wide net settles.

    Where every q is a fixed point (identity at sigma_w = 1, ReLU at sqrt(2), both in silence) q is
    0, the one from which silence starts.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> round(fixed_point("tanh", 1.5).slope, 6)  # in silence a scale of 1.5 explodes
    0.028323
    >>> round(fixed_point("tanh", 1.5, drive=1.0).slope, 6)  # driven at unit variance it vanishes
    -0.061594
    """
    phi = known(activation)
    width = np.array(real("sigma_w", sigma_w, 0.0))
    source = np.array(real("sigma_b", sigma_b, 0.0) ** 2 + real("drive", drive, 0.0))
    q = _settled(phi, width, source)
    chi_1 = chi(phi, width, q)
    return FixedPoint(float(q), float(chi_1), float(0.5 * log10_of(chi_1)))


def slopes(
    activation: str,
    sigma_w: Array | float,
    sigma_b: Array | float = 0.0,
    drive: Array | float = 0.0,
) -> Array:
    """Return 0.5 log10 chi_1 over a grid: the three arguments are broadcast against each other.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> import numpy as np
    >>> slopes("relu", np.array([1.0, 2.0])).round(6)
    array([-0.150515,  0.150515])
    """
    phi = known(activation)
    width = reals("sigma_w", sigma_w, 0.0)
    source = reals("sigma_b", sigma_b, 0.0) ** 2 + reals("drive", drive, 0.0)
    width, source = np.broadcast_arrays(width, source)
    return 0.5 * log10_of(chi(phi, width, _settled(phi, width, source)))


def chi(activation: str, sigma_w: Array, q: Array) -> Array:
    """Return sigma_w^2 E phi'(sqrt(q) z)^2, the factor on |delta|^2 of one step at variance q."""
    return np.asarray(sigma_w**2 * mean_slope_power(activation, q, 2))


def _settled(activation: str, sigma_w: Array, source: Array) -> Array:
    """Return the q at which silence or a constant drive settles."""
    if activation in {"relu", "identity"}:
        left = 1.0 - sigma_w**2 * (0.5 if activation == "relu" else 1.0)
        is_finite = left > 4e-16  # 1 - sqrt(2)^2 / 2 is a rounding error away from 0
        settled = source / np.where(is_finite, left, 1.0)
        grows = (left < -4e-16) | (source > 0.0)
        return np.where(is_finite, settled, np.where(grows, np.inf, 0.0))
    at_zero = 0.25 if activation == "sigmoid" else 0.0
    # tanh(u)^2 >= u^2 - 2/3 u^4, hence E >= q - 2 q^2: a bound that keeps away from q = 0
    onset = 0.5 * (1.0 - 1.0 / np.maximum(sigma_w, 1.0) ** 2) if activation == "tanh" else 0.0
    low = np.maximum(source + sigma_w**2 * at_zero, onset)
    high = source + sigma_w**2 * _LARGEST_SQUARE[activation]
    is_zero = (low == 0.0) & (sigma_w <= 1.0) & (activation == "tanh")
    found = bisect(
        lambda q: q - sigma_w**2 * mean_square(activation, q) - source,
        low,
        np.where(is_zero, low, np.maximum(low, high)),
    )
    return np.where(is_zero, 0.0, found)


def critical_sigma_w(activation: str, sigma_b: float = 0.0, drive: float = 0.0) -> float:
    """Return the scale of W at which chi_1 = 1: below it gradients vanish, above they explode.

    At the critical point sigma_w^2 = 1 / E phi'^2, so q* solves
    q - E phi^2 / E phi'^2 = sigma_b^2 + drive. ReLU: sqrt(2), identity: 1, whatever the drive.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> critical_sigma_w("tanh"), round(critical_sigma_w("sigmoid"), 6)
    (1.0, 10.149264)
    >>> round(critical_sigma_w("tanh", drive=1.0), 6)  # unit-variance input
    1.855589
    """
    phi = known(activation)
    source = real("sigma_b", sigma_b, 0.0) ** 2 + real("drive", drive, 0.0)
    q = _critical_q(phi, source)
    return float(mean_slope_power(phi, np.array(q), 2) ** -0.5)


def _critical_q(activation: str, source: float) -> float:
    if activation in {"relu", "identity"} or (activation == "tanh" and source == 0.0):
        return 0.0

    def excess(q: Array) -> Array:
        ratio = mean_square(activation, q) / mean_slope_power(activation, q, 2)
        return np.asarray(q - ratio - source)

    low = np.array(source)
    high = np.array(max(2.0 * source, 1.0))
    while excess(high) < 0.0:
        high = 2.0 * high
    return float(bisect(excess, low, high))


def finite_width(
    activation: str, q: Array | float, hidden_size: int, singular_spread: float = 2.0
) -> Array:
    """Return what finite width adds to the slope at variance q, log10 units per step back.

    -(3 (kappa - 1) + 2 (m - 1)) / (4 H ln 10), kappa = E phi'^4 / (E phi'^2)^2 and m the mean
    fourth power of W's singular values over their squared mean square: 2 for gaussian matrices,
    which gives -(3 kappa - 1) / (4 H ln 10), and 1 for orthogonal ones. The mean of a logarithm is
    below the logarithm of the mean.

    Range: leading order in 1/H; nets that are untied, or tied and driven or chaotic: there checked
    to .003 at H = 64. In a tied net whose phi' hardly varies powers of W add up instead and the
    slope is *above* mean field, by up to log10 of rho(W) / sigma_w.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> round(64 * float(finite_width("identity", 1.0, 64)), 6)  # -1 / (2 ln 10): Ginibre
    -0.217147
    """
    phi = known(activation)
    at = reals("q", q, 0.0, np.inf)
    spread = real("singular_spread", singular_spread, 1.0)
    kappa = mean_slope_power(phi, at, 4) / mean_slope_power(phi, at, 2) ** 2
    width = whole("hidden_size", hidden_size, 1)
    return np.asarray(-(3.0 * (kappa - 1.0) + 2.0 * (spread - 1.0)) / (4.0 * width * np.log(10.0)))
