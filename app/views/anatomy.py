"""The pinned step, opened below the picture."""

from typing import Any

import streamlit as st

from app import controls, link
from app.sentences.anatomy import anatomy_lines
from app.sentences.typeset import for_markdown
from rnn_core import Recording
from rnn_core.analysis.anatomy import anatomy


def step_anatomy(rec: Recording) -> None:
    """Draw the equations of the pinned step, where one is pinned."""
    pinned = link.step(rec.steps)
    if pinned is None:
        return
    sequence, unit = _inside(rec)
    found = anatomy(rec, pinned - 1, sequence=sequence - 1, unit=unit - 1)
    if found is None:
        return
    with st.container(key="anatomy", border=True):
        lines = anatomy_lines(rec, found, unit=unit, notation=link.value("notation"))
        st.markdown("\n\n".join(for_markdown(line) for line in lines))
        left, right = st.columns([0.3, 0.7], vertical_alignment="bottom")
        with left:
            controls.control("unit")
        with right:
            controls.control("notation")


def _inside(rec: Recording) -> tuple[int, Any]:
    _, sequences, size = rec.layers[0].h.shape
    return min(link.value("sequence"), sequences), min(link.value("unit"), size)
