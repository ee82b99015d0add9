"""The norm of every parameter's gradient before and after clipping, on one axis of decades."""

from typing import Any, Final, NamedTuple

import numpy as np

from app.clipped import ClippedNet
from app.figures import theme
from app.figures.decades import Domain, ticks
from app.figures.panel import Part, key
from app.figures.stack import title
from app.figures.theme import SMALL, colour
from app.sentences.numerals import factor
from app.sentences.typeset import for_figure

_NORMS: Final = Domain(-2.0, 4.0)
"""Decades of the norms, whatever the settings: where clipping is a matter of a factor."""

NAMES: Final = 150
"""px beside the column for the names of its rows."""

_TO_THE_EDGE: Final = -140
"""px by which the title is moved over the names: the column alone is too narrow for it."""

_SIZE, _SIZE_OF_A = 12, 19
"""px of a mark: that of A shows around one that lies on it."""


class _Kind(NamedTuple):
    """How one of the three norms of a parameter is drawn.

    Three on one line would hide each other where they are nearly equal: each has a row of its own.
    """

    name: str
    own: str
    symbol: str
    mark: str
    row: float


_KINDS: Final = (
    _Kind("before", "run", "circle", "●", -0.24),
    _Kind("by norm", "clipped", "square", "□", 0.0),
    _Kind("by value", "exit-1", "diamond", "◇", 0.24),
)


def norms_column(
    found: ClippedNet, a: ClippedNet | None, *, ends: float, reach: float
) -> dict[str, Any]:
    """Return traces, axes and the title of the column.

    Parameters
    ----------
    a : of a run A, drawn larger and below.
    ends : where the column ends, as a part of the width of the picture.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    shown = Domain(*(end * max(reach, 1.0) for end in _NORMS))
    places, texts = ticks(shown, most=5)
    marks = [key(kind.mark, colour(kind.own), kind.name) for kind in _KINDS]
    if a is not None:
        marks.append(key("○□◇", colour("a"), "A"))
    axes: Part = {
        "xaxis2": {
            "domain": [0.0, ends],
            "range": list(shown),
            "anchor": "y3",
            "tickvals": places,
            "ticktext": texts,
            "gridcolor": colour("grid"),
            "zeroline": False,
            "title": {"text": "norm, log scale", "standoff": 6, "font": {"size": SMALL}},
        },
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
    }
    traces = [] if a is None else [_of_a(a, kind, shown) for kind in _KINDS]
    traces += [_inside(found, kind) for kind in _KINDS]
    traces += [part for kind in _KINDS for part in _outside(found, kind, shown)]
    heading = title("   ".join(["<b>norm</b>", *marks]), 1.0) | {"xshift": _TO_THE_EDGE}
    return {"traces": traces, "axes": axes, "title": heading}


def _row_names(found: ClippedNet) -> list[str]:
    """Return each parameter with its norms below it: before, and after clipping in either way."""
    norms = found.norms
    return [
        f"<b>{name}</b><br>{for_figure(' | '.join(_written(norms[kind][name]) for kind in norms))}"
        for name in norms["before"]
    ]


def _written(log10: float) -> str:
    return factor(log10) if np.isfinite(log10) else "0"


def _inside(found: ClippedNet, kind: _Kind) -> Part:
    sizes = _sizes(found, kind)
    return _marks(kind, sizes, range(len(sizes))) | {
        "marker": {
            "symbol": kind.symbol,
            "size": _SIZE,
            "color": colour(kind.own) if kind.name == "before" else theme.CLEAR,
            "line": {"color": colour(kind.own), "width": 2.5},
        },
        "name": kind.name,
        "hovertemplate": f"{kind.name}: 10^%{{x:.2f}}<extra></extra>",
    }


def _outside(found: ClippedNet, kind: _Kind, shown: Domain) -> list[Part]:
    """Point from the edge at norms outside the axis; the names of the rows have their sizes."""
    sizes = _sizes(found, kind)
    rows = [k for k, one in enumerate(sizes) if np.isfinite(one) and not shown.has(one)]
    if not rows:
        return []
    far = sizes[rows]
    trace = _marks(kind, np.clip(far, *shown), rows) | {
        "customdata": far,
        "cliponaxis": False,
        "marker": {
            "symbol": [_symbol(one, shown, kind.symbol) for one in far],
            "size": _SIZE + 1,
            "color": colour(kind.own),
        },
        "name": f"{kind.name}, outside",
        "hovertemplate": f"{kind.name}: 10^%{{customdata:.2f}}, outside<extra></extra>",
    }
    return [trace]


def _of_a(found: ClippedNet, kind: _Kind, shown: Domain) -> Part:
    """Draw the norms of A; at the edge where they lie outside."""
    sizes = _sizes(found, kind)
    return _marks(kind, np.clip(sizes, *shown), range(len(sizes))) | {
        "customdata": sizes,
        "cliponaxis": False,
        "marker": {
            "symbol": [_symbol(one, shown, kind.symbol) for one in sizes],
            "size": _SIZE_OF_A,
            "color": theme.CLEAR,
            "line": {"color": colour("a"), "width": 2},
        },
        "name": f"A, {kind.name}",
        "hovertemplate": f"A, {kind.name}: 10^%{{customdata:.2f}}<extra></extra>",
    }


def _marks(kind: _Kind, x: Any, rows: Any) -> Part:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [row + kind.row for row in rows],
        "xaxis": "x2",
        "yaxis": "y3",
    }


def _sizes(found: ClippedNet, kind: _Kind) -> Any:
    """Return log10 of each norm, "all" first; nan where it is exactly 0."""
    log10 = np.array(list(found.norms[kind.name].values()))
    return np.where(np.isfinite(log10), log10, np.nan).astype(np.float32)


def _symbol(log10: float, shown: Domain, inside: str) -> str:
    if log10 > shown.high:
        return "triangle-right"
    return "triangle-left" if log10 < shown.low else inside
