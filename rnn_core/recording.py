"""The recording: what a run computed, read-only; the only thing that a view sees."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd

from rnn_core.activations import ACTIVATIONS, is_saturated, resolved
from rnn_core.analysis.ledger import Ledger, weight_ledger
from rnn_core.analysis.verdict import Verdict
from rnn_core.arrays import Array, BoolArray, IntArray, read_only
from rnn_core.cells import Params, StepMaps, Tape, cell_named
from rnn_core.config import ExperimentConfig
from rnn_core.gradients import GateFlow, StateGradient, WeightGradient
from rnn_core.losses import HandedOver, Loss
from rnn_core.network import Network


@dataclass(frozen=True)
class Overflow:
    """Where the forward state ceased to be finite.

    Attributes
    ----------
    step : counted from 0 in the order in which the layer's direction takes its steps, which for a
        reverse one begins at the end of the sequence; steps before it are finite.
    layer, direction : which layer, and "forward" or "reverse".
    sequence : the first sequence of the batch to which it happened.
    """

    step: int
    layer: int
    direction: str
    sequence: int


@dataclass(frozen=True)
class LayerRecording:
    """One layer in one direction: its states, gates and gradients at every step.

    All arrays are in the order of time: index t is the step that read x[t], in the reverse
    direction too.

    Attributes
    ----------
    cell_name, activation : the cell.
    params : its weights.
    tape, maps, flow : forward pass, linear maps and gate gradients, in the cell's own order.
    total : gradients of the whole loss.
    from_last : gradients of the last step's loss alone; the same object where there is no other.
    is_reverse : whether this direction reads the sequence from its end.
    """

    cell_name: str
    activation: str
    params: Params
    tape: Tape
    maps: StepMaps
    flow: GateFlow
    total: StateGradient
    from_last: StateGradient
    is_reverse: bool

    def _in_time(self, array: Array) -> Array:
        return array[::-1] if self.is_reverse else array

    @property
    def h(self) -> Array:
        """Hidden states (T, B, H)."""
        return self._in_time(self.tape.states[0][1:])

    @property
    def c(self) -> Array:
        """Cell states of an LSTM (T, B, H)."""
        return self._in_time(self.tape.states[1][1:])

    @property
    def h_before(self) -> Array:
        """The hidden state that each step started from, (T, B, H)."""
        return self._in_time(self.tape.states[0][:-1])

    @property
    def a(self) -> Array:
        """Pre-activations (T, B, G*H) in gate order."""
        return self._in_time(self.tape.a)

    @cached_property
    def gates(self) -> Mapping[str, Array]:
        """Each gate after its nonlinearity, (T, B, H), by PyTorch's letter."""
        with np.errstate(over="ignore"):
            values = cell_named(self.cell_name, self.activation).gate_values(self.tape)
        return MappingProxyType({k: read_only(self._in_time(v)) for k, v in values.items()})

    @property
    def d_h(self) -> Array:
        """dL/dh_t (T, B, H), total derivative; 0 and inf where float64 ends."""
        return self.total.d_h

    @property
    def d_c(self) -> Array:
        """dL/dc_t (T, B, H), total derivative: with the way through its own h_t."""
        return self.total.d_c

    @cached_property
    def d_a(self) -> Array:
        """dL/da_t (T, B, G*H) in float64."""
        return read_only(self._in_time(self.flow.in_gate_order().to_float()))

    def log10_abs(self, name: str) -> Array:
        """Return log10 |entry| of "d_h" or "d_c", (T, B, H); see `StateGradient.log10_abs`."""
        return self.total.log10_abs(name)

    def log10_norm(self, name: str) -> Array:
        """Return the log10 Frobenius norm over batch and units of "d_h" or "d_c", (T,)."""
        return self.total.log10_norm(name)

    def log10_norms(self, name: str) -> Array:
        """Return log10 norms per sequence of "d_h" or "d_c", (T, B)."""
        return self.total.log10_norms(name)

    @cached_property
    def is_saturated(self) -> BoolArray:
        """Mark saturated units (T, B, H); of a gated cell the sigmoid gates, (T, B, n, H).

        tanh: |h| > 0.9; sigmoid: below .05 or above .95.
        """
        if self.cell_name == "rnn":
            return is_saturated(self.activation, self.h)
        sigmoids = [gate for name, gate in self.gates.items() if name not in ("g", "n")]
        return is_saturated("sigmoid", np.stack(sigmoids, axis=-2))

    @cached_property
    def bound_steps(self) -> IntArray:
        """Steps (from 0) at which some |a| > 354: there phi' is below what float64 resolves.

        In a recording of float32 it is |a| > 43.7. An LSTM's |c| counts as well: tanh'(c) stands
        between dL/dh and dL/dc.
        """
        if not ACTIVATIONS[self.activation].is_bounded:
            return np.array([], dtype=np.int64)
        limit = resolved(self.a.dtype)
        is_beyond = (np.abs(self.a) > limit).any(axis=(1, 2))
        if self.cell_name == "lstm":
            is_beyond |= (np.abs(self.c) > limit).any(axis=(1, 2))
        return np.flatnonzero(is_beyond)

    @cached_property
    def unresolved_steps(self) -> IntArray:
        """Steps (from 0) whose bound on phi' is not small beside 1 once the weights multiply it.

        Those of `bound_steps` where some weight, times H, is beyond 10^290 (float32: 10^29). The
        bound of 10^-308 stands there for a slope that may be 10^-(10^300), and counts: gradients
        from there on back are finite, and nothing but an upper bound.
        """
        limits = np.finfo(self.tape.joined.dtype)
        largest = max(np.abs(self.params.weight_hh).max(), np.abs(self.params.weight_ih).max())
        is_felt = float(largest) * float(limits.tiny) * self.h.shape[-1] > float(limits.eps) / 16
        return self.bound_steps if is_felt else np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Recording:
    """What one run computed. Arrays are read-only; derived numbers are computed when asked.

    Attributes
    ----------
    network : the net that ran; `config` is None for `record`.
    x : the input (T, B, D).
    steps : T, the recorded steps.
    loss : L.
    loss_function : what returned it.
    loss_steps : how many steps have a loss of their own.
    last_loss_step : the last step (from 0) that has a loss: lag 0 of every curve.
    layers : in PyTorch's order.
    d_init : gradients of the states before the first step, one per layer.
    gradients : of every parameter, PyTorch's names; 0 and inf where float64 ends.
    log10_gradient_norm : log10 of their norms, exact at any size.
    verdict : always of the last loss step's own gradient.
    overflow : None, or where the forward state ceased to be finite.
    truncate : steps per block of truncated BPTT, or None.
    """

    network: Network
    x: Array
    steps: int
    loss: float
    loss_function: Loss
    loss_steps: int
    last_loss_step: int
    layers: tuple[LayerRecording, ...]
    d_init: tuple[StateGradient, ...]
    weight_gradients: Mapping[str, WeightGradient]
    gradients: Mapping[str, Array]
    log10_gradient_norm: Mapping[str, float]
    verdict: Verdict
    overflow: Overflow | None
    truncate: int | None
    config: ExperimentConfig | None = None

    @cached_property
    def ledger(self) -> Ledger | None:
        """Each step's share in dL/dW_hh; None where there is no such gradient."""
        if not self.layers or self.overflow_left_nan:
            return None
        return weight_ledger(self.layers[0].flow) if self.layers[0].params.is_tied else None

    @property
    def overflow_left_nan(self) -> bool:
        """Whether arrays hold nan: an overflow that could not be cut off."""
        return self.overflow is not None and self.steps > self.overflow.step

    @property
    def has_own_loss(self) -> bool:
        """Whether a loss reads this run's output; an encoder's gradient enters at its end."""
        return not isinstance(self.loss_function, HandedOver)

    @cached_property
    def fingerprint(self) -> str:
        """The first 12 hex digits of the SHA-256 of the recorded states and gradients."""
        digest = hashlib.sha256()
        for layer in self.layers:
            recorded: list[Array | IntArray] = [
                *layer.tape.states,
                *(v.mantissa for v in layer.total.values.values()),
            ]
            recorded += [v.exponent for v in layer.total.values.values()]
            for array in recorded:
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:12]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step, index `step` from 1 to T, of every layer and direction.

        Columns: log10_d_h_mean, _q10, _q90 and log10_d_c_mean (over sequences, per-sequence
        norms; d_c of an LSTM), share_weight_hh, h_abs_mean, saturated_share; where there are
        several layers, `layer` (from 0) and `direction` first.
        """
        if not self.layers:
            return pd.DataFrame(index=pd.RangeIndex(1, 1, name="step"))
        directions = 2 if self.network.is_bidirectional else 1
        frames = []
        for k, layer in enumerate(self.layers):
            frame = self._frame_of(layer)
            if len(self.layers) > 1:
                frame.insert(0, "layer", k // directions)
                frame.insert(1, "direction", "reverse" if layer.is_reverse else "forward")
            frames.append(frame)
        return pd.concat(frames)

    def _frame_of(self, layer: LayerRecording) -> pd.DataFrame:
        norms = layer.log10_norms("d_h")
        q10, q90 = band(norms)
        columns: dict[str, Array | float] = {"log10_d_h_mean": mean_log10(norms)}
        columns["log10_d_h_q10"], columns["log10_d_h_q90"] = q10, q90
        if "d_c" in layer.total.values:
            columns["log10_d_c_mean"] = mean_log10(layer.log10_norms("d_c"))
        ledger = None
        if not self.overflow_left_nan and layer.params.is_tied:
            ledger = weight_ledger(layer.flow, is_reverse=layer.is_reverse)
        columns["share_weight_hh"] = ledger.shares if ledger else np.nan
        size = layer.h[0].size  # divided first: a sum of states may be beyond float64
        columns["h_abs_mean"] = (np.abs(layer.h) / size).sum(axis=(1, 2))
        saturated = layer.is_saturated.reshape(self.steps, -1).mean(axis=1)
        columns["saturated_share"] = np.where(np.isfinite(layer.h).all((1, 2)), saturated, np.nan)
        return pd.DataFrame(columns, index=pd.RangeIndex(1, self.steps + 1, name="step"))


def mean_log10(log10_norms: Array) -> Array:
    """Return the mean over sequences (T, B) -> (T,), exact zeros left out; -inf where all are 0."""
    living = ~np.isneginf(log10_norms)  # nan, after an overflow, is no zero
    count = living.sum(axis=1)
    total = np.where(living, log10_norms, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), -np.inf)


def band(log10_norms: Array, low: float = 0.1, high: float = 0.9) -> tuple[Array, Array]:
    """Return two quantiles over sequences of (T, B), exact zeros left out; -inf where all are 0."""
    ordered = np.sort(log10_norms, axis=1)
    zeros = np.isneginf(ordered).sum(axis=1)
    count = ordered.shape[1] - zeros
    found = []
    for quantile in (low, high):
        place = zeros + quantile * np.maximum(count - 1, 0)
        place = np.minimum(place, ordered.shape[1] - 1)
        lower, upper = np.floor(place).astype(int), np.ceil(place).astype(int)
        rows = np.arange(ordered.shape[0])
        at_lower, at_upper = ordered[rows, lower], ordered[rows, upper]
        step = np.where(np.isfinite(at_lower), at_upper, 0.0) - np.where(
            np.isfinite(at_lower), at_lower, 0.0
        )
        found.append(at_lower + (place - lower) * step)
    return found[0], found[1]
