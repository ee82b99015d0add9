"""The page of numbers alone, as its entry in the menu runs it; the tests open it."""

import streamlit as st

from app import link
from app.views import numbers

link.adopt("numbers")
for sentence in link.complaints():
    st.warning(sentence)
numbers.render()
link.write()
