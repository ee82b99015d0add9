"""Panels of two quantities in which a reader picks a point: what the figure says of them."""

from typing import Any, NamedTuple


class Side(NamedTuple):
    """One quantity of a panel.

    Attributes
    ----------
    axis : Plotly's name of it, such as "x2" or "y".
    name : of the quantity, as it is read to the reader.
    low, high : what can be picked.
    step : of an arrow key; its decimals are those that are read to the reader.
    """

    axis: str
    name: str
    low: float
    high: float
    step: float


def panel(name: str, label: str, x: Side, y: Side, at: tuple[float, float]) -> dict[str, Any]:
    """Return one entry of `layout.meta["picks"]`.

    Parameters
    ----------
    name : what `on_pick` gets.
    label : what a screen reader calls the panel.
    at : where the keyboard's cross starts: the run that is shown.

    Examples
    --------
    >>> side = Side("x", "weight scale", 0.0, 4.0, 0.1)
    >>> panel("phase", "Phase diagram", side, side._replace(axis="y"), (1.0, 9.0))["at"]
    [1.0, 4.0]
    """
    inside = [min(max(value, side.low), side.high) for value, side in zip(at, (x, y), strict=True)]
    return {"name": name, "label": label, "x": x._asdict(), "y": y._asdict(), "at": inside}
