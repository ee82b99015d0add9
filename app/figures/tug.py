"""The tug of war of each step, W against the slopes, and how many units saturate."""

from typing import Final

import numpy as np

from app.figures.decades import Domain
from app.figures.norms import aligned_at_loss, net_band
from app.figures.panel import Panel, Part, key
from app.figures.theme import INK, SMALL, colour
from app.sentences.nets import of_band
from app.sentences.numerals import factor
from app.sentences.typeset import for_figure
from rnn_core import Recording
from rnn_core.analysis.saturation import Saturation
from rnn_core.arrays import Array
from rnn_core.recording import mean_log10

SHOWN: Final = Domain(-1.5, 1.5)
"""Decades per step: W of ten times an orthogonal matrix is at 1."""


def saturated_shares(rec: Recording, found: Saturation) -> Panel:
    """Draw the share of saturated units at each step, over all sequences and units."""
    what = "units at 0" if rec.network.activation == "relu" else "saturated units"
    axis = _axis([-0.06, 1.06], [0, 0.5, 1], ["0", "50 %", "100 %"])
    curve = _line(found.by_step, colour("zero"), what) | {
        "fill": "tozeroy",
        "fillcolor": colour("zero-soft"),
        "meta": {"reads": "share", "name": what},
    }
    return Panel(f"<b>share of {what}</b>, of all sequences", axis, [curve])


def pulls(
    rec: Recording,
    found: Saturation,
    *,
    pinned: tuple[Recording, Saturation] | None = None,
    nets: Array | None = None,
) -> Panel:
    """Draw each step's growth by W, by the slopes, by a new loss, and together.

    The domain is fixed; what lies outside is named by a note. With `nets`, log10 |dL/dh_t| of
    other nets, (T, N), a band shows how fast their gradients grow together.
    """
    tug = found.tug
    parts = [("W", tug.by_weight, colour("share")), ("φ′", tug.by_slope, colour("run"))]
    if rec.loss_steps > 1 and tug.by_loss is not None:
        parts.append(("new loss", tug.by_loss, colour("bound")))
    parts.append(("together", tug.total, INK))
    title = ["<b>tug of war, per step back</b>"]
    traces: list[Part] = []
    if nets is not None:
        with np.errstate(invalid="ignore"):  # a net at 0 has no growth
            grown = np.vstack([nets[:1] + np.nan, nets[:-1] - nets[1:]])
        traces += net_band(grown, rec, "ink-soft")
        title.append(key("■", colour("ink-soft"), f"together, {of_band(nets)}"))
    if pinned is not None:
        theirs = aligned_at_loss(_mean(pinned[1].tug.total), pinned[0], rec)
        traces.append(_line(theirs, colour("a"), "A") | {"line": _dashed(colour("a"))})
        title.append(key("- -", colour("a"), "pinned run A, together"))
    for name, values, line in parts:
        curve = _mean(values)
        curve[rec.last_loss_step + 1 :] = np.nan
        traces.append(_line(curve, line, name) | {"meta": {"reads": "log10", "name": f"{name} ×"}})
        title.append(key("—", line, name))
    axis = _axis(list(SHOWN), [-1, 0, 1], ["÷ 10", "× 1", "× 10"])
    return Panel("   ".join(title), axis, traces, [_zero_line()], _outside(found))


def _mean(values: Array) -> Array:
    return mean_log10(np.where(np.isposinf(values), -np.inf, values))


def _axis(shown: list[float], places: list[float], texts: list[str]) -> Part:
    return {
        "range": shown,
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }


def _line(values: Array, line: str, name: str) -> Part:
    drawn = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    return {
        "type": "scatter",
        "mode": "lines" if np.isfinite(drawn).sum() > 1 else "lines+markers",
        "x0": 1,
        "y": drawn,
        "line": {"color": line, "width": 2},
        "hovertemplate": f"step %{{x}}<br>{name}: %{{y:.3f}}<extra></extra>",
    }


def _dashed(line: str) -> Part:
    return {"color": line, "width": 2, "dash": "dash"}


def _zero_line() -> Part:
    return {
        "type": "line",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "y0": 0,
        "y1": 0,
        "line": {"color": colour("floor"), "width": 1, "dash": "dot"},
        "layer": "below",
    }


def _outside(found: Saturation) -> list[Part]:
    """Name what lies outside the picture on average over the steps."""
    notes: list[Part] = []
    for name, value in (("W", found.weight_per_step), ("φ′", found.slope_per_step)):
        if value is None or SHOWN.has(value):
            continue
        edge, anchor, arrow = (
            (SHOWN.low, "bottom", "↓") if value < 0.0 else (SHOWN.high, "top", "↑")
        )
        notes.append(
            {
                "x": 0.0,
                "xref": "x domain",
                "xanchor": "left",
                "xshift": 6,
                "y": edge,
                "yanchor": anchor,
                "text": f"<b>{arrow} {name}: {for_figure(factor(value))} per step</b>",
                "font": {"size": SMALL},
                "bgcolor": "var(--st-background-color)",
                "borderpad": 1,
            }
        )
    return notes
