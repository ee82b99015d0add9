"""Triangles of any spread: QR of graded matrices, their products, and their singular values.

A product of Jacobians has singular values 10^1000s apart; written out, all but the largest are
rounding noise. Kept as Q times a triangle whose rows have powers of two of their own, none is
lost: a product of triangles is one, row by row, and one-sided Jacobi rotations of its rows find
singular values to relative precision, because they never add what is far apart.

Source: graded QR of products: Stewart (1995); one-sided Jacobi: Demmel & Veselic (1992).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.arrays import Array, IntArray
from rnn_core.magnitudes import NOTHING, size_exponents
from rnn_core.scaled import LOG10_2, log10_of, shifted

NEARLY_EQUAL: Final = 8
"""Spread in powers of two up to which a plain SVD keeps 13 digits of every singular value."""

_FAR: Final = 100
"""Powers of two beyond which a small row does not move a large one by the last digit."""

_MAX_SWEEPS: Final = 60


@dataclass(frozen=True)
class Triangle:
    """An upper triangle whose rows have their own powers of two.

    Attributes
    ----------
    rows : (N, N), largest entries in [1/2, 1); a row of zeros is an exact zero.
    exponent : (N,); NOTHING for a row of zeros.
    """

    rows: Array
    exponent: IntArray

    @classmethod
    def of(cls, matrix: Array, exponent: IntArray | int = 0) -> "Triangle":
        """Scale the rows of a matrix times 2^exponent."""
        size = size_exponents(matrix)
        is_zero = size == NOTHING
        rows = shifted(matrix, -np.where(is_zero, 0, size)[:, None])
        return cls(rows, np.where(is_zero, NOTHING, size + exponent))

    @classmethod
    def identity(cls, size: int) -> "Triangle":
        """Return the identity."""
        return cls.of(np.eye(size))

    def times(self, other: "Triangle") -> "Triangle":
        """Return self @ other: each row on the scale of its largest part."""
        parts = np.frexp(self.rows)[1] + other.exponent[None, :].astype(np.int64)
        parts = np.where((self.rows == 0) | (other.exponent == NOTHING), NOTHING, parts)
        base = parts.max(axis=1)
        base = np.where(base <= NOTHING // 2, 0, base)
        weights = shifted(self.rows, np.maximum(other.exponent[None, :] - base[:, None], -4000))
        weights[:, other.exponent == NOTHING] = 0.0
        exponent = np.where(self.exponent == NOTHING, 0, self.exponent + base)
        return Triangle.of(weights @ other.rows, exponent)

    def log10_singular_values(self) -> Array:
        """Return log10 of the singular values (N,), descending; -inf for an exact zero."""
        alive = self.exponent != NOTHING
        found = np.full(len(self.rows), -np.inf)
        if alive.all() and np.ptp(self.exponent) <= NEARLY_EQUAL:
            top = int(self.exponent.max())
            plain = shifted(self.rows, (self.exponent - top)[:, None])
            values = np.linalg.svd(plain, compute_uv=False)
            if values[-1] > values[0] * 2.0**-NEARLY_EQUAL:
                return log10_of(values) + LOG10_2 * top
        if alive.any():
            rows, exponent = _orthogonal_rows(self.rows[alive], self.exponent[alive])
            logs = log10_of(np.linalg.norm(rows, axis=1)) + LOG10_2 * exponent
            found[: len(logs)] = -np.sort(-logs)
        return found


def graded_qr(matrix: Array) -> tuple[Array, Triangle]:
    """Return Q (N, m) and the triangle of a matrix whose rows may differ in size by any factor.

    Householder reflections keep the digits of small rows if the large ones come first.
    """
    largest = np.abs(matrix).max(axis=1)
    power = int(np.frexp(largest.max(initial=0.0))[1])
    order = np.argsort(-largest, kind="stable")
    q, r = np.linalg.qr(shifted(matrix, -power)[order])
    back = np.empty_like(q)
    back[order] = q
    return back, Triangle.of(r, power)


def random_basis(size: int, count: int) -> Array:
    """Return `count` orthonormal columns (N, count) in general position, the same every time.

    A basis along the axes could be invariant, and would then miss how its members grow.
    """
    draws = np.random.default_rng(0).normal(size=(size, size))
    basis: Array = np.linalg.qr(draws)[0]
    return np.ascontiguousarray(basis[:, :count])


def _orthogonal_rows(rows: Array, exponent: IntArray) -> tuple[Array, IntArray]:
    """Rotate pairs of rows until all are orthogonal: their norms are the singular values."""
    count = len(rows)
    padded = count + count % 2
    work = np.zeros((padded, rows.shape[1]))
    work[:count] = rows
    powers = np.full(padded, NOTHING)
    powers[:count] = exponent
    tolerance = max(rows.shape[1], 4) * 2.0**-53
    players = np.arange(padded)
    for _ in range(_MAX_SWEEPS):
        worst = 0.0
        for _ in range(padded - 1):
            one, other = players[: padded // 2], players[padded // 2 :][::-1]
            worst = max(worst, _rotate(work, powers, one, other, tolerance))
            players = np.concatenate([players[:1], players[-1:], players[1:-1]])
        if worst <= tolerance:
            break
    return work[:count], powers[:count]


def _rotate(
    work: Array, powers: IntArray, one: IntArray, other: IntArray, tolerance: float
) -> float:
    """Make disjoint pairs of rows orthogonal; return the largest cosine that was found."""
    is_swapped = powers[other] > powers[one]
    p, q = np.where(is_swapped, other, one), np.where(is_swapped, one, other)
    large, small = work[p], work[q]
    alpha, beta = (np.einsum("ij,ij->i", part, part) for part in (large, small))
    gamma = np.einsum("ij,ij->i", large, small)
    with np.errstate(all="ignore"):
        cosine = np.abs(gamma) / np.sqrt(alpha * beta)
        cosine[(alpha == 0) | (beta == 0)] = 0.0
        turning = cosine > tolerance
        if not turning.any():
            return float(cosine.max(initial=0.0))
        p, q, large, small = p[turning], q[turning], large[turning], small[turning]
        alpha, beta, gamma = alpha[turning], beta[turning], gamma[turning]
        apart = np.maximum(powers[q] - powers[p], -_FAR)
        is_far = powers[q] - powers[p] <= -_FAR
        ratio = np.ldexp(1.0, apart.astype(np.int32))
        zeta = (beta * ratio * ratio - alpha) / (2.0 * gamma * ratio)
        tangent = np.copysign(1.0, zeta) / (np.abs(zeta) + np.hypot(1.0, zeta))
        c = 1.0 / np.hypot(1.0, tangent)
        s = c * tangent
        # of rows far apart only the small one changes: its part along the large one goes
        c, into_large = np.where(is_far, 1.0, c), np.where(is_far, 0.0, s * ratio)
        into_small = np.where(is_far, -gamma / alpha, s / ratio)
    new_large = c[:, None] * large - into_large[:, None] * small
    new_small = into_small[:, None] * large + c[:, None] * small
    for index, new in ((p, new_large), (q, new_small)):
        size = size_exponents(new)
        by = np.where(size == NOTHING, 0, size)
        work[index] = shifted(new, -by[:, None])
        powers[index] += by
    return float(cosine.max())
