"""Growth per step against weight scale: many nets, what theory says, and where rules put 0."""

from typing import Final, NamedTuple

import numpy as np

from app.figures.panel import Part, key
from app.figures.place import Panel, Place, axes, axis_title, corner, heading
from app.figures.theme import CLEAR, INK, colour
from app.sentences.numerals import signed
from app.weight_scales import Found
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.weight_sweep import NETS, SCALES, WeightSweep
from rnn_core.arrays import Array
from rnn_core.config import sizes

SPAN: Final = (0.0, 4.0)
"""Weight scales, as the slider has them."""

_RANGES: Final = {
    "tanh": (-0.8, 0.3),
    "sigmoid": (-1.4, 0.3),
    "relu": (-0.8, 0.7),
    "identity": (-0.8, 0.7),
    "gru": (-0.5, 0.3),
    "lstm": (-0.5, 0.3),
}
"""Decades per step, by activation or cell: never by what is dragged."""


class Dot(NamedTuple):
    """A run in the panel."""

    weight_scale: float
    growth: float | None
    name: str
    line: str


def growth_panel(place: Place, rec: Recording, found: Found, dots: list[Dot]) -> Panel:
    """Draw the band, the theory, the bound, three vertical marks and the run."""
    of = rec.network.cell if rec.network.cell != "rnn" else rec.network.activation
    low, high = _RANGES[of]
    at = {"xaxis": place.x, "yaxis": place.y}
    scales = np.array(SCALES)
    traces: list[Part] = []
    title = ["<b>growth per step</b>"]
    if found.sweep is None:
        title.append(f"{NETS} nets: when you let go")
    elif found.sweep.has_way_back:
        traces += [trace | at for trace in _band(found.sweep)]
        title.append(key("—", colour("run"), _whose(found, found.sweep)))
    else:
        title.append("not measured: no step back")
    if found.curve is not None:
        name = "mean field" if rec.network.cell == "rnn" else "cell at rest"
        traces.append(_line(scales, found.curve.growth, colour("share"), name, "dash") | at)
        title.append(key("- -", colour("share"), name))
    bound = bound_at(rec, found)
    if bound is not None:
        with np.errstate(divide="ignore"):
            highest = np.log10(bound * scales)
        traces.append(_line(scales, highest, colour("bound"), "Pascanu’s bound", "dot") | at)
        title.append(key("···", colour("bound"), "bound"))
    notes = [heading(place, "   ".join(title))]
    shapes, marks = _marks(place, rec, found)
    for dot in dots:
        trace, words = _dot(dot, (low, high))
        traces += [one | at for one in trace]
        marks += words
    if marks:
        notes.append(corner(place, "<br>".join(marks)))
    see_through: Part = {"bgcolor": CLEAR}
    notes += [
        corner(place, "explodes ↑", x="left", y="top") | see_through,
        corner(place, "vanishes ↓", x="left", y="top")  # on the right LSTM and sigmoid come near 0
        | see_through
        | {"y": place.up(-low / (high - low))},
    ]
    shapes.append(
        {"type": "line", "xref": place.x, "yref": place.y, "x0": SPAN[0], "x1": SPAN[1]}
        | {"y0": 0, "y1": 0, "line": {"color": INK, "width": 1.5}, "layer": "below"}
    )
    step = 0.2 if high - low < 1.3 else 0.4
    places = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    y_axis = {
        "range": [low, high],
        "tickvals": [float(p) for p in places],
        "ticktext": [signed(float(p), 1) for p in places],
        "title": axis_title("decades per step"),
    }
    x_axis = {"range": list(SPAN), "title": axis_title("weight scale"), "dtick": 0.5}
    return Panel(traces, axes(place, x_axis, y_axis), shapes, notes)


def _whose(found: Found, sweep: WeightSweep) -> str:
    """Name the band: of which nets, and how many of them there are already."""
    steps, size = sizes(sweep.config)[0], sweep.config.hidden_size
    if not found.is_complete:
        return f"<b>{found.nets} of {NETS} nets</b> measured (H {size}, T {steps})"
    has_zeros = np.isnan(sweep.growth[:, 1:]).any()
    alive = " of those not at 0" if has_zeros else ""
    return f"{NETS} nets (H {size}, T {steps}), 10–90 %{alive}"


