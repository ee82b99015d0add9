"""Units by time: the sigmoid gates of a gated cell."""

import numpy as np

from app.figures.columns import columns, mean_of
from app.figures.heatmaps import heatmap, of_sequence, unit_axis, where
from app.figures.panel import Panel
from app.figures.theme import MAGNITUDE
from rnn_core import Recording

_NAMES = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z (1 keeps)",
}


def gate_maps(rec: Recording, *, sequence: int = 0) -> list[Panel]:
    """Draw every sigmoid gate of one sequence, one panel each, all from 0 (shut) to 1 (open)."""
    shown = columns(rec.steps)
    per_column = f", each column the mean of {shown.per_column} steps" * (shown.per_column > 1)
    panels: list[Panel] = []
    for name, values in rec.layers[0].gates.items():
        if name not in _NAMES:
            continue
        trace = heatmap(shown, mean_of(values[:, sequence], shown).T.astype(np.float32)) | {
            "colorscale": MAGNITUDE,
            "zmin": 0.0,
            "zmax": 1.0,
            "hovertemplate": f"{where(shown)}<br>{name} = %{{z:.3f}}<extra></extra>",
            "colorbar": {"tickvals": [0, 0.5, 1], "ticktext": ["0", "½", "1"]},
            "meta": {"reads": "state", "name": name},
        }
        of = of_sequence(rec, sequence) if not panels else ""
        panels.append(Panel(f"<b>{_NAMES[name]}</b>{of}{per_column}", unit_axis(rec), [trace]))
    return panels
