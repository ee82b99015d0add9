"""plotly.js comes from the installed package, once."""

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
