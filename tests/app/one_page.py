"""One page alone, as its entry in the menu runs it; the session says which."""

from importlib import import_module

import streamlit as st

from app import link

name = st.session_state.get("the page", "numbers")
link.adopt(name)
for sentence in link.complaints():
    st.warning(sentence)
import_module(f"app.views.{name}").render()
link.write()
if link.must_run_again():
    st.rerun()