def bound_at(rec: Recording, found: Found) -> float | None:
    """Return gamma sigma_max of this run's W_hh at weight scale 1; None where it bounds nothing."""
    if rec.network.cell != "rnn" or not rec.network.params.is_tied:
        return None
    return ACTIVATIONS[rec.network.activation].bound * found.spectrum.norm


def _band(sweep: WeightSweep) -> list[Part]:
    edge: Part = {"type": "scatter", "mode": "lines", "x": sweep.scales.astype(np.float32)}
    edge |= {"line": {"width": 0, "color": colour("run")}, "hoverinfo": "skip"}
    low, high = (_drawn(sweep.quantile(level)) for level in (0.1, 0.9))
    mean = _line(sweep.scales, sweep.mean, colour("run"), "mean over nets", "solid")
    return [
        edge | {"y": low},
        edge | {"y": high, "fill": "tonexty", "fillcolor": colour("run-band")},
        mean,
    ]


def _line(x: Array, y: Array, line: str, name: str, dash: str) -> Part:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x.astype(np.float32),
        "y": _drawn(y),
        "line": {"color": line, "width": 2.5 if dash == "solid" else 2, "dash": dash},
        "hovertemplate": f"weight scale %{{x:.1f}}<br>{name}: %{{y:+.3f}}<extra></extra>",
    }


def _drawn(y: Array) -> Array:
    return np.where(np.isfinite(y), y, np.nan).astype(np.float32)


def _marks(place: Place, rec: Recording, found: Found) -> tuple[list[Part], list[str]]:
    """Return vertical lines where growth crosses 0 and where two rules put that, and their names.

    With new weights at every step there is no one radius.
    """
    lines: list[tuple[float, str, str, str]] = []
    upward = [] if found.sweep is None else [c.place for c in found.sweep.crossings if c.is_upward]
    if upward:
        lines.append((upward[0], colour("run"), "solid", f"measured: holds at {upward[0]:.2f}"))
    bound = bound_at(rec, found)
    if bound is not None:
        if found.spectrum.radius:
            place_1 = 1.0 / found.spectrum.radius
            lines.append((place_1, colour("zero"), "dash", f"radius 1 at {place_1:.2f}"))
        if bound:
            lines.append(
                (1.0 / bound, colour("bound"), "dot", f"bound: vanishes below {1.0 / bound:.2f}")
            )
    shapes = [
        {"type": "line", "xref": place.x, "yref": f"{place.y} domain", "x0": x, "x1": x}
        | {"y0": 0, "y1": 1, "line": {"color": line, "width": 2, "dash": dash}}
        for x, line, dash, _ in lines
        if SPAN[0] <= x <= SPAN[1]
    ]
    names = [f'<span style="color:{line}"><b>{name}</b></span>' for _, line, _, name in lines]
    return shapes, names


def _dot(dot: Dot, shown: tuple[float, float]) -> tuple[list[Part], list[str]]:
    """Draw a run; one that lies outside is an arrow at the edge, and named."""
    if dot.growth is None:
        return [], []
    x = min(max(dot.weight_scale, SPAN[0]), SPAN[1])
    y = min(max(dot.growth, shown[0]), shown[1])
    symbol, words = "circle", []
    if (x, y) != (dot.weight_scale, dot.growth):
        symbol = "triangle-right" if x != dot.weight_scale else "triangle-down"
        symbol = "triangle-up" if dot.growth > shown[1] else symbol
        at = f"{signed(dot.growth, 2)} at {dot.weight_scale:g}"
        words = [f'<span style="color:{dot.line}"><b>{dot.name}: {at}, outside</b></span>']
    trace: Part = {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [y],
        "cliponaxis": False,
        "marker": {
            "size": 14,
            "symbol": symbol,
            "color": dot.line,
            "line": {"color": INK, "width": 2},
        },
        "hovertemplate": (
            f"{dot.name}: {signed(dot.growth, 3)} at {dot.weight_scale:g}<extra></extra>"
        ),
    }
    return [trace], words
