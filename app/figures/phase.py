"""The phase diagram of a wide net: weights against what else drives a unit, coloured by growth."""

from typing import Final, NamedTuple

import numpy as np

from app.figures import pick
from app.figures.panel import Part, key
from app.figures.place import Panel, Place, axes, axis_title, corner, heading, middle
from app.figures.theme import INK, SIGNED, SMALL, colour
from app.sentences.numerals import signed
from app.weight_scales import REACH, Found
from rnn_core import Recording
from rnn_core.theory.prediction import SMALLEST_WIDTH

NAME: Final = "phase"
"""What the panel is called where a point in it is picked."""

ENDS: Final = 0.4
"""Decades per step at which the colours end."""


class Place2(NamedTuple):
    """Where a run stands in the diagram, and how its gradient grew."""

    sigma_w: float
    bias: float
    growth: float | None


def where(rec: Recording, found: Found) -> Place2 | None:
    """Return the place of a run, None where there is no diagram for it."""
    if rec.config is None or found.phase is None:
        return None
    bias = found.effective_bias(rec.config)
    if bias is None or not np.isfinite(bias):
        return None
    sigma_w = rec.config.weight_scale * found.spectrum.sigma_w
    return Place2(sigma_w, bias, rec.verdict.growth_per_step)


def phase_panel(
    place: Place, rec: Recording, found: Found, pinned: Place2 | None
) -> tuple[Panel, list[Part]]:
    """Draw the diagram with its critical line and the run; return what can be picked in it too."""
    at = {"xaxis": place.x, "yaxis": place.y}
    own = where(rec, found)
    diagram = found.phase
    if own is None or diagram is None:
        why = "one W and gates add up" if rec.network.cell != "rnn" else "units that do not mix"
        empty = {"visible": False, "range": [0, 1]}
        words = middle(place, f"No phase diagram here:<br>mean field does not hold for<br>{why}.")
        return Panel([], axes(place, empty, empty), [], [words]), []
    inside = diagram.critical <= REACH
    traces: list[Part] = [
        {
            "type": "heatmap",
            "x": diagram.sigma_w.astype(np.float32),
            "y": diagram.bias.astype(np.float32),
            "z": np.maximum(diagram.growth, -9.0).astype(np.float32),
            "zsmooth": "fast",
            "colorscale": SIGNED,
            "zmin": -ENDS,
            "zmax": ENDS,
            "hovertemplate": (
                "std × √H %{x:.2f}, effective bias %{y:.2f}<br>"
                "a wide net: %{z:+.3f} decades per step<extra></extra>"
            ),
            "colorbar": {
                "tickvals": [-ENDS, 0, ENDS],
                "ticktext": [f"≤ {signed(-ENDS, 1)}", "0", f"≥ {signed(ENDS, 1)}"],
                "x": 1.0,
                "xpad": 6,
                "thickness": 14,
                "y": place.up(0.5),
                "len": place.top - place.bottom,
                "lenmode": "fraction",
                "ypad": 0,
                "outlinewidth": 0,
                "tickfont": {"size": SMALL},
            },
        }
        | at,
        {
            "type": "scatter",
            "mode": "lines",
            "x": diagram.critical[inside].astype(np.float32),
            "y": diagram.bias[inside].astype(np.float32),
            "line": {"color": INK, "width": 2.5},
            "hovertemplate": "critical: %{x:.2f} at effective bias %{y:.2f}<extra></extra>",
        }
        | at,
    ]
    if pinned is not None:
        traces.append(_dot(pinned, colour("a"), "A") | at)
    traces.append(_dot(own, INK, "this run") | at)
    floor = np.sqrt(own.bias**2 - _noise(rec) ** 2)
    shapes: list[Part] = []
    if floor <= REACH:
        shapes.append(
            {"type": "line", "xref": place.x, "yref": place.y, "x0": 0, "x1": REACH}
            | {"y0": floor, "y1": floor, "line": {"color": INK, "width": 1.5, "dash": "dot"}}
        )
    line = key("—", INK, "critical") if inside.any() else "critical: beyond 4"
    legend = f"{line}   {key('···', INK, 'input alone')}"
    notes = [heading(place, f"<b>phase diagram</b>: click to set W and bias<br>{legend}")]
    notes.append(
        middle(place, "growth, decades per step")
        | {"x": 1.0, "xanchor": "left", "xshift": 64, "textangle": -90}
    )
    if rec.network.hidden_size < SMALLEST_WIDTH:
        few = f"of wide nets: below {SMALLEST_WIDTH} units<br>mean field does not hold"
        notes.append(corner(place, few, x="left", y="top"))
    elif rec.steps == 1:
        few = "of many steps:<br>this run has no step back"
        notes.append(corner(place, few, x="left", y="top"))
    sides = (
        pick.Side(place.x, "std of weights times root of H", 0.0, REACH, 0.05),
        pick.Side(place.y, "effective bias", 0.0, REACH, 0.05),
    )
    label = "Phase diagram: arrow keys move, Enter sets weight scale and bias scale"
    ticks = {"range": [0, REACH], "dtick": 1}
    both = axes(
        place,
        ticks | {"title": axis_title("std of W<sub>hh</sub> × √H")},
        ticks | {"title": axis_title("effective bias")},
    )
    panel = Panel(traces, both, shapes, notes)
    return panel, [pick.panel(NAME, label, *sides, (own.sigma_w, own.bias))]


def _noise(rec: Recording) -> float:
    return rec.config.bias_scale if rec.config is not None else 0.0


def _dot(run: Place2, line: str, name: str) -> Part:
    """Draw a run in the colour of what was measured of it; outside it is an arrow at the edge."""
    x, y = min(run.sigma_w, REACH), min(run.bias, REACH)
    symbol = "circle" if (x, y) == (run.sigma_w, run.bias) else "triangle-up"
    if x != run.sigma_w:
        symbol = "triangle-right"
    measured = "no growth" if run.growth is None else f"measured {signed(run.growth, 3)}"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [y],
        "cliponaxis": False,
        "marker": {
            "size": 15,
            "symbol": symbol,
            "color": [0.0 if run.growth is None else min(max(run.growth, -ENDS), ENDS)],
            "colorscale": SIGNED,
            "cmin": -ENDS,
            "cmax": ENDS,
            "showscale": False,
            "line": {"color": line, "width": 3},
        },
        "hovertemplate": (
            f"{name}: std × √H {run.sigma_w:.2f}, effective bias {run.bias:.2f}<br>"
            f"{measured}<extra></extra>"
        ),
    }
