"""The smallest page with a slider and a chart: what Streamlit itself needs to draw one."""

import plotly.graph_objects as go
import streamlit as st

value = st.slider("value", 0, 400, 100, key="value")
figure = go.Figure(go.Scatter(y=[value, 0, value]), {"title": {"text": f"value {value}"}})
st.plotly_chart(figure, key="chart")
