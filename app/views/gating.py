"""Do LSTM and GRU solve it? Three cells on one input, and the road that a gradient takes."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from app import engine, presets, tables
from app.components.parcel import Picture
from app.figures.gating import drawing
from app.other_cell import with_cell
from app.sentences import gating
from app.views import lesson
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
    fingerprint: str

    @property
    def recording(self) -> rc.Recording:
        return self.recordings[self.cell]


def _run(settings: lesson.Settings) -> _Run:
    runs = {cell: engine.recording(with_cell(settings, cell)) for cell in _CELLS}
    recordings = {cell: run.recording for cell, run in runs.items()}
    cell = settings["cell"] if settings["cell"] != "rnn" else "lstm"
    named = recordings[settings["cell"]].fingerprint
    return _Run(recordings, cell, roads(recordings[cell]), runs[cell].note or "", named)


def _draw(run: _Run, a: _Run | None, settings: lesson.Settings) -> dict[str, Any]:
    return drawing(
        run.recordings,
        run.cell,
        run.found,
        sequence=settings["sequence"] - 1,
        pinned=None if a is None else a.recording,
        reach=float(settings["reach"]),
    )


def _reading(run: _Run) -> lesson.Reading:
    rec, found = run.recording, run.found
    return lesson.Reading(
        gating.equation(rec, found),
        gating.notice(rec, found),
        asides=(gating.side_by_side(run.recordings),),
        beliefs=gating.beliefs(run.recordings, rec, found),
    )


def _tables(run: _Run) -> tuple[lesson.Table, ...]:
    heading = "**From the loss back**, log10 of each size"
    return (lesson.Table(heading, tables.gating_table(run.recordings)),)


def _defaults(_run: _Run) -> None:
    with st.container(key="defaults"):
        st.markdown(
            "**As they come.** Decades per step of dL/dh, mean ± standard deviation over 20 nets "
            "(100 steps, 32 units, 8 features of unit noise); whatever the controls say."
        )
        st.table(tables.defaults_table(_measured()))


@cache
def _measured() -> tuple[Default, ...]:
    return measure_defaults()


LESSON: Final = lesson.Lesson[_Run](
    key="gating",
    questions=QUESTIONS,
    choices=presets.GATING,
    run=_run,
    claim=lambda run: gating.claim(run.recording, run.found),
    alt=lambda run: gating.alt_text(run.recording, run.found, run.recordings),
    draw=_draw,
    reading=_reading,
    tables=_tables,
    frame=lambda run: tables.gating_frame(run.recordings, run.cell, run.found),
    asked=("y2", "y3", "y4"),
    below=_defaults,
    wait="Backpropagating through three cells",
)


def render() -> None:
    """Draw the page."""
    lesson.render(LESSON)


def picture(settings: lesson.Settings) -> Picture:
    """Draw the picture of some settings, with the words above it."""
    return lesson.picture(LESSON, settings)
