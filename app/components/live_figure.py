"""One Plotly chart that stays alive: new data repaints it, nothing is mounted anew.

Streamlit's own chart is replaced at every change of its data, and zoom and focus go with it. This
one keeps its node: the browser calls `Plotly.react` on it and counts what it has painted.
"""

import json
from importlib.resources import files
from typing import Final

import plotly.graph_objects as go
import streamlit as st

from app.components import plotly_js

_HERE: Final = files("app.components")

_component = st.components.v2.component(
    "gradient_flow_lab.live_figure",
    html='<div class="lab-figure" role="img"></div>',
    css=_HERE.joinpath("live_figure.css").read_text("utf-8"),
    js=_HERE.joinpath("live_figure.js").read_text("utf-8"),
    isolate_styles=False,  # Plotly writes its style sheet into the page's head
)


def live_figure(fig: go.Figure, *, key: str, run: str, alt: str) -> None:
    """Paint `fig` into the chart named `key`.

    Colours may be written as CSS variables, which the browser resolves at every paint, also when
    the reader switches between light and dark: `var(--st-text-color)` and the other colours of
    Streamlit's theme, or a name of one's own, `var(--lab-gradient)`, declared in the figure's
    template as `layout.meta = {"palette": {"--lab-gradient": [light, dark]}}`.

    Without `layout.height` the chart fills what the window leaves below the controls. A zoom
    survives as long as `layout.uirevision` does (default: `key`, so for ever).

    Parameters
    ----------
    fig : an ordinary figure; arrays travel as typed arrays.
    key : name of the chart; its box has the class `st-key-<key>`.
    run : what is painted (`link.run_name`); stands in `data-run` as soon as the paint is done.
    alt : the picture in words, for a reader who does not see it.
    """
    _component(data=payload(fig, key=key, run=run, alt=alt), key=key)


def payload(fig: go.Figure, *, key: str, run: str, alt: str) -> bytes:
    """Return what travels to the browser: bytes, since text would be encoded twice and hashed."""
    around = json.dumps({"src": plotly_js.PATH, "key": key, "run": run, "alt": alt})
    return f'{around[:-1]}, "figure": {fig.to_json(validate=False)}}}'.encode()
