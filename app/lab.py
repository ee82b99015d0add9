"""Page config and navigation; nothing else. Streamlit runs this file for every reader."""

from pathlib import Path

import streamlit as st

from app import link
from app.components.plain import plain
from app.views import gradient_flow

PAGES = {"": gradient_flow}

st.set_page_config(page_title="Gradient Flow Lab", page_icon="📉", layout="wide")
st.html(Path(__file__).with_name("lab.css"))
page = st.navigation(
    [
        st.Page(view.render, title=view.TITLE, url_path=path, default=not path)
        for path, view in PAGES.items()
    ],
    position="top",
)
link.adopt(page.url_path)
for sentence in link.complaints():
    st.warning(plain(sentence))
page.run()
link.write()
if link.must_run_again():
    st.rerun()
