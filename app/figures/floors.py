"""Where number types end, as norms: lines in a panel of sizes, named beside it."""

from typing import Final, NamedTuple

import numpy as np

from app.figures.decades import Domain
from app.figures.panel import Part, beside
from app.figures.theme import colour
from rnn_core import Recording
from rnn_core.analysis.precision import TYPES

_LINE_OF_TEXT: Final = 0.15
"""The height of a line of text as a part of the panel, in the large type of a classroom."""

_TOUCHING: Final = 0.015
"""Lines closer than this part of the panel would look like one thick line."""


class _Label(NamedTuple):
    place: float
    names: tuple[str, ...]


def floors(rec: Recording, shown: Domain) -> tuple[list[Part], list[Part]]:
    """Mark where float16 and float32 end, and where bfloat16's normal numbers do.

    A gradient whose every entry is at the floor has the norm floor * sqrt(H).

    Returns
    -------
    Lines and the notes beside them, of the limits that are in view.
    """
    limits = (
        (TYPES["float16"].largest, "float16 max"),
        (TYPES["float16"].smallest_subnormal, "float16 min"),
        (TYPES["bfloat16"].smallest_normal, "bfloat16 min"),
        (TYPES["float32"].smallest_subnormal, "float32 min"),
    )
    width = 0.5 * np.log10(rec.network.hidden_size)
    places = [(float(np.log10(limit) + width), name) for limit, name in limits]
    in_view = [_Label(place, (name,)) for place, name in places if shown.has(place)]
    lines = [_line(place) for place in _apart(in_view, _TOUCHING * shown.span)]
    return lines, [
        beside(label.place, _text(label.names), colour("floor"))
        for label in _readable(in_view, _LINE_OF_TEXT * shown.span)
    ]


def _line(place: float) -> Part:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": place,
        "y1": place,
        "line": {"color": colour("floor"), "width": 1.5, "dash": "5px,4px"},
        "layer": "below",
    }


def _apart(labels: list[_Label], least: float) -> list[float]:
    places: list[float] = []
    for label in labels:
        if not places or places[-1] - label.place >= least:
            places.append(label.place)
    return places


def _readable(labels: list[_Label], line: float) -> list[_Label]:
    """Join labels that would touch, from the top down, until none do."""
    found: list[_Label] = []
    for label in labels:
        joined = label
        while found and found[-1].place - joined.place < line * _height(found[-1], joined):
            above = found.pop()
            joined = _Label((above.place + joined.place) / 2, above.names + joined.names)
        found.append(joined)
    return found


def _height(above: _Label, below: _Label) -> float:
    return (min(len(above.names), 2) + min(len(below.names), 2)) / 2


def _text(names: tuple[str, ...]) -> str:
    return "<br>".join(names) if len(names) <= 2 else "limits of<br>float types"
