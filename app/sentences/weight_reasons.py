"""Why the right size of the weights lies where it does: what takes of the gradient beside W."""

from typing import Final

import numpy as np

from app.sentences.numerals import number
from app.weight_scales import Found
from rnn_core import Recording
from rnn_core.analysis.weight_sweep import SCALES

FALLEN: Final = 0.05
"""Decades per step by which larger weights make it worse for good."""

SILENT: Final = 1e-3
"""An input variance that leaves tanh where its slope is 1."""

_WHATEVER: Final = {
    "identity": "The slope is 1 whatever the input: dragging the input scale moves nothing here.",
    "relu": "A ReLU’s slope is 0 or 1 whatever the size of its input: half of them pass nothing.",
}
"""Why the input’s size does not decide, by activation."""

_AT_REST: Final = {
    cell: f"At small states the gate adds to the candidate’s way: {sum_}, not {root}."
    for cell, sum_, root in (
        ("lstm", "f + g/4", "√(f² + g²/16)"),
        ("gru", "1/2 + g/4", "√(1/4 + g²/16)"),
    )
}
"""Which way the gradient of a gated cell goes, by cell."""


def why(rec: Recording, found: Found) -> str:
    """Say what decides where the border lies, or that there is none; "" where none is measured."""
    if found.sweep is not None and not found.sweep.has_way_back:
        return ""
    if rec.network.cell != "rnn":
        return _AT_REST[rec.network.cell]
    if rec.network.activation in _WHATEVER:
        return _WHATEVER[rec.network.activation]
    peak = peak_of(found)
    if peak is not None:
        return (
            f"Beyond weight scale {SCALES[peak]:g} larger weights make it worse: φ′ loses more "
            "than W gains."
        )
    if rec.network.activation == "sigmoid":
        return "A sigmoid’s slope is at most 1/4: W has to give more than four times as much."
    return _drive(rec, found)


def _drive(rec: Recording, found: Found) -> str:
    """Say how far input and biases push the units of a tanh net, and what that asks of W."""
    is_short = rec.config is not None and rec.config.source == "impulse"
    variance = 0.0 if is_short else found.input_variance or 0.0  # of a drive that lasts
    square = _bias_square(rec)
    if found.is_complete and not has_growth(found):
        return ""
    if variance + square < SILENT and _is_woken(rec):
        return (
            "A state that was woken, by its start or by an input, stays alive where W is large, "
            "and there the slope is smaller: W must make up for it."
        )
    if variance + square < SILENT:
        return (
            "In silence tanh stays where its slope is 1, and W decides; raise the input scale, "
            "and the border moves to the right."
        )
    flat = "units where the slope is smaller"
    biases = f"biases, of mean square {number(square)}, push {flat}"
    if variance < SILENT:
        pushed, less = f"In silence the {biases}", "smaller the biases"
    elif square < SILENT:
        pushed = f"The input, of variance {number(variance)} per unit, pushes {flat}"
        less = "less input"
    else:
        pushed = f"The input, of variance {number(variance)} per unit, and the {biases}"
        less = "less of both"
    if found.is_complete and crossing(found) is None:
        return f"{pushed}, and no weight scale up to {SCALES[-1]:g} makes up for it."
    return f"{pushed}, and W must make up for it: the {less}, the further left the border."


def _is_woken(rec: Recording) -> bool:
    """Tell whether a state without a lasting drive is other than 0: then it need not die away."""
    return bool(rec.layers) and bool(rec.layers[0].h.any())


def _bias_square(rec: Recording) -> float:
    """Return the mean square of the biases that drive a vanilla net beside its input."""
    biases = (rec.network.params.bias_ih, rec.network.params.bias_hh)
    return float(np.mean(np.square(sum(one for one in biases if one is not None))))


def peak_of(found: Found) -> int | None:
    """Return where the mean of the nets is highest, if it falls again well before the end."""
    if found.sweep is None or not found.is_complete:
        return None
    mean = found.sweep.mean
    if not np.isfinite(mean).any() or not np.isfinite(mean[-1]):
        return None
    peak = int(np.nanargmax(mean))
    return peak if mean[-1] < mean[peak] - FALLEN else None


def has_growth(found: Found) -> bool:
    """Tell whether the nets measured so far have a mean growth at some weight scale."""
    return found.sweep is not None and bool(np.isfinite(found.sweep.mean).any())


def crossing(found: Found) -> float | None:
    """Return where the mean of the nets first rises through 0; None before all are measured."""
    if found.sweep is None or not found.is_complete:
        return None
    return next((one.place for one in found.sweep.crossings if one.is_upward), None)
