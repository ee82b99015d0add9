"""Singular values of products of Jacobians: how much each direction of the state still counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.analysis.crossing import part_of
from rnn_core.analysis.graded import Triangle, graded_qr, random_basis
from rnn_core.analysis.jacobian import check_index, jacobian_of, maps_of_one, pulled_back
from rnn_core.analysis.subject import layer_of
from rnn_core.arrays import Array, BoolArray, IntArray, read_only
from rnn_core.cells import StepMaps
from rnn_core.cells.vanilla import VanillaMaps
from rnn_core.errors import ConfigError, quoted
from rnn_core.magnitudes import NOTHING
from rnn_core.recording import Recording

UNRESOLVED: Final = 1e-10
"""A row of one step's triangle that is smaller, beside the largest, has lost digits that count."""

LAGS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""What is measured unless asked otherwise, as far as the run goes."""


@dataclass(frozen=True)
class SingularValues:
    """Singular values of ds_T/ds_{T-k}, T the last step.

    Attributes
    ----------
    lags : k, ascending, (K,).
    log10_values : log10 of the singular values, descending, (K, N); N = H, of an LSTM 2H. -inf for
        an exact zero.
    resolved : how many of them, from the largest on, have their digits (or are exact zeros), (K,).
        The others are bounds: they may be rounding of the larger ones.
    """

    lags: IntArray
    log10_values: Array
    resolved: IntArray


class StepBack(NamedTuple):
    """One step of `triangles`.

    Attributes
    ----------
    factors : the triangles that it multiplies by, in this order.
    resolved : how many of the columns, from the first on, kept their digits.
    """

    factors: list[Triangle]
    resolved: int


def singular_values(
    rec: Recording, lags: Sequence[int] | None = None, *, sequence: int = 0, layer: int = 0
) -> SingularValues | None:
    """Measure the singular values of ds_T/ds_{T-k} = J_T ... J_{T-k+1} for some lags k.

    Of |dL/dh_{T-k}| they give every possible value: the largest the worst case over all losses at
    the last step, their rms that of a random one. All have relative precision, however far they
    are apart, but for the digits that a single step's Jacobian loses by its own condition (of a
    vanilla cell that of W_hh alone: slopes of any size lose nothing). Where a step has lost ten,
    as where W_hh is singular, `resolved` says so. The state of an LSTM is (h, c). Memory: some ten
    arrays (N, N).

    Parameters
    ----------
    lags : from 1 to T-1; None takes 1, 2, 5, 10, ... as far as the run goes.
    sequence, layer : which; `layer` in PyTorch's order of layers and directions (of a reverse one
        T is the first step in time).

    Returns
    -------
    None where there is no pair of states: at T = 1, and after an overflow.

    Raises
    ------
    ConfigError : "lags: expected steps from 1 to ..., got ..." and likewise for `sequence` and
        `layer`; "rec: expected a net without a skip in time, ...", whose state is more than h.

    Examples
    --------
    An orthogonal linear net of scale 1/2 shrinks every direction alike:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(
    ...     activation="identity", init="orthogonal", weight_scale=0.5, steps=501, hidden_size=4
    ... )
    >>> singular_values(rc.run(config), [1, 500]).log10_values.round(2).tolist()
    [[-0.3, -0.3, -0.3, -0.3], [-150.51, -150.51, -150.51, -150.51]]

    Source: graded QR, Stewart (1995); one-sided Jacobi, Demmel & Veselic (1992).
    """
    chosen = layer_of(rec, layer)
    refuse_skip(rec)
    check_index("sequence", sequence, rec.x.shape[1])
    if chosen is None or rec.steps == 1:
        return None
    wanted = _wanted(lags, rec.steps)
    maps = maps_of_one(chosen, sequence)
    size = maps.state_count * maps.weight.shape[-1]
    product, rank, resolved = Triangle.identity(size), _Rank(maps, size), size
    found, kept = [], []
    with np.errstate(all="ignore"):
        for lag, step in enumerate(triangles(maps, size, rec.steps), start=1):
            for factor in step.factors:
                product = factor.times(product)
            rank.step_back(rec.steps - lag)
            resolved = min(resolved, step.resolved)
            if lag in wanted:
                logs = product.log10_singular_values()
                logs[rank.bound :] = -np.inf
                found.append(logs)
                kept.append(size if resolved >= rank.bound else resolved)
            if lag == wanted[-1]:
                break
    return SingularValues(wanted, read_only(np.stack(found)), np.array(kept))


def triangles(maps: StepMaps, count: int, steps: int) -> Iterator[StepBack]:
    """Carry orthonormal columns back through all steps but the first; yield what QR takes off.

    J_t^T Q = Q' R, from the last step on. A vanilla cell gives two triangles, of phi' and of W^T:
    rows that differ by any factor are harmless in the one, and absent in the other.

    Parameters
    ----------
    maps : of one sequence.
    count : how many columns.
    """
    q = random_basis(maps.state_count * maps.weight.shape[-1], count)
    for t in range(steps - 1, 0, -1):
        if isinstance(maps, VanillaMaps):
            q, of_slope = graded_qr(maps.slope[t, 0][:, None] * q)
            weight = maps.weight if maps.is_tied else maps.weight[t]
            q, of_weight = graded_qr(weight.T @ q)
            yield StepBack([of_slope, of_weight], _resolved(of_weight))
        else:
            q, whole = graded_qr(pulled_back(maps, t, q))
            yield StepBack([whole], _resolved(whole))


def _resolved(factor: Triangle) -> int:
    """Return how many rows come before the first that is small beside the largest, but not 0."""
    alive = factor.exponent != NOTHING
    logs = np.log2(np.abs(np.diagonal(factor.rows))) + factor.exponent
    lost = alive & (logs < factor.exponent.max() + np.log2(UNRESOLVED))
    return int(np.flatnonzero(lost)[0]) if lost.any() else len(lost)


def refuse_skip(rec: Recording) -> None:
    """Refuse a net whose state before a step is more than what the step before it left."""
    if rec.network.skip is not None:
        raise ConfigError(
            f"rec: expected a net without a skip in time, got skip={rec.network.skip}"
        )


class _Rank:
    """An upper bound of a product's rank, from where its factors are exactly 0."""

    def __init__(self, maps: StepMaps, size: int) -> None:
        self.maps = maps.indicator()
        self.reached: BoolArray = np.eye(size, dtype=bool)
        self.bound = size
        zeros: list[bool] = []

        def look(factor: Array) -> Array:
            zeros.append(not factor.all())
            return factor

        part_of(maps, slice(1, None)).mapped(look)
        self.may_fall = any(zeros)

    def step_back(self, t: int) -> None:
        """Multiply J_t from the right."""
        if not self.may_fall:
            return
        pattern = jacobian_of(self.maps, t) > 0
        self.reached = (self.reached.astype(np.float64) @ pattern) > 0
        for flags in (pattern, self.reached):
            self.bound = min(self.bound, int(flags.any(0).sum()), int(flags.any(1).sum()))


def _wanted(lags: Sequence[int] | None, steps: int) -> IntArray:
    if lags is None:
        return np.array([lag for lag in LAGS if lag < steps], dtype=np.int64)
    given = list(lags) if isinstance(lags, Sequence | np.ndarray) else []
    if not given or not all(is_whole(lag) and 1 <= lag < steps for lag in given):
        raise ConfigError(f"lags: expected steps from 1 to {steps - 1}, got {quoted(lags)}")
    return np.unique(np.array(given, dtype=np.int64))
