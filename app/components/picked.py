"""What the browser says of a point that was picked in a panel."""

import math
from typing import Any, NamedTuple


class Point(NamedTuple):
    """A point of a panel, in the quantities of its axes."""

    panel: str
    x: float
    y: float


def point(said: Any) -> Point | None:
    """Return the point; None for what no picture of ours sends.

    >>> point({"panel": "phase", "x": 1.5, "y": 0})
    Point(panel='phase', x=1.5, y=0.0)
    """
    if not isinstance(said, dict) or not isinstance(said.get("panel"), str):
        return None
    x, y = said.get("x"), said.get("y")
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in (x, y)):
        return None
    return Point(said["panel"], float(x), float(y))  # type: ignore[arg-type]
