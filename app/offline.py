"""One HTML file that shows the picture and its weight scales without a server or a network."""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template
from typing import Any, Final

from app.components import plotly_js
from app.components.parcel import Picture, payload

SCALES: Final = tuple(round(0.1 * k, 1) for k in range(41))
"""The weight scales inside, besides the one that was on the page."""


def offline(draw: Callable[[Mapping[str, Any]], Picture], settings: Mapping[str, Any]) -> bytes:
    """Return the file: plotly.js, a slider, and a recorded picture for each of its places.

    Parameters
    ----------
    draw : from settings to their picture.
    settings : of the page; the slider starts from them.
    """
    start = settings["weight_scale"]
    frames = []
    for scale in sorted({*SCALES, start}):
        picture = draw(dict(settings) | {"weight_scale": scale})
        parcel = json.loads(payload(picture, key="picture", is_coarse=True))
        frames.append({"scale": f"{scale:g}", "isStart": scale == start, "parcel": parcel})
    page = Template(files("app").joinpath("offline.html").read_text("utf-8"))
    return page.substitute(
        plotly=_inside(plotly_js.source().decode()),
        frames=_inside(json.dumps(frames, separators=(",", ":"))),
        colours=files("app.components").joinpath("colours.js").read_text("utf-8"),
    ).encode()


def _inside(script: str) -> str:
    r"""Return a script that cannot end its tag; `<\/` and `<\u0021` mean the same in strings."""
    return script.replace("</", r"<\/").replace("<!--", r"<\u0021--")
