"""How strongly the input drives a run: what the schemes of `init` differ in besides W_hh.

Two initialisers are compared at equal measured input variance, or with it printed beside each: a
driven unit saturates, and the critical weight scale moves with the drive.
"""

import numpy as np

from rnn_core.arrays import Array
from rnn_core.recording import Recording
from rnn_core.scaled import shifted


def measured_input_variance(rec: Recording) -> float | None:
    """Return the mean of (W_ih x_t)^2 over steps, sequences, units and gates of the first layer.

    1 for unit-variance input where the scheme draws W_ih with std 1/sqrt(D). Biases are left out:
    they are the same at every step. None for a recording without steps; inf beyond float64.

    >>> from rnn_core import ExperimentConfig, run
    >>> round(measured_input_variance(run(ExperimentConfig(init="he", seed=1))), 1)
    1.9
    """
    per_step = input_variance_per_step(rec)
    with np.errstate(over="ignore"):
        return float(per_step.mean()) if per_step.size else None


def input_variance_per_step(rec: Recording) -> Array:
    """Return s_t, the mean of (W_ih x_t)^2 over sequences, units and gates, (T,).

    Source: the driving term of the mean field of a net with input, Poole et al. (2016).
    """
    weight, x = rec.network.params.weight_ih, rec.x
    of_weight, of_x = (int(np.frexp(np.abs(a).max(initial=0.0))[1]) for a in (weight, x))
    with np.errstate(all="ignore"):  # inputs that float32 cannot hold are inf
        drive = shifted(x, -of_x) @ shifted(weight, -of_weight).T  # at most D: its square exists
        squares: Array = shifted(np.square(drive).mean(axis=(1, 2)), 2 * (of_weight + of_x))
    return squares
