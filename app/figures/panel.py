"""A panel: what one strip of a picture draws, before it has its place."""

from dataclasses import dataclass, field
from typing import Any

from app.figures.theme import SMALL

Part = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """Traces, marks and notes on one y axis.

    Attributes
    ----------
    title : what is drawn, with the marks that stand for it; a line above the panel, where no
        curve can run through it.
    y_axis : without its place.
    traces, shapes, notes : their `yref` is the panel's own axis unless they name another.
    """

    title: str
    y_axis: Part
    traces: list[Part] = field(default_factory=list)
    shapes: list[Part] = field(default_factory=list)
    notes: list[Part] = field(default_factory=list)


def key(mark: str, colour: str, text: str) -> str:
    """Return an entry of a title: a mark in its colour and what it stands for."""
    return f'<span style="color:{colour}"><b>{mark}</b></span> {text}'


def beside(y: float, text: str, colour: str) -> Part:
    """Return a note to the right of the picture, at a value of the panel's axis."""
    return {
        "x": 1.0,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 6,
        "y": y,
        "yanchor": "middle",
        "text": text,
        "font": {"color": colour, "size": SMALL},
    }
