"""The numbers of the page of weight scale: for a program, and a few of them for a person."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from app.sentences.numerals import number, signed
from app.sentences.weight_beliefs import NAMES
from app.weight_scales import Found
from rnn_core import Recording
from rnn_core.analysis.initialisers import Initialiser
from rnn_core.analysis.weight_sweep import SCALES
from rnn_core.recording import mean_log10
from rnn_core.theory.prediction import of_recording

_CHOSEN: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)

_ACTIVATIONS: Final = {"tanh": "tanh", "relu": "ReLU"}


def sweep_frame(found: Found) -> pd.DataFrame | None:
    """Return one row per weight scale: mean, band and theory, then each net; None before any."""
    if found.sweep is None:
        return None
    columns = {
        "growth_mean": found.sweep.mean,
        "growth_q10": found.sweep.quantile(0.1),
        "growth_q90": found.sweep.quantile(0.9),
    }
    if found.curve is not None:
        columns |= {"theory": found.curve.growth, "theory_wide": found.curve.limit}
    columns |= {f"growth_net_{k}": row for k, row in enumerate(found.sweep.growth)}
    return pd.DataFrame(columns, index=pd.Index(found.sweep.scales, name="weight_scale"))


def sweep_table(found: Found) -> pd.DataFrame:
    """Return a few weight scales as Markdown, rounded."""
    rows: dict[str, list[str]] = {"mean of the nets": [], "10 to 90 %": [], "theory": []}
    for scale in _CHOSEN:
        k = SCALES.index(scale)
        rows["mean of the nets"].append(_written(found.sweep.mean[k] if found.sweep else np.nan))
        low, high = (
            found.sweep.quantile(level)[k] if found.sweep else np.nan for level in (0.1, 0.9)
        )
        rows["10 to 90 %"].append("none" if np.isnan(low) else f"{signed(low)} to {signed(high)}")
        rows["theory"].append(_written(found.curve.growth[k] if found.curve else np.nan))
    index = pd.Index([f"{scale:g}" for scale in _CHOSEN], name="weight scale")
    return pd.DataFrame(rows, index=index)


def run_table(rec: Recording, found: Found) -> pd.DataFrame:
    """Return the numbers of this run's matrix and its input, one a row."""
    scale = rec.config.weight_scale if rec.config is not None else 1.0
    bias = None if rec.config is None else found.effective_bias(rec.config)
    growth, variance = rec.verdict.growth_per_step, found.input_variance
    rows = {
        "spectral radius": number(found.spectrum.radius * scale, 3),
        "largest singular value": number(found.spectrum.norm * scale, 3),
        "std of W_hh × √H": number(found.spectrum.sigma_w * scale, 3),
        "input variance": "none" if variance is None else number(variance, 3),
        "effective bias": "none" if bias is None else number(bias, 3),
        "growth per step": "none" if growth is None else signed(growth, 4),
    }
    return pd.DataFrame({"value": rows.values()}, index=pd.Index(rows, name="this run"))


def schemes_table(schemes: Sequence[Initialiser]) -> pd.DataFrame:
    """Return initialisers side by side: what drives them, and their growth over nets."""
    rows: dict[str, list[str]] = {
        "activation": [],
        "input variance": [],
        "decades per step": [],
        "exactly 0": [],
    }
    for one in schemes:
        rows["activation"].append(_ACTIVATIONS[one.activation])
        rows["input variance"].append(number(one.input_variance, 3))
        spread = "" if one.spread is None else f" ± {one.spread:.3f}"
        rows["decades per step"].append("none" if one.mean is None else signed(one.mean) + spread)
        rows["exactly 0"].append(f"{one.dead} nets" if one.dead else "none")
    index = pd.Index([NAMES[one.init] for one in schemes], name="initialiser")
    return pd.DataFrame(rows, index=index)


def steps_frame(rec: Recording) -> pd.DataFrame:
    """Return every step: what was measured, and what mean field predicts where it does."""
    frame = rec.to_frame()
    predicted = of_recording(rec)
    index = frame.index
    if predicted is not None:
        frame = frame.assign(
            predicted_log10_d_h=pd.Series(predicted.log10_norm, index=index),
            predicted_q=pd.Series(predicted.q.mean(axis=1), index=index),
            drive=pd.Series(predicted.drive.mean(axis=1), index=index),
        )
    own = pd.Series(mean_log10(rec.layers[0].from_last.log10_norms("d_h")), index=index)
    return frame.assign(log10_d_h_of_last_loss=own)


def _written(value: float) -> str:
    return "none" if np.isnan(value) else signed(float(value))
