"""The one axis of time: steps 1..T, or the characters of a typed text."""

import re
from html import escape
from typing import Any, Final

from app.figures.theme import SMALL
from rnn_core import Recording
from rnn_core.config import sizes

_CHARACTERS: Final = 80
"""Up to this many steps every character has its own tick; beyond it words have."""

_WIDTH: Final = 85
"""Characters that fit beside each other below the picture on a laptop."""


def axis_steps(rec: Recording) -> int:
    """Return T of the axis: as asked for, also where an overflow ended the run earlier."""
    return sizes(rec.config)[0] if rec.config is not None else rec.steps


def time_axis(rec: Recording) -> dict[str, Any]:
    """Return the x axis of a picture."""
    steps = axis_steps(rec)
    axis: dict[str, Any] = {
        "range": [0.5, steps + 0.5],
        "title": _title("time step t; the gradient travels from right to left"),
        "showgrid": False,
        "zeroline": False,
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "solid",
        "spikecolor": "var(--st-text-color)",
        "tickformat": ",d",
        "ticks": "outside",
        "ticklen": 4,
    }
    if rec.config is not None and rec.config.source == "text":
        places, texts = _read(rec.config.text[:steps])
        title = "character read at each step; the gradient travels from right to left"
        return axis | {
            "tickmode": "array",
            "tickvals": places,
            "ticktext": texts,
            "tickangle": 0,
            "title": _title(title),
        }
    return axis | {"tickmode": "array", "tickvals": _round_steps(steps)}


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "standoff": 6, "font": {"size": SMALL}}


def _round_steps(steps: int, most: int = 10) -> list[int]:
    """Return 1, round numbers, and T, without crowding."""
    sizes_of_ten = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000)
    gap = next(g for g in sizes_of_ten if steps / g <= most)
    inner = [s for s in range(gap, steps, gap) if s - 1 >= gap / 2 and steps - s >= gap / 2]
    return sorted({1, *inner, steps})


def _read(text: str) -> tuple[list[int], list[str]]:
    """Return ticks at characters, or at the words of a longer text."""
    if len(text) <= _CHARACTERS:
        seen = [escape(one, quote=False) for one in text.replace(" ", "␣")]
        return list(range(1, len(text) + 1)), seen
    places: list[int] = []
    texts: list[str] = []
    free_from = 0.0
    for match in re.finditer(r"\S+", text):
        centre = (match.start() + 1 + match.end()) / 2
        half = (len(match.group()) + 2) / 2 * len(text) / _WIDTH
        if centre - half >= free_from and len(match.group()) <= _WIDTH // 4:
            places.append(round(centre))
            texts.append(escape(match.group(), quote=False))
            free_from = centre + half
    return places, texts
