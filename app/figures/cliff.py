"""The one-unit cliff: its error over (w, b), the exact wall, and the descents beside it."""

from typing import Any, Final

import numpy as np

from app.clipped import UPDATES, Descents
from app.figures import theme
from app.figures.cliff_lines import lines, outside
from app.figures.cliff_map import MAP_ENDS, B, W, error_map, wall_line
from app.figures.decades import Domain, tick_text
from app.figures.panel import Part, beside, key
from app.figures.pick import Side
from app.figures.pick import panel as pick_panel
from app.figures.stack import title
from app.figures.theme import INK, SMALL, colour
from app.sentences.numerals import chosen

_RIGHT: Final = 0.6
"""The axis of updates begins at this part of the width."""

_LOSS: Final = Domain(-9.0, 0.5)
_LOWEST: Final = -8.0
_GROWTH: Final = 0.12
"""Decades by which the gradient on the wall grows per step of time at w = 5.6."""

_NEAR: Final = 2.0
"""Decades between two thresholds whose names would lie on each other."""

_LINE: Final = 22
"""px from one line of text beside a panel to the next, large type included."""


def drawing(
    found: Descents, *, pinned: Descents | None = None, is_asked: bool = False
) -> dict[str, Any]:
    """Return data and layout: the map on the left, error and gradient of the descents on the right.

    Parameters
    ----------
    pinned : the descents of a run A, drawn in the same axes.
    is_asked : whether only the map may be seen yet.
    """
    layout: dict[str, Any] = {
        "template": theme.TEMPLATE,
        "margin": {"l": 62, "r": 104, "t": 26, "b": 44},
        "meta": {"picks": [_start(found)]},
        **_axes(found, pinned),
        "shapes": [] if is_asked else _thresholds(found, pinned),
    }
    traces = [*error_map(found.steps), *wall_line(found.steps)]
    if is_asked:
        return {"data": traces, "layout": layout | {"annotations": [title(_title(None), 1.0)]}}
    shown = lines(found, pinned)
    has_own_start = pinned is not None and _place(pinned) != _place(found)
    notes = [title(_title(pinned if has_own_start else None), 1.0)]
    marks = [line.mark for line in shown]
    notes += [
        title("   ".join(["<b>error E</b>", *marks]), 1.0, x=_RIGHT),
        title("<b>norm of the gradient</b>, before clipping", 0.485, x=_RIGHT),
    ]
    notes += [*outside(shown), *beside_thresholds(found, pinned)]
    upwards = sorted(shown, key=lambda line: not line.is_a)
    traces += [part for line in upwards for part in line.over_map]
    traces += [part for line in upwards for part in line.over_updates]
    if pinned is not None and has_own_start:
        traces.append(_star(pinned, "start of A", colour("a-bright")))
    traces.append(_star(found, "start", "#ffffff"))
    return {"data": traces, "layout": layout | {"annotations": notes}}


def beside_thresholds(found: Descents, pinned: Descents | None) -> list[Part]:
    """Name the lines of the thresholds, to the right of their panel; A where it is another."""
    place = {"yref": "y3"}
    is_of_entry = found.mode == "value"
    own = f"threshold {chosen(found.threshold)}{'<br>of an entry' if is_of_entry else ''}"
    notes = [beside(_level(found), own, INK) | place]
    if pinned is None or _rule(pinned) == _rule(found):
        return notes
    how = "" if pinned.mode == found.mode else f", by {pinned.mode}"
    text = f"A: {chosen(pinned.threshold)}{how}"
    theirs = beside(_level(pinned), text, colour("a")) | place
    away = _level(pinned) - _level(found)
    if abs(away) < _NEAR:
        shift = 1.5 * _LINE if is_of_entry else _LINE
        theirs |= {"y": _level(found), "yshift": shift if away > 0.0 else -shift}
    return [*notes, theirs]


def _star(found: Descents, name: str, fill: str) -> Part:
    """Mark a start."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [found.start[0]],
        "y": [found.start[1]],
        "yaxis": "y",
        "marker": {
            "symbol": "star",
            "size": 14,
            "color": fill,
            "line": {"color": "#000000", "width": 1.5},
        },
        "name": name,
        "hovertemplate": f"{name}: w %{{x:.3f}}, b %{{y:.3f}}<extra></extra>",
    }


def _axes(found: Descents, pinned: Descents | None) -> dict[str, Any]:
    plain = {"gridcolor": colour("grid"), "zeroline": False, "showgrid": False}
    lined = plain | {"showgrid": True}
    longest = max(found.steps, 0 if pinned is None else pinned.steps)
    norms = Domain(_LOWEST, max(6.0, float(np.ceil(_GROWTH * longest))))
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


def _title(pinned: Descents | None) -> str:
    """Name what the map shows; A where it starts elsewhere, or over another map."""
    marks = [key("★", INK, "start"), key("- -", INK, "the wall")]
    if pinned is not None:
        marks.append(key("★", colour("a"), f"start of A, over T = {pinned.steps}"))
    return "   ".join(["<b>error E</b> over (w, b)", *marks])


def _thresholds(found: Descents, pinned: Descents | None) -> list[Part]:
    ours = _across(_level(found), INK)
    if pinned is None or pinned.threshold == found.threshold:
        return [ours]
    return [_across(_level(pinned), colour("a")), ours]


def _across(level: float, own: str) -> Part:
    return {
        "type": "line",
        "xref": "x2 domain",
        "x0": 0,
        "x1": 1,
        "yref": "y3",
        "y0": level,
        "y1": level,
        "line": {"color": own, "width": 1.5, "dash": "dot"},
    }


def _rule(found: Descents) -> tuple[float, str]:
    return (found.threshold, found.mode)


def _level(found: Descents) -> float:
    return float(np.log10(found.threshold))


def _place(found: Descents) -> tuple[Any, ...]:
    """Return what decides the star of a run and the map that its paths are on."""
    return (found.start, found.steps)


def _start(found: Descents) -> dict[str, Any]:
    return pick_panel(
        "start",
        "Map of the error: pick the start of both descents",
        Side("x", "w", *W, 0.01),
        Side("y", "b", *B, 0.01),
        found.start,
    )
