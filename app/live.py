"""Pictures on request: what a slider asks for while it is dragged.

A value under a finger is no setting yet: it has no place in the session, the address or the
history. So it does not go through a run of the page; the browser asks for the picture of a query,
one request in flight, the newest value next, and lets Streamlit commit what the finger leaves.
"""

import gzip
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import address
from app.components.parcel import Picture, payload
from app.turns import REST, TURNS
from rnn_core import ConfigError

_BASE: Final = str(st.get_option("server.baseUrlPath") or "").strip("/")
PATH: Final = f"{'/' * bool(_BASE)}{_BASE}/live/"
"""What stands before the name of a chart."""

_PRIVATE: Final = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}

_QUICK: Final = 1
"""gzip's level: Streamlit's own layer takes 5, on the one thread that serves every reader."""

_ROOM: Final = 128_000
"""steps x sequences x hidden units of a picture of a drag: 20 ms of a core for a tanh net."""

Draw = Callable[[Mapping[str, Any]], Picture]
"""From settings to the picture of them, without what a drag need not show."""


def route(charts: Mapping[str, Draw]) -> Route:
    """Return the route that draws `charts`, by name."""

    def answer(request: Request) -> Response:
        key = request.path_params["key"]
        if key not in charts:
            return Response(status_code=404)
        query = parse_qs(request.url.query, keep_blank_values=True, max_num_fields=100)
        is_coarse = bool(query.pop("coarse", None))
        settings, complaints = address.read(address.of_drag(query), address.DEFAULTS)
        if complaints:
            return Response("\n".join(complaints), 422, _PRIVATE, "text/plain")
        if is_coarse:
            settings["batch_size"] = _fewer(settings)
        with TURNS.turn(REST):
            try:
                picture = charts[key](settings)
            except ConfigError as error:
                return Response(str(error), 422, _PRIVATE, "text/plain")
            parcel = payload(picture, key=key, is_coarse=is_coarse)
            headers = dict(_PRIVATE)
            if "gzip" in request.headers.get("accept-encoding", ""):
                parcel = gzip.compress(parcel, _QUICK, mtime=0)
                headers["Content-Encoding"] = "gzip"
        return Response(parcel, 200, headers, "application/json")

    return Route(f"{PATH}{{key}}", answer)


def _fewer(settings: Mapping[str, Any]) -> int:
    """Return how many sequences a long run is drawn with while it moves; the page says so.

    They are the first of those asked for, draw for draw, with the one in the heatmaps among them.
    """
    room = _ROOM // (settings["steps"] * settings["hidden_size"])
    asked: int = settings["batch_size"]
    return min(asked, max(room, settings["sequence"], 1))
