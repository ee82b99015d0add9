"""The first page: how large the gradient is, at every step back from the loss."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st

import rnn_core as rc
from app import controls, engine, link
from app.components.live_figure import live_figure
from app.components.plain import plain

TITLE: Final = "Gradient flow"


def render() -> None:
    """Draw the page."""
    controls.sidebar()
    controls.weight_scale()
    run = engine.recording(link.config())
    if run.note:
        st.info(plain(run.note))
    live_figure(
        picture(run.recording),
        key="picture",
        run=link.run_name(run.recording.fingerprint),
        alt="log10 of the norm of the gradient of the loss, step by step",
    )


def picture(found: rc.Recording) -> go.Figure:
    """Draw log10 |dL/dh_t|, one line per sequence."""
    norms = found.layers[0].log10_norms("d_h") if found.layers else np.empty((0, 0))
    return go.Figure(
        [go.Scatter(y=one, mode="lines", line_color="var(--st-blue-color)") for one in norms.T],
        go.Layout(
            template="none",
            showlegend=False,
            font_color="var(--st-text-color)",
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
        ),
    )


def warm_up() -> None:
    """Record and draw the default run once, before the first reader comes."""
    picture(engine.recording(rc.ExperimentConfig()).recording)
