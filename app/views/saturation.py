"""Does saturation kill the gradient? Who pulls harder, the slopes or the weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from app import address, controls, engine, link, presets, tables
from app.components.live_figure import live_figure
from app.components.parcel import Picture
from app.figures.saturation import drawing
from app.other_cell import with_cell
from app.sentences import protocol, saturation
from app.sentences.typeset import for_html, for_markdown
from app.views import choices
from rnn_core.analysis import saturation as measured

TITLE: Final = "Saturation"

QUESTIONS: Final = (
    "Does saturation kill the gradient?",
    "Who wins the tug of war, and does the number of units change it?",
    "Does it matter what saturates the units: their own weights or their inputs?",
    "Can a unit whose slope is 0 ever come back?",
)

_OTHER_CELL: Final = "Gates have a page of their own: shown is the plain net of these settings."


class _Run(NamedTuple):
    recording: rc.Recording
    found: measured.Saturation | None
    note: str


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("lesson.css"))
    controls.sidebar()
    claim, progress = st.empty(), st.empty()
    slider, named = st.columns([0.26, 0.74], vertical_alignment="center")
    with slider:
        controls.weight_scale()
    with named:
        choices.draw(presets.SATURATION)
    with progress, st.spinner("Backpropagating through time"):
        settings = link.shown()
        run = _run(settings)
    claim.html(
        "".join(
            f"<{tag} class='{name}'>{text}</{tag}>"
            for (name, text), tag in zip(_words(run).items(), ("h1", "p"), strict=True)
        )
    )
    rec = run.recording
    live_figure(
        _picture(run, settings),
        key="saturation",
        follow=controls.under_way(),
        step=link.step(rec.steps),
        on_pin=link.pin_step,
    )
    with st.container(key="reading"):
        _reading(run)


def picture(settings: Mapping[str, Any]) -> Picture:
    """Draw the picture of some settings, with the words above it."""
    return _picture(_run(settings), settings)


def _run(settings: Mapping[str, Any]) -> _Run:
    is_plain = settings["cell"] == "rnn"
    run = engine.recording(with_cell(settings, "rnn"))
    notes = [*([] if is_plain else [_OTHER_CELL]), *([run.note] if run.note else [])]
    return _Run(run.recording, measured.saturation(run.recording), " ".join(notes))


def _picture(run: _Run, settings: Mapping[str, Any]) -> Picture:
    return Picture(
        drawing(
            run.recording,
            run.found,
            sequence=settings["sequence"] - 1,
            pinned=_pinned(settings["a"]),
        ),
        run=address.run_name(settings, run.recording.fingerprint),
        alt=saturation.alt_text(run.recording, run.found),
        says={f".{name}": words for name, words in _words(run).items()},
    )


def _pinned(a: rc.ExperimentConfig | None) -> tuple[rc.Recording, measured.Saturation] | None:
    if a is None:
        return None
    rec = engine.recording(with_cell(vars(a), "rnn")).recording
    found = measured.saturation(rec)
    return None if found is None else (rec, found)


def _words(run: _Run) -> dict[str, str]:
    said = " ".join([protocol(run.recording), *([run.note] if run.note else [])])
    return {
        "claim": for_html(saturation.claim(run.recording, run.found)),
        "protocol": for_html(said),
    }


def _reading(run: _Run) -> None:
    rec, found = run.recording, run.found
    st.markdown(for_markdown(saturation.equation(found)))
    st.html(f"<p><b>What to notice.</b> {for_html(saturation.notice(rec, found))}</p>")
    for belief in saturation.beliefs(rec, found):
        st.html(
            f"<p>You may have read: {for_html(belief.read)} "
            f"<b>Look:</b> {for_html(belief.look)}.</p>"
        )
    left, right = st.columns([0.55, 0.45], gap="large")
    with left:
        st.markdown("**Questions to ask this page**\n\n" + "\n".join(f"- {q}" for q in QUESTIONS))
    with right:
        if found is None:
            return
        st.markdown("**From the loss back**")
        st.table(tables.saturation_table(rec, found))
        st.download_button(
            "Download every step as CSV",
            data=lambda: tables.saturation_csv(rec, found),
            file_name=f"saturation-{rec.fingerprint}.csv",
            mime="text/csv",
            key="csv",
            on_click="ignore",
        )
