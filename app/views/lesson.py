"""The frame of a page: a claim, presets, a picture that follows the finger, and what to read.

A page brings one `Lesson` and hands it to `render` and `picture`; what pages share is done here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import pandas as pd
import streamlit as st

from app import address, controls, link
from app.components.live_figure import live_figure
from app.components.parcel import Picture
from app.offline import WEIGHT_SCALES, Dial
from app.preset import Choice
from app.sentences import protocol
from app.sentences.belief import Belief
from app.sentences.typeset import for_html, for_markdown
from app.views import choices, take_home
from rnn_core import Recording

Settings = Mapping[str, Any]


class Run(Protocol):
    """What a page recorded: each page has its own, with these among its parts."""

    @property
    def recording(self) -> Recording:
        """The run that the claim is about."""

    @property
    def fingerprint(self) -> str:
        """What names the picture in `data-run`."""

    @property
    def note(self) -> str:
        """What the protocol has to add, as sentences; "" where there is nothing."""


R = TypeVar("R", bound=Run)


@dataclass(frozen=True)
class Table:
    """A few numbers for those who cannot see the picture, as Markdown."""

    heading: str
    frame: pd.DataFrame


@dataclass(frozen=True)
class Reading:
    """What stands below the picture.

    Attributes
    ----------
    equation : one line with the current numbers, as Markdown.
    notice : what to notice, a plain sentence or two.
    asides : further plain sentences, a paragraph each.
    beliefs : what is often read, and what this run shows of it.
    """

    equation: str
    notice: str
    asides: tuple[str, ...] = ()
    beliefs: tuple[Belief, ...] = ()


@dataclass(frozen=True)
class Lesson(Generic[R]):
    """What a page brings.

    Attributes
    ----------
    key : of its picture, and the start of the names of its files.
    questions : that the page answers; the first one stands where the claim will (`ask=1`).
    choices : its presets.
    run : from settings to what the page recorded; everything below is a function of that.
    claim, alt : plain sentences: on top, and for those who cannot see the picture.
    draw : data and layout of the picture; the second run is A, which is pinned, or None.
    reading, tables : what stands below it.
    frame : every step with every digit, for the CSV.
    sliders : settings with a live slider above the picture.
    asked : the y axes of the panels that may be seen before the answer.
    run_a : what is recorded of a run A, where that is less.
    late_claim : the claim with what takes longer than the run, for a page that has such a thing.
    opened : draws the pinned step, right below the picture.
    below : draws what only this page has, below the reading.
    dials : settings with a control in a row right below the picture.
    protocol : what was run, in place of the line about the recording.
    on_pick, on_walk : as for the live figure.
    dial : the setting whose values the file to take home holds.
    script : in a language ("rnn_core" or "pytorch"), what a script has below the run itself.
    has_nets : whether it can show 20 nets.
    wait : what the reader is told meanwhile.
    """

    key: str
    questions: tuple[str, ...]
    choices: tuple[Choice, ...]
    run: Callable[[Settings], R]
    claim: Callable[[R], str]
    alt: Callable[[R], str]
    draw: Callable[[R, R | None, Settings], Mapping[str, Any]]
    reading: Callable[[R], Reading]
    tables: Callable[[R], tuple[Table, ...]]
    frame: Callable[[R], pd.DataFrame | None]
    sliders: tuple[str, ...] = ("weight_scale",)
    asked: tuple[str, ...] = ("y",)
    run_a: Callable[[Settings], R] | None = None
    late_claim: Callable[[R], str] | None = None
    opened: Callable[[R], None] | None = None
    below: Callable[[R], None] | None = None
    dials: tuple[str, ...] = ()
    protocol: Callable[[R], str] | None = None
    on_pick: Callable[[str, float, float], None] | None = None
    on_walk: Callable[[int], None] | None = None
    dial: Dial = WEIGHT_SCALES
    script: Callable[[R, str], str] | None = None
    has_nets: bool = False
    wait: str = "Backpropagating through time"


OF_A: Final = "Pinned run A."
"""What every sentence about it begins with."""

_SLIDER: Final = 0.24
"""The width of a slider above the picture, as a part of the page's."""

_STYLE: Final = Path(__file__).with_name("lesson.css")


def render(lesson: Lesson[R]) -> None:
    """Draw the page."""
    st.html(_STYLE)
    controls.sidebar(lesson.sliders, has_nets=lesson.has_nets)
    head = st.container()  # not `st.empty`: the last claim stands until the next one comes
    widths = [*([_SLIDER] * len(lesson.sliders)), 1.0 - _SLIDER * len(lesson.sliders)]
    *moved, named = st.columns(widths, vertical_alignment="center")
    for place, name in zip(moved, lesson.sliders, strict=True):
        with place:
            controls.slider(name)
    with named:
        choices.draw(lesson.choices)
    with st.container(key="wait"), st.spinner(lesson.wait):
        settings = link.shown()
        run, a = lesson.run(settings), pinned(lesson.run_a or lesson.run, settings)
        heading = _heading(lesson, run, settings)
    claim = head.html(heading)
    live_figure(
        _picture(lesson, run, a, settings),
        key=lesson.key,
        follow=controls.under_way(lesson.sliders),
        on_unheard=controls.leave,
        step=link.step(run.recording.steps),
        on_pin=link.pin_step,
        on_pick=lesson.on_pick,
        walk=link.value("update"),
        on_walk=None if settings["ask"] else lesson.on_walk,
        is_big=bool(link.value("big")),
    )
    if lesson.dials:
        with st.container(horizontal=True, gap="medium", key="dials"):
            for name in lesson.dials:
                controls.control(name)
    if settings["ask"]:
        controls.button("Show what happened", link.choose_shown, key="reveal", type="primary")
        return
    if lesson.late_claim is not None:
        claim.html(_heading(lesson, run, settings, lesson.late_claim(run)))
    if lesson.opened is not None and run.recording.layers:
        lesson.opened(run)
    _below(lesson, run, a, settings)


