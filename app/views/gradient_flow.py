"""The first page: what becomes of the gradient on its way back from the loss."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

import rnn_core as rc
from app import address, controls, engine, link, presets, sentences
from app.components.live_figure import live_figure
from app.components.parcel import Picture, payload
from app.figures.gradient_flow import drawing
from app.offline import offline
from app.sentences.typeset import for_html, for_markdown
from app.views.anatomy import step_anatomy
from rnn_core.analysis.precision import PrecisionLoss

TITLE: Final = "Gradient flow"

QUESTIONS: Final = (
    "Does the loss at the last step still teach the weights anything about the first one?",
    "What happens if you double the weights, or halve the input?",
    "Which steps does the gradient of the weights come from?",
    "At which step would training in float16 have lost the gradient?",
)

QUESTION: Final = "What becomes of the gradient on its way back: does it vanish, hold or explode?"


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("lesson.css"))
    controls.sidebar()
    claim, progress = st.empty(), st.empty()
    _settings()
    with progress, st.spinner("Backpropagating through time"):
        run, a = engine.recording(link.config()), link.pinned()
    rec = run.recording
    claim.html(f'<h1 class="claim">{QUESTION}</h1>' if link.value("ask") else _heading(run))
    live_figure(
        picture(link.shown()),
        key="picture",
        follow=controls.under_way(),
        step=link.step(rec.steps),
        on_pin=link.pin_step,
        is_big=bool(link.value("big")),
    )
    if link.value("ask"):
        controls.button("Show what happened", link.choose_shown, key="reveal", type="primary")
        return
    claim.html(_heading(run, engine.precision(link.config())))
    if rec.layers:
        step_anatomy(rec)
    with st.container(key="reading"):
        _reading(rec)
        if a is not None:
            _pinned(engine.recording(a).recording)


def picture(settings: Mapping[str, Any]) -> Picture:
    """Draw the picture of some settings, with the words above it; narrow floats are left out."""
    run = engine.recording(address.config_of(settings))
    rec, a = run.recording, settings["a"]
    if settings["ask"]:
        return _question(settings, rec)
    return Picture(
        drawing(
            rec,
            sequence=settings["sequence"] - 1,
            pinned=None if a is None else engine.recording(a).recording,
        ),
        run=address.run_name(settings, rec.fingerprint),
        alt=sentences.alt_text(rec),
        says={f".{name}": words for name, words in _words(run).items()},
    )


def _question(settings: Mapping[str, Any], rec: rc.Recording) -> Picture:
    """Draw what may be seen before the answer: the states, and no gradient."""
    drawn = drawing(rec, sequence=settings["sequence"] - 1)
    layout = drawn["layout"]
    top = [part for part in layout["annotations"] if part["yref"] == "paper"][:1]
    states = [trace for trace in drawn["data"] if trace.get("yaxis") == "y"]
    return Picture(
        {"data": states, "layout": layout | {"annotations": top, "shapes": []}},
        run=address.run_name(settings, rec.fingerprint),
        alt=f"{QUESTION} Hidden states over steps 1 to {rec.steps}; the gradient is not shown yet.",
        says={".claim": for_html(QUESTION)},
    )


def _heading(run: engine.Run, precision: Mapping[str, PrecisionLoss] | None = None) -> str:
    words = _words(run, precision)
    return f'<h1 class="claim">{words["claim"]}</h1><p class="protocol">{words["protocol"]}</p>'


def _words(run: engine.Run, precision: Mapping[str, PrecisionLoss] | None = None) -> dict[str, str]:
    """Return the sentences above the picture as HTML, by the class of their place."""
    protocol = " ".join([sentences.protocol(run.recording), *([run.note] if run.note else [])])
    return {
        "claim": for_html(sentences.claim(run.recording, precision)),
        "protocol": for_html(protocol),
    }


def warm_up() -> None:
    """Record and draw the default run once, before the first reader comes."""
    payload(picture(address.DEFAULTS), key="picture")


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


def _take_home(rec: rc.Recording) -> None:
    settings = link.shown()
    st.download_button(
        "Download as one HTML file",
        data=lambda: offline(picture, settings),
        file_name=f"gradient-flow-{rec.fingerprint}.html",
        mime="text/html",
        key="offline",
        help="With a slider of weight scales inside; it needs no network.",
        on_click="ignore",
    )


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
        _take_home(rec)
        if st.button("Check this run", key="check-run"):
            with st.spinner("Running the network forward, again and again"):
                st.html(f'<p role="status">{for_html(sentences.check(rec))}</p>')
