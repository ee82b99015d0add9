"""The page of saturation alone, as its entry in the menu runs it; the tests open it."""

import streamlit as st

from app import link
from app.views import saturation

link.adopt("saturation")
for sentence in link.complaints():
    st.warning(sentence)
saturation.render()
link.write()
