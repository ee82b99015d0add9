"""plotly.js, served from the installed package: no request leaves the machine.

The version is part of the path, so a browser may keep the file for ever; it is compressed once.
"""

import gzip
from functools import cache
from importlib.resources import files
from typing import Final

import plotly
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BASE: Final = str(st.get_option("server.baseUrlPath") or "").strip("/")
PATH: Final = f"{'/' * bool(_BASE)}{_BASE}/assets/plotly-{plotly.__version__}.min.js"
"""Where the browser finds plotly.js on this server."""


@cache
def compressed() -> bytes:
    """Return plotly.js as gzip; the first call takes a quarter of a second, the others none."""
    return gzip.compress(source(), 6, mtime=0)


def source() -> bytes:
    """Return plotly.js as the package has it."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


def _answer(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(compressed(), media_type="text/javascript", headers=headers)
    return Response(gzip.decompress(compressed()), media_type="text/javascript", headers=headers)


ROUTE: Final = Route(PATH, _answer)


class Announced:
    """Tells a browser with the page itself that plotly.js will be wanted.

    A figure asks for it when it is mounted, which is after the scripts of Streamlit, a session and
    a run; announced, it arrives in the meantime.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as `app` does, with one more header on every HTML page."""

        async def announce(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", f"<{PATH}>; rel=preload; as=script")
            await send(message)

        await self._app(scope, receive, announce if scope["type"] == "http" else send)
