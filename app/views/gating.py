"""Do LSTM and GRU solve it? Three cells on one input, and the road that a gradient takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import streamlit as st

import rnn_core as rc
from app import engine, nets, presets, tables
from app.components.parcel import Picture
from app.figures.gating import drawing
from app.other_cell import with_cell
from app.roads import roads_of
from app.sentences import gating
from app.sentences import nets as says_nets
from app.sentences.gating_beliefs import beliefs
from app.views import lesson
from rnn_core.analysis.defaults import Default, measure_defaults
from rnn_core.analysis.roads import Roads

TITLE: Final = "Gating"

QUESTIONS: Final = (
    "Does an LSTM, as it is initialised, remember further than a plain net?",
    "Is its gradient the product of its forget gates?",
    "Which forget bias makes the gradient arrive?",
    "Can an LSTM explode?",
)

_CELLS: Final = ("rnn", "gru", "lstm")

_FEW: Final = 2
"""Sequences while a finger moves: the five sweeps of the paths are most of a repaint."""


@dataclass(frozen=True)
class _Run:
    recordings: Mapping[str, rc.Recording]
    cell: str
    note: str
    fingerprint: str
    others: Mapping[str, nets.Nets]

    @property
    def recording(self) -> rc.Recording:
        return self.recordings[self.cell]

    @property
    def found(self) -> Roads | None:
        return roads_of(self.recording)


def _run(settings: lesson.Settings) -> _Run:
    return _recorded(settings, _CELLS)


def _a(settings: lesson.Settings) -> _Run:
    """Record run A, of which no other cell is shown."""
    return _recorded(settings, (_gated(settings),))


def _recorded(settings: lesson.Settings, cells: tuple[str, ...]) -> _Run:
    runs = {name: engine.recording(with_cell(settings, name)) for name in cells}
    others = {name: nets.asked(settings, with_cell(settings, name)) for name in cells}
    cell = _gated(settings)
    said = [
        *filter(None, [runs[cell].note]),
        *([_in_place(settings)] if cell != settings["cell"] else []),
        *says_nets.notes(settings, others[cell]),
    ]
    return _Run(
        {name: run.recording for name, run in runs.items()},
        cell,
        " ".join(said),
        runs.get(settings["cell"], runs[cell]).recording.fingerprint,
        {name: one for name, one in others.items() if one is not None},
    )


def _in_place(settings: lesson.Settings) -> str:
    """Say which LSTM stands in for a net without gates."""
    return f"{gating.NO_LINE}{'' if settings['is_tied'] else gating.ONE_MATRIX}."


def _gated(settings: lesson.Settings) -> str:
    """Return the cell whose gates and roads are shown."""
    cell: str = settings["cell"]
    return cell if cell != "rnn" else "lstm"


def _moving(settings: lesson.Settings) -> dict[str, Any]:
    """Return what is recorded for a finger: few sequences, and the LSTM whose bias it moves."""
    few = max(min(settings["batch_size"], _FEW), settings["sequence"])
    cell = settings["cell"] if settings["forget_bias"] is None else "lstm"
    return dict(settings) | {"batch_size": few, "cell": cell}


def _draw(run: _Run, a: _Run | None, settings: lesson.Settings) -> dict[str, Any]:
    return drawing(
        run.recordings,
        run.cell,
        run.found,
        sequence=settings["sequence"] - 1,
        pinned=None if a is None else a.recording,
        nets={name: one.log10_norms for name, one in run.others.items()},
        reach=float(settings["reach"]),
    )


def _reading(run: _Run) -> lesson.Reading:
    rec, found = run.recording, run.found
    return lesson.Reading(
        gating.equation(rec, found),
        gating.notice(rec, found),
        asides=(gating.side_by_side(run.recordings),),
        beliefs=beliefs(run.recordings, rec, found),
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
    run_a=_a,
    claim=lambda run: gating.claim(run.recording, run.found),
    alt=lambda run: gating.alt_text(run.recording, run.found, run.recordings),
    draw=_draw,
    reading=_reading,
    tables=_tables,
    frame=lambda run: tables.gating_frame(run.recordings, run.cell, run.found),
    sliders=("weight_scale", "forget_bias"),
    asked=("y2", "y3"),  # two gates of either cell; the fourth panel of a GRU is an answer
    below=_defaults,
    wait="Backpropagating through three cells",
    has_nets=True,
)


def render() -> None:
    """Draw the page."""
    lesson.render(LESSON)


def picture(settings: lesson.Settings) -> Picture:
    """Draw the picture of a value under a finger, with the words above it."""
    return lesson.picture(LESSON, _moving(settings))
