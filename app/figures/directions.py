"""Singular values of ds_T/ds_t against the steps back: the worst direction is not the gradient."""

from typing import Final

import numpy as np

from app.figures.decades import Domain, ticks
from app.figures.growth import bound_at
from app.figures.panel import Part, key
from app.figures.place import Panel, Place, axes, axis_title, heading, middle
from app.figures.theme import colour
from app.weight_scales import LAGS, Found
from rnn_core import Recording
from rnn_core.analysis.leading import DECADES
from rnn_core.arrays import Array

_DOWN, _UP = 0.4, 0.2
"""Decades per step back that the panel makes room for."""

_KEPT: Final = f"others: to 10<sup>−{DECADES:.0f}</sup> of the largest"


def direction_panel(place: Place, rec: Recording, found: Found, *, sequence: int = 0) -> Panel:
    """Draw the singular values within ten decades of the largest, and the gradient beside them."""
    farthest = max([lag for lag in LAGS if lag < rec.steps], default=1)
    shown = Domain(-max(_DOWN * farthest, 2.0), max(_UP * farthest, 1.0))
    places, texts = ticks(shown, most=4)
    x_axis = {
        "range": [0, farthest + 0.5],
        "tickvals": [lag for lag in (0, *LAGS) if lag <= farthest and lag not in (1, 2)],
        "title": axis_title(f"steps back T − t, {LAGS[-1]} at most; {_KEPT}"),
    }
    inside = [k for k, one in enumerate(places) if one < shown.high]  # a title stands above
    y_axis = {
        "range": list(shown),
        "tickvals": [places[k] for k in inside],
        "ticktext": [texts[k] for k in inside],
    }
    both = axes(place, x_axis, y_axis)
    title = "<b>singular values</b> of ∂h<sub>T</sub>/∂h<sub>t</sub>"
    if found.values is None:
        why = "no step back" if rec.steps < 2 else "too many units, or no states"
        return Panel([], both, [], [heading(place, title), middle(place, f"Not measured: {why}.")])
    at = {"xaxis": place.x, "yaxis": place.y}
    lags, logs, resolved = found.values.lags, found.values.log10_values, found.values.resolved
    kept = [row[:count] for row, count in zip(logs, resolved, strict=True)]
    every: Part = {
        "type": "scatter",
        "mode": "markers",
        "x": np.repeat(lags, resolved).astype(np.float32),
        "y": np.concatenate(kept).astype(np.float32),
        "marker": {"size": 3, "color": colour("floor")},
        "hovertemplate": "%{x} steps back: 10^%{y:.2f}<extra></extra>",
    }
    start = np.concatenate([[0.0], lags])
    largest = _line(start, np.concatenate([[0.0], logs[:, 0]]), colour("share"), "largest")
    rms = _line(start, np.concatenate([[0.0], _rms(logs)]), colour("share"), "rms", dash="dash")
    traces = [every, largest, rms]
    norms = rec.layers[0].from_last.log10_norms("d_h")[:, min(sequence, rec.x.shape[1] - 1)]
    own = norms[: rec.last_loss_step + 1][::-1][: farthest + 1]
    with np.errstate(invalid="ignore"):
        fall = own - own[0]
    back = np.arange(len(fall), dtype=np.float64)
    traces.append(_line(back, fall, colour("run"), "this gradient"))
    bound = bound_at(rec, found)
    is_bounded = False
    if bound is not None and rec.config is not None and bound * rec.config.weight_scale > 0.0:
        is_bounded = True
        slope = float(np.log10(bound * rec.config.weight_scale))
        ends = np.array([0.0, float(farthest)])
        traces.append(_line(ends, ends * slope, colour("bound"), "bound", dash="dot"))
    legend = [
        key("—", colour("share"), "largest"),
        key("- -", colour("share"), "rms"),
        key("●", colour("floor"), "others"),
        key("—", colour("run"), "this gradient"),
    ]
    if is_bounded:
        legend.append(key("···", colour("bound"), "bound"))
    title += "   " + "   ".join(legend)
    return Panel([trace | at for trace in traces], both, [], [heading(place, title)])


def _rms(logs: Array) -> Array:
    """Return log10 of the rms singular value, what a random direction gets."""
    top = logs[:, :1]
    with np.errstate(invalid="ignore"):
        squares = np.where(np.isfinite(logs), 10.0 ** (2.0 * (logs - top)), 0.0).mean(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.where(np.isfinite(top[:, 0]), top[:, 0] + 0.5 * np.log10(squares), np.nan)
        )


def _line(x: Array, y: Array, line: str, name: str, *, dash: str = "solid") -> Part:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.asarray(x, dtype=np.float32),
        "y": np.where(np.isfinite(y), y, np.nan).astype(np.float32),
        "line": {"color": line, "width": 2, "dash": dash},
        "hovertemplate": f"{name}, %{{x}} steps back: 10^%{{y:.2f}}<extra></extra>",
    }
