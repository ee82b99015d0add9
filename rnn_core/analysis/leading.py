"""The largest singular values of products of Jacobians, fast enough for a slider.

`singular_values` has all of them, however far apart, at a hundred times the price.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.analysis.jacobian import check_index, jacobian_of, maps_of_one
from rnn_core.analysis.singular_values import LAGS, SingularValues, refuse_skip
from rnn_core.analysis.subject import layer_of
from rnn_core.arrays import read_only
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import Recording
from rnn_core.scaled import log10_of

DECADES: Final = 10.0
"""Values this far below the largest keep five digits; rounding of the product takes the rest."""


def leading_singular_values(
    rec: Recording, lags: Sequence[int] | None = None, *, sequence: int = 0, layer: int = 0
) -> SingularValues | None:
    """Measure the singular values of ds_T/ds_{T-k} that lie within ten decades of the largest.

    The product of the Jacobians is formed, rescaled by powers of two, and decomposed: rounding
    leaves noise some 15 decades below its largest value. `resolved` counts those well above it.

    Parameters
    ----------
    lags : from 1 to T-1; None takes 1, 2, 5, 10, ... as far as the run goes.
    sequence, layer : which, as for `singular_values`.

    Returns
    -------
    As `singular_values`; None where there is no pair of states.

    Raises
    ------
    ConfigError : as `singular_values`.

    Examples
    --------
    >>> import rnn_core as rc
    >>> rec = rc.run(rc.ExperimentConfig(init="orthogonal", activation="identity", steps=21))
    >>> found = leading_singular_values(rec, [20])
    >>> bool(abs(found.log10_values).max() < 1e-13), found.resolved.tolist()
    (True, [64])
    """
    chosen = layer_of(rec, layer)
    refuse_skip(rec)
    check_index("sequence", sequence, rec.x.shape[1])
    if chosen is None or rec.steps == 1:
        return None
    wanted = sorted(set(LAGS if lags is None else lags))
    if lags is None:
        wanted = [lag for lag in wanted if lag < rec.steps]
    if not wanted or not all(is_whole(lag) and 1 <= lag < rec.steps for lag in wanted):
        raise ConfigError(f"lags: expected steps from 1 to {rec.steps - 1}, got {quoted(lags)}")
    maps = maps_of_one(chosen, sequence)
    product, exponent = np.eye(maps.state_count * maps.weight.shape[-1]), 0
    found, resolved = [], []
    with np.errstate(all="ignore"):
        for lag in range(1, wanted[-1] + 1):
            product = product @ jacobian_of(maps, rec.steps - lag)
            by = int(np.frexp(np.abs(product).max())[1])
            product, exponent = np.ldexp(product, -by), exponent + by
            if lag in wanted:
                values = np.linalg.svd(product, compute_uv=False)
                logs = log10_of(values) + exponent * np.log10(2.0)
                found.append(logs)
                resolved.append(int((logs > logs[0] - DECADES).sum()))
    return SingularValues(np.array(wanted), read_only(np.stack(found)), np.array(resolved))
