"""The one-unit cliff: its error over (w, b), the exact wall, and two descents beside it."""

from typing import Any, Final

import numpy as np

from app.clipped import UPDATES, Descents
from app.figures import theme
from app.figures.cliff_map import MAP_ENDS, B, W, error_map, wall_line
from app.figures.decades import Domain, tick_text
from app.figures.panel import Part, beside, key
from app.figures.pick import Side
from app.figures.pick import panel as pick_panel
from app.figures.stack import title
from app.figures.theme import INK, SMALL, colour
from app.sentences.numerals import number
from app.sentences.typeset import for_figure
from rnn_core.arrays import Array
from rnn_core.theory.descent import Descent

_RIGHT: Final = 0.6
"""The axis of updates begins at this part of the width."""

_LOSS: Final = Domain(-9.0, 0.5)
_LOWEST: Final = -8.0
_GROWTH: Final = 0.12
"""Decades by which the gradient on the wall grows per step of time at w = 5.6."""

UNCLIPPED: Final = "run"
CLIPPED: Final = "a"


def drawing(found: Descents, *, is_asked: bool = False) -> dict[str, Any]:
    """Return data and layout: the map on the left, error and gradient of both on the right.

    Parameters
    ----------
    is_asked : whether only the map may be seen yet.
    """
    layout: dict[str, Any] = {
        "template": theme.TEMPLATE,
        "margin": {"l": 62, "r": 104, "t": 26, "b": 44},
        "meta": {"picks": [_start(found)]},
        **_axes(found),
        "shapes": [] if is_asked else [_threshold(found)],
    }
    paths = ((found.unclipped, UNCLIPPED, "unclipped"), (found.clipped, CLIPPED, "clipped"))
    notes = [title(_title(), 1.0)]
    traces = [*error_map(found.steps), *wall_line(found.steps)]
    if not is_asked:
        notes += [*_titles(), *_thrown(found), beside_threshold(found)]
        for path, line, name in paths:
            traces += _path(path, line, name)
        for path, line, name in paths:
            traces += _curves(path, line, name)
        traces.append(_first(found))
    return {"data": traces, "layout": layout | {"annotations": notes}}


def beside_threshold(found: Descents) -> Part:
    """Name the line of the threshold, to the right of its panel."""
    text = f"threshold {number(found.threshold)}"
    return beside(float(np.log10(found.threshold)), text, INK) | {"yref": "y3"}


def _path(path: Descent, line: str, name: str) -> list[Part]:
    """Return a path with a casing, so that it can be seen on every colour of the map."""
    drawn: Part = {
        "type": "scatter",
        "mode": "lines",
        "x": path.w,
        "y": path.b,
        "yaxis": "y",
    }
    casing = drawn | {"hoverinfo": "skip", "name": "casing"}
    own = f"var(--lab-{line}-bright)"
    return [
        casing | {"line": {"color": "#101418", "width": 2.8}},
        drawn
        | {
            "line": {"color": own, "width": 1.5},
            "name": name,
            "meta": {"walk": name, "colour": own},
            "hovertemplate": (
                f"{name}, updates made: %{{pointNumber}}<br>w %{{x:.4f}}, b %{{y:.4f}}"
                "<extra></extra>"
            ),
        },
    ]


def _curves(path: Descent, line: str, name: str) -> list[Part]:
    """Return error and gradient norm over the updates, as log10."""
    own = colour(line)
    drawn: Part = {
        "type": "scatter",
        "mode": "lines",
        "x0": 0,
        "xaxis": "x2",
        "line": {"color": own, "width": 2.5 if line == UNCLIPPED else 1.5},
        "name": name,
        "meta": {"walk": name, "colour": own},
    }
    return [
        drawn
        | {"y": _log10(values), "yaxis": axis, "customdata": values.astype(np.float32)}
        | {
            "hovertemplate": (
                f"{name}, updates made: %{{x}}<br>{word} %{{customdata:.3g}}<extra></extra>"
            )
        }
        for values, axis, word in (
            (path.loss, "y2", "error E"),
            (path.gradient_norm, "y3", "gradient norm"),
        )
    ]


