"""The activation, its slope, and where the recorded pre-activations lie below them."""

from typing import Any, Final, NamedTuple

import numpy as np

from app.figures.panel import Part, key
from app.figures.stack import title
from app.figures.theme import INK, SMALL, colour
from app.sentences.numerals import number
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.saturation import histogram

REACH: Final = 15.0
"""Pre-activations from -15 to 15 are drawn, wide enough for the largest weights or inputs of the
page's presets; what lies beyond is named."""

BINS: Final = 90
MOST: Final = 0.12
"""The part of all pre-activations at which a bar ends; a taller one is named."""

_SATURATED: Final = {
    "tanh": ((-REACH, -float(np.arctanh(0.9))), (float(np.arctanh(0.9)), REACH)),
    "sigmoid": ((-REACH, -float(np.log(19.0))), (float(np.log(19.0)), REACH)),
    "relu": ((-REACH, 0.0),),
    "identity": (),
}
"""Where a unit counts as saturated: |tanh| > .9, a sigmoid below .05 or above .95, a ReLU at 0."""


class Column(NamedTuple):
    """Traces, axes, shapes and notes of a picture's left column."""

    traces: list[Part]
    axes: dict[str, Any]
    shapes: list[Part]
    notes: list[Part]


def activation_column(rec: Recording, *, right: float) -> Column:
    """Draw phi and phi' above the histogram of this run's pre-activations.

    Parameters
    ----------
    right : where the column ends, as a part of the width.
    """
    name = rec.network.activation
    phi = ACTIVATIONS[name]
    a = np.linspace(-REACH, REACH, 241)
    curves = [
        {"type": "scatter", "mode": "lines", "x": a.astype(np.float32), "y": y.astype(np.float32)}
        | {"line": {"color": line, "width": 2.5}, "xaxis": "x2", "yaxis": "y5", "hoverinfo": "skip"}
        for y, line in ((phi.apply(a.copy()), INK), (phi.slope(a.copy()), colour("run")))
    ]
    found = histogram(rec, reach=REACH, bins=BINS)
    bars: Part = {
        "type": "bar",
        "x": ((found.edges[:-1] + found.edges[1:]) / 2).astype(np.float32),
        "y": found.shares.astype(np.float32),
        "width": 2.0 * REACH / BINS,
        "marker": {"color": colour("share"), "line": {"width": 0}},
        "xaxis": "x2",
        "yaxis": "y6",
        "hoverinfo": "skip",
    }
    shapes = [
        {"type": "rect", "xref": "x2", "x0": low, "x1": high, "yref": "y5 domain"}
        | {"y0": bottom, "y1": 1, "line": {"width": 0}, "layer": "below"}
        | {"fillcolor": colour("zero-soft")}
        for low, high in _SATURATED[name]
        for bottom in (_DOWN,)
    ]
    word = "at 0" if name == "relu" else "saturated"
    marks = [key("—", INK, "φ"), key("—", colour("run"), "φ′")]
    marks += [key("■", colour("zero-soft"), word)] if _SATURATED[name] else []
    notes = [
        title(" ".join(marks), 1.0),
        title("<b>pre-activations a<sub>t</sub></b>", _MIDDLE - 0.07),
        *_taller(float(found.shares.max())),
    ]
    return Column([*curves, bars], _axes(right, found.below + found.above), shapes, notes)


_MIDDLE: Final = 0.5
_DOWN: Final = -(_MIDDLE / (1.0 - _MIDDLE))
"""Down to the foot of the histogram, in heights of the panel of curves."""


def _axes(right: float, outside: float) -> dict[str, Any]:
    """Return the axes; the title below the histogram names the part of all values outside it.

    Inside the panel such a number would stand on the shade of saturation, whose share is another.
    """
    plain = {"gridcolor": colour("grid"), "zeroline": False, "fixedrange": True}
    small = {"tickfont": {"size": SMALL}}
    return {
        "xaxis2": plain
        | small
        | {"domain": [0.0, right], "range": [-REACH, REACH], "anchor": "y6"}
        | {"tickvals": [-10, 0, 10], "ticktext": ["−10", "0", "10"]}
        | {"title": {"text": _abscissa(outside), "standoff": 6, "font": {"size": SMALL}}},
        "yaxis5": plain
        | small
        | {"domain": [_MIDDLE, 1.0], "range": [-1.15, 1.15], "anchor": "x2"}
        | {"tickvals": [-1, 0, 1]},
        "yaxis6": plain
        | small
        | {"domain": [0.0, _MIDDLE - 0.07], "range": [0.0, MOST], "anchor": "x2"}
        | {"tickvals": [0, 0.05, 0.1], "ticktext": ["0", "5 %", "10 %"]},
        "bargap": 0,
    }


def _abscissa(outside: float) -> str:
    return f"a; beyond ±{REACH:.0f}: {number(100 * outside)} %" if outside > 0.0 else "a"


def _taller(tallest: float) -> list[Part]:
    """Name a bar that the histogram cuts off."""
    if tallest <= MOST:
        return []
    return [
        {"xref": "x2 domain", "x": 0.5, "xanchor": "center"}
        | {"yref": "y6 domain", "y": 1.0, "yanchor": "top", "font": {"size": SMALL}}
        | {"bgcolor": "var(--st-background-color)", "borderpad": 1}
        | {"text": f"↑ tallest bar: {number(100 * tallest)} %"}
    ]
