"""The first page: what becomes of the gradient on its way back from the loss."""

from typing import Any, Final, NamedTuple

import streamlit as st

import rnn_core as rc
from app import address, engine, nets, presets, sentences
from app.components.parcel import Picture, payload
from app.figures.gradient_flow import drawing
from app.preset import Choice
from app.sentences import nets as says_nets
from app.sentences.beliefs import beliefs
from app.sentences.typeset import for_html
from app.views import lesson
from app.views.anatomy import step_anatomy

TITLE: Final = "Gradient flow"

QUESTIONS: Final = (
    "What becomes of the gradient on its way back: does it vanish, hold or explode?",
    "Does the loss at the last step still teach the weights anything about the first one?",
    "What happens if you double the weights, or halve the input?",
    "Which steps does the gradient of the weights come from?",
    "At which step would training in float16 have lost the gradient?",
)


class _Run(NamedTuple):
    recording: rc.Recording
    note: str
    config: rc.ExperimentConfig
    others: nets.Nets | None

    @property
    def fingerprint(self) -> str:
        return self.recording.fingerprint


def _run(settings: lesson.Settings) -> _Run:
    config = address.config_of(settings)
    run = engine.recording(config)
    others = nets.asked(settings, config)
    said = " ".join([*filter(None, [run.note]), *says_nets.notes(settings, others)])
    return _Run(run.recording, said, config, others)


def _draw(run: _Run, a: _Run | None, settings: lesson.Settings) -> dict[str, Any]:
    return drawing(
        run.recording,
        sequence=settings["sequence"] - 1,
        pinned=None if a is None else a.recording,
        nets=None if run.others is None else run.others.log10_norms,
        reach=float(settings["reach"]),
    )


def _reading(run: _Run) -> lesson.Reading:
    rec = run.recording
    return lesson.Reading(sentences.equation(rec), sentences.notice(rec), beliefs=beliefs(rec))


def _below(run: _Run) -> None:
    if st.button("Check this run", key="check-run"):
        with st.spinner("Running the network forward, again and again"):
            st.html(f'<p role="status">{for_html(sentences.check(run.recording))}</p>')


LESSON: Final = lesson.Lesson[_Run](
    key="picture",
    questions=QUESTIONS,
    choices=(Choice("", presets.PRESETS),),
    run=_run,
    claim=lambda run: sentences.claim(run.recording),
    late_claim=lambda run: sentences.claim(run.recording, engine.precision(run.config)),
    alt=lambda run: sentences.alt_text(run.recording),
    draw=_draw,
    opened=lambda run: step_anatomy(run.recording),
    reading=_reading,
    tables=lambda _run: (),
    frame=lambda run: run.recording.to_frame() if run.recording.layers else None,
    below=_below,
    has_nets=True,
)


def render() -> None:
    """Draw the page."""
    lesson.render(LESSON)


def picture(settings: lesson.Settings) -> Picture:
    """Draw the picture of some settings, with the words above it; narrow floats are left out."""
    return lesson.picture(LESSON, settings)


def warm_up() -> None:
    """Record and draw the default run once, before the first reader comes."""
    payload(picture(address.DEFAULTS), key="picture")
