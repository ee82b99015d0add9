"""What is often read of weights and initialisers, and what this page measured."""

import math
from typing import Final

from app.sentences.belief import Belief
from app.sentences.numerals import number, pace, signed
from app.sentences.weight_reasons import crossing, peak_of
from app.sentences.weight_scale import paced
from app.weight_scales import Found
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.initialisers import Initialiser
from rnn_core.analysis.weight_sweep import NETS, SCALES, WeightSweep

NAMES: Final = {
    "gaussian": "Gaussian",
    "orthogonal": "orthogonal",
    "pytorch": "PyTorch",
    "keras": "Keras",
    "identity": "identity",
    "he": "He",
}

_ROUNDING: Final = 1e-9
"""How far from 1 a singular value is still called 1: its last bits say nothing."""

_SINGULAR: Final = {
    -1: "“A largest singular value below 1 vanishes.”",
    0: "“A largest singular value of 1 keeps the gradient.”",
    1: "“A largest singular value above 1 explodes.”",
}
_PROMISES: Final = {
    -1: "sure to vanish",
    0: "it can never grow",
    1: "allowed to explode, no more than that",
}


def beliefs(rec: Recording, found: Found) -> tuple[Belief, ...]:
    """Return what is often read of weights, and what this page measured."""
    growth = rec.verdict.growth_per_step
    told: list[Belief] = []
    scale = rec.config.weight_scale if rec.config is not None else 1.0
    if growth is not None and rec.network.cell == "rnn" and rec.network.params.is_tied:
        radius, norm = found.spectrum.radius * scale, found.spectrum.norm * scale
        told.append(
            Belief(
                "“A spectral radius above 1 explodes, below 1 vanishes.”",
                f"W_hh has radius {number(radius, 3)} and each step back {paced(growth)}"
                f"{_border(found)}",
            )
        )
        eta = norm * ACTIVATIONS[rec.network.activation].bound
        told.append(
            Belief(
                _SINGULAR[_against_one(norm)],
                f"it is {number(norm, 3)}, times the steepest slope {number(eta, 3)}: "
                f"{_PROMISES[_against_one(eta)]}; "
                f"measured is × {pace(growth)} per step",
            )
        )
    if found.is_complete and found.sweep is not None:
        told += _of_sweep(rec, found.sweep, peak_of(found))
    if found.schemes is not None:
        told += _of_schemes(found.schemes)
    return tuple(told)


def _of_sweep(rec: Recording, sweep: WeightSweep, peak: int | None) -> list[Belief]:
    last = float(sweep.mean[-1])
    if math.isnan(last):
        return []
    if peak is not None:
        highest = f"{signed(float(sweep.mean[peak]))} at weight scale {SCALES[peak]:g}"
        look = f"the mean growth of {NETS} nets is highest, {highest}, and falls to {signed(last)}"
        return [Belief("“Small weights vanish, large weights explode.”", f"{look} at 4")]
    top = f"at weight scale {SCALES[-1]:g} the mean growth of {NETS} nets is {signed(last)}"
    if rec.network.cell == "rnn" and rec.network.activation == "tanh":
        verdict = "it explodes" if last > 0.0 else "here it does not: φ′ takes more than W gives"
        return [Belief("“tanh′ is at most 1, so tanh cannot explode.”", f"{top}: {verdict}")]
    if rec.network.cell == "rnn" and rec.network.activation == "sigmoid":
        verdict = (
            "it explodes"
            if last > 0.0
            else "a sigmoid’s slope, 1/4 at most, takes more than W gives"
        )
        return [Belief("“Large weights explode.”", f"{top}: {verdict}")]
    return []


def _of_schemes(schemes: tuple[Initialiser, ...]) -> list[Belief]:
    by_name = {(one.init, one.activation): one.mean for one in schemes}
    told = []
    orthogonal, gaussian = by_name["orthogonal", "tanh"], by_name["gaussian", "tanh"]
    variance = number(schemes[0].input_variance)
    if orthogonal is not None and gaussian is not None:
        told.append(
            Belief(
                "“Orthogonal (or Xavier) initialisation keeps the gradient.”",
                f"with tanh at input variance {variance} orthogonal weights give "
                f"{signed(orthogonal)} decades per step, Gaussian ones {signed(gaussian)}",
            )
        )
    he, relu = by_name["he", "relu"], by_name["orthogonal", "relu"]
    if he is not None and relu is not None:
        dead = {one.init: one.dead for one in schemes if one.activation == "relu"}
        told.append(
            Belief(
                "“ReLU fixes it.”",
                f"orthogonal ReLU {signed(relu)}{_but(dead['orthogonal'])}, He ReLU {signed(he)}"
                f"{_but(dead['he'])} decades per step: the size of W decides there too",
            )
        )
    return told


def _but(dead: int) -> str:
    """Say how many nets have no part in a mean."""
    return f" ({dead} of {NETS} nets exactly 0)" if dead else ""


def _against_one(value: float) -> int:
    """Return -1, 0 or 1 for a value below 1, at 1 or above 1."""
    return 0 if abs(value - 1.0) <= _ROUNDING else int(math.copysign(1.0, value - 1.0))


def _border(found: Found) -> str:
    upward = crossing(found)
    if upward is None:
        return ""
    radius = found.spectrum.radius * upward
    return f"; the border lies at weight scale {upward:.2f}, radius {number(radius, 3)}"
