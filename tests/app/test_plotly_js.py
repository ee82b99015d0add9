"""plotly.js comes from the installed package, once."""

import asyncio
import gzip
from importlib.resources import files

import plotly
import pytest
from starlette.requests import Request

from app.components import plotly_js


def answer(accepted):
    headers = [(b"accept-encoding", accepted.encode())] if accepted else []
    return plotly_js.ROUTE.endpoint(Request({"type": "http", "headers": headers}))


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "identity", ""])
def test_the_file_of_the_package_arrives_whole(accepted):
    response = answer(accepted)
    is_compressed = response.headers.get("content-encoding") == "gzip"
    assert is_compressed == ("gzip" in accepted)
    body = gzip.decompress(response.body) if is_compressed else response.body
    assert body == (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def test_a_browser_may_keep_it_for_ever_since_the_path_has_the_version():
    assert "immutable" in answer("gzip").headers["cache-control"]
    assert plotly.__version__ in plotly_js.PATH
    assert answer("gzip").headers["vary"] == "Accept-Encoding"


def test_it_is_compressed_once():
    assert plotly_js.compressed() is plotly_js.compressed()


def announced(content_type):
    sent = []

    async def page(_scope, _receive, send):
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def keep(message):
        sent.append(message)

    asyncio.run(plotly_js.Announced(page)({"type": "http"}, None, keep))
    return dict(sent[0]["headers"]).get(b"link")


def test_a_page_announces_what_its_figure_will_ask_for():
    link = announced("text/html; charset=utf-8")
    assert link == f"<{plotly_js.PATH}>; rel=preload; as=script".encode()
    assert announced("text/javascript") is None
