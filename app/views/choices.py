"""Presets on a page, side by side under the label of what is changed between them."""

from collections.abc import Sequence

import streamlit as st

from app import controls, link
from app.presets import Choice


def draw(choices: Sequence[Choice]) -> None:
    """Draw a button for every preset; the one on the page is framed."""
    with st.container(horizontal=True, gap="xsmall", key="presets", vertical_alignment="center"):
        for choice in choices:
            st.markdown(f"{choice.label}", width="content")
            for preset in choice.presets:
                controls.button(
                    preset.name,
                    link.restart,
                    preset.settings,
                    key=preset.key,
                    help=preset.lesson,
                    type="primary" if preset.is_run_by(link.config()) else "secondary",
                )
