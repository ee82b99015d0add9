"""An empty component that echoes a slider's value, one in flight: the most that Streamlit can do.

Its slider is moved as the lab's is, since moving one costs the browser time as well.
"""

import streamlit as st

_component = st.components.v2.component(
    "benchmarks.echo",
    html='<div class="echo" data-painted="0">echo</div>',
    js="""
        export default function ({ data, parentElement, setTriggerValue }) {
          const node = parentElement.querySelector('.echo');
          node.dataset.painted = 1 + Number(node.dataset.painted);
          const offer = () => {
            const { value } = document.querySelector('.st-key-weight_scale input[type=range]');
            if (Number(value) === data.number) requestAnimationFrame(offer);
            else setTriggerValue('asked', Number(value));
          };
          offer();
        }
    """,
    isolate_styles=False,
)


@st.fragment
def echo() -> None:
    """Send back what the browser sent."""
    asked = st.session_state.get("echo", {}).get("asked")
    _component(data={"number": asked}, key="echo", on_asked_change=lambda: None)


st.slider("value", 0.0, 4.0, 1.0, 0.01, key="weight_scale")
echo()
