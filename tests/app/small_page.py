"""A page with every control and a report, smaller than any real one; the tests open it."""

import streamlit as st

from app import controls, link

st.session_state["runs"] = st.session_state.get("runs", 0) + 1
another_move = st.session_state.pop("another move", None)  # breaks off this run
link.adopt(st.session_state.get("the page", ""))
controls.weight_scale()
if another_move == "soon":
    st.stop()
controls.sidebar()
controls.button("huge", link.restart, {"weight_scale": 8.0}, key="huge")
st.button("too large", on_click=lambda: link.choose(steps=1000, hidden_size=512))
st.button("not allowed", on_click=lambda: link.choose(steps=0, cell="GRU"))
st.button("numbers", on_click=lambda: link.choose(weight_scale=3, steps=7))
st.button("leave", on_click=controls.leave, args=({"weight_scale": 2.004, "steps": 12},))
st.button("pin", on_click=link.pin)
st.button("unpin", on_click=link.unpin)
st.button("preset", on_click=lambda: link.restart({"cell": "gru", "steps": 50}))
st.button("long", on_click=lambda: link.choose(source="text", text="\N{GRINNING FACE}" * 999))
if another_move == "late":
    st.stop()
st.session_state["report"] = {
    "config": link.config(),
    "pinned": link.pinned(),
    "complaints": link.complaints(),
    "run": link.run_name("abc"),
    "query": link.query(),
    "full": link.full_address(),
}
link.write()
if link.must_run_again():
    st.rerun()
