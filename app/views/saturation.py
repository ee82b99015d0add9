"""Does saturation kill the gradient? Who pulls harder, the slopes or the weights."""

from typing import Any, Final, NamedTuple

import pandas as pd

import rnn_core as rc
from app import engine, nets, presets, tables, weight_scales
from app.components.parcel import Picture
from app.figures.saturation import drawing
from app.other_cell import with_cell
from app.sentences import nets as says_nets
from app.sentences import saturation
from app.views import lesson
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
    others: nets.Nets | None

    @property
    def fingerprint(self) -> str:
        return self.recording.fingerprint


def _run(settings: lesson.Settings) -> _Run:
    notes = [] if settings["cell"] == "rnn" else [_OTHER_CELL]
    config = with_cell(settings, "rnn")
    run, others = engine.recording(config), nets.asked(settings, config)
    notes += [*filter(None, [run.note]), *says_nets.notes(settings, others)]
    return _Run(run.recording, measured.saturation(run.recording), " ".join(notes), others)


def _draw(run: _Run, a: _Run | None, settings: lesson.Settings) -> dict[str, Any]:
    pinned = None if a is None or a.found is None else (a.recording, a.found)
    return drawing(
        run.recording,
        run.found,
        sequence=settings["sequence"] - 1,
        pinned=pinned,
        nets=None if run.others is None else run.others.log10_norms,
        reach=float(settings["reach"]),
    )


def _reading(run: _Run) -> lesson.Reading:
    rec, found = run.recording, run.found
    return lesson.Reading(
        saturation.equation(found),
        saturation.notice(rec, found),
        beliefs=saturation.beliefs(rec, found, _radius(rec)),
    )


def _radius(rec: rc.Recording) -> float | None:
    """Return the spectral radius of W_hh; None of an untied net, which has one at every step."""
    if rec.config is None or not rec.config.is_tied:
        return None
    return weight_scales.spectrum_of(rec.config).radius * rec.config.weight_scale


def _tables(run: _Run) -> tuple[lesson.Table, ...]:
    if run.found is None:
        return ()
    return (
        lesson.Table("**From the loss back**", tables.saturation_table(run.recording, run.found)),
    )


def _frame(run: _Run) -> pd.DataFrame | None:
    return None if run.found is None else tables.saturation_frame(run.recording, run.found)


LESSON: Final = lesson.Lesson[_Run](
    key="saturation",
    questions=QUESTIONS,
    choices=presets.SATURATION,
    run=_run,
    claim=lambda run: saturation.claim(run.recording, run.found),
    alt=lambda run: saturation.alt_text(run.recording, run.found),
    draw=_draw,
    reading=_reading,
    tables=_tables,
    frame=_frame,
    asked=("y", "y5", "y6"),
    has_nets=True,
)


def render() -> None:
    """Draw the page."""
    lesson.render(LESSON)


def picture(settings: lesson.Settings) -> Picture:
    """Draw the picture of some settings, with the words above it."""
    return lesson.picture(LESSON, settings)