def picture(lesson: Lesson[R], settings: Settings) -> Picture:
    """Draw the picture of some settings, with the words above it.

    It is one of a value under a finger, or of a file with many: of one net, whatever is asked.
    """
    settings = dict(settings) | {"nets": "1"}
    a = pinned(lesson.run_a or lesson.run, settings)
    return _picture(lesson, lesson.run(settings), a, settings)


def pinned(run: Callable[[Settings], R], settings: Settings) -> R | None:
    """Return what a page measures of run A, if one is pinned.

    Parameters
    ----------
    run : from settings to what the page measures.
    """
    a: address.Pinned | None = settings["a"]
    return None if a is None else run(dict(settings) | a.settings)


def _picture(lesson: Lesson[R], run: R, a: R | None, settings: Settings) -> Picture:
    drawn = lesson.draw(run, a, settings)
    name = address.run_name(settings, run.fingerprint)
    if settings["ask"]:
        alt = f"{lesson.questions[0]} {_shown(lesson, run)} The answer is not shown."
        says = {".claim": for_html(lesson.questions[0])}
        return Picture(_held_back(drawn, lesson.asked), run=name, alt=alt, says=says)
    says = {f".{place}": words for place, words in _words(lesson, run).items()}
    alt = lesson.alt(run) if a is None else f"{lesson.alt(run)} {OF_A} {lesson.claim(a)}"
    return Picture(drawn, run=name, alt=alt, says=says)


def _held_back(drawn: Mapping[str, Any], axes: tuple[str, ...]) -> dict[str, Any]:
    """Return what may be seen before the answer: some panels with their titles, and no mark."""
    layout = drawn["layout"]
    tops = {layout[f"yaxis{axis[1:]}"].get("domain", (0.0, 1.0))[1] for axis in axes}
    titles = [
        note
        for note in layout["annotations"]
        if note["yref"] == "paper" and note.get("xanchor") == "left" and note["y"] in tops
    ]
    seen = [trace for trace in drawn["data"] if trace.get("yaxis") in axes]
    held = {"annotations": titles, "shapes": []} | {
        name: axis | {"anchor": "free", "position": _bottom(layout, axis)}  # the panel is empty
        for name, axis in layout.items()
        if name.startswith("xaxis") and axis.get("anchor", "y") not in axes
    }
    return {"data": seen, "layout": dict(layout) | held}


def _shown(lesson: Lesson[R], run: R) -> str:
    """Say what a picture without its answer is of."""
    if lesson.protocol is not None:
        return lesson.protocol(run)
    return f"Steps 1 to {run.recording.steps:,}."


def _bottom(layout: Mapping[str, Any], axis: Mapping[str, Any]) -> float:
    """Return where the panel that an x axis belongs to ends, from 0 to 1."""
    panel = layout.get(f"yaxis{axis.get('anchor', 'y')[1:]}", {})
    return float(panel.get("domain", (0.0, 1.0))[0])


def _heading(lesson: Lesson[R], run: R, settings: Settings, claim: str | None = None) -> str:
    if settings["ask"]:
        return f'<h1 class="claim">{for_html(lesson.questions[0])}</h1>'
    words = _words(lesson, run, claim)
    return f'<h1 class="claim">{words["claim"]}</h1><p class="protocol">{words["protocol"]}</p>'


def _words(lesson: Lesson[R], run: R, claim: str | None = None) -> dict[str, str]:
    """Return the sentences above the picture as HTML, by the class of their place."""
    return {
        "claim": for_html(lesson.claim(run) if claim is None else claim),
        "protocol": for_html(_protocol(lesson, run)),
    }


def _protocol(lesson: Lesson[R], run: R) -> str:
    said = protocol(run.recording) if lesson.protocol is None else lesson.protocol(run)
    return " ".join(filter(None, (said, run.note)))


def _below(lesson: Lesson[R], run: R, a: R | None, settings: Settings) -> None:
    with st.container(key="reading"):
        _read(lesson.reading(run))
        if a is not None:
            st.html(
                f"<p><b>{OF_A}</b> {for_html(lesson.claim(a))} {for_html(_protocol(lesson, a))}</p>"
            )
        if lesson.below is not None:
            lesson.below(run)
        left, right = st.columns([0.55, 0.45], gap="large")
        with left:
            questions = "\n".join(f"- {question}" for question in lesson.questions)
            st.markdown(f"**Questions to ask this page**\n\n{questions}")
            take_home.draw(
                lesson.key,
                lambda chosen: lesson.frame(lesson.run(chosen)),
                lambda chosen: picture(lesson, chosen),
                run.recording,
                settings,
                fingerprint=run.fingerprint,
                dial=lesson.dial,
                more=None if lesson.script is None else partial(_more, lesson, settings),
            )
        with right:
            for table in lesson.tables(run):
                st.markdown(table.heading)
                st.table(table.frame)


def _more(lesson: Lesson[R], settings: Settings, language: str) -> str:
    return "" if lesson.script is None else lesson.script(lesson.run(settings), language)


def _read(reading: Reading) -> None:
    st.markdown(for_markdown(reading.equation))
    for words in reading.asides:
        st.html(f"<p>{for_html(words)}</p>")
    st.html(f"<p><b>What to notice.</b> {for_html(reading.notice)}</p>")
    for belief in reading.beliefs:
        st.html(
            f"<p>You may have read: {for_html(belief.read)} "
            f"<b>Look:</b> {for_html(belief.look)}.</p>"
        )
