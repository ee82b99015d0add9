"""plotly.js, served from the installed package: no request leaves the machine.

The version is part of the path, so a browser may keep the file for ever; it is compressed once.
"""

import gzip
from functools import cache
from importlib.resources import files
from typing import Final

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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
