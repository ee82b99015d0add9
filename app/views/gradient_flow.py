"""The first page: what becomes of the gradient on its way back from the loss."""

from pathlib import Path
from typing import Final

import streamlit as st

import rnn_core as rc
from app import controls, engine, link, presets, sentences
from app.components.live_figure import live_figure
from app.figures.gradient_flow import gradient_flow
from app.sentences.typeset import for_html, for_markdown
from rnn_core.analysis.precision import lost_precision

TITLE: Final = "Gradient flow"

QUESTIONS: Final = (
    "Does the loss at the last step still teach the weights anything about the first one?",
    "What happens if you double the weights, or halve the input?",
    "Which steps does the gradient of the weights come from?",
    "At which step would training in float16 have lost the gradient?",
)


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("lesson.css"))
    controls.sidebar()
    claim = st.empty()
    _settings()
    run, a = engine.recording(link.config()), link.pinned()
    rec = run.recording
    protocol = " ".join([sentences.protocol(rec), *([run.note] if run.note else [])])
    with claim.container(), st.spinner("Simulating narrow floats"):
        precision = lost_precision(rec)
        st.html(
            f'<h1 class="claim">{for_html(sentences.claim(rec, precision))}</h1>'
            f'<p class="protocol">{for_html(protocol)}</p>'
        )
    live_figure(
        gradient_flow(
            rec,
            sequence=link.value("sequence") - 1,
            pinned=None if a is None else engine.recording(a).recording,
        ),
        key="picture",
        run=link.run_name(rec.fingerprint),
        alt=sentences.alt_text(rec),
    )
    _reading(rec)
    if a is not None:
        _pinned(engine.recording(a).recording)


def warm_up() -> None:
    """Record and draw the default run once, before the first reader comes."""
    gradient_flow(engine.recording(rc.ExperimentConfig()).recording)


def _settings() -> None:
    slider, named = st.columns([0.26, 0.74], vertical_alignment="center")
    with slider:
        controls.weight_scale()
    with named, st.container(horizontal=True, gap="xsmall", key="presets"):
        for preset in presets.PRESETS:
            is_on = preset.is_run_by(link.config())
            st.button(
                preset.name,
                key=preset.key,
                help=preset.lesson,
                type="primary" if is_on else "secondary",
                on_click=link.restart,
                args=(preset.settings,),
            )
        if link.pinned() is None:
            st.button("Pin as A", key="pin", help="Keeps this run to compare.", on_click=link.pin)
        else:
            st.button("Unpin A", key="unpin", on_click=link.unpin)


def _pinned(a: rc.Recording) -> None:
    st.html(
        f"<p><b>Pinned run A.</b> {for_html(sentences.claim(a))} "
        f"{for_html(sentences.protocol(a))}</p>"
    )


def _reading(rec: rc.Recording) -> None:
    st.markdown(for_markdown(sentences.equation(rec)))
    st.html(f"<p><b>What to notice.</b> {for_html(sentences.notice(rec))}</p>")
    left, right = st.columns([0.62, 0.38])
    with left:
        st.markdown("**Questions to ask this page**\n\n" + "\n".join(f"- {q}" for q in QUESTIONS))
    with right:
        if st.button("Check this run", key="check-run"):
            with st.spinner("Running the network forward, again and again"):
                st.html(f'<p role="status">{for_html(sentences.check(rec))}</p>')
