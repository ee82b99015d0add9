"""How far a gradient reaches: between two steps, and in the sum that the optimiser gets."""

import numpy as np

from rnn_core.errors import ConfigError
from rnn_core.recording import Recording


def first_reached(rec: Recording) -> int:
    """Return the first step (from 0) that the last loss step's gradient reaches.

    The first step of the last block of truncated BPTT; the first of all otherwise.
    """
    return 0 if rec.truncate is None else rec.last_loss_step // rec.truncate * rec.truncate


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

    The fewest steps, counted from the last loss back, after which the running total of the shares
    stays within 1 - `part` of 1: what is left out changes the sum by no more, however far one
    counts on. (Shares may be negative: the total may pass `part`, and leave it again.) With
    `is_from_loss` False counted from the first step on. None where there is no such gradient.
    """
    ledger = rec.ledger
    if ledger is None:
        return None
    shares = ledger.shares[: rec.last_loss_step + 1]
    if is_from_loss:
        shares = shares[::-1]
    # 1e-12: rounding must not decide where the total stands exactly on the limit
    is_off = np.abs(1.0 - np.cumsum(shares)) > 1.0 - part + 1e-12
    off = np.flatnonzero(is_off[:-1])
    return int(off[-1]) + 2 if off.size else 1
