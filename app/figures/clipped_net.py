"""A real gradient before and after clipping: every parameter's norm, and every step's term."""

from typing import Any, Final

import numpy as np

from app.clipped import ClippedNet
from app.figures import theme
from app.figures.decades import Domain, ticks
from app.figures.panel import Panel, Part, key
from app.figures.shares import weight_shares
from app.figures.stack import stacked, title, without_run
from app.figures.theme import INK, SMALL, colour
from app.figures.time_axis import axis_steps
from app.sentences.numerals import factor
from app.sentences.typeset import for_figure
from rnn_core import Recording
from rnn_core.arrays import Array

_LEFT: Final = 0.36
_COLUMN: Final = 0.27
_HEIGHTS: Final = (0.42, 0.42)
_GAP: Final = 0.16
_DOWN, _UP = 0.27, 0.17
"""Decades per step that the terms of dL/dW_hh may fall or grow by."""

_NORMS: Final = Domain(-2.0, 4.0)
"""Decades of the norms, whatever the settings: where clipping is a matter of a factor."""

_MARKS: Final = (
    ("before", "run", "circle"),
    ("by norm", "a", "square"),
    ("by value", "bound", "diamond"),
)
_ROWS: Final = {"before": -0.24, "by norm": 0.0, "by value": 0.24}
"""Where the three stand within the row of a parameter: on one line nearly equal norms would hide
each other."""


def drawing(rec: Recording, found: ClippedNet | None, *, reach: float = 1.0) -> dict[str, Any]:
    """Return data and layout: norms on the left, terms and shares of the steps on the right.

    Parameters
    ----------
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    if found is None or not rec.layers:
        return without_run(rec) if not rec.layers else _without_gradient()
    panels = (_terms(rec, found, reach), weight_shares(rec))
    picture = stacked(rec, panels, heights=_HEIGHTS, gap=_GAP, left=_LEFT)
    layout = picture["layout"]
    marks = [
        key(mark, colour(c), n) for (n, c, _), mark in zip(_MARKS, ("●", "□", "◇"), strict=True)
    ]
    layout |= {
        "xaxis2": _norm_axis(reach),
        "yaxis3": {
            "domain": [0.0, 1.0],
            "anchor": "x2",
            "range": [len(found.before) + 0.5, -0.5],
            "tickvals": list(range(len(found.before) + 1)),
            "ticktext": _row_names(found),
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": SMALL},
        },
        "margin": layout["margin"] | {"l": 150},
    }
    layout["annotations"] = [
        *layout["annotations"],
        title("   ".join(["<b>norm</b>", *marks]), 1.0),
    ]
    return {"data": [*picture["data"], *_markers(found), *_arrows(found, reach)], "layout": layout}


def _row_names(found: ClippedNet) -> list[str]:
    """Return each parameter with its norms below it: before, and after clipping in either way."""
    norms = found.norms
    return [
        f"<b>{name}</b><br>{for_figure(' | '.join(_written(norms[kind][name]) for kind in norms))}"
        for name in norms["before"]
    ]


def _written(log10: float) -> str:
    return factor(log10) if np.isfinite(log10) else "0"


def _markers(found: ClippedNet) -> list[Part]:
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": _drawable(np.array(list(found.norms[name].values()))),
            "y": [row + _ROWS[name] for row in range(len(found.norms[name]))],
            "xaxis": "x2",
            "yaxis": "y3",
            "marker": {
                "symbol": symbol,
                "size": 12,
                "color": colour(line) if name == "before" else theme.CLEAR,
                "line": {"color": colour(line), "width": 2.5},
            },
            "name": name,
            "hovertemplate": f"{name}: 10^%{{x:.2f}}<extra></extra>",
        }
        for name, line, symbol in _MARKS
    ]


def _arrows(found: ClippedNet, reach: float) -> list[Part]:
    """Point from the edge at norms outside the axis; the names of the rows have their sizes."""
    shown = _norms_shown(reach)
    traces: list[Part] = []
    for name, line, _ in _MARKS:
        outside = [
            (row + _ROWS[name], log10)
            for row, log10 in enumerate(found.norms[name].values())
            if np.isfinite(log10) and not shown.has(log10)
        ]
        if not outside:
            continue
        above = [log10 > shown.high for _, log10 in outside]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [shown.high if one else shown.low for one in above],
                "y": [row for row, _ in outside],
                "customdata": [log10 for _, log10 in outside],
                "xaxis": "x2",
                "yaxis": "y3",
                "cliponaxis": False,
                "marker": {
                    "symbol": ["triangle-right" if one else "triangle-left" for one in above],
                    "size": 13,
                    "color": colour(line),
                },
                "name": f"{name}, outside",
                "hovertemplate": f"{name}: 10^%{{customdata:.2f}}, outside<extra></extra>",
            }
        )
    return traces


def _terms(rec: Recording, found: ClippedNet, reach: float) -> Panel:
    """Draw log10 |G_t| of every step's term in dL/dW_hh, before and after clipping by norm."""
    room = axis_steps(rec) * reach
    shown = Domain(-float(np.ceil(max(_DOWN * room, 4))), float(np.ceil(max(_UP * room, 4))))
    places, texts = ticks(shown)
    axis: Part = {
        "range": list(shown),
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }
    name = "<b>size of each step’s term in ∂L/∂W<sub>hh</sub></b>"
    after = found.steps_after
    if after is None:
        return Panel(name, axis)
    marks = [key("—", colour("run"), "before"), key("- -", colour("a"), "clipped by norm")]
    curve = {"type": "scatter", "mode": "lines", "x0": 1, "hoverinfo": "skip"}
    traces: list[Part] = [
        curve
        | {
            "y": _drawable(values),
            "line": {"color": colour(line), "width": 2.5, "dash": dash},
            "meta": {"reads": "log10", "name": word},
        }
        for values, line, dash, word in (
            (after.log10_before, "run", "solid", "before"),
            (after.log10_after, "a", "dash", "clipped"),
        )
    ]
    return Panel("   ".join([name, *marks]), axis, traces)


def _norms_shown(reach: float) -> Domain:
    return Domain(_NORMS.low * max(reach, 1.0), _NORMS.high * max(reach, 1.0))


def _norm_axis(reach: float) -> Part:
    """Return an axis of decades that depends on what the reader asks for alone."""
    shown = _norms_shown(reach)
    places, texts = ticks(shown, most=5)
    return {
        "domain": [0.0, _COLUMN],
        "range": list(shown),
        "anchor": "y3",
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
        "title": {"text": "norm, log scale", "standoff": 6, "font": {"size": SMALL}},
    }


def _without_gradient() -> dict[str, Any]:
    note = {
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "text": "The gradient of every parameter is exactly 0: there is nothing to clip.",
        "font": {"size": theme.FONT_SIZE + 3, "color": INK},
    }
    axes = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
    return {"data": [], "layout": {"template": theme.TEMPLATE, "annotations": [note], **axes}}


def _drawable(log10: Array) -> Array:
    return np.where(np.isfinite(log10), log10, np.nan).astype(np.float32)
