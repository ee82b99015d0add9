"""A session's settings and its address: each follows the other.

The settings are the truth; a control shows one of them and changes it through `choose`, in its
callback. A run of the page calls `adopt` first (the address may be new) and `write` last (the
settings may be). Settings that cannot run are kept for their controls, with a sentence; the page
shows the last good ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from app import address, engine
from rnn_core import ConfigError, ExperimentConfig

_KEY: Final = "link"
_KEPT: Final = ("seed", "a", "big", "hide", "lock", "ask", "notation", "nets", "reach")
"""What `restart` leaves alone: the draw, the run to compare with, and how the page is shown."""

_Query = dict[str, list[str]]


@dataclass
class _Session:
    settings: address.Settings = field(default_factory=lambda: dict(address.DEFAULTS))
    good: address.Settings = field(default_factory=lambda: dict(address.DEFAULTS))
    page: str | None = None
    query: _Query = field(default_factory=dict)  # of the address, as last seen or written
    meaning: dict[str, str] = field(default_factory=dict)  # what we would write for it
    adopted: address.Settings = field(default_factory=lambda: dict(address.DEFAULTS))
    is_moved: bool = False  # a control caused this run of the page
    is_first_run: bool = True
    heard: set[str] = field(default_factory=set)  # buttons whose callbacks were called in it
    is_late: bool = False  # the first run found a move that its callback had missed
    about_address: tuple[str, ...] = ()
    about_settings: tuple[str, ...] = ()


def adopt(page: str) -> None:
    """Follow an address that was opened, typed, or reached by Back or Forward.

    Call it before any control is drawn. After a move of a control the browser may still report
    the address from before it: that one is not followed, or a fast second key press would undo
    the first.

    Parameters
    ----------
    page : the page's own part of the address.
    """
    session, query = _session(), _reported()
    if not session.is_moved and (page, query) != (session.page, session.query):
        session.settings, session.about_address = address.read(query, session.good)
        _settle(session)
        session.query, session.meaning = query, address.write(session.good)
        session.adopted = dict(session.settings)
    session.page, session.is_moved, session.is_late = page, False, False


def write() -> None:
    """Let the address follow the settings, in one history entry. Call it after the picture.

    An address that already means these settings is left as it is, defaults and faults and all:
    to rewrite it would put a reader who goes back to it forward again.
    """
    session = _session()
    session.is_moved = session.is_first_run = False  # what moves from here on has its callback
    session.heard.clear()
    query = address.write(session.good)
    if query == session.meaning or _length(query) > address.LONGEST:
        return
    st.query_params.from_dict(query)
    session.query, session.meaning = {name: [text] for name, text in query.items()}, query


def value(name: str) -> Any:
    """Return what the control of setting `name` shows."""
    return _session().settings[name]


def choose(**changes: Any) -> None:
    """Change settings; for callbacks of controls.

    A value that is not allowed changes nothing and gets its sentence: the browser enforces the
    bounds of a control, another client does not.
    """
    session, refused = _session(), []
    for name, new in changes.items():
        try:
            session.settings[name] = address.read_one(name, address.write_one(new))
        except ConfigError as error:
            refused.append(str(error))
    session.is_moved, session.about_address = True, ()
    session.is_late = session.is_first_run
    _settle(session)
    session.about_settings = (*refused, *session.about_settings)


def adopted(name: str) -> Any:
    """Return what the address said of setting `name` when it was last followed."""
    return _session().adopted[name]


def is_first_run() -> bool:
    """Tell whether no run of the page has come to its end: callbacks may not be called.

    A server that was restarted, or a tab that slept long, gets a new session. It learns from the
    browser where each control stands, but not that one has been moved or pressed; so in the first
    run a control that does not stand where the address puts it has been moved. A run that a move
    broke off has drawn some controls, and only they have their callbacks in the next run.
    """
    return _session().is_first_run


def hear(button: str) -> None:
    """Note that a button's callback is called."""
    _session().heard.add(button)


def was_heard(button: str) -> bool:
    """Tell whether a button that is seen pressed in the first run has had its callback."""
    return button in _session().heard


def must_run_again() -> bool:
    """Tell, once, whether a move of the first run came after other controls had been drawn."""
    session = _session()
    late, session.is_late = session.is_late, False
    return late


def run_again() -> None:
    """Run the page again as soon as its address is written: it has measured more meanwhile."""
    _session().is_late = True


def restart(settings: Mapping[str, Any] | None = None) -> None:
    """Take every setting back to its default but the seed and A, then choose `settings`."""
    session = _session()
    kept = {name: session.settings[name] for name in _KEPT}
    choose(**dict(address.DEFAULTS) | kept | dict(settings or {}))


def config() -> ExperimentConfig:
    """Return the run to show: of the settings, or of the last good ones."""
    return address.config_of(_session().good)


def pinned() -> address.Pinned | None:
    """Return run A, which is shown for comparison, if there is one."""
    pin: address.Pinned | None = _session().good["a"]
    return pin


def pin() -> None:
    """Make the run on the page run A."""
    choose(a=address.pinned_of(_session().good))


def unpin() -> None:
    """Forget run A."""
    choose(a=None)


def step(steps: int) -> int | None:
    """Return the pinned step, 1..T, of a run of `steps` steps; None where none is pinned."""
    pinned: int | None = _session().good["t"]
    return None if pinned is None or not steps else min(pinned, steps)


def pin_step(t: int | None) -> None:
    """Pin a step, or none."""
    choose(t=t)


def choose_shown() -> None:
    """Show what a link with `ask=1` holds back."""
    choose(ask=0)


def choose_training(train: int) -> None:
    """Show the training runs of the page of clipping, or stop them."""
    choose(train=train)


def query() -> dict[str, str]:
    """Return the query of the page as it is shown, for a link to another page."""
    return address.write(_session().good)


def run_name(fingerprint: str) -> str:
    """Return what `data-run` says of a painted picture: `<query of the run>#<fingerprint>`."""
    return address.run_name(_session().good, fingerprint)


def shown() -> address.Settings:
    """Return the settings of the page as it is shown: those chosen, or the last good ones."""
    return dict(_session().good)


def full_address() -> str | None:
    """Return the query of the page with every setting in it; None if it is too long for a link."""
    query = address.write(_session().good, is_full=True)
    return urlencode(query) if _length(query) <= address.LONGEST else None


def complaints() -> tuple[str, ...]:
    """Return what to tell the reader about the address and the settings, a sentence each."""
    session = _session()
    length = _length(address.write(session.good))
    if length <= address.LONGEST:
        return (*session.about_address, *session.about_settings)
    too_long = f"address: expected at most {address.LONGEST:,} characters, got {length:,}"
    return (
        *session.about_address,
        *session.about_settings,
        f"{too_long}; the address bar keeps the last settings that fit",
    )


def _session() -> _Session:
    if _KEY not in st.session_state:
        st.session_state[_KEY] = _Session()
    session: _Session = st.session_state[_KEY]
    return session


def _settle(session: _Session) -> None:
    try:
        engine.fitted(address.config_of(session.settings))
    except ConfigError as error:
        session.about_settings = (str(error),)
    else:
        session.good = dict(session.settings)
        session.about_settings = ()


def _reported() -> _Query:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _length(query: Mapping[str, str]) -> int:
    return len(urlencode(query))
