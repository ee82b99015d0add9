"""The widgets on a page: each shows a setting of `link` and changes it in its callback.

So a setting may have two controls, or none, or a value beyond the end of its slider. The box of a
control has the class `st-key-<setting>`, that of a second one `st-key-<setting>-number` or
`st-key-<setting>-switch`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import link
from app.components.copy_link import copy_link
from app.control_table import AT_REST, CONTROLS, LIVE, NUMBERS, SWITCHES, Control
from app.widgets import Slider, Switch, Widget


def control(name: str) -> None:
    """Draw the controls of one setting, unless the link hides them."""
    if name in link.value("hide"):
        return
    if name in SWITCHES:
        _draw(name, SWITCHES[name], f"{name}-switch")
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
    if name not in AT_REST:
        control(name)
    elif name not in link.value("hide"):
        _draw(name, CONTROLS[name], name)


def under_way(sliders: Sequence[str] = ()) -> dict[str, float]:
    """Return where the live sliders stand; `sliders` are those drawn by `slider`."""
    names = [name for name in LIVE if name in sliders or link.value(name) is not None]
    return {name: _stands(name, link.value) for name in names}


def leave(moved: Mapping[str, float]) -> None:
    """Change settings to where their live sliders were left."""
    for name, stands in moved.items():
        if name in LIVE and name not in link.value("lock"):
            asked = CONTROLS[name].widget.read(stands)
            link.choose(**{name: asked} | _needed(name, asked))


def _stands(name: str, of: Callable[[str], Any]) -> Any:
    """Return the value that the control of a setting shows."""
    value, rest = of(name), AT_REST.get(name)
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
    is_pressed = st.button(label, key=key, on_click=_press, args=(key, action, *args), **rest)
    if is_pressed and link.is_first_run() and not link.was_heard(key):
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
        _group("Network", "cell", *_own_controls(on_page), "hidden_size", "init", *_chrono())
        _group("Sequence", "steps", "source", *_typed(), "input_scale", "loss_at", "sequence")
        with st.expander("More settings"):
            _controls(
                "batch_size", "input_size", "h_init", "bias_scale", "truncate", *_untied(), "reach"
            )
        _group("This run", "seed", *(["nets"] * has_nets))
        _buttons()
        copy_link(link.full_address(), key="copy-link")


def _press(key: str, action: Callable[..., None], *args: Any) -> None:
    link.hear(key)
    action(*args)


def _buttons() -> None:
    left, right = st.columns(2)
    with left:
        button("Re-roll", _re_roll, key="re-roll", help="The next seed.", width="stretch")
    with right:
        button("Reset", link.restart, key="reset", help="Keeps the seed.", width="stretch")


def _own_controls(on_page: Sequence[str]) -> list[str]:
    own = {"rnn": "activation", "lstm": "forget_bias"}.get(link.value("cell"))
    return [own] if own is not None and own not in on_page else []


def _chrono() -> tuple[str, ...]:
    is_drawn = (link.value("cell"), link.value("init")) == ("lstm", "chrono")
    return ("chrono_steps",) if is_drawn else ()


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
        with st.container(key=f"{key}-beyond"):
            st.markdown(f":small[This run has {value:g}; the slider ends at {shown:g}.]")
    if link.is_first_run():
        _follow(name, key, widget, shown, widget.read(stands))


def _follow(name: str, key: str, widget: Widget, shown: Any, asked: Any) -> None:
    """Do what a callback would have done where a control was moved before the first run."""
    adopted = link.adopted(name) if key != name else _stands(name, link.adopted)
    expected = [shown]
    if adopted is not None or isinstance(widget, Switch):  # else it is drawn for the first time
        expected.append(widget.shown(adopted))
    if asked not in map(widget.read, expected):
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
    return dict(AT_REST[name].needs) if name in AT_REST and asked is not None else {}


def _re_roll() -> None:
    link.choose(seed=(link.value("seed") + 1) % 2**32)
