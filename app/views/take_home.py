"""What a reader takes home from a page: every step as CSV, one HTML file, and the run as code."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import tables
from app.components.parcel import Picture
from app.offline import offline
from app.snippets import in_pytorch, in_rnn_core
from rnn_core import Recording

_HOME: Final = {"picture": "gradient-flow"}
"""What the files of a picture are called, where it is not the picture's own key."""


def draw(
    key: str,
    frame: pd.DataFrame | None,
    picture: Callable[[Mapping[str, Any]], Picture],
    rec: Recording,
    settings: Mapping[str, Any],
) -> None:
    """Draw the buttons and the code.

    Parameters
    ----------
    key : of the page's picture.
    frame : every step with every digit; None where there are none.
    picture : from settings to their picture.
    rec : the run that the code reproduces.
    """
    name = f"{_HOME.get(key, key)}-{rec.fingerprint}"
    st.markdown("**Take it home**")
    with st.container(horizontal=True, gap="small", key="take-home"):
        if frame is not None:
            csv(frame, settings, rec.fingerprint, name=name)
        st.download_button(
            "Download as one HTML file",
            data=lambda: offline(picture, settings),
            file_name=f"{name}.html",
            mime="text/html",
            key="offline",
            help="With a slider of weight scales inside; it needs no network.",
            on_click="ignore",
        )
        for language, label, write in (
            ("rnn_core", "rnn_core script", in_rnn_core),
            ("pytorch", "PyTorch script", in_pytorch),
        ):
            if rec.layers and rec.config is not None:
                st.download_button(
                    label,
                    data=write(rec),
                    file_name=f"{name}-{language}.py",
                    mime="text/x-python",
                    key=f"script-{language}",
                    help="Records this run again.",
                    on_click="ignore",
                )


def csv(frame: pd.DataFrame, settings: Mapping[str, Any], fingerprint: str, *, name: str) -> None:
    """Draw the button for every step as CSV, with the settings in comment lines on top."""
    st.download_button(
        "Download every step as CSV",
        data=lambda: tables.file_of(frame, settings, fingerprint),
        file_name=f"{name}.csv",
        mime="text/csv",
        key="csv",
        help="Lines that begin with # hold the settings.",
        on_click="ignore",
    )
