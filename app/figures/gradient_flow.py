"""The picture of a run: states, gradients, their size and their use, on one axis of time."""

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from app.figures import theme
from app.figures.decades import domain
from app.figures.heatmaps import gradient_sizes, hidden_states
from app.figures.norms import norms
from app.figures.panel import Panel, Part
from app.figures.shares import weight_shares
from app.figures.time_axis import axis_steps, time_axis
from rnn_core import Recording

_HEIGHTS: Final = (0.18, 0.18, 0.29, 0.158)
_GAP: Final = 0.064
"""Parts of the height: three gaps with a title in each, and the four panels fill it."""

_MARGIN: Final = {"l": 62, "r": 92, "t": 26, "b": 44}


def gradient_flow(
    rec: Recording, *, sequence: int = 0, pinned: Recording | None = None, reach: float = 1.0
) -> go.Figure:
    """Draw a run in four panels that share their axis of time.

    Parameters
    ----------
    sequence : which sequence the heatmaps show, from 0; the last one where there are fewer.
    pinned : a run A to compare with, drawn in the same axes.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    return go.Figure(drawing(rec, sequence=sequence, pinned=pinned, reach=reach))


def drawing(
    rec: Recording, *, sequence: int = 0, pinned: Recording | None = None, reach: float = 1.0
) -> dict[str, Any]:
    """Return data and layout of the same figure; Plotly's check of them takes three times longer.

    For a picture that follows a finger; the parameters are those of `gradient_flow`.
    """
    if not rec.layers or rec.overflow_left_nan:
        return _without_run(rec)
    shown = domain(axis_steps(rec), reach)
    of = min(sequence, rec.x.shape[1] - 1)
    panels = (
        hidden_states(rec, sequence=of),
        gradient_sizes(rec, shown, sequence=of),
        norms(rec, shown, pinned=pinned),
        weight_shares(rec, pinned=pinned),
    )
    shapes, notes = _ends(rec)
    return _stacked(panels, time_axis(rec), shapes, notes)


def _stacked(
    panels: Sequence[Panel], x_axis: Part, shapes: list[Part], notes: list[Part]
) -> dict[str, Any]:
    traces: list[Part] = []
    layout: dict[str, Any] = {"template": theme.TEMPLATE, "margin": _MARGIN, "xaxis": x_axis}
    top = 1.0
    for number, (panel, height) in enumerate(zip(panels, _HEIGHTS, strict=True), start=1):
        axis = "y" if number == 1 else f"y{number}"
        bottom = max(top - height, 0.0)
        layout[f"yaxis{axis[1:]}"] = panel.y_axis | {"domain": [bottom, top], "fixedrange": False}
        for trace in panel.traces:
            if "colorbar" in trace:
                trace["colorbar"] |= _bar(bottom, top)
            traces.append(trace | {"xaxis": "x", "yaxis": axis})
        shapes += [{"yref": axis} | shape for shape in panel.shapes]
        notes += [{"yref": axis} | note for note in panel.notes]
        notes.append(_title(panel.title, top))
        top = bottom - _GAP
    layout["xaxis"] = x_axis | {"anchor": axis}
    return {"data": traces, "layout": layout | {"shapes": shapes, "annotations": notes}}


def _bar(bottom: float, top: float) -> Part:
    return {
        "x": 1.0,
        "xpad": 6,
        "thickness": 14,
        "y": (bottom + top) / 2,
        "len": top - bottom,
        "lenmode": "fraction",
        "ypad": 0,
        "outlinewidth": 0,
        "tickfont": {"size": theme.SMALL},
    }


def _title(text: str, y: float) -> Part:
    return {
        "x": 0.0,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 2,
        "text": text,
        "font": {"size": theme.FONT_SIZE},
    }


def _ends(rec: Recording) -> tuple[list[Part], list[Part]]:
    """Mark where the loss stands if not at the end, and where a run that overflowed ended."""
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
    line["line"] = {"color": theme.INK, "width": 1.5, "dash": "dot"}
    shapes: list[Part] = []
    says = ""
    if rec.last_loss_step + 1 < rec.steps:
        place = rec.last_loss_step + 1.5
        shapes.append(line | {"x0": place, "x1": place})
        says = f"loss after step {rec.last_loss_step + 1}, at the dotted line"
    if rec.overflow is not None:
        place, end = rec.steps + 0.5, axis_steps(rec) + 0.5
        area = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": place, "x1": end}
        shapes += [
            area | {"fillcolor": theme.colour("no-run-area"), "line": {"width": 0}},
            line | {"x0": place, "x1": place},
        ]
        says = f"the state overflows at step {rec.overflow.step + 1}: no run beyond"
    if not says:
        return [], []
    note = _title(f"<b>{says}</b>", 1.0) | {"x": 1.0, "xanchor": "right"}
    return shapes, [note]


def _without_run(rec: Recording) -> dict[str, Any]:
    step = rec.overflow.step + 1 if rec.overflow is not None else 1
    note = {
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "text": f"The hidden state overflows at step {step}: there is nothing to draw.",
        "font": {"size": theme.FONT_SIZE + 3},
    }
    layout = {
        "template": theme.TEMPLATE,
        "margin": _MARGIN,
        "xaxis": time_axis(rec),
        "yaxis": {"visible": False},
        "annotations": [note],
    }
    return {"data": [], "layout": layout}
