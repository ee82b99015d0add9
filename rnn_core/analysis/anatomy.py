"""One step of one sequence opened: what went in and came out, and what the gradient met in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from rnn_core.activations import ACTIVATIONS, Elementwise, sigmoid_slope, tanh_slope
from rnn_core.allowed import is_whole
from rnn_core.analysis.term_shares import term_shares
from rnn_core.analysis.tug_of_war import tug_of_war
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import LayerRecording, Recording


@dataclass(frozen=True)
class UnitOfStep:
    """One unit in one step.

    Attributes
    ----------
    h_before, h : its state before and after the step; c_before, c likewise, of an LSTM.
    a : its pre-activations by gate; of a vanilla cell "h".
    values : what the nonlinearities make of them.
    slopes : the derivatives there: phi'(a).
    from_state, from_input, bias : the parts of a, (W_hh h_{t-1}), (W_ih x_t), b; None in a GRU,
        whose reset gate stands between them.
    log10_arriving : log10 |dL/dh_t| of this unit, -inf where it is exactly 0.
    """

    h_before: float
    h: float
    c_before: float | None
    c: float | None
    a: Mapping[str, float]
    values: Mapping[str, float]
    slopes: Mapping[str, float]
    from_state: Mapping[str, float] | None
    from_input: Mapping[str, float] | None
    bias: Mapping[str, float] | None
    log10_arriving: float


@dataclass(frozen=True)
class Anatomy:
    """One step t of one sequence, on its way forward and back.

    Attributes
    ----------
    step : t, from 0.
    x : what the step read, (D,).
    unit : one unit in it.
    log10_arriving, log10_leaving : log10 |dL/dh_t| and log10 |dL/dh_{t-1}| over all units; before
        the first step the latter is that of the initial state.
    by_slope, by_weight, by_loss : log10 parts of the growth from one to the other, in a vanilla
        cell (`TugOfWar`); by_loss is None where only the last step has a loss.
    shares : what each path supplies of the gradient before the step, in a gated cell.
    is_cut : whether truncated BPTT passes nothing on here.
    """

    step: int
    x: Array
    unit: UnitOfStep
    log10_arriving: float
    log10_leaving: float
    by_slope: float | None
    by_weight: float | None
    by_loss: float | None
    shares: Mapping[str, float] | None
    is_cut: bool


def anatomy(rec: Recording, step: int, *, sequence: int = 0, unit: int = 0) -> Anatomy | None:
    """Open one step of a run of one layer.

    Parameters
    ----------
    step, sequence, unit : counted from 0.

    Returns
    -------
    None where an overflow left no gradient.

    Raises
    ------
    ConfigError : "step: expected 0 to ..., got ...", likewise for `sequence` and `unit`.
    """
    if not rec.layers or rec.overflow_left_nan:
        return None
    layer = rec.layers[0]
    _, sequences, size = layer.h.shape
    limits = (("step", step, rec.steps), ("sequence", sequence, sequences), ("unit", unit, size))
    for name, value, count in limits:
        if not (is_whole(value) and 0 <= value < count):
            raise ConfigError(f"{name}: expected 0 to {count - 1}, got {quoted(value)}")
    norms = layer.log10_norms("d_h")[:, sequence]
    before = rec.d_init[0].log10_norms("d_h")[sequence] if step == 0 else norms[step - 1]
    pulls = tug_of_war(rec) if rec.network.cell == "rnn" else None
    shares = term_shares(rec) if rec.network.cell != "rnn" else None
    at = (step, sequence)
    return Anatomy(
        step=step,
        x=np.array(rec.x[at]),
        unit=_unit(layer, step, sequence, unit),
        log10_arriving=float(norms[step]),
        log10_leaving=float(before),
        by_slope=None if pulls is None else float(pulls.by_slope[at]),
        by_weight=None if pulls is None else float(pulls.by_weight[at]),
        by_loss=None if pulls is None or pulls.by_loss is None else float(pulls.by_loss[at]),
        shares=None if shares is None else {n: float(part[at]) for n, part in shares.items()},
        is_cut=rec.truncate is not None and step > 0 and step % rec.truncate == 0,
    )


def _unit(layer: LayerRecording, step: int, sequence: int, unit: int) -> UnitOfStep:
    at, size = (step, sequence), layer.h.shape[-1]
    is_vanilla, has_line = layer.cell_name == "rnn", layer.cell_name == "lstm"
    names = ("h",) if is_vanilla else tuple(layer.gates)
    rows = {name: k * size + unit for k, name in enumerate(names)}
    a = {name: float(layer.a[at][row]) for name, row in rows.items()}
    values = {n: float(layer.h[at][unit] if is_vanilla else layer.gates[n][at][unit]) for n in a}
    parts = (None, None, None) if layer.cell_name == "gru" else _parts(layer, at, rows)
    c = layer.tape.states[1][:, sequence, unit] if has_line else None
    return UnitOfStep(
        h_before=float(layer.h_before[at][unit]),
        h=float(layer.h[at][unit]),
        c_before=None if c is None else float(c[step]),
        c=None if c is None else float(c[step + 1]),
        a=MappingProxyType(a),
        values=MappingProxyType(values),
        slopes=MappingProxyType({name: _slope(layer, name, value) for name, value in a.items()}),
        from_state=parts[0],
        from_input=parts[1],
        bias=parts[2],
        log10_arriving=float(layer.log10_abs("d_h")[at][unit]),
    )


def _parts(
    layer: LayerRecording, at: tuple[int, int], rows: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    params, step = layer.params, at[0]
    recurrent = params.weight_hh if params.is_tied else params.weight_hh[step]
    biases = [bias for bias in (params.bias_ih, params.bias_hh) if bias is not None]
    h, x = layer.h_before[at], layer.tape.x[at]
    return (
        {name: _dot(recurrent[row], h) for name, row in rows.items()},
        {name: _dot(params.weight_ih[row], x) for name, row in rows.items()},
        {
            name: _dot(np.array([bias[row] for bias in biases]), np.ones(len(biases)))
            for name, row in rows.items()
        },
    )


def _dot(weights: Array, values: Array) -> float:
    """Return the sum of products; inf, never nan, where it is beyond float64."""
    with np.errstate(all="ignore"):
        found = float(weights @ values)
        if np.isfinite(found):
            return found
        by = 4 + math.frexp(float(np.abs(weights).max()))[1]
        of_values = 4 + math.frexp(float(np.abs(values).max()))[1] + len(values).bit_length()
        small = np.ldexp(weights, -by) @ np.ldexp(values, -of_values)
        return float(np.ldexp(small, by + of_values))


def _slope(layer: LayerRecording, name: str, a: float) -> float:
    slope: Elementwise = tanh_slope if name in ("g", "n") else sigmoid_slope
    if layer.cell_name == "rnn":
        slope = ACTIVATIONS[layer.activation].slope
    with np.errstate(all="ignore"):  # |a| may be beyond half of float64
        return float(slope(np.array([a]))[0])
