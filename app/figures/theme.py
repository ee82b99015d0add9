"""Every colour, the fonts and the one template of all figures.

A colour is a CSS variable, `var(--lab-run)`: the live figure resolves it in the browser from the
palette in the template, at every paint, so that a picture follows the switch from light to dark.
"""

from typing import Final

import plotly.graph_objects as go
import plotly.io as pio

TEMPLATE: Final = "gradient_flow_lab"

PALETTE: Final[dict[str, tuple[str, str]]] = {
    # name: (on light, on dark); each text colour has a contrast of 4.5 or more. The bright ones are
    # for lines over a map, whose colours are the same on both.
    "--lab-run": ("#b5400a", "#ff9b52"),
    "--lab-run-band": ("rgba(181, 64, 10, 0.22)", "rgba(255, 155, 82, 0.28)"),
    "--lab-a": ("#00705a", "#35d0a8"),
    "--lab-run-bright": ("#ff9b52", "#ff9b52"),
    "--lab-a-bright": ("#4ff0c4", "#4ff0c4"),
    "--lab-clipped": ("#6b4fa0", "#b9a2ee"),
    "--lab-clipped-bright": ("#d3bcff", "#d3bcff"),
    "--lab-bound": ("#6b4fa0", "#b9a2ee"),
    "--lab-floor": ("#5a6472", "#a9b3c1"),
    "--lab-share": ("#1f5fbf", "#6cabff"),
    "--lab-exit-1": ("#86660a", "#e3c04d"),
    "--lab-exit-2": ("#6b4fa0", "#b9a2ee"),
    "--lab-exit-3": ("#c2153d", "#ff8a94"),
    "--lab-exit-4": ("#00788c", "#5ad6ea"),
    "--lab-share-area": ("rgba(31, 95, 191, 0.55)", "rgba(108, 171, 255, 0.55)"),
    "--lab-zero": ("#8d2f78", "#f08fd4"),
    "--lab-zero-area": ("#d9a3cc", "#6d3a60"),
    "--lab-zero-soft": ("rgba(141, 47, 120, 0.16)", "rgba(240, 143, 212, 0.20)"),
    "--lab-far-area": ("#e6d3b0", "#55482e"),
    "--lab-no-run-area": ("rgba(120, 120, 130, 0.16)", "rgba(160, 160, 175, 0.18)"),
    "--lab-ink-soft": ("rgba(60, 66, 80, 0.20)", "rgba(220, 225, 235, 0.24)"),
    "--lab-share-band": ("rgba(31, 95, 191, 0.18)", "rgba(108, 171, 255, 0.24)"),
    "--lab-a-band": ("rgba(0, 112, 90, 0.18)", "rgba(53, 208, 168, 0.24)"),
    "--lab-grid": ("rgba(80, 90, 105, 0.18)", "rgba(200, 210, 225, 0.16)"),
    "--lab-h-minus-2": ("#8c0d25", "#ff7a6b"),
    "--lab-h-minus-1": ("#e58368", "#a83f3a"),
    "--lab-h-zero": ("#f6f5f4", "#20242c"),
    "--lab-h-plus-1": ("#6fb0d6", "#2f6aa3"),
    "--lab-h-plus-2": ("#0b3d7a", "#78c4ff"),
}
"""Colours of our own; what is left is `var(--st-text-color)` and other colours of the page."""


def colour(name: str) -> str:
    """Return the CSS variable of a colour of the palette.

    >>> colour("run")
    'var(--lab-run)'
    """
    variable = f"--lab-{name}"
    if variable not in PALETTE:
        raise KeyError(variable)
    return f"var({variable})"


INK: Final = "var(--st-text-color)"
CLEAR: Final = "rgba(0, 0, 0, 0)"

SIGNED: Final = [
    [0.0, colour("h-minus-2")],
    [0.25, colour("h-minus-1")],
    [0.5, colour("h-zero")],
    [0.75, colour("h-plus-1")],
    [1.0, colour("h-plus-2")],
]
"""Diverging around 0, red to blue; 0 has nearly the colour of the page."""

MAGNITUDE: Final = "Cividis"
"""Sequential, and the same to a colour-blind reader; yellow is large."""

FONT_SIZE: Final = 15
SMALL: Final = 14
"""px: what the last row of a classroom can read."""

pio.templates[TEMPLATE] = go.layout.Template(
    layout={
        "meta": {"palette": PALETTE},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {
            "family": "var(--st-font)",
            "size": SMALL,
            "color": INK,
        },
        "hoverlabel": {
            "font": {"family": "var(--st-font)", "size": FONT_SIZE, "color": INK},
            "bgcolor": "var(--st-secondary-background-color)",
            "bordercolor": INK,
            "align": "left",
        },
        "hovermode": "closest",
        "showlegend": False,
        "dragmode": "zoom",
        "annotationdefaults": {"showarrow": False, "font": {"size": SMALL}},
    }
)
