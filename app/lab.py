"""Page config and navigation; nothing else. Streamlit runs this file for every reader."""

from pathlib import Path

import streamlit as st

from app import link
from app.components.plain import plain
from app.turns import PICTURE, TURNS
from app.views import clipping, gating, gradient_flow, numbers, saturation, weight_scale

PAGES = {
    "": gradient_flow,
    "saturation": saturation,
    "weight-scale": weight_scale,
    "gating": gating,
    "clipping": clipping,
    "numbers": numbers,
}

IS_BIG = st.query_params.get("big") == "1"

st.set_page_config(
    page_icon="📉",
    layout="wide",
    initial_sidebar_state="collapsed" if IS_BIG or st.context.is_embedded else "auto",
)
st.html(Path(__file__).with_name("lab.css"))
if IS_BIG:
    st.html(Path(__file__).with_name("big.css"))
pages = [
    st.Page(view.render, title=view.TITLE, url_path=path, default=not path)
    for path, view in PAGES.items()
]
page = st.navigation(pages, position="hidden")
st.set_page_config(page_title=f"{page.title} – Gradient Flow Lab")
link.adopt(page.url_path)
with st.container(horizontal=True, key="menu"):
    for other in pages:
        st.page_link(other, query_params=link.query())
if complaints := link.complaints():
    st.warning("\n\n".join(map(plain, complaints)))
with TURNS.turn(PICTURE):
    page.run()
link.write()
if link.must_run_again():
    st.rerun()
