"""The descents beside the cliff as lines: over the map, and over the updates."""

from typing import Any, Final, NamedTuple

import numpy as np

from app.clipped import Descents
from app.figures.cliff_map import B, W
from app.figures.panel import Part, key
from app.figures.theme import SMALL, colour
from app.sentences.numerals import number
from app.sentences.typeset import for_figure
from rnn_core.arrays import Array
from rnn_core.theory.descent import Descent

_MARKS: Final = {"solid": "—", "dash": "- -", "dot": "···"}
_OF_A: Final = "A, "
_NOTE: Final = 25
"""px from one note to the next, large type included."""


class Line(NamedTuple):
    """One path and how it is drawn; `own` is a colour of the palette that has a bright one too."""

    path: Descent
    name: str
    own: str
    width: float
    dash: str = "solid"
    is_a: bool = False
    is_both: bool = False
    """Whether the path of A is the same."""

    @property
    def mark(self) -> str:
        """Return what a title says of it."""
        shared = " (A too)" if self.is_both else ""
        return key(_MARKS[self.dash], colour(self.own), f"{self.name}{shared}")

    @property
    def _walk(self) -> Part:
        """Return what a walk marks it by; it speaks of the run on the page alone."""
        name = self.name.removeprefix(_OF_A)
        return {"walk": f"a-{name}" if self.is_a else name, "isMute": self.is_a}

    @property
    def over_map(self) -> list[Part]:
        """Return the path with a casing, so that it can be seen on every colour of the map."""
        drawn: Part = {
            "type": "scatter",
            "mode": "lines",
            "x": self.path.w,
            "y": self.path.b,
            "yaxis": "y",
        }
        casing = drawn | {"hoverinfo": "skip", "name": "casing"}
        bright = colour(f"{self.own}-bright")
        return [
            casing | {"line": {"color": "#101418", "width": 2.8}},
            drawn
            | {
                "line": {"color": bright, "width": 1.5, "dash": self.dash},
                "name": self.name,
                "meta": self._walk | {"colour": bright},
                "hovertemplate": (
                    f"{self.name}, updates made: %{{pointNumber}}<br>w %{{x:.4f}}, b %{{y:.4f}}"
                    "<extra></extra>"
                ),
            },
        ]

    @property
    def over_updates(self) -> list[Part]:
        """Return error and gradient norm over the updates, as log10."""
        own = colour(self.own)
        drawn: Part = {
            "type": "scatter",
            "mode": "lines",
            "x0": 0,
            "xaxis": "x2",
            "line": {"color": own, "width": self.width, "dash": self.dash},
            "name": self.name,
            "meta": self._walk | {"colour": own},
        }
        return [
            drawn
            | {"y": _log10(values), "yaxis": axis, "customdata": values.astype(np.float32)}
            | {
                "hovertemplate": (
                    f"{self.name}, updates made: %{{x}}<br>{word} %{{customdata:.3g}}"
                    "<extra></extra>"
                )
            }
            for values, axis, word in (
                (self.path.loss, "y2", "error E"),
                (self.path.gradient_norm, "y3", "gradient norm"),
            )
        ]


def lines(found: Descents, pinned: Descents | None) -> list[Line]:
    """Return every path in the order of a legend; where A has the same one it is drawn once."""
    unclipped = Line(found.unclipped, "unclipped", "run", 2.5)
    clipped = Line(found.clipped, "clipped", "clipped", 1.5)
    if pinned is None:
        return [unclipped, clipped]
    a = (
        Line(pinned.unclipped, f"{_OF_A}unclipped", "a", 2.5, "dash", is_a=True),
        Line(pinned.clipped, f"{_OF_A}clipped", "a", 1.5, "dot", is_a=True),
    )
    pairs = [
        (own._replace(is_both=_is_same(own.path, theirs.path)), theirs)
        for own, theirs in zip((unclipped, clipped), a, strict=True)
    ]
    return [own for own, _ in pairs] + [theirs for own, theirs in pairs if not own.is_both]


def outside(shown: list[Line]) -> list[dict[str, Any]]:
    """Say where a path has gone that left the map."""
    notes: list[Part] = []
    for line in shown:
        w, b = float(line.path.w[-1]), float(line.path.b[-1])
        if W[0] <= w <= W[1] and B[0] <= b <= B[1]:
            continue
        end = f"({_coordinate(w)}, {_coordinate(b)})"
        notes.append(
            {
                "x": 0.01,
                "xref": "paper",
                "xanchor": "left",
                "y": 0.01,
                "yref": "paper",
                "yanchor": "bottom",
                "yshift": _NOTE * len(notes),
                "text": for_figure(f"{line.name}: ends outside, at {end}"),
                "font": {"color": colour(line.own), "size": SMALL},
                "bgcolor": "var(--st-background-color)",
                "borderpad": 2,
            }
        )
    return notes


def _is_same(one: Descent, other: Descent) -> bool:
    """Whether two paths are one, over one surface."""
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("w", "b", "loss", "gradient_norm")
    )


def _log10(values: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.log10(values)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


def _coordinate(value: float) -> str:
    return f"{'−' if value < 0.0 else ''}{number(abs(value), 3)}"
