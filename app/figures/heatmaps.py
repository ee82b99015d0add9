"""Units by time: hidden states, and the size of the gradient of each."""

from typing import Any, Final

import numpy as np

from app.figures.columns import Columns, all_of, columns, largest_of, mean_of
from app.figures.decades import Domain, ticks, written
from app.figures.panel import Panel, Part, key
from app.figures.theme import MAGNITUDE, SIGNED, SMALL, colour
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.arrays import Array, BoolArray

BEYOND: Final = float(np.log10(101.0))
"""sign(h) log10(1 + |h|) where |h| is 100: the end of the colours of an unbounded state."""


def hidden_states(rec: Recording, *, sequence: int = 0) -> Panel:
    """Draw h[:, sequence, :] as units (rows) by time steps (columns).

    The colour domain is [-1, 1], the range of tanh, so that two runs can be compared by eye. The
    states of ReLU and linear nets have no range: there colour is sign(h) log10(1 + |h|), to
    |h| = 100.
    """
    shown = columns(rec.steps)
    h = mean_of(rec.layers[0].h[:, sequence], shown).T
    is_bounded = rec.network.cell != "rnn" or ACTIVATIONS[rec.network.activation].is_bounded
    z = h if is_bounded else np.sign(h) * np.log10(1.0 + np.abs(h))
    trace = heatmap(shown, z.astype(np.float32)) | {
        "colorscale": SIGNED,
        "zmin": -1.0 if is_bounded else -BEYOND,
        "zmax": 1.0 if is_bounded else BEYOND,
        "hovertemplate": f"{where(shown)}<br>h = %{{z:.3f}}<extra></extra>",
        "meta": {"reads": "state" if is_bounded else "log state", "name": "h"},
    }
    bar: Part = {"tickvals": [-1, 0, 1], "ticktext": ["−1", "0", "1"]}
    if not is_bounded:
        trace |= {"text": np.ascontiguousarray(h)}  # float64: h may be 10^300
        trace["hovertemplate"] = f"{where(shown)}<br>h = %{{text:.3~g}}<extra></extra>"
        bar = {"tickvals": [-BEYOND, 0, BEYOND], "ticktext": ["−100", "0", "100"]}
    trace["colorbar"] = bar
    per_column = f", each column the mean of {shown.per_column} steps" * (shown.per_column > 1)
    title = f"<b>hidden state h<sub>t</sub></b> of each unit{of_sequence(rec, sequence)}"
    return Panel(f"{title}{per_column}", unit_axis(rec), [trace])


def gradient_sizes(rec: Recording, shown_decades: Domain, *, sequence: int = 0) -> Panel:
    """Draw log10 |dL/dh_t| of every unit; zeros and far smaller entries have colours of their own.

    The colour domain depends on T and on what the reader chose to see.
    """
    shown = columns(rec.steps)
    total = rec.layers[0].total
    logs = rec.layers[0].log10_abs("d_h")[:, sequence]
    is_far = total.is_far_below("d_h")[:, sequence]
    is_zero = np.isneginf(logs)
    is_zero[rec.last_loss_step + 1 :] = False  # behind the last loss there is nothing to be 0
    z = largest_of(np.where(is_far, -np.inf, logs), shown).T
    numbers = written(z)
    places, texts = ticks(shown_decades, most=5)
    value = "%{text:.1f}e%{customdata}"
    trace = heatmap(shown, np.where(np.isfinite(z), z, np.nan).astype(np.float32)) | {
        "colorscale": MAGNITUDE,
        "zmin": shown_decades.low,
        "zmax": shown_decades.high,
        "text": numbers.mantissa,
        "customdata": numbers.exponent,
        "hovertemplate": f"{where(shown)}<br>|∂L/∂h| = {value}<extra></extra>",
        "colorbar": {"tickvals": places, "ticktext": texts},
        "meta": {"reads": "log10", "name": "|∂L/∂h|"},
    }
    per_column = f", each column the largest of {shown.per_column} steps" * (shown.per_column > 1)
    title = f"<b>gradient |∂L/∂h<sub>t</sub>|</b> of each unit{per_column}"
    traces = [trace]
    far, zero = all_of(is_far | is_zero, shown) & ~all_of(is_zero, shown), all_of(is_zero, shown)
    for marks, area, text in (
        (zero, "zero-area", "exactly 0"),
        (far, "far-area", "more than 260 decades below its step’s largest"),
    ):
        if marks.any():
            traces.append(marked(shown, marks.T, colour(area), text))
            title += f"   {key('■', colour(area), '')}{text}"
    return Panel(title, unit_axis(rec), traces)


def heatmap(shown: Columns, z: Array) -> dict[str, Any]:
    """Return a heatmap of units (rows) by columns of steps, before it has its colours."""
    return {
        "type": "heatmap",
        "x": shown.edges,
        "y0": 1,
        "dy": 1,
        "z": np.ascontiguousarray(z),
        "hoverongaps": False,
    }


def marked(shown: Columns, marks: BoolArray, area: str, text: str) -> Part:
    """Return a heatmap of one colour where `marks` (H, columns) says so."""
    z = np.where(marks, np.float32(1.0), np.float32(np.nan)).astype(np.float32)
    return heatmap(shown, z) | {
        "colorscale": [[0.0, area], [1.0, area]],
        "zmin": 0.0,
        "zmax": 1.0,
        "showscale": False,
        "hovertemplate": f"{where(shown)}<br>{text}<extra></extra>",
    }


def where(shown: Columns) -> str:
    """Return the first line of a hover: which step, which unit."""
    steps = "step %{x}" if shown.per_column == 1 else f"{shown.per_column} steps around %{{x:.0f}}"
    return f"{steps}, unit %{{y}}"


def unit_axis(rec: Recording) -> Part:
    """Return the y axis of units 1..H."""
    size = rec.network.hidden_size
    return {
        "range": [0.5, size + 0.5],
        "tickvals": sorted({1, size}),
        "ticktext": ["unit 1"] if size == 1 else ["unit 1", f"{size}"],
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": SMALL},
    }


def of_sequence(rec: Recording, sequence: int) -> str:
    """Return which sequence a title speaks of, where there are several."""
    count = rec.x.shape[1]
    return f", sequence {sequence + 1} of {count}" if count > 1 else ""
