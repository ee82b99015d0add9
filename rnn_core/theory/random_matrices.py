"""Random matrices: eigenvalues, singular values and products of the W that initialisers draw.

Range: the limits H -> infinity of one matrix with independent entries of std g / sqrt(H); the
Lyapunov exponents are exact at every H for gaussian matrices drawn anew at every step (Ginibre).
Tolerance at H = 64: sigma_max .03 below 2 g, rho .06 above g; at H = 512 .016 and .033.
Source: Girko (1985) and Ginibre (1965) for the disc; Geman (1980) for sigma_max; Newman (1986) and
Forrester (2015) for the exponents and their variance; free probability (circular element) for the
norms of powers; blocks of a Haar matrix: Zyczkowski & Sommers (2000), Collins (2005).
"""

from typing import NamedTuple

import numpy as np

from rnn_core.arrays import Array, read_only
from rnn_core.theory.arguments import real, reals, whole
from rnn_core.theory.polygamma import digamma, trigamma


def spectral_radius(g: float) -> float:
    """Return the radius of the disc that the eigenvalues fill: g (circular law).

    Examples
    --------
    >>> spectral_radius(0.9)
    0.9
    """
    return real("g", g, 0.0)


def largest_singular_value(g: float) -> float:
    """Return the limit of sigma_max: 2 g. One step can stretch a vector by it though rho = g.

    Examples
    --------
    >>> largest_singular_value(0.9)
    1.8
    """
    return 2.0 * real("g", g, 0.0)


def log10_power_norm(k: Array | int, g: float = 1.0) -> Array:
    """Return log10 of the limit of the spectral norm of W^k: g^k sqrt((k+1)^(k+1) / k^k).

    The rms singular value of W^k is g^k. The worst direction grows for several steps though g < 1.

    Examples
    --------
    >>> (10 ** log10_power_norm([1, 2, 10])).round(6)
    array([2.      , 2.598076, 5.341457])
    """
    steps = reals("k", k, 0.0)
    gain = real("g", g, 1e-100)
    log_ratio = steps * np.log1p(1.0 / np.maximum(steps, 1e-300)) + np.log1p(steps)
    return np.asarray(steps * np.log10(gain) + 0.5 * log_ratio / np.log(10.0))


class Exponents(NamedTuple):
    """Lyapunov exponents of a product of gaussian matrices, natural log per step, descending.

    Attributes
    ----------
    mean : lambda_i, (H,).
    variance : of the log growth per step, (H,); over T steps it is T times as large.
    """

    mean: Array
    variance: Array


def ginibre_exponents(hidden_size: int, g: float = 1.0) -> Exponents:
    """Return the growth rates of an untied linear net, exact at every H.

    lambda_i = ln g + (ln(2/H) + psi((H-i+1)/2)) / 2, variance psi'((H-i+1)/2) / 4, i = 1..H. For a
    fixed vector E ln |delta| = T lambda_1 and Var = T psi'(H/2) / 4 at every T.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> round(float(ginibre_exponents(16).mean[0]), 9)
    -0.031900032
    """
    size = whole("hidden_size", hidden_size, 1)
    halves = 0.5 * np.arange(size, 0, -1)
    mean = np.log(real("g", g, 1e-100)) + 0.5 * (np.log(2.0 / size) + digamma(halves))
    return Exponents(read_only(mean), read_only(0.25 * trigamma(halves)))


class Block(NamedTuple):
    """Limits, as H grows, of one gate's (H, H) block of an orthogonal matrix over n gates."""

    rms_singular_value: float
    largest_singular_value: float
    spectral_radius: float


def keras_orthogonal_block(gates: int) -> Block:
    """Return what is left of orthogonality in one gate of Keras' recurrent kernel.

    Keras draws the (H, nH) kernel as a whole: rms 1/sqrt(n), sigma_max = 2 sqrt((1/n)(1 - 1/n)),
    rho = 1/sqrt(n); at n = 1 all are 1. At H = 256 sigma_max and rms are met to 1 %, rho is up to
    6 % larger.

    Examples
    --------
    >>> round(keras_orthogonal_block(4).largest_singular_value, 6)  # LSTM
    0.866025
    """
    n = whole("gates", gates, 1)
    rms = n**-0.5
    largest = 1.0 if n == 1 else 2.0 * float(np.sqrt((1.0 - 1.0 / n) / n))
    return Block(rms, largest, rms)