def _first(found: Descents) -> Part:
    """Mark the start."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [found.start[0]],
        "y": [found.start[1]],
        "yaxis": "y",
        "marker": {
            "symbol": "star",
            "size": 14,
            "color": "#ffffff",
            "line": {"color": "#000000", "width": 1.5},
        },
        "name": "start",
        "hovertemplate": "start: w %{x:.3f}, b %{y:.3f}<extra></extra>",
    }


def _log10(values: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.log10(values)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


def _axes(found: Descents) -> dict[str, Any]:
    plain = {"gridcolor": colour("grid"), "zeroline": False, "showgrid": False}
    lined = plain | {"showgrid": True}
    highest = max(6.0, float(np.ceil(_GROWTH * found.steps)))
    norms = Domain(_LOWEST, highest)
    updates = {"text": "updates made", "standoff": 6, "font": {"size": SMALL}}
    return {
        "xaxis": plain
        | {"domain": [0.0, MAP_ENDS], "range": list(W), "anchor": "y", "title": _named("w")},
        "yaxis": plain | {"domain": [0.0, 1.0], "range": list(B), "title": _named("b")},
        "xaxis2": plain
        | {"domain": [_RIGHT, 1.0], "range": [0, UPDATES], "anchor": "y3", "title": updates},
        "yaxis2": lined | _decades(_LOSS) | {"domain": [0.57, 1.0], "anchor": "x2"},
        "yaxis3": lined | _decades(norms) | {"domain": [0.0, 0.485], "anchor": "x2"},
    }


def _decades(shown: Domain) -> Part:
    gap = 2.0 if shown.span <= 16 else 5.0 if shown.span <= 30 else 10.0
    places = np.arange(np.ceil(shown.low / gap), np.ceil(shown.high / gap)) * gap
    return {
        "range": list(shown),
        "tickvals": [float(one) for one in places],
        "ticktext": [tick_text(float(one)) for one in places],
    }


def _named(text: str) -> Part:
    return {"text": text, "standoff": 4, "font": {"size": SMALL}}


def _title() -> str:
    marks = [key("★", INK, "start"), key("- -", INK, "the wall")]
    return "   ".join(["<b>error E</b> over (w, b)", *marks])


def _titles() -> list[Part]:
    both = [key("—", colour(UNCLIPPED), "unclipped"), key("—", colour(CLIPPED), "clipped")]
    return [
        title("   ".join(["<b>error E</b>", *both]), 1.0, x=_RIGHT),
        title("<b>norm of the gradient</b>, before clipping", 0.485, x=_RIGHT),
    ]


def _threshold(found: Descents) -> Part:
    level = float(np.log10(found.threshold))
    return {
        "type": "line",
        "xref": "x2 domain",
        "x0": 0,
        "x1": 1,
        "yref": "y3",
        "y0": level,
        "y1": level,
        "line": {"color": INK, "width": 1.5, "dash": "dot"},
    }


def _thrown(found: Descents) -> list[Part]:
    """Say where a path has gone that left the map."""
    notes: list[Part] = []
    for path, line, name in (
        (found.unclipped, UNCLIPPED, "unclipped"),
        (found.clipped, CLIPPED, "clipped"),
    ):
        w, b = float(path.w[-1]), float(path.b[-1])
        if W[0] <= w <= W[1] and B[0] <= b <= B[1]:
            continue
        end = f"({_coordinate(w)}, {_coordinate(b)})"
        notes.append(
            {
                "x": 0.01,
                "xref": "paper",
                "xanchor": "left",
                "y": 0.01 + 0.06 * len(notes),
                "yref": "paper",
                "yanchor": "bottom",
                "text": for_figure(f"{name}: ends outside, at {end}"),
                "font": {"color": colour(line), "size": SMALL},
                "bgcolor": "var(--st-background-color)",
                "borderpad": 2,
            }
        )
    return notes


def _coordinate(value: float) -> str:
    return f"{'−' if value < 0.0 else ''}{number(abs(value), 3)}"


def _start(found: Descents) -> dict[str, Any]:
    return pick_panel(
        "start",
        "Map of the error: pick the start of both descents",
        Side("x", "w", *W, 0.01),
        Side("y", "b", *B, 0.01),
        found.start,
    )
