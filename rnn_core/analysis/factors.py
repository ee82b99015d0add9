"""The factors of one step back: what the weights and what the slopes or gates do on average.

They explain a run and decide nothing: the verdict is measured. Their product is a rule of thumb
for many mixing units, exact for none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.reach import first_reached
from rnn_core.arrays import Array
from rnn_core.recording import Recording
from rnn_core.scaled import log10_frobenius, log10_of

LEAST: Final = -1e300
"""A bound on log10 of a product of gates, which is never 0; means of such bounds are finite."""


@dataclass(frozen=True)
class VanillaFactors:
    """The two factors of dL/dh_{t-1} = W_hh^T diag(phi'(a_t)) dL/dh_t.

    Attributes
    ----------
    weight_stretch : rms of the singular values of W_hh, |W_hh|_F / sqrt(H): by how much W_hh
        stretches a vector of random direction, in the rms. Of an untied net the rms over steps.
    slope_rms : rms of phi'(a_t) over the steps, sequences and units that the gradient crosses.
    """

    weight_stretch: float
    slope_rms: float

    @property
    def expected(self) -> float:
        """The rule of thumb: the factor of one step back if directions were random."""
        return self.weight_stretch * self.slope_rms

    @property
    def log10_expected(self) -> float:
        """Its log10; -inf where a factor is 0."""
        return float(log10_of(np.array(self.expected)))


@dataclass(frozen=True)
class GateFactors:
    """The gates that the gradient of a gated cell crosses.

    Attributes
    ----------
    means : mean of each sigmoid gate over steps, sequences and units, by PyTorch's letter.
    line_decades : log10 of the rms over units of the product of f (LSTM) or z (GRU) over all
        steps crossed, mean over sequences: what is left of a gradient of random direction that
        takes only the line on which the state is kept.
    """

    means: Mapping[str, float]
    line_decades: float


def vanilla_factors(rec: Recording) -> VanillaFactors | None:
    """Measure the factors of a vanilla net; None where the gradient crosses no step.

    Source: Pascanu, Mikolov & Bengio (2013), equation 5; the rms as in Poole et al. (2016).
    """
    crossed = _crossed(rec)
    if rec.network.cell != "rnn" or crossed is None:
        return None
    layer = rec.layers[0]
    weight = layer.params.weight_hh
    if not layer.params.is_tied:
        weight = weight[crossed]
    with np.errstate(all="ignore"):  # |a| may be beyond half of float64
        slope = ACTIVATIONS[rec.network.activation].slope(layer.a[crossed])
        stretch = np.sqrt(weight.shape[-1]) * _rms(weight)
    return VanillaFactors(float(stretch), _rms(slope))


def gate_factors(rec: Recording) -> GateFactors | None:
    """Measure the gates of an LSTM or a GRU; None where the gradient crosses no step."""
    crossed = _crossed(rec)
    if rec.network.cell == "rnn" or crossed is None:
        return None
    layer = rec.layers[0]
    sigmoids = [name for name in layer.gates if name not in ("g", "n")]
    means = {name: float(layer.gates[name][crossed].mean()) for name in sigmoids}
    name = "f" if rec.network.cell == "lstm" else "z"
    size, place = rec.network.hidden_size, list(layer.gates).index(name)
    a = layer.a[crossed][..., place * size : (place + 1) * size]
    with np.errstate(over="ignore"):
        products = _log10_sigmoid(a.astype(np.float64), layer.gates[name][crossed]).sum(axis=0)
        rms = log10_frobenius(np.maximum(products, LEAST)) - 0.5 * np.log10(size)  # (B,)
    return GateFactors(MappingProxyType(means), float(rms.mean()))


def _rms(values: Array) -> float:
    """Return the root mean square, also where squares are beyond float64."""
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.square(values / largest).mean())) if largest else 0.0


def _crossed(rec: Recording) -> slice | None:
    """Return the steps between the last loss and the first state that its gradient reaches."""
    if not rec.layers or rec.overflow_left_nan:
        return None
    first = first_reached(rec)
    return slice(first + 1, rec.last_loss_step + 1) if first < rec.last_loss_step else None


def _log10_sigmoid(a: Array, gate: Array) -> Array:
    """Return log10 of gate = sigmoid(a) without its underflow: log sigmoid(a) is a, far below 0."""
    is_far = a < -36.0  # beyond, 1 + exp(a) is 1 in float64
    logs: Array = np.log10(gate, where=~is_far, out=a / np.log(10.0))
    return logs
