"""The map of the one-unit cliff: its error over (w, b), levels, and the exact wall."""

from functools import lru_cache
from typing import Final

import numpy as np

from app.figures import theme
from app.figures.panel import Part
from app.figures.theme import SMALL
from rnn_core.arrays import Array
from rnn_core.theory.cliff import cliff, wall, wall_begins

W: Final = (4.0, 5.6)
B: Final = (-3.0, -1.9)
"""What is drawn of the plane, and where a descent may start."""

_COLUMNS, _ROWS = 161, 111
_EVERY: Final = 2
_MOST: Final = 0.49
"""The largest error there can be: a sigmoid at 0, a target of 0.7."""

MAP_ENDS: Final = 0.455
"""Where the map ends, as a part of the width of the picture."""


@lru_cache(maxsize=32)
def surface(steps: int) -> Array:
    """Return E (rows of b, columns of w) as the map draws it."""
    w, b = np.linspace(*W, _COLUMNS), np.linspace(*B, _ROWS)
    return cliff(w[None, :], b[:, None], steps=steps).loss


def error_map(steps: int) -> list[Part]:
    """Return the error as colours, and lines of equal error from every second point.

    A contour that Plotly fills takes five times as long to paint.
    """
    z = surface(steps).astype(np.float32)
    place = {"x0": W[0], "y0": B[0], "xaxis": "x", "yaxis": "y", "zmin": 0.0, "zmax": _MOST}
    across, up = (W[1] - W[0]) / (_COLUMNS - 1), (B[1] - B[0]) / (_ROWS - 1)
    colours: Part = {
        "type": "heatmap",
        "dx": across,
        "dy": up,
        "z": z,
        "colorscale": theme.MAGNITUDE,
        "colorbar": {
            "x": MAP_ENDS,
            "xpad": 6,
            "thickness": 12,
            "y": 0.5,
            "len": 1.0,
            "lenmode": "fraction",
            "outlinewidth": 0,
            "tickvals": [0.0, 0.1, 0.2, 0.3, 0.4],
            "tickfont": {"size": SMALL},
            "ypad": 0,
        },
        "hovertemplate": "w %{x:.3f}, b %{y:.3f}<br>error E %{z:.4f}<extra></extra>",
        "name": "error",
    }
    lines: Part = {
        "type": "contour",
        "dx": _EVERY * across,
        "dy": _EVERY * up,
        "z": np.ascontiguousarray(z[::_EVERY, ::_EVERY]),
        "showscale": False,
        "contours": {"coloring": "none", "start": 0.04, "end": 0.48, "size": 0.04},
        "line": {"width": 0.7, "color": "rgba(255, 255, 255, 0.45)"},
        "hoverinfo": "skip",
        "name": "levels",
    }
    return [colours | place, lines | place]


def wall_line(steps: int) -> list[Part]:
    """Return the line on which x stays at x_0; with one step there is none."""
    if steps == 1:
        return []
    w = np.array([wall_begins(), W[1]])
    line = {"type": "scatter", "mode": "lines", "x": w, "y": wall(w), "hoverinfo": "skip"}
    line |= {"yaxis": "y"}
    return [
        line | {"line": {"color": "#000000", "width": 3.5}, "name": "casing"},
        line | {"line": {"color": "#ffffff", "width": 1.5, "dash": "dash"}, "name": "wall"},
    ]
