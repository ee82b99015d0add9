"""Do LSTM and GRU solve it? Three cells on one input, and the road that a gradient takes."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from app import address, controls, engine, link, presets, tables
from app.components.live_figure import live_figure
from app.components.parcel import Picture
from app.figures.gating import drawing
from app.other_cell import with_cell
from app.sentences import gating, protocol
from app.sentences.typeset import for_html, for_markdown
from app.views import choices
from rnn_core.analysis.defaults import Default, measure_defaults
from rnn_core.analysis.roads import Roads, roads

TITLE: Final = "Gating"

QUESTIONS: Final = (
    "Does an LSTM, as it is initialised, remember further than a plain net?",
    "Is its gradient the product of its forget gates?",
    "Which forget bias makes the gradient arrive?",
    "Can an LSTM explode?",
)

_CELLS: Final = ("rnn", "gru", "lstm")


class _Run(NamedTuple):
    recordings: Mapping[str, rc.Recording]
    cell: str
    found: Roads | None
    note: str

    @property
    def recording(self) -> rc.Recording:
        return self.recordings[self.cell]


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("lesson.css"))
    controls.sidebar()
    claim, progress = st.empty(), st.empty()
    slider, named = st.columns([0.26, 0.74], vertical_alignment="center")
    with slider:
        controls.weight_scale()
    with named:
        choices.draw(presets.GATING)
    with progress, st.spinner("Backpropagating through three cells"):
        settings = link.shown()
        run = _run(settings)
    words = _words(run)
    claim.html(
        f"<h1 class='claim'>{words['claim']}</h1><p class='protocol'>{words['protocol']}</p>"
    )
    live_figure(
        _picture(run, settings),
        key="gating",
        follow=controls.under_way(),
        step=link.step(run.recording.steps),
        on_pin=link.pin_step,
    )
    with st.container(key="reading"):
        _reading(run)
    with st.container(key="defaults"):
        _defaults()


def picture(settings: Mapping[str, Any]) -> Picture:
    """Draw the picture of some settings, with the words above it."""
    return _picture(_run(settings), settings)


def _run(settings: Mapping[str, Any]) -> _Run:
    runs = {cell: engine.recording(with_cell(settings, cell)) for cell in _CELLS}
    recordings = {cell: run.recording for cell, run in runs.items()}
    cell = settings["cell"] if settings["cell"] != "rnn" else "lstm"
    return _Run(recordings, cell, roads(recordings[cell]), runs[cell].note or "")


def _picture(run: _Run, settings: Mapping[str, Any]) -> Picture:
    return Picture(
        drawing(run.recordings, run.cell, run.found, sequence=settings["sequence"] - 1),
        run=address.run_name(settings, run.recordings[settings["cell"]].fingerprint),
        alt=gating.alt_text(run.recording, run.found, run.recordings),
        says={f".{name}": words for name, words in _words(run).items()},
    )


def _words(run: _Run) -> dict[str, str]:
    said = " ".join(filter(None, (protocol(run.recording), run.note)))
    return {
        "claim": for_html(gating.claim(run.recording, run.found)),
        "protocol": for_html(said),
    }


def _reading(run: _Run) -> None:
    rec, found = run.recording, run.found
    st.markdown(for_markdown(gating.equation(rec, found)))
    st.html(f"<p>{for_html(gating.side_by_side(run.recordings))}</p>")
    st.html(f"<p><b>What to notice.</b> {for_html(gating.notice(rec, found))}</p>")
    for belief in gating.beliefs(run.recordings, rec, found):
        st.html(
            f"<p>You may have read: {for_html(belief.read)} "
            f"<b>Look:</b> {for_html(belief.look)}.</p>"
        )
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        st.markdown("**Questions to ask this page**\n\n" + "\n".join(f"- {q}" for q in QUESTIONS))
    with right:
        st.markdown("**From the loss back**, log10 of each size")
        st.table(tables.gating_table(run.recordings))
        st.download_button(
            "Download every step as CSV",
            data=lambda: tables.gating_csv(run.recordings, run.cell, found),
            file_name=f"gating-{rec.fingerprint}.csv",
            mime="text/csv",
            key="csv",
            on_click="ignore",
        )


def _defaults() -> None:
    st.markdown(
        "**As they come.** Decades per step of dL/dh, mean ± standard deviation over 20 nets "
        "(100 steps, 32 units, 8 features of unit noise); whatever the controls say."
    )
    st.table(tables.defaults_table(_measured()))


@cache
def _measured() -> tuple[Default, ...]:
    return measure_defaults()
