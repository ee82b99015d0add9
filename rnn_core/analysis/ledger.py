"""The ledger: whose step is in dL/dW_hh, the gradient that the optimiser gets.

G = sum over t of G_t, the batch summed first. dL/dW does not vanish when dL/dh_1 does: it is a sum
over steps, of which the near ones supply nearly all.
"""

from dataclasses import dataclass

import numpy as np

from rnn_core.arrays import Array, BoolArray, IntArray
from rnn_core.gradients import GateGradient
from rnn_core.scaled import LOG10_2, Scaled, log10_of, shifted


@dataclass(frozen=True)
class Ledger:
    """Each step's part in the gradient of the recurrent weights.

    Attributes
    ----------
    shares : <G_t, G> / |G|^2 (T,): sums to 1, is the part of the update that step t supplies, may
        be negative. Norm shares would mislead: norms do not add.
    log10_sizes : log10 |G_t| / |G| (T,), exact at any size, -inf for an exact zero. The term of
        the first step is 0 by structure when h_init is 0.
    """

    shares: Array
    log10_sizes: Array


def weight_ledger(gate: GateGradient, h_before: Array) -> Ledger | None:
    """Measure every step's part in dL/dW_hh.

    Parameters
    ----------
    gate : gradients at the recurrent products, (T, B, G*H).
    h_before : h_{t-1} (T, B, H).

    Returns
    -------
    None where dL/dW_hh is 0: at T = 1 from a zero state, or in a dead net.
    """
    d, exponent = _per_step(gate)
    common = exponent[d.any(axis=(1, 2))].max(initial=-(2**40))
    if common == -(2**40):
        return None
    rows = shifted(d, (exponent - common)[:, None, None]).reshape(-1, d.shape[-1])
    total = rows.T @ h_before.reshape(-1, h_before.shape[-1])
    square = float(np.square(total).sum())
    if square == 0.0:
        return None
    along = (d * (h_before @ total.T)).sum(axis=(1, 2))
    shares = shifted(along / square, exponent - common)
    # |G_t|^2 = sum over pairs of sequences of (d_b . d_b') (h_b . h_b')
    squares = ((d @ d.mT) * (h_before @ h_before.mT)).sum(axis=(1, 2))
    sizes = 0.5 * log10_of(np.maximum(squares, 0.0)) + LOG10_2 * (exponent - common)
    return Ledger(shares, sizes - 0.5 * log10_of(np.array(square)))


def _per_step(gate: GateGradient) -> tuple[Array, IntArray]:
    """Bring the sequences of each step to one exponent, with magnitudes near 1."""
    rows = Scaled(gate.d_recurrent, gate.exponent)
    size = np.frexp(np.abs(rows.mantissa).max(axis=-1))[1] + rows.exponent
    living: BoolArray = (rows.mantissa != 0).any(axis=-1)
    step_exponent = np.where(living, size, -(2**40)).max(axis=1)
    step_exponent = np.where(living.any(axis=1), step_exponent, 0)
    by = rows.exponent - step_exponent[:, None]
    return shifted(rows.mantissa, by[..., None]), step_exponent
