"""How far a gradient reaches: between two steps, and in the sum that the optimiser gets."""

import numpy as np

from rnn_core.errors import ConfigError
from rnn_core.recording import Recording


def log10_factor(rec: Recording, late: int, early: int) -> float:
    """Measure what the last loss step's gradient is multiplied by between two steps, in log10.

    The mean over sequences of L[early] - L[late], L = log10 |dL/dh_t|; sequences that are exactly
    0 at either step are left out.

    Parameters
    ----------
    late, early : steps counted from 0, early <= late <= the last loss step.

    Returns
    -------
    -inf where every sequence is exactly 0 at `early`.

    Raises
    ------
    ConfigError : "early: expected 0 to late=..., got ...", and likewise for `late`.
    """
    if not 0 <= late <= rec.last_loss_step:
        raise ConfigError(f"late: expected 0 to {rec.last_loss_step}, got {late}")
    if not 0 <= early <= late:
        raise ConfigError(f"early: expected 0 to late={late}, got {early}")
    norms = rec.layers[0].from_last.log10_norms("d_h")
    living = np.isfinite(norms[early]) & np.isfinite(norms[late])
    if not living.any():
        return -np.inf
    return float((norms[early, living] - norms[late, living]).mean())


def steps_that_supply(rec: Recording, part: float, *, is_from_loss: bool = True) -> int | None:
    """Count the nearest steps that together supply `part` of dL/dW_hh.

    The fewest steps, counted from the last loss back, whose shares sum to at least `part`; with
    `is_from_loss` False counted from the first step on. None where there is no such gradient.
    """
    ledger = rec.ledger
    if ledger is None:
        return None
    shares = ledger.shares[: rec.last_loss_step + 1]
    if is_from_loss:
        shares = shares[::-1]
    return int((np.cumsum(shares) >= part).argmax()) + 1
