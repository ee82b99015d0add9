"""The ledger: whose step is in dL/dW_hh, the gradient that the optimiser gets.

G = sum over t of G_t, the batch summed first. dL/dW does not vanish when dL/dh_1 does: it is a sum
over steps, of which the near ones supply nearly all.
"""

from dataclasses import dataclass

import numpy as np

from rnn_core.arrays import Array, IntArray
from rnn_core.gradients import GateFlow
from rnn_core.magnitudes import NOTHING, size_exponents
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


def weight_ledger(flow: GateFlow, *, is_reverse: bool = False) -> Ledger | None:
    """Measure every step's part in dL/dW_hh.

    Parameters
    ----------
    flow : the gradients at the recurrent products, and the states they meet.
    is_reverse : whether the flow's steps run against time; the ledger is in the order of time.

    Returns
    -------
    None where dL/dW_hh is 0: at T = 1 from a zero state, or in a dead net.
    """
    h_before = flow.tape.states[0][:-1]
    h_scale = _size_of(h_before)  # states near the end of float64 have products beyond it
    common = flow.common_exponent() + h_scale
    total: Array | float = 0.0
    for chunk in flow.chunks():
        steps = chunk[0]
        d, h, exponent = _terms(flow, *chunk)
        by = exponent - flow.common_exponent()
        d = shifted(d, by[..., None]).reshape(-1, flow.maps.weight.shape[-2])
        total = total + d.T @ shifted(h, -h_scale).reshape(len(d), -1)
    size = Scaled.plain(np.reshape(total, (1, -1))).log10_norms()[0]
    if np.isneginf(size):
        return None
    unit = _times_power_of_ten(np.asarray(total), -size)
    shares, log10_sizes = np.empty(flow.tape.steps), np.empty(flow.tape.steps)
    for chunk in flow.chunks():
        steps = chunk[0]
        d, h, exponent = _terms(flow, *chunk)
        d, own = _on_one_scale(d, exponent)
        h, of_h = _on_one_scale(h, np.zeros_like(exponent))
        along = (d * (h @ unit.T)).sum(axis=(1, 2))
        # |G_t|^2 = sum over pairs of sequences of (d_b . d_b') (h_b . h_b')
        squares = ((d @ d.mT) * (h @ h.mT)).sum(axis=(1, 2))
        by = own + of_h - common
        shares[steps] = _times_power_of_ten(shifted(along, by), -size)
        log10_sizes[steps] = 0.5 * log10_of(np.maximum(squares, 0.0)) + LOG10_2 * by - size
    if is_reverse:
        shares, log10_sizes = shares[::-1], log10_sizes[::-1]
    return Ledger(shares, log10_sizes)


def _terms(
    flow: GateFlow, steps: slice, rows: Array, exponent: IntArray
) -> tuple[Array, Array, IntArray]:
    """Return what is multiplied into G_t: gradients, the vectors they meet, and exponents."""
    d, y = flow.tape.recurrent_terms(flow.maps.recurrent(rows), steps)
    return d, y, np.tile(exponent, d.shape[-2] // exponent.shape[-1])


def _size_of(array: Array) -> int:
    """Return e with the largest magnitude in [2^(e-1), 2^e)."""
    return int(np.frexp(max(float(array.max()), -float(array.min())))[1])


def _on_one_scale(rows: Array, exponent: IntArray) -> tuple[Array, IntArray]:
    """Bring the sequences of each step to one exponent, with magnitudes near 1."""
    size = size_exponents(rows)
    step_exponent: IntArray = np.where(size == NOTHING, NOTHING, size + exponent).max(axis=1)
    step_exponent[step_exponent == NOTHING] = 0
    return shifted(rows, (exponent - step_exponent[:, None])[..., None]), step_exponent


def _times_power_of_ten(values: Array, log10: float) -> Array:
    half = 10.0 ** (log10 / 2)  # in two factors: one may leave float64 where the product does not
    scaled: Array = values * half * half
    return scaled
