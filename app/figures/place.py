"""Where a panel of a picture with several columns stands, and the parts that all of them have."""

from typing import Any, NamedTuple

from app.figures.panel import Part
from app.figures.stack import title
from app.figures.theme import SMALL, colour


class Place(NamedTuple):
    """A rectangle of the picture, in parts of its width and height, and the number of its axes."""

    number: int
    left: float
    right: float
    bottom: float
    top: float

    @property
    def x(self) -> str:
        """Plotly's name of the x axis."""
        return f"x{self.number}" if self.number > 1 else "x"

    @property
    def y(self) -> str:
        """Plotly's name of the y axis."""
        return f"y{self.number}" if self.number > 1 else "y"

    def across(self, part: float) -> float:
        """Return a part of the panel's width as a part of the picture's."""
        return self.left + part * (self.right - self.left)

    def up(self, part: float) -> float:
        """Return a part of the panel's height as a part of the picture's."""
        return self.bottom + part * (self.top - self.bottom)


class Panel(NamedTuple):
    """What one panel draws; traces and shapes know their axes."""

    traces: list[Part]
    axes: dict[str, Any]
    shapes: list[Part]
    notes: list[Part]


def axes(place: Place, x: Part, y: Part) -> dict[str, Any]:
    """Return both axes of a panel."""
    plain = {"gridcolor": colour("grid"), "zeroline": False, "tickfont": {"size": SMALL}}
    plain |= {"fixedrange": True}
    return {
        f"xaxis{place.x[1:]}": plain | {"domain": [place.left, place.right], "anchor": place.y} | x,
        f"yaxis{place.y[1:]}": plain | {"domain": [place.bottom, place.top], "anchor": place.x} | y,
    }


def axis_title(text: str) -> Part:
    """Return the title of an axis."""
    return {"text": text, "standoff": 4, "font": {"size": SMALL}}


def heading(place: Place, text: str) -> Part:
    """Return the line above a panel."""
    return title(text, place.top, x=place.left) | {"align": "left"}


def corner(place: Place, text: str, *, x: str = "right", y: str = "bottom") -> Part:
    """Return lines of text in a corner of a panel."""
    return {
        "xref": "paper",
        "x": place.right if x == "right" else place.left,
        "xanchor": x,
        "xshift": -6 if x == "right" else 6,
        "yref": "paper",
        "y": place.bottom if y == "bottom" else place.top,
        "yanchor": y,
        "yshift": 4 if y == "bottom" else -4,
        "align": x,
        "text": text,
        "font": {"size": SMALL},
        "bgcolor": "var(--st-background-color)",
    }


def middle(place: Place, text: str) -> Part:
    """Return what stands in a panel that has nothing to draw."""
    return {
        "xref": "paper",
        "x": place.across(0.5),
        "xanchor": "center",
        "yref": "paper",
        "y": place.up(0.5),
        "yanchor": "middle",
        "align": "center",
        "text": text,
        "font": {"size": SMALL},
    }
