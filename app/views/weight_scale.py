"""Is there a right size for the weights? Growth against weight scale, over nets and in theory."""

from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from app import address, engine, link, presets, scale_tables, tables, weight_scales
from app.components.parcel import Picture
from app.figures.phase import NAME as PHASE
from app.figures.weight_scale import drawing
from app.sentences import weight_scale as says
from app.sentences.weight_beliefs import beliefs
from app.views import lesson
from app.weight_scales import Found

TITLE: Final = "Weight scale"

QUESTIONS: Final = (
    "Is there a right size for the weights?",
    "Does a spectral radius of 1 keep the gradient?",
    "What happens to the right size if you turn the input down to silence?",
    "Does a good initialiser spare you the question?",
    "Why do 20 nets of one recipe not agree?",
)


class _Run(NamedTuple):
    recording: rc.Recording
    found: Found
    note: str
    fingerprint: str
    sequence: int


def _run(settings: lesson.Settings) -> _Run:
    config = address.config_of(settings)
    rec, note = engine.recording(config)
    sequence = settings["sequence"] - 1
    found = weight_scales.found(config, rec, sequence=sequence)
    so_far = "" if found.is_complete else f".{found.nets}"
    return _Run(rec, found, note or "", rec.fingerprint + so_far, sequence)


def _draw(run: _Run, a: _Run | None, settings: lesson.Settings) -> dict[str, Any]:
    return drawing(
        run.recording,
        run.found,
        sequence=run.sequence,
        pinned=None if a is None else (a.recording, a.found),
        is_picked=not settings["ask"],
    )


def _pick(panel: str, x: float, y: float) -> None:
    """Take the run to a point of the phase diagram."""
    found = _run(link.shown()).found
    if panel == PHASE and found.phase is not None:
        link.choose(**weight_scales.settings_at(found, x, y))


def _reading(run: _Run) -> lesson.Reading:
    rec, found = run.recording, run.found
    return lesson.Reading(
        says.equation(rec, found),
        says.notice(rec, found),
        asides=says.asides(rec, found),
        beliefs=beliefs(rec, found),
    )


def _tables(run: _Run) -> tuple[lesson.Table, ...]:
    return (
        lesson.Table("**Decades per step, by weight scale**", scale_tables.sweep_table(run.found)),
        lesson.Table("**This run**", scale_tables.run_table(run.recording, run.found)),
    )


def _below(run: _Run) -> None:
    with st.container(key="initialisers"):
        st.markdown(
            "**Initialisers side by side**, as they come (weight scale 1), with this page’s input "
            "scaled to one variance for all: mean ± standard deviation over 20 vanilla nets."
        )
        if run.found.schemes is not None:
            st.table(scale_tables.schemes_table(run.found.schemes))
    frame = scale_tables.sweep_frame(run.found)
    if frame is not None:
        settings = link.shown()
        st.download_button(
            "Download the sweep as CSV",
            data=lambda: tables.file_of(frame, settings, run.fingerprint),
            file_name=f"weight-scale-sweep-{run.fingerprint}.csv",
            mime="text/csv",
            key="csv-sweep",
            help="Every net at every weight scale, with theory beside it.",
            on_click="ignore",
        )


LESSON: Final = lesson.Lesson[_Run](
    key="weight-scale",
    questions=QUESTIONS,
    choices=presets.WEIGHT_SCALE,
    run=_run,
    claim=lambda run: says.claim(run.recording, run.found),
    alt=lambda run: says.alt_text(run.recording, run.found),
    draw=_draw,
    reading=_reading,
    tables=_tables,
    frame=lambda run: scale_tables.steps_frame(run.recording) if run.recording.layers else None,
    asked=("y4",),
    below=_below,
    on_pick=_pick,
)


def render() -> None:
    """Draw the page with what is known, then measure the next piece of what is not."""
    lesson.render(LESSON)
    config = link.config()
    if weight_scales.measure_more(config, engine.recording(config).recording):
        link.run_again()


def picture(settings: lesson.Settings) -> Picture:
    """Draw the picture of some settings, with the words above it."""
    return lesson.picture(LESSON, settings)
