"""A real gradient before and after clipping: every parameter's norm, and every step's term."""

from typing import Any, Final, NamedTuple

import numpy as np

from app.clipped import ClippedNet
from app.figures import theme
from app.figures.clipped_norms import NAMES, norms_column
from app.figures.decades import Domain, ticks
from app.figures.norms import aligned_at_loss
from app.figures.panel import Panel, Part, key
from app.figures.shares import weight_shares
from app.figures.stack import stacked, without_run
from app.figures.theme import INK, colour
from app.figures.time_axis import axis_steps
from rnn_core import Recording
from rnn_core.arrays import Array

_LEFT: Final = 0.36
_COLUMN: Final = 0.27
_HEIGHTS: Final = (0.42, 0.42)
_GAP: Final = 0.16
_DOWN, _UP = 0.27, 0.17
"""Decades per step that the terms of dL/dW_hh may fall or grow by."""


class _Net(NamedTuple):
    rec: Recording
    found: ClippedNet


class _Style(NamedTuple):
    name: str
    own: str
    width: float
    dash: str
    mark: str


_OWN: Final = (
    _Style("before", "run", 2.5, "solid", "—"),
    _Style("clipped", "clipped", 1.5, "solid", "—"),
)
_OF_A: Final = (
    _Style("A before", "a", 2.5, "dash", "- -"),
    _Style("A clipped", "a", 1.5, "dot", "···"),
)


def drawing(
    rec: Recording,
    found: ClippedNet | None,
    *,
    pinned: tuple[Recording, ClippedNet | None] | None = None,
    reach: float = 1.0,
) -> dict[str, Any]:
    """Return data and layout: norms on the left, terms and shares of the steps on the right.

    Parameters
    ----------
    pinned : the same of a run A, drawn in the same axes where it has a gradient.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    if found is None or not rec.layers:
        return without_run(rec) if not rec.layers else _without_gradient()
    a = None if pinned is None or pinned[1] is None else _Net(pinned[0], pinned[1])
    panels = (
        _terms(_Net(rec, found), a, reach),
        weight_shares(rec, pinned=None if a is None else a.rec),
    )
    picture = stacked(rec, panels, heights=_HEIGHTS, gap=_GAP, left=_LEFT)
    layout = picture["layout"]
    column = norms_column(found, None if a is None else a.found, ends=_COLUMN, reach=reach)
    layout |= column["axes"] | {"margin": layout["margin"] | {"l": NAMES}}
    layout["annotations"] = [*layout["annotations"], column["title"]]
    return {"data": [*picture["data"], *column["traces"]], "layout": layout}


def _terms(net: _Net, a: _Net | None, reach: float) -> Panel:
    """Draw log10 |G_t| of every step's term in dL/dW_hh, before and after clipping by norm."""
    room = axis_steps(net.rec) * reach
    shown = Domain(-float(np.ceil(max(_DOWN * room, 4))), float(np.ceil(max(_UP * room, 4))))
    places, texts = ticks(shown)
    axis: Part = {
        "range": list(shown),
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }
    title = ["<b>size of each step’s term in ∂L/∂W<sub>hh</sub></b>"]
    traces: list[Part] = []
    for one, styles in ((net, _OWN), (a, _OF_A)):
        after = None if one is None else one.found.steps_after
        if one is None or after is None:
            continue
        both = zip((after.log10_before, after.log10_after), styles, strict=True)
        drawn = [_curve(values, one.rec, net.rec, style) for values, style in both]
        if one is net:
            names = [{"meta": {"reads": "log10", "name": style.name}} for style in styles]
            drawn = [curve | name for curve, name in zip(drawn, names, strict=True)]
        title += [key(style.mark, colour(style.own), style.name) for style in styles]
        traces = [*drawn, *traces]  # A lies below
    return Panel("   ".join(title), axis, traces)


def _curve(log10: Array, of: Recording, to: Recording, style: _Style) -> Part:
    """Return a curve over the steps of a run; that of another ends at the same loss."""
    y = log10 if of is to else aligned_at_loss(log10, of, to)
    return {
        "type": "scatter",
        "mode": "lines",
        "x0": 1,
        "y": np.where(np.isfinite(y), y, np.nan).astype(np.float32),
        "hoverinfo": "skip",
        "name": style.name,
        "line": {"color": colour(style.own), "width": style.width, "dash": style.dash},
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
