"""The run in numbers: a table, every step as CSV, and what each number means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import address, controls, engine, link, sentences, tables
from app.sentences.definitions import DEFINITIONS
from app.sentences.typeset import for_html, for_label
from app.views import take_home

TITLE: Final = "Numbers"


def render() -> None:
    """Draw the page."""
    controls.sidebar()
    run = engine.recording(link.config())
    rec = run.recording
    protocol = " ".join([sentences.protocol(rec), *([run.note] if run.note else [])])
    st.html(Path(__file__).with_name("lesson.css"))
    st.html(
        f'<h1 class="claim">{for_html(sentences.claim(rec))}</h1>'
        f'<p class="protocol">{for_html(protocol)}</p>'
    )
    slider, _ = st.columns([0.26, 0.74])
    with slider:
        controls.weight_scale()
    if rec.layers:
        steps, whole = st.columns([0.6, 0.4], gap="large")
        with steps:
            st.header("From the loss back")
            st.table(tables.steps_table(rec).rename(columns=for_label))
            name = f"gradient-flow-{rec.fingerprint}"
            take_home.csv(_frame, link.shown(), rec.fingerprint, name=name)
        with whole:
            st.header("Of the whole run")
            st.table(tables.run_table(rec).rename(index=for_label))
            st.header("Where narrow floats fail")
            st.table(tables.precision_table(rec))
    st.header("What each number means")
    for one in DEFINITIONS:
        st.html(
            f"<p><b>{for_html(one.name)}</b>. {for_html(one.meaning)} "
            f"<i>Source: {for_html(one.source)}.</i></p>"
        )


def _frame(settings: Mapping[str, Any]) -> pd.DataFrame:
    return engine.recording(address.config_of(settings)).recording.to_frame()
