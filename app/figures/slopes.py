"""Units by time: the slope of the activation where each unit stands."""

from typing import Final

import numpy as np

from app.figures.columns import all_of, columns, largest_of
from app.figures.decades import written
from app.figures.heatmaps import heatmap, marked, of_sequence, unit_axis, where
from app.figures.panel import Panel, key
from app.figures.theme import MAGNITUDE, colour
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.scaled import log10_of

LOW: Final = -4.0
"""log10 of the slope at which the colours end: 1/10,000, a tanh at |a| = 5.3."""


def slopes(rec: Recording, *, sequence: int = 0) -> Panel:
    """Draw phi'(a_t) of every unit of one sequence; a slope of exactly 0 has its own colour.

    The domain is fixed, from 10^-4 to 1, the largest slope of tanh, ReLU and linear units.
    """
    shown = columns(rec.steps)
    phi = ACTIVATIONS[rec.network.activation]
    logs = log10_of(phi.slope(np.array(rec.layers[0].a[:, sequence])))
    is_zero = np.isneginf(logs)
    z = largest_of(logs, shown).T
    numbers = written(z)
    trace = heatmap(shown, np.where(np.isfinite(z), z, np.nan).astype(np.float32)) | {
        "colorscale": MAGNITUDE,
        "zmin": LOW,
        "zmax": 0.0,
        "text": numbers.mantissa,
        "customdata": numbers.exponent,
        "hovertemplate": f"{where(shown)}<br>φ′ = %{{text:.1f}}e%{{customdata}}<extra></extra>",
        "colorbar": {
            "tickvals": [-4, -2, 0],
            "ticktext": ["10<sup>−4</sup>", "0.01", "1"],
        },
        "meta": {"reads": "log10", "name": "φ′"},
    }
    per_column = f", each column the largest of {shown.per_column} steps" * (shown.per_column > 1)
    title = f"<b>slope φ′(a<sub>t</sub>)</b> of each unit{of_sequence(rec, sequence)}{per_column}"
    traces = [trace]
    zero = all_of(is_zero, shown)
    if zero.any():
        traces.append(marked(shown, zero.T, colour("zero-area"), "exactly 0"))
        title += f"   {key('■', colour('zero-area'), '')}exactly 0"
    return Panel(title, unit_axis(rec), traces)
