"""Pascanu's bound and conditions: how large the gradient can be at most, and when it must vanish.

With |phi'| <= gamma one step back multiplies a gradient by eta = gamma sigma_max(W) at most.
eta < 1 is *sufficient* for it to vanish, eta > 1 *necessary*, not sufficient, for it to explode.
Of a linear net rho(W) < 1 is sufficient to vanish and rho(W) > 1 necessary to explode, in the end.

Range: vanilla cells, one W for all steps. Exact. How little that says: a gaussian W of std
g / sqrt(H) has sigma_max -> 2 g, so the condition covers g < 1/2 (tanh), g < 2 (sigmoid), while a
wide silent net vanishes up to g = 1 and 10.15 (`mean_field`), and a driven one further still.
Source: Pascanu, Mikolov & Bengio (2013), sections 2.1 and 2.2.
"""

from typing import NamedTuple

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.arrays import Array, finite_array
from rnn_core.recording import Recording, mean_log10
from rnn_core.scaled import log10_of
from rnn_core.theory.arguments import known


class Conditions(NamedTuple):
    """What a recurrent matrix alone says of a vanilla net's gradient.

    Attributes
    ----------
    gamma : the largest |phi'|.
    sigma_max : the largest singular value of W.
    spectral_radius : the largest absolute eigenvalue of W.
    """

    gamma: float
    sigma_max: float
    spectral_radius: float

    @property
    def eta(self) -> float:
        """The largest factor of one step back on the norm of any gradient."""
        return self.gamma * self.sigma_max

    @property
    def must_vanish(self) -> bool:
        """Whether the sufficient condition for vanishing holds, whatever the states are."""
        return self.eta < 1.0

    @property
    def can_explode(self) -> bool:
        """Whether the necessary condition for exploding holds; it may vanish all the same."""
        return self.eta > 1.0


def conditions(weight_hh: Array, activation: str) -> Conditions:
    """Return Pascanu's conditions for one recurrent matrix.

    Parameters
    ----------
    weight_hh : W, (H, H).

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>".

    Examples
    --------
    Twice an orthogonal matrix may explode in a tanh net, and must vanish in a sigmoid net:

    >>> import numpy as np
    >>> W = 2.0 * np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> conditions(W, "tanh").can_explode, round(conditions(W, "sigmoid").eta, 6)
    (True, 0.5)
    """
    phi = known(activation)
    W = finite_array("weight_hh", weight_hh, "(H, H)", (None, None))
    W = finite_array("weight_hh", W, "(H, H)", (max(1, len(W)), max(1, len(W))))
    with np.errstate(over="ignore"):
        sigma_max = float(np.linalg.svd(W, compute_uv=False)[0])
        radius = float(np.abs(np.linalg.eigvals(W)).max())
    return Conditions(ACTIVATIONS[phi].bound, sigma_max, radius)


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
