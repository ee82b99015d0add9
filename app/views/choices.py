"""Presets on a page, side by side under the label of what is changed between them, and run A."""

from collections.abc import Sequence

import streamlit as st

from app import controls, link
from app.preset import Choice, Preset


def draw(choices: Sequence[Choice]) -> None:
    """Draw a button for every preset; the one on the page is framed; and one that keeps a run."""
    with st.container(horizontal=True, gap="xsmall", key="presets", vertical_alignment="center"):
        for choice in choices:
            if choice.label:
                st.markdown(f"{choice.label}", width="content")
            for preset in choice.presets:
                controls.button(
                    preset.name,
                    link.restart,
                    preset.chosen,
                    key=preset.key,
                    help=preset.lesson,
                    type="primary" if _is_shown(preset) else "secondary",
                )
        _pin()


def _is_shown(preset: Preset) -> bool:
    page = preset.page.items()
    return preset.is_run_by(link.config()) and all(link.value(name) == one for name, one in page)


def _pin() -> None:
    if link.pinned() is None:
        controls.button("Pin as A", link.pin, key="pin", help="Keeps this run to compare.")
    else:
        controls.button("Unpin A", link.unpin, key="unpin")
