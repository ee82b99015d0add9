"""What a reader takes home from a page: every step as CSV, one HTML file, and the run as code."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from app import engine, tables
from app.components.parcel import Picture
from app.offline import Dial, offline
from app.snippets import in_pytorch, in_rnn_core
from rnn_core import ExperimentConfig, Recording

_HOME: Final = {"picture": "gradient-flow"}
"""What the files of a picture are called, where it is not the picture's own key."""


def draw(
    key: str,
    frame: Callable[[Mapping[str, Any]], pd.DataFrame | None],
    picture: Callable[[Mapping[str, Any]], Picture],
    rec: Recording,
    settings: Mapping[str, Any],
    *,
    fingerprint: str,
    dial: Dial,
    more: Callable[[str], str] | None = None,
) -> None:
    """Draw the buttons and the code.

    Parameters
    ----------
    key : of the page's picture.
    frame : from settings to every step with every digit; None where there are no steps.
    picture : from settings to their picture.
    rec : the run that the code reproduces.
    fingerprint : of everything in the picture.
    dial : the setting whose values the HTML file holds.
    more : in a language ("rnn_core" or "pytorch"), what a script has below the run itself.
    """
    name = f"{_HOME.get(key, key)}-{fingerprint}"
    st.markdown("**Take it home**")
    with st.container(horizontal=True, gap="small", key="take-home"):
        if rec.layers:
            csv(frame, settings, fingerprint, name=name)
        st.download_button(
            "Download as one HTML file",
            data=lambda: offline(picture, settings, dial),
            file_name=f"{name}.html",
            mime="text/html",
            key="offline",
            help=f"With a slider inside ({dial.label.lower()}); it needs no network.",
            on_click="ignore",
        )
        for language, label, write in (
            ("rnn_core", "rnn_core script", in_rnn_core),
            ("pytorch", "PyTorch script", in_pytorch),
        ):
            if rec.layers and rec.config is not None:
                st.download_button(
                    label,
                    # made when asked for: other files would be looked for
                    data=partial(_script, write, rec.config, language, more),
                    file_name=f"{name}-{language}.py",
                    mime="text/x-python",
                    key=f"script-{language}",
                    help="Records this run again.",
                    on_click="ignore",
                )


def _script(
    write: Callable[[Recording], str],
    config: ExperimentConfig,  # a recording would live as long as the session: 20 MB a reader
    language: str,
    more: Callable[[str], str] | None,
) -> str:
    rec = engine.recording(config).recording
    return write(rec) + ("" if more is None else more(language))


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
