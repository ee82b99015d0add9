"""The eigenvalues of W_hh in the complex plane, with the circles that rules are made of."""

from typing import Final

import numpy as np

from app.figures.panel import Part, key
from app.figures.place import Panel, Place, axes, corner, heading
from app.figures.theme import INK, colour
from app.sentences.numerals import number
from app.weight_scales import Found
from rnn_core import Recording

REACH: Final = 4.2
"""Down to -4.2 i and up to 4.2 i: the slider's largest weight scale."""


def eigenvalue_panel(place: Place, rec: Recording, found: Found) -> Panel:
    """Draw W_hh's eigenvalues (of a gated cell's candidate, of an untied net's first step)."""
    at = {"xaxis": place.x, "yaxis": place.y}
    scale = rec.config.weight_scale if rec.config is not None else 1.0
    values = found.spectrum.eigenvalues * scale
    radius, norm = found.spectrum.radius * scale, found.spectrum.norm * scale
    shown = np.abs(values) <= REACH
    traces: list[Part] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": values.real[shown].astype(np.float32),
            "y": values.imag[shown].astype(np.float32),
            "marker": {"size": 5, "color": colour("share")},
            "hovertemplate": "%{x:.3f} %{y:+.3f} i<extra></extra>",
        }
        | at
    ]
    circles = (
        (1.0, INK, "solid"),
        (radius, colour("zero"), "dash"),
        (norm, colour("bound"), "dot"),
    )
    shapes = [_circle(place, size, line, dash) for size, line, dash in circles if size <= REACH]
    lines = [
        key("—", INK, "1"),
        key("- -", colour("zero"), f"radius {number(radius, 3)}"),
        key("···", colour("bound"), f"σ<sub>max</sub> {number(norm, 3)}"),
    ]
    hidden = int((~shown).sum())
    plain = {"showgrid": False, "zeroline": True, "zerolinecolor": colour("grid")}
    y_axis = plain | {"range": [-REACH, REACH], "tickvals": [-2, 0, 2]}
    y_axis |= {"ticktext": ["−2i", "0", "2i"]}
    x_axis = plain | {"range": [-REACH, REACH], "scaleanchor": place.y, "tickvals": [-2, 0, 2]}
    x_axis |= {"ticktext": ["−2", "0", "2"]}
    name = f"<b>eigenvalues</b> of {_matrix(rec)}"
    notes = [heading(place, f"{name}<br>{'   '.join(lines)}")]
    if hidden:
        notes.append(corner(place, f"{hidden} of {len(values)} outside"))
    return Panel(traces, axes(place, x_axis, y_axis), shapes, notes)


def _matrix(rec: Recording) -> str:
    if rec.network.cell != "rnn":
        return "the candidate’s W<sub>hh</sub>"
    if not rec.network.params.is_tied:
        return "the first step’s W<sub>hh</sub>"
    return "W<sub>hh</sub>"


def _circle(place: Place, size: float, line: str, dash: str) -> Part:
    return {
        "type": "circle",
        "xref": place.x,
        "yref": place.y,
        "x0": -size,
        "x1": size,
        "y0": -size,
        "y1": size,
        "line": {"color": line, "width": 2, "dash": dash},
    }
