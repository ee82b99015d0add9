"""The widgets, one line of a table each: what a setting is called, and how it is moved.

A control shows a setting of `link` and changes it in its callback, so a setting may have two
controls, or none, or a value beyond the end of its slider. The box of a control has the class
`st-key-<setting>`, that of a second one `st-key-<setting>-number` or `st-key-<setting>-switch`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import streamlit as st

from app import link
from app.components.copy_link import copy_link
from app.widgets import Choice, Decimal, Line, Menu, Number, Slider, Switch, Widget


@dataclass(frozen=True)
class Control:
    """How one setting is called, explained and moved."""

    label: str
    widget: Widget
    explanation: str | None = None


CONTROLS: Final[Mapping[str, Control]] = MappingProxyType(
    {
        "cell": Control("Cell", Choice({"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"})),
        "activation": Control(
            "Activation",
            Choice({"tanh": "tanh", "sigmoid": "sigmoid", "relu": "ReLU", "identity": "linear"}),
        ),
        "hidden_size": Control("Hidden units H", Slider(1, 512, 1, 0)),
        "init": Control(
            "Initialiser",
            Menu(
                {
                    "gaussian": "Gaussian, std 1/√H",
                    "orthogonal": "orthogonal",
                    "identity": "identity",
                    "pytorch": "PyTorch's default",
                    "keras": "Keras's default",
                    "glorot": "Glorot (Xavier)",
                    "he": "He",
                    "chrono": "chrono (LSTM only)",
                }
            ),
            "Draws every weight and bias; the scales multiply what it drew.",
        ),
        "weight_scale": Control(
            "Weight scale (drag me)",
            Slider(0.0, 4.0, 0.01, 2),
            "Factor on the recurrent weights that the initialiser drew.",
        ),
        "forget_bias": Control(
            "Forget bias",
            Slider(-2.0, 6.0, 0.1, 1),
            "Of the LSTM. Until it is moved, the biases are as the initialiser draws them.",
        ),
        "steps": Control("Sequence length T", Slider(1, 1000, 1, 0)),
        "source": Control(
            "Input",
            Menu(
                {
                    "noise": "noise",
                    "impulse": "impulse at the first step",
                    "sine": "sine",
                    "silence": "silence",
                    "text": "text you type",
                }
            ),
        ),
        "text": Control(
            "Text",
            Line(1000),
            "One sequence, one character per step: T is the length of the text.",
        ),
        "input_scale": Control(
            "Input scale",
            Slider(0.0, 10.0, 0.05, 2),
            "Factor on the input weights; at 1, noise drives a unit with variance 1.",
        ),
        "loss_at": Control("Loss at", Choice({"last": "last step", "every": "every step"})),
        "sequence": Control("Sequence in the heatmaps", Number(1, 64)),
        "batch_size": Control("Sequences B", Slider(1, 64, 1, 0)),
        "input_size": Control("Input features D", Slider(1, 64, 1, 0)),
        "h_init": Control("State before step 1", Choice({"zero": "zero", "random": "random"})),
        "bias_scale": Control(
            "Bias scale", Slider(0.0, 2.0, 0.05, 2), "Noise added to the biases."
        ),
        "truncate": Control(
            "Steps per block",
            Number(1, 10_000),
            "The gradient is cut at the border of each block.",
        ),
        "is_tied": Control(
            "Recurrent weights",
            Choice({True: "same at every step", False: "new at every step"}),
            "A real recurrent net has the same; theory often draws new ones.",
        ),
        "unit": Control("Unit to open", Number(1, 512)),
        "notation": Control("Notation", Choice({"ours": "h_t, W_hh", "course": "a^<t>, W_aa"})),
        "nets": Control(
            "Band over",
            Choice({"1": "one net", "20": "20 nets"}),
            "One draw of weights is an anecdote: 20 show what the recipe does.",
        ),
        "reach": Control(
            "Decades shown",
            Menu(
                {
                    "0.25": "a quarter of the usual",
                    "0.5": "half the usual",
                    "1": "as usual",
                    "2": "twice the usual",
                    "4": "4 times the usual",
                    "32": "32 times the usual",
                }
            ),
            "How far the axes and colours of gradients reach; they never follow a slider.",
        ),
        "threshold": Control(
            "Threshold (drag me)",
            Slider(0.05, 20.0, 0.05, 2),
            "The largest norm, or by value the largest entry, that the optimiser gets.",
        ),
        "clip": Control("Clipped", Choice({"norm": "by norm", "value": "by value"})),
        "learning_rate": Control("Learning rate", Slider(0.01, 1.0, 0.01, 2)),
        "unit_steps": Control("Steps T of the unit", Slider(1, 100, 1, 0)),
        "start_w": Control("Start w", Decimal(4.0, 5.6, 0.01, 3)),
        "start_b": Control("Start b", Decimal(-3.0, -1.9, 0.01, 3)),
        "training_rate": Control("Learning rate of the net", Slider(0.01, 0.5, 0.01, 2)),
        "seed": Control("Seed", Number(0, 2**32 - 1), "Decides every random draw."),
    }
)
"""Every setting that a reader can move."""

LIVE: Final = (
    "weight_scale",
    "steps",
    "input_scale",
    "forget_bias",
    "threshold",
    "learning_rate",
    "unit_steps",
)
"""Settings whose sliders move the picture while they are dragged."""

NUMBERS: Final = MappingProxyType({"steps": Control("or type T, to 10,000", Number(1, 10_000))})
"""Settings that go beyond their slider: the control to type them."""

_SWITCHES: Final = MappingProxyType(
    {
        "forget_bias": Control(
            "Forget bias", Switch({False: "as initialised", True: "set to"}, first=1.0)
        ),
        "truncate": Control(
            "Backpropagation", Switch({False: "through all steps", True: "in blocks"}, first=50)
        ),
    }
)
"""Settings that may be None: the control that makes them a number."""


class _Rest(NamedTuple):
    value: float
    needs: Mapping[str, Any]


_AT_REST: Final = MappingProxyType({"forget_bias": _Rest(0.0, {"cell": "lstm"})})
"""Settings that may mean nothing: where their slider stands then, and what they need."""


def control(name: str) -> None:
    """Draw the controls of one setting, unless the link hides them."""
    if name in link.value("hide"):
        return
    if name in _SWITCHES:
        _draw(name, _SWITCHES[name], f"{name}-switch")
    if link.value(name) is not None:
        _draw(name, CONTROLS[name], name)
    if name in NUMBERS:
        _draw(name, NUMBERS[name], f"{name}-number")
    if name == "steps" and link.value("source") == "text":
        st.markdown(":small[T is the length of the text, or this if that is less.]")


def slider(name: str) -> None:
    """Draw a slider that a page is about, also where its setting is None or means nothing yet.

    There it stands at rest; to move it gives the settings that it needs.
    """
    if name not in _AT_REST:
        control(name)
    elif name not in link.value("hide"):
        _draw(name, CONTROLS[name], name)


def under_way(sliders: Sequence[str] = ()) -> dict[str, float]:
    """Return where the live sliders stand; `sliders` are those drawn by `slider`."""
    names = [name for name in LIVE if name in sliders or link.value(name) is not None]
    return {name: _stands(name, link.value) for name in names}


def _stands(name: str, of: Callable[[str], Any]) -> Any:
    """Return the value that the control of a setting shows."""
    value, rest = of(name), _AT_REST.get(name)
    if rest is None:
        return value
    needs = all(of(other) == needed for other, needed in rest.needs.items())
    return value if value is not None and needs else rest.value


def button(
    label: str,
    action: Callable[..., None],
    *args: Any,
    key: str,
    **rest: Any,
) -> None:
    """Draw a button that changes settings by `action`, also as the first move after a restart.

    Parameters
    ----------
    label, key, rest : as for `st.button`.
    action, args : what changes the settings.
    """
    is_pressed = st.button(label, key=key, on_click=action, args=args, **rest)
    if is_pressed and link.is_first_run():
        action(*args)


def weight_scale() -> None:
    """Draw the slider that the lab is about; it stands on the page, above the picture."""
    control("weight_scale")


def sidebar(on_page: Sequence[str] = (), *, has_nets: bool = False) -> None:
    """Draw every other control, in the sidebar.

    Parameters
    ----------
    on_page : settings whose sliders stand on the page.
    has_nets : whether the page can show one net or 20.
    """
    with st.sidebar:
        _group("Network", "cell", *_own_controls(on_page), "hidden_size", "init")
        _group("Sequence", "steps", "source", *_typed(), "input_scale", "loss_at", "sequence")
        with st.expander("More settings"):
            _controls(
                "batch_size", "input_size", "h_init", "bias_scale", "truncate", *_untied(), "reach"
            )
        _group("This run", "seed", *(["nets"] * has_nets))
        _buttons()
        copy_link(link.full_address(), key="copy-link")


def _buttons() -> None:
    left, right = st.columns(2)
    with left:
        button("Re-roll", _re_roll, key="re-roll", help="The next seed.", width="stretch")
    with right:
        button("Reset", link.restart, key="reset", help="Keeps the seed.", width="stretch")


def _own_controls(on_page: Sequence[str]) -> list[str]:
    own = {"rnn": "activation", "lstm": "forget_bias"}.get(link.value("cell"))
    return [own] if own is not None and own not in on_page else []


def _typed() -> tuple[str, ...]:
    return ("text",) if link.value("source") == "text" else ()


def _untied() -> tuple[str, ...]:
    return ("is_tied",) if link.value("cell") == "rnn" else ()


def _group(title: str, *names: str) -> None:
    st.subheader(title)
    _controls(*names)


def _controls(*names: str) -> None:
    for name in names:
        control(name)


def _draw(name: str, what: Control, key: str) -> None:
    widget, value = what.widget, link.value(name)
    if key == name:
        value = _stands(name, link.value)
    shown = widget.shown(value)
    stands = widget.draw(
        what.label,
        _put(key, shown, widget),
        key=key,
        help=what.explanation,
        on_change=_commit,
        args=(name, key, widget),
        disabled=name in link.value("lock"),
    )
    if isinstance(widget, Slider) and shown != value and name not in NUMBERS:
        st.markdown(f":small[This run has {value:g}; the slider ends at {shown:g}.]")
    asked = widget.read(stands)
    adopted = link.adopted(name) if key != name else _stands(name, link.adopted)
    if link.is_first_run() and asked != widget.read(widget.shown(adopted)):
        link.choose(**{name: asked} | _needed(name, asked))


def _put(key: str, shown: Any, widget: Widget) -> Any:
    """Move the widget to `shown`; return where it starts, or None where it is moved.

    A widget that is set is sent to the browser with its value and would jump back under a finger
    that has moved on: so it is left alone where it stands right. It starts there nevertheless: a
    page that runs twice in a row is drawn by the browser from its second run alone.
    """
    state = st.session_state
    if key in state and state[key] != shown and widget.read(state[key]) != widget.read(shown):
        state[key] = shown
        return None
    return shown


def _commit(name: str, key: str, widget: Widget) -> None:
    asked = widget.read(st.session_state[key])
    link.choose(**{name: asked} | _needed(name, asked))


def _needed(name: str, asked: Any) -> dict[str, Any]:
    """Return what a setting needs beside it to mean anything."""
    return dict(_AT_REST[name].needs) if name in _AT_REST and asked is not None else {}


def _re_roll() -> None:
    link.choose(seed=(link.value("seed") + 1) % 2**32)
