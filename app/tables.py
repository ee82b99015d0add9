"""A run as tables: every step for a program, a readable choice of them for a person."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd

from app import address
from app.sentences.claim import FEWEST, starts
from app.sentences.numerals import factor, number, power
from app.sentences.typeset import for_markdown
from rnn_core import Recording
from rnn_core.analysis.defaults import Default
from rnn_core.analysis.precision import PrecisionLoss, lost_precision
from rnn_core.analysis.reach import first_reached
from rnn_core.analysis.roads import Roads
from rnn_core.analysis.saturation import Saturation
from rnn_core.recording import mean_log10

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
    doubles = growth is not None and growth > 0.0
    rows = {
        "regime": regime(rec),
        "decades": _measured(verdict.decades, "+.2f"),
        "growth per step": (
            "none" if growth is None else f"{_measured(growth, '+.4f')} decades per step"
        ),
        "doubles in" if doubles else "half-life": (
            "no single rate" if time is None else f"{number(time, 3)} steps"
        ),
        "sequences at exactly 0": f"{verdict.zero_sequences} of {verdict.sequences}",
        "loss": _loss(rec.loss),
        "log10 |dL/dW_hh|": _measured(rec.log10_gradient_norm.get("weight_hh_l0", math.nan), ".3f"),
    }
    return pd.DataFrame({"value": rows.values()}, index=pd.Index(rows, name="number"))


def regime(rec: Recording) -> str:
    """Name what becomes of the gradient, or why that has no name."""
    border = first_reached(rec)
    if not starts(rec):
        return "none: the loss has no gradient"
    if border:
        return f"none: cut at step {border + 1:,}"
    if rec.last_loss_step + 1 < FEWEST:
        return f"none below {FEWEST} steps"
    return "holds" if rec.verdict.regime == "stable" else rec.verdict.regime


def precision_table(rec: Recording) -> pd.DataFrame:
    """Return the steps at which narrow types fail, one type a row."""
    last = rec.last_loss_step + 1
    rows = {name: _steps(found, last) for name, found in lost_precision(rec).items()}
    columns = ["lost", "subnormal", "all 0", "inf or nan"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("type")


def file_of(frame: pd.DataFrame, settings: Mapping[str, Any], fingerprint: str) -> bytes:
    """Return a table with every digit as comma-separated values, below what it was made of.

    The first lines begin with "#": the settings as the query of an address, every one of them,
    and the fingerprint. `pandas.read_csv(path, comment="#")` leaves them out.
    """
    query = urlencode(address.write(settings, is_full=True))
    head = f"# Gradient Flow Lab\n# settings: {query}\n# fingerprint: {fingerprint}\n"
    return (head + frame.to_csv(lineterminator="\n")).encode()


def saturation_table(rec: Recording, found: Saturation) -> pd.DataFrame:
    """Return the chosen steps of the tug of war as Markdown, rounded."""
    frame = saturation_frame(rec, found).loc[chosen_steps(rec)]
    columns = [str(name) for name in frame]
    rows = {_SATURATION[name]: [_written(name, value) for value in frame[name]] for name in columns}
    return pd.DataFrame(rows, index=frame.index.rename("step"))


_SATURATION: Final[Mapping[str, str]] = {
    "saturated_share": "saturated",
    "log10_by_weight": "W, log10",
    "log10_by_slope": "φ′, log10",
    "log10_by_loss": "new loss, log10",
    "log10_total": "together, log10",
    "log10_d_h_mean": "log10 |dL/dh|",
}


def saturation_frame(rec: Recording, found: Saturation) -> pd.DataFrame:
    """Return the tug of war, one row per step: means over the sequences that are not exactly 0."""
    tug = found.tug
    columns = {
        "saturated_share": found.by_step,
        "log10_by_weight": mean_log10(tug.by_weight),
        "log10_by_slope": mean_log10(tug.by_slope),
        **({} if tug.by_loss is None else {"log10_by_loss": mean_log10(tug.by_loss)}),
        "log10_total": mean_log10(tug.total),
        "log10_d_h_mean": mean_log10(rec.layers[0].log10_norms("d_h")),
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(1, rec.steps + 1, name="step"))


def gating_table(recordings: Mapping[str, Recording]) -> pd.DataFrame:
    """Return log10 |dL/dh| of the three cells, and the LSTM's log10 |dL/dc|, at chosen steps."""
    frame = _gating_frame(recordings)
    rows = chosen_steps(next(iter(recordings.values())))
    frame = frame.loc[[step for step in rows if step in frame.index]]
    columns = [str(name) for name in frame]
    written = {name: [_written(name, value) for value in frame[name]] for name in columns}
    names = {name: f"{name.split('_')[1].upper()} |dL/d{name[-1]}|" for name in columns}
    return pd.DataFrame(written, index=frame.index.rename("step")).rename(columns=names)


def gating_frame(
    recordings: Mapping[str, Recording], cell: str, found: Roads | None
) -> pd.DataFrame:
    """Return the three cells at every step, and the paths of one."""
    frame = _gating_frame(recordings)
    if found is not None:
        for part, norms in found.split.log10_norms.items():
            frame[f"log10_{cell}_{part}"] = pd.Series(
                mean_log10(norms), index=pd.RangeIndex(1, len(norms) + 1)
            )
        frame[f"log10_{cell}_product"] = pd.Series(
            found.product, index=pd.RangeIndex(1, len(found.product) + 1)
        )
    return frame


def defaults_table(found: Sequence[Default]) -> pd.DataFrame:
    """Return the measured growth per step of the usual initialisations, a scheme a row."""
    schemes = list(dict.fromkeys(one.scheme for one in found))
    cells = list(dict.fromkeys(one.cell for one in found))
    table = pd.DataFrame("as above", index=pd.Index(schemes, name="scheme"), columns=cells)
    for one in found:
        table.loc[one.scheme, one.cell] = f"{one.mean:+.3f} ± {one.spread:.3f}".replace("-", "−")
    return table.rename(columns=str.upper)


def _gating_frame(recordings: Mapping[str, Recording]) -> pd.DataFrame:
    columns = {}
    for cell, rec in recordings.items():
        for name in ("d_h", "d_c"):
            if rec.layers and name in rec.layers[0].total.values:
                norms = mean_log10(rec.layers[0].log10_norms(name))
                columns[f"log10_{cell}_{name}"] = pd.Series(
                    norms, index=pd.RangeIndex(1, len(norms) + 1)
                )
    return pd.DataFrame(columns).rename_axis("step")


def _steps(found: PrecisionLoss, last: int) -> list[str]:
    lags = (found.lost_lag, found.first_subnormal, found.first_zero, found.first_nonfinite)
    return ["never" if lag is None else f"step {last - lag:,}" for lag in lags]


def _loss(value: float) -> str:
    if not math.isfinite(value):
        return "none"
    return for_markdown(f"{'−' * (value < 0.0)}{number(abs(value), 6)}")


def _measured(log10: float, form: str) -> str:
    if math.isnan(log10):
        return "none"
    if log10 == float("-inf"):
        return "exactly 0"
    return f"{log10:{form}}".replace("-", "−")


def _written(column: str, value: float) -> str:
    if pd.isna(value):
        return "none"
    if value == float("-inf"):
        return "exactly 0"
    if column.startswith("log10"):
        return f"{value:.3f}".replace("-", "−")
    if column == "share_weight_hh":
        if value == 0.0:
            return "0"
        size = factor(math.log10(abs(value)), 3)
        return for_markdown(f"{'−' * (value < 0.0)}{size}")
    return f"{value:.3f}" if value < 1000.0 else for_markdown(power(math.log10(value)))
