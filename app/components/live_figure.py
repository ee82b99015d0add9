"""One Plotly chart that stays alive: new data repaints it, nothing is mounted anew.

Streamlit's own chart is replaced at every change of its data, and zoom and focus go with it. This
one keeps its node: the browser calls `Plotly.react` on it and counts what it has painted. While a
slider is dragged it asks `app.live` for pictures of the values under way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any, Final

import streamlit as st

from app import live
from app.components import said
from app.components.parcel import Picture, numbered, payload
from app.components.picked import point
from app.turns import REST, TURNS

_HERE: Final = files("app.components")


def _read(*names: str) -> str:
    return "\n".join(_HERE.joinpath(name).read_text("utf-8") for name in names)


_component = st.components.v2.component(
    "gradient_flow_lab.live_figure",
    html=_read("live_figure.html"),
    css=_read("live_figure.css"),
    js=_read(
        "colours.js",
        "labels.js",
        "save.js",
        "follow.js",
        "touch.js",
        "cursor.js",
        "pick.js",
        "walk.js",
        "away.js",
        "live_figure.js",
    ),
    isolate_styles=False,  # Plotly writes its style sheet into the page's head
)


@dataclass(frozen=True)
class _Listener:
    """What Streamlit calls when a chart has said something; it may be called by hand too.

    Attributes
    ----------
    key, name : of the chart, and of what it said.
    read : from that to the arguments of `act`, or to None where there is nothing to do.
    """

    key: str
    name: str
    read: Callable[[Any], tuple[Any, ...] | None]
    act: Callable[..., None] | None

    def __call__(self) -> None:
        words = self.read(getattr(st.session_state[self.key], self.name))
        if self.act is not None and words is not None:
            self.act(*words)


def live_figure(
    picture: Picture,
    *,
    key: str,
    follow: Mapping[str, float] | None = None,
    step: int | None = None,
    on_unheard: Callable[[Mapping[str, float]], None] | None = None,
    on_pin: Callable[[int | None], None] | None = None,
    on_pick: Callable[[str, float, float], None] | None = None,
    walk: int | None = None,
    on_walk: Callable[[int], None] | None = None,
    is_big: bool = False,
) -> None:
    """Paint a picture into the chart named `key`.

    Colours may be written as CSS variables, which the browser resolves at every paint, also when
    the reader switches between light and dark: `var(--st-text-color)` and the other colours of
    Streamlit's theme, or a name of one's own, `var(--lab-gradient)`, declared in the figure's
    template as `layout.meta = {"palette": {"--lab-gradient": [light, dark]}}`.

    Without `layout.height` the chart fills what the window leaves below the controls. A zoom
    survives as long as `layout.uirevision` does (default: `key`, so for ever).

    Parameters
    ----------
    picture : what to paint.
    key : name of the chart; its box has the class `st-key-<key>`.
    follow : settings whose sliders move the picture while they are dragged, and where they stand;
        `app.live` must know the chart by its key.
    on_unheard : called with where a finger left such sliders while the server was away.
    step : the pinned step, 1..T.
    is_big : whether it is shown by a projector: larger type, thicker lines.
    on_pin : called with the step that the reader pins, or None; without it nothing can be pinned.
    on_pick : called with a panel's name and the point that the reader clicks in it, or chooses
        with arrow keys and Enter. Panels are declared in the figure, `layout.meta["picks"]`, each
        as `app.figures.pick.panel` returns it.
    walk, on_walk : where a walk along paths stands, in updates, and what is called with where it
        comes to rest. Traces with `meta={"walk": <name of the path>, "colour": "var(...)"}` are
        walked, entry by entry.
    """
    pinned = _Listener(key, "pinned", said.pinned, on_pin)
    picked = _Listener(key, "picked", point, on_pick)
    walked = _Listener(key, "walked", said.walked, on_walk)
    unheard = _Listener(key, "unheard", partial(said.unheard, names=follow or ()), on_unheard)
    parcel = payload(
        picture,
        key=key,
        live=live.PATH,
        follow=dict(follow or {}),
        step=step,
        pins=on_pin is not None,
        picks=on_pick is not None,
        walks=on_walk is not None,
        walk=walk,
        big=is_big,
    )
    is_new = key not in st.session_state
    _component(
        data=numbered(parcel, _order(key, parcel)),
        key=key,
        on_pinned_change=pinned,
        on_picked_change=picked,
        on_walked_change=walked,
        on_unheard_change=unheard,
    )
    if is_new:  # a server that was started anew learns what was said, and calls nobody
        for listener in (pinned, picked, walked, unheard):
            listener()
    TURNS.give_way(REST)


def _order(key: str, parcel: bytes) -> int:
    """Return which picture a parcel is of those that its chart was sent in this session.

    The same one again keeps its number: Streamlit knows it by its hash, and does not send it.
    """
    content, order = hash(parcel), f"{key}-order"
    before, last = st.session_state.get(order, (None, 0))
    if content != before:
        last += 1
        st.session_state[order] = content, last
    return int(last)
