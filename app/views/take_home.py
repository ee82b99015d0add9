"""What a reader takes home from a page: every step as CSV, one HTML file, and the run as code."""

from collections.abc import Callable, Mapping
from functools import partial
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
    frame: Callable[[Mapping[str, Any]], pd.DataFrame | None],
    picture: Callable[[Mapping[str, Any]], Picture],
    rec: Recording,
    settings: Mapping[str, Any],
) -> None:
    """Draw the buttons and the code.

    Parameters
    ----------
    key : of the page's picture.
    frame : from settings to every step with every digit; None where there are no steps.
    picture : from settings to their picture.
    rec : the run that the code reproduces.
    """
    name = f"{_HOME.get(key, key)}-{rec.fingerprint}"
    st.markdown("**Take it home**")
    with st.container(horizontal=True, gap="small", key="take-home"):
        if rec.layers:
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
                    data=partial(
                        write, rec
                    ),  # made when asked for: other files would be looked for
                    file_name=f"{name}-{language}.py",
                    mime="text/x-python",
                    key=f"script-{language}",
                    help="Records this run again.",
                    on_click="ignore",
                )


def csv(
    frame: Callable[[Mapping[str, Any]], pd.DataFrame | None],
    settings: Mapping[str, Any],
    fingerprint: str,
    *,
    name: str,
) -> None:
    """Draw the button for every step as CSV, with the settings in comment lines on top.

    The table is made on a click, and from settings: a session that kept a recording for its
    button would keep 20 MB.
    """

    def made() -> bytes:
        found = frame(settings)
        return b"" if found is None else tables.file_of(found, settings, fingerprint)

    st.download_button(
        "Download every step as CSV",
        data=made,
        file_name=f"{name}.csv",
        mime="text/csv",
        key="csv",
        help="Lines that begin with # hold the settings.",
        on_click="ignore",
    )
