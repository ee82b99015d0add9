"""The page of gating alone, as its entry in the menu runs it; the tests open it."""

import streamlit as st

from app import link
from app.views import gating

link.adopt("gating")
for sentence in link.complaints():
    st.warning(sentence)
gating.render()
link.write()
