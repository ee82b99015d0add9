"""Panels that share one axis of time, one below the other, and the marks that go through all."""

from collections.abc import Sequence
from typing import Any, Final

from app.figures import theme
from app.figures.panel import Panel, Part
from app.figures.time_axis import axis_steps, time_axis
from rnn_core import Recording

MARGIN: Final = {"l": 62, "r": 92, "t": 26, "b": 44}


def stacked(
    rec: Recording,
    panels: Sequence[Panel],
    *,
    heights: Sequence[float],
    gap: float,
    left: float = 0.0,
) -> dict[str, Any]:
    """Return data and layout of panels from top to bottom on the axis of time of a run.

    Parameters
    ----------
    heights, gap : parts of the height of the picture; a title stands in each gap.
    left : part of the width that is kept free on the left.
    """
    traces: list[Part] = []
    shapes, notes = _ends(rec)
    layout: dict[str, Any] = {"template": theme.TEMPLATE, "margin": MARGIN}
    top = 1.0
    for number, (panel, height) in enumerate(zip(panels, heights, strict=True), start=1):
        axis = "y" if number == 1 else f"y{number}"
        bottom = max(top - height, 0.0)
        layout[f"yaxis{axis[1:]}"] = panel.y_axis | {"domain": [bottom, top], "fixedrange": False}
        for trace in panel.traces:
            if "colorbar" in trace:
                trace["colorbar"] |= _bar(bottom, top)
            traces.append(trace | {"xaxis": "x", "yaxis": axis})
        shapes += [{"yref": axis} | shape for shape in panel.shapes]
        notes += [{"yref": axis} | note for note in panel.notes]
        notes.append(title(panel.title, top, x=left))
        top = bottom - gap
    place = {"domain": [left, 1.0]} if left else {}
    layout["xaxis"] = time_axis(rec) | place | {"anchor": axis}
    return {"data": traces, "layout": layout | {"shapes": shapes, "annotations": notes}}


def title(text: str, y: float, *, x: float = 0.0) -> Part:
    """Return the line above a panel."""
    return {
        "x": x,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 2,
        "text": text,
        "font": {"size": theme.FONT_SIZE},
    }


def without_run(rec: Recording) -> dict[str, Any]:
    """Return the picture of a run whose state overflowed before anything could be drawn."""
    step = rec.overflow.step + 1 if rec.overflow is not None else 1
    note = {
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "text": f"The hidden state overflows at step {step:,}: there is nothing to draw.",
        "font": {"size": theme.FONT_SIZE + 3},
    }
    layout = {
        "template": theme.TEMPLATE,
        "margin": MARGIN,
        "xaxis": time_axis(rec),
        "yaxis": {"visible": False},
        "annotations": [note],
    }
    return {"data": [], "layout": layout}


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


def _ends(rec: Recording) -> tuple[list[Part], list[Part]]:
    """Mark where the loss stands if not at the end, and where a run that overflowed ended."""
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
    line["line"] = {"color": theme.INK, "width": 1.5, "dash": "dot"}
    shapes: list[Part] = []
    says = ""
    if rec.last_loss_step + 1 < rec.steps:
        place = rec.last_loss_step + 1.5
        shapes.append(line | {"x0": place, "x1": place})
        says = f"loss after step {rec.last_loss_step + 1:,}, at the dotted line"
    if rec.overflow is not None:
        place, end = rec.steps + 0.5, axis_steps(rec) + 0.5
        area = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": place, "x1": end}
        shapes += [
            area | {"fillcolor": theme.colour("no-run-area"), "line": {"width": 0}},
            line | {"x0": place, "x1": place},
        ]
        says = f"the state overflows at step {rec.overflow.step + 1:,}: no run beyond"
    if not says:
        return [], []
    note = title(f"<b>{says}</b>", 1.0) | {"x": 1.0, "xanchor": "right"}
    return shapes, [note]
