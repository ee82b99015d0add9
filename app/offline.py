"""One HTML file that shows the picture at many values of a setting, without a server."""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template
from typing import Any, Final, NamedTuple

from app.components import plotly_js
from app.components.parcel import Picture, payload


class Dial(NamedTuple):
    """A setting that can be moved in the file, and its values besides the one on the page."""

    field: str
    label: str
    values: tuple[float, ...]


SCALES: Final = tuple(round(0.1 * k, 1) for k in range(41))
WEIGHT_SCALES: Final = Dial("weight_scale", "Weight scale", SCALES)


def offline(
    draw: Callable[[Mapping[str, Any]], Picture],
    settings: Mapping[str, Any],
    dial: Dial = WEIGHT_SCALES,
) -> bytes:
    """Return the file: plotly.js, a slider, and a recorded picture for each of its places.

    Parameters
    ----------
    draw : from settings to their picture.
    settings : of the page; the slider starts from them.
    dial : what the slider in the file moves.
    """
    start = settings[dial.field]
    frames = []
    for scale in sorted({*dial.values, start}):
        picture = draw(dict(settings) | {dial.field: scale})
        parcel = json.loads(payload(picture, key="picture", is_coarse=True))
        frames.append({"scale": f"{scale:g}", "isStart": scale == start, "parcel": parcel})
    page = Template(files("app").joinpath("offline.html").read_text("utf-8"))
    return page.substitute(
        label=dial.label,
        plotly=_inside(plotly_js.source().decode()),
        frames=_inside(json.dumps(frames, separators=(",", ":"))),
        colours=files("app.components").joinpath("colours.js").read_text("utf-8"),
    ).encode()


def _inside(script: str) -> str:
    r"""Return a script that cannot end its tag; `<\/` and `<\u0021` mean the same in strings."""
    return script.replace("</", r"<\/").replace("<!--", r"<\u0021--")
