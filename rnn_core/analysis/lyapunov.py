"""Lyapunov exponents: the mean growth of volumes in state space, from one step to the next."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.analysis.jacobian import check_index, maps_of_one
from rnn_core.analysis.singular_values import refuse_skip, triangles
from rnn_core.analysis.subject import layer_of
from rnn_core.arrays import Array, read_only
from rnn_core.errors import ConfigError, quoted
from rnn_core.magnitudes import NOTHING
from rnn_core.recording import Recording

_LN_2: Final = float(np.log(2.0))


@dataclass(frozen=True)
class Lyapunov:
    """Finite-time Lyapunov exponents of one trajectory.

    Attributes
    ----------
    exponents : natural log per step, (count,); in the long run descending. Positive is chaos, and
        an exploding gradient: the first one over ln 10 is the gradient's growth per step. -inf for
        a direction that a step maps to exactly 0.
    resolved : how many of them have their digits; the others may be rounding of larger ones.
    steps : how many maps they are a mean of, T-1. What they owe to the basis they started from
        falls as 1/steps.
    """

    exponents: Array
    resolved: int
    steps: int


def lyapunov_exponents(
    rec: Recording, *, sequence: int = 0, count: int | None = None, layer: int = 0
) -> Lyapunov | None:
    """Measure Lyapunov exponents by QR between the steps.

    lambda_i = mean over steps of ln |R_ii|, J_t^T Q = Q' R from the last step back: the adjoint
    has the same exponents as the tangent, and needs no Jacobian. With all of them their sum is the
    mean of ln |det J_t|, exactly. The state of an LSTM is (h, c). Memory: some arrays (N, count).

    Parameters
    ----------
    sequence, layer : which; `layer` in PyTorch's order of layers and directions.
    count : how many, from the largest on; None is all, N = H (LSTM: 2H).

    Returns
    -------
    None where there is no pair of states: at T = 1, and after an overflow.

    Raises
    ------
    ConfigError : "count: expected None or 1 to N, got ..." and likewise for `sequence` and
        `layer`; "rec: expected a net without a skip in time, ...".

    Examples
    --------
    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(activation="identity", init="orthogonal", weight_scale=0.5)
    >>> lyapunov_exponents(rc.run(config), count=3).exponents.round(4)
    array([-0.6931, -0.6931, -0.6931])

    Source: Benettin et al. (1980); for recurrent nets Engelken, Wolf & Abbott (2023).
    """
    chosen = layer_of(rec, layer)
    refuse_skip(rec)
    check_index("sequence", sequence, rec.x.shape[1])
    states = 2 if rec.network.cell == "lstm" else 1
    size = states * rec.network.hidden_size
    if count is not None and not (is_whole(count) and 1 <= count <= size):
        raise ConfigError(f"count: expected None or 1 to {size}, got {quoted(count)}")
    if chosen is None or rec.steps == 1:
        return None
    maps = maps_of_one(chosen, sequence)
    total = np.zeros(size if count is None else count)
    resolved = len(total)
    with np.errstate(all="ignore"):
        for step in triangles(maps, len(total), rec.steps):
            resolved = min(resolved, step.resolved)
            for factor in step.factors:
                entries = np.abs(np.diagonal(factor.rows))
                powers = np.where(factor.exponent == NOTHING, 0, factor.exponent)
                total += np.log(entries) + _LN_2 * powers
    return Lyapunov(read_only(total / (rec.steps - 1)), resolved, rec.steps - 1)
