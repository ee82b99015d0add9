"""Pascanu's bound: how large the gradient can be at most, step by step."""

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.arrays import Array
from rnn_core.recording import Recording, mean_log10
from rnn_core.scaled import log10_of


def pascanu(rec: Recording) -> Array | None:
    """Return log10 of the bound on |dL/dh_t| at every step, mean over sequences, (T,).

    |dL/dh_k| <= (gamma sigma_max)^(t-k) |dL/dh_t|, with gamma the largest |phi'| and sigma_max the
    largest singular value of W_hh (of each step's own, in an untied net). It starts at the loss;
    steps after the loss have no gradient: -inf. It is a bound, not an estimate.

    Returns
    -------
    None where it bounds nothing: gated cells, several loss steps, a run without steps.

    Source: Pascanu, Mikolov & Bengio (2013), section 2.1.
    """
    if rec.network.cell != "rnn" or len(rec.layers) != 1 or rec.overflow_left_nan:
        return None
    if rec.loss_steps > 1 or rec.network.skip is not None:
        return None
    layer = rec.layers[0]
    gamma = ACTIVATIONS[rec.network.activation].bound
    sigma = np.linalg.svd(layer.params.weight_hh, compute_uv=False)[..., 0]
    log10_eta = np.broadcast_to(log10_of(gamma * sigma), (rec.steps,))
    last = rec.last_loss_step
    bound = np.full(rec.steps, -np.inf)
    bound[last] = mean_log10(layer.log10_norms("d_h"))[last]
    # eta^0 is 1 even for eta = 0, so the sum starts behind the loss step
    bound[:last] = bound[last] + np.cumsum(log10_eta[1 : last + 1][::-1])[::-1]
    return bound
