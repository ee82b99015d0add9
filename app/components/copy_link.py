"""A button that copies the address of this page with every setting in it."""

from importlib.resources import files
from typing import Final

import streamlit as st

_HERE: Final = files("app.components")

_component = st.components.v2.component(
    "gradient_flow_lab.copy_link",
    html="""
        <button type="button">Copy link</button>
        <label hidden>Copy it from here <input type="text" readonly></label>
        <span role="status"></span>
    """,
    css=_HERE.joinpath("copy_link.css").read_text("utf-8"),
    js=_HERE.joinpath("copy_link.js").read_text("utf-8"),
)


def copy_link(query: str | None, *, key: str) -> None:
    """Draw the button; where the browser has no clipboard for us, a field to copy from appears.

    Parameters
    ----------
    query : what follows the question mark; None if it is too long for a link.
    key : name of the button; its box has the class `st-key-<key>`.
    """
    _component(data={"query": query}, key=key)
