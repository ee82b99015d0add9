"""A run as tables: every step for a program, a readable choice of them for a person."""

import math
from collections.abc import Mapping
from typing import Final

import pandas as pd

from app.sentences.numerals import factor, number, power
from app.sentences.typeset import for_markdown
from rnn_core import Recording
from rnn_core.analysis.precision import PrecisionLoss, lost_precision

_LAGS: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

NAMES: Final[Mapping[str, str]] = {
    "log10_d_h_mean": "log10 |dL/dh|",
    "log10_d_h_q10": "10 % quantile",
    "log10_d_h_q90": "90 % quantile",
    "log10_d_c_mean": "log10 |dL/dc|",
    "share_weight_hh": "share in dL/dW_hh",
    "h_abs_mean": "mean |h|",
    "saturated_share": "saturated",
}
"""Columns of `Recording.to_frame` and what a page calls them."""


def chosen_steps(rec: Recording) -> list[int]:
    """Return steps worth a row, from the loss back to the first."""
    last = rec.last_loss_step + 1
    return [*(last - lag for lag in _LAGS if lag < last - 1), *([1] if last > 1 else [])] or [1]


def steps_table(rec: Recording) -> pd.DataFrame:
    """Return the chosen steps as Markdown, rounded; the CSV has every step and every digit."""
    frame = rec.to_frame().loc[chosen_steps(rec)]
    names = [name for name in NAMES if name in frame]
    rows = {NAMES[name]: [_written(name, value) for value in frame[name]] for name in names}
    return pd.DataFrame(rows, index=frame.index.rename("step"))


def run_table(rec: Recording) -> pd.DataFrame:
    """Return the numbers of the whole run, one a row."""
    verdict = rec.verdict
    growth, time = verdict.growth_per_step, verdict.half_life
    rows = {
        "regime": verdict.regime,
        "decades": f"{verdict.decades:+.2f}",
        "growth per step": "none" if growth is None else f"{growth:+.4f}",
        "half-life": "no single rate" if time is None else f"{number(time, 3)} steps",
        "sequences at exactly 0": f"{verdict.zero_sequences} of {verdict.sequences}",
        "loss": f"{rec.loss:.6g}",
        "log10 |dL/dW_hh|": f"{rec.log10_gradient_norm.get('weight_hh_l0', float('nan')):.3f}",
    }
    return pd.DataFrame({"value": rows.values()}, index=pd.Index(rows, name="of the whole run"))


def precision_table(rec: Recording) -> pd.DataFrame:
    """Return the steps at which narrow types fail, one type a row."""
    last = rec.last_loss_step + 1
    rows = {name: _steps(found, last) for name, found in lost_precision(rec).items()}
    columns = ["lost", "subnormal", "all 0", "inf or nan"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("type")


def csv(rec: Recording) -> bytes:
    """Return every step with every digit, as comma-separated values."""
    return rec.to_frame().to_csv().encode()


def _steps(found: PrecisionLoss, last: int) -> list[str]:
    lags = (found.lost_lag, found.first_subnormal, found.first_zero, found.first_nonfinite)
    return ["never" if lag is None else f"step {last - lag}" for lag in lags]


def _written(column: str, value: float) -> str:
    if pd.isna(value):
        return "none"
    if value == float("-inf"):
        return "exactly 0"
    if column.startswith("log10"):
        return f"{value:.3f}"
    if column == "share_weight_hh":
        if value == 0.0:
            return "0"
        size = factor(math.log10(abs(value)), 3)
        return for_markdown(f"{'−' * (value < 0.0)}{size}")
    return f"{value:.3f}" if value < 1000.0 else for_markdown(power(math.log10(value)))
