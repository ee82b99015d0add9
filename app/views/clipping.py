"""What does clipping do, and what can it not do? A cliff, a real gradient, a training run."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from app import address, clipping_script, clipping_tables, controls, link, presets, trained
from app.clipped import Run, run_of
from app.components.live_figure import live_figure
from app.components.parcel import Picture
from app.figures import cliff, clipped_net
from app.figures import training as training_figure
from app.offline import Dial
from app.sentences import clipping, training
from app.sentences.clipping_net import net_words
from app.sentences.protocol import protocol
from app.sentences.typeset import for_html
from app.turns import REST, TURNS
from app.views import lesson
from app.views.lesson import Lesson, Reading, Table

TITLE: Final = "Clipping"

QUESTIONS: Final = (
    "What does clipping do, and what can it not do?",
    "What becomes of a descent that meets the wall unclipped?",
    "Does a clipped gradient still explode?",
    "Does clipping by value keep the direction?",
    "When does a threshold protect nothing?",
)

_TOLD: Final = 5
"""Updates between two movements of the progress bar."""


def render() -> None:
    """Draw the page."""
    lesson.render(LESSON)


def picture(settings: Mapping[str, Any]) -> Picture:
    """Draw the cliff and both descents for some settings, with the words above it."""
    return lesson.picture(LESSON, settings)


def net_picture(settings: Mapping[str, Any]) -> Picture:
    """Draw what clipping makes of the gradient of the real net."""
    run, a = run_of(settings), lesson.pinned(run_of, settings)
    words = _net_words(run)
    fig = clipped_net.drawing(
        run.recording,
        run.net,
        pinned=None if a is None else (a.recording, a.net),
        reach=float(settings["reach"]),
    )
    return Picture(
        fig,
        run=address.run_name(settings, run.recording.fingerprint),
        alt=words if a is None else f"{words} {lesson.OF_A} {_net_words(a)}",
        says={
            ".net-words": for_html(words),
            ".net-protocol": for_html(_net_protocol(run)),
        },
    )


def _net_words(run: Run) -> str:
    return net_words(run.recording, run.net, run.settings["threshold"])


def _net_protocol(run: Run) -> str:
    return " ".join(filter(None, (protocol(run.recording), run.net_note)))


def _draw(run: Run, a: Run | None, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    pinned = None if a is None else a.descents
    return cliff.drawing(run.descents, pinned=pinned, is_asked=bool(settings["ask"]))


def _reading(run: Run) -> Reading:
    return Reading(
        equation=clipping.equation(run),
        notice=clipping.notice(run),
        beliefs=clipping.beliefs(run),
    )


def _tables(run: Run) -> tuple[Table, ...]:
    of_descents = Table("**Both descents**", clipping_tables.descents_table(run))
    if run.net is None:
        return (of_descents,)
    return of_descents, Table("**The gradient of the net**", clipping_tables.net_table(run.net))


def _pick(_panel: str, w: float, b: float) -> None:
    link.choose(start_w=round(w, 3), start_b=round(b, 3))


def _walked(update: int) -> None:
    link.choose(update=update)


def _below(run: Run) -> None:
    _net(run)
    _training(run.settings)


def _net(run: Run) -> None:
    st.header("A real gradient, before and after")
    a = lesson.pinned(run_of, run.settings)
    st.html(
        f'<p class="net-words">{for_html(_net_words(run))}</p>'
        f'<p class="net-protocol">{for_html(_net_protocol(run))}</p>'
    )
    if a is not None:
        words = f"{_net_words(a)} {_net_protocol(a)}"
        st.html(f"<p><b>{lesson.OF_A}</b> {for_html(words)}</p>")
    with st.container(horizontal=True, gap="medium", key="net-dials"):
        controls.control("weight_scale")
    live_figure(
        net_picture(run.settings),
        key="clipped-net",
        follow=controls.under_way(),
        on_unheard=controls.leave,
        step=link.step(run.recording.steps),
        on_pin=link.pin_step,
        is_big=bool(link.value("big")),
    )


def _training(settings: Mapping[str, Any]) -> None:
    st.header("A short training run, without and with clipping")
    st.html(f"<p>{for_html(training.TASK)}</p>")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="train-row"):
        controls.control("training_rate")
        start = st.empty()
    begun = st.session_state.setdefault("begun training", {})
    if settings["train"]:
        waiting = [key for key in trained.keys(settings) if trained.kept(key) is None]
        if waiting:
            with start:
                controls.button("Stop", link.choose_training, 0, key="train-stop")
            _train(waiting, begun)
    with start:
        controls.button("Train both", link.choose_training, 1, key="train")
    pair = trained.pair_of(settings, begun)
    if pair is not None:
        _trained(pair, settings)


def _train(waiting: list[trained.Key], begun: dict[trained.Key, list[Any]]) -> None:
    """Train what is not there yet; a press of Stop ends this run of the page at `progress`."""
    bar = st.progress(0.0, "Training")
    for count, key in enumerate(waiting):
        found = begun[key] = []
        name = "with" if key.threshold is not None else "without"
        for entry in trained.entries(key):
            found.append(entry)
            TURNS.give_way(REST)
            if entry.number % _TOLD == 0:
                done = (count + entry.number / trained.UPDATES) / len(waiting)
                bar.progress(done, f"Training {name} clipping: update {entry.number}")
        trained.keep(key, found)
        del begun[key]
    bar.empty()


def _trained(pair: trained.Pair, settings: Mapping[str, Any]) -> None:
    words = training.training_words(pair)
    st.html(f'<p class="training-words" role="status">{for_html(words)}</p>')
    name = trained.fingerprint(pair)
    live_figure(
        Picture(training_figure.drawing(pair), run=address.run_name(settings, name), alt=words),
        key="training",
        is_big=bool(link.value("big")),
    )
    st.download_button(
        "Download both training runs as CSV",
        data=lambda: clipping_tables.training_file(pair, settings, name),
        file_name=f"training-{name}.csv",
        mime="text/csv",
        key="training-csv",
        on_click="ignore",
    )


LESSON: Final = Lesson(
    key="clipping",
    questions=QUESTIONS,
    choices=presets.CLIPPING,
    run=run_of,
    claim=clipping.claim,
    alt=clipping.alt_text,
    draw=_draw,
    reading=_reading,
    tables=_tables,
    frame=clipping_tables.descents_frame,
    sliders=("threshold",),
    dials=("clip", "learning_rate", "unit_steps", "start_w", "start_b"),
    below=_below,
    protocol=clipping.protocol,
    on_pick=_pick,
    on_walk=_walked,
    dial=Dial("threshold", "Threshold", (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0)),
    script=clipping_script.written,
    wait="Descending",
)
