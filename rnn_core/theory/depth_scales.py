"""Depth scales: over how many steps a wide net forgets its state, its angles and its gradient.

xi_q = -1 / ln(chi_1 + sigma_w^2 E phi'' phi): the variance q returns to q*.
xi_c = -1 / ln(sigma_w^2 E phi'(u_1) phi'(u_2)), u_1, u_2 of correlation c*: two sequences that
differ come to their stable correlation c* (1 where chi_1 < 1: they become the same).
xi_gradient = 1 / |ln chi_1|: |delta|^2 changes by a factor e.

Range: as `mean_field`; the same drive for both sequences. Tolerance: 1e-6 relative, but for
|chi_1 - 1| < 1e-5, where c* is not told from 1.
Source: Schoenholz et al. (2017), section 3.
"""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError
from rnn_core.theory.mean_field import fixed_point
from rnn_core.theory.moments import mean_curvature
from rnn_core.theory.roots import bisect

_ALMOST_ONE: Final = 1.0 - 1e-5
_LARGEST_Z: Final = 9.0
_LARGEST_PLANE_Q: Final = 1e4
"""Beyond it the plane of two gaussians would need more than 10^7 points."""


class DepthScales(NamedTuple):
    """Numbers of steps over which a wide net forgets; inf at a critical point.

    Attributes
    ----------
    c : c*, the stable correlation of the pre-activations of two sequences.
    """

    q: float
    chi_1: float
    c: float
    xi_c: float
    xi_q: float
    xi_gradient: float


def depth_scales(
    activation: str, sigma_w: float, sigma_b: float = 0.0, drive: float = 0.0
) -> DepthScales:
    """Return how many steps a constantly driven wide net remembers.

    Raises
    ------
    ConfigError : where there is no fixed point with states and weights other than 0, or q* > 10^4.

    Examples
    --------
    >>> round(depth_scales("tanh", 1.0, 0.1).xi_c, 5)
    7.5694
    """
    q, chi_1, _ = fixed_point(activation, sigma_w, sigma_b, drive)
    if not (0.0 < q <= _LARGEST_PLANE_Q and chi_1 > 0.0):
        raise ConfigError(
            f"sigma_w: expected one with 0 < q* <= {_LARGEST_PLANE_Q:g} and chi_1 > 0, "
            f"got q* = {q:g} and chi_1 = {chi_1:g}"
        )
    source = sigma_b**2 + drive
    curvature = float(mean_curvature(activation, np.array(q)))
    c, chi_c = 1.0, chi_1
    if ACTIVATIONS[activation].is_bounded and chi_1 > 1.0:
        plane = _Plane(activation, sigma_w, source, q)
        if plane.excess(_ALMOST_ONE) > 0.0:
            zero, end = np.array(0.0), np.array(_ALMOST_ONE)
            c = float(bisect(lambda at: np.array(plane.excess(float(at))), zero, end))
            chi_c = plane.chi(c)
    return DepthScales(
        q, chi_1, c, _steps(chi_c), _steps(chi_1 + sigma_w**2 * curvature), _steps(chi_1)
    )


def _steps(factor: float) -> float:
    """Return the steps in which a factor per step makes e; inf for 1, 0 for 0."""
    rate = abs(np.log(factor)) if factor > 0.0 else np.inf
    return float(1.0 / rate) if rate > 0.0 else np.inf


class _Plane:
    """Means over two gaussians of variance q and correlation c, by the rule of `moments` twice."""

    def __init__(self, activation: str, sigma_w: float, source: float, q: float) -> None:
        self._phi = ACTIVATIONS[activation]
        self._sigma_w, self._source, self._root, self._q = sigma_w, source, np.sqrt(q), q
        step = min(0.5, 0.2 / float(self._root))
        half = step * np.arange(1, int(np.ceil(_LARGEST_Z / step)) + 1)
        self._z = np.concatenate([-half[::-1], [0.0], half])
        weights = np.exp(-0.5 * self._z**2)
        self._weights = weights / weights.sum()

    def excess(self, c: float) -> float:
        """Return c minus the correlation one step later: it rises through 0 at c*."""
        values = self._phi.apply(self._first), self._phi.apply(self._second(c))
        return c - (self._sigma_w**2 * self._mean(*values) + self._source) / self._q

    def chi(self, c: float) -> float:
        """Return sigma_w^2 E phi'(u_1) phi'(u_2): the factor on a small change of c."""
        return self._sigma_w**2 * self._mean(
            self._phi.slope(self._first), self._phi.slope(self._second(c))
        )

    @property
    def _first(self) -> Array:
        return np.asarray(self._root * self._z)

    def _second(self, c: float) -> Array:
        mixed = c * self._z[:, None] + np.sqrt(1.0 - c * c) * self._z
        return np.asarray(self._root * mixed)

    def _mean(self, first: Array, second: Array) -> float:
        return float((self._weights * first) @ (second @ self._weights))
