"""What travels to the browser for one picture: JSON with typed arrays, no larger than needed.

A heatmap is coloured from 256 colours: while a slider is dragged its cells travel as int8 over
the domain of its colours, afterwards states as int16 and gradients as float32, from which the
cursor reads true values. The browser multiplies integers by `scale` and adds `offset`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

from app.components import plotly_js
from rnn_core.arrays import Array

_HOVER: Final = ("text", "customdata", "hovertemplate")
"""What the cursor does without: it reads what is drawn."""

_MOST_ROWS: Final = 64
_MOST_COLUMNS: Final = 500
"""Cells of a heatmap while a slider is dragged."""

_TYPES: Final = {np.dtype(name): name for name in ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")}


@dataclass(frozen=True)
class Picture:
    """A figure, its name and its words.

    Attributes
    ----------
    fig : an ordinary figure, or its data and layout: Plotly's check of a figure takes three times
        as long as drawing it. A trace with `meta={"reads": ...}` is read by the cursor.
    run : `<query of the run>#<fingerprint>`; stands in `data-run` as soon as it is painted.
    alt : the picture in words, for a reader who does not see it.
    says : HTML of sentences elsewhere on the page that follow the picture, by CSS selector.
    """

    fig: go.Figure | Mapping[str, Any]
    run: str
    alt: str
    says: dict[str, str] = field(default_factory=dict)


def payload(picture: Picture, *, key: str, is_coarse: bool = False, **rest: Any) -> bytes:
    """Return what travels: bytes, since Streamlit would encode text twice and hash it.

    Parameters
    ----------
    key : name of the chart.
    is_coarse : whether the picture is one of a drag, gone within a tenth of a second.
    rest : what else the browser has to know.
    """
    parcel = {
        "src": plotly_js.PATH,
        "key": key,
        "run": picture.run,
        "alt": picture.alt,
        "says": picture.says,
        "coarse": is_coarse,
        **rest,
        "figure": _figure(picture.fig, is_coarse=is_coarse),
    }
    return json.dumps(parcel, default=_packed, allow_nan=False, separators=(",", ":")).encode()


def numbered(parcel: bytes, order: int) -> bytes:
    """Return a parcel that says which it is of those that its chart gets."""
    return b'{"order":%d,' % order + parcel[1:]


def _figure(fig: go.Figure | Mapping[str, Any], *, is_coarse: bool) -> dict[str, Any]:
    if isinstance(fig, go.Figure):
        data = [trace.to_plotly_json() for trace in fig.data]  # of a figure: text instead of arrays
        fig = {"data": data, "layout": fig.layout.to_plotly_json()}
    layout = dict(fig["layout"])
    if isinstance(layout.get("template"), str):
        layout["template"] = _template(layout["template"])
    traces = [_thin(dict(trace), is_coarse=is_coarse) for trace in fig["data"]]
    if any("reads" in (trace.get("meta") or {}) for trace in traces):
        layout["hovermode"] = False
    return _plain({"data": traces, "layout": layout})


@cache
def _template(name: str) -> Any:
    return pio.templates[name].to_plotly_json()


def _thin(trace: dict[str, Any], *, is_coarse: bool) -> dict[str, Any]:
    reads = (trace.get("meta") or {}).get("reads")
    if reads is None:
        return trace
    for name in _HOVER:
        trace.pop(name, None)
    if trace["type"] == "heatmap":
        if is_coarse:
            trace |= _sparser(trace)
            trace["z"] = _stepped(trace["z"], trace["zmin"], trace["zmax"], np.int8)
        elif reads == "state":
            end = max(1.0, float(np.nanmax(np.abs(trace["z"]))))
            trace["z"] = _stepped(trace["z"], -end, end, np.int16)
    return trace


def _sparser(trace: dict[str, Any]) -> dict[str, Any]:
    """Leave out cells that a moving picture does not show: two pixels of a laptop each.

    The cells that are left are of one size, also the last ones, which end beyond the axis.
    """
    rows, across = trace["z"].shape
    by_row, by_column = -(-rows // _MOST_ROWS), -(-across // _MOST_COLUMNS)
    edges = trace.get("x", ())
    if len(edges) != across + 1 or "dy" not in trace or (by_row, by_column) == (1, 1):
        return {}
    z = trace["z"][::by_row, ::by_column]
    width = np.float32(by_column * (edges[1] - edges[0]))
    x = edges[0] + width * np.arange(z.shape[1] + 1, dtype=np.float32)
    middle = trace["y0"] + trace["dy"] * (by_row - 1) / 2
    return {"z": z, "x": x, "y0": middle, "dy": trace["dy"] * by_row}


def _stepped(z: Array, low: float, high: float, kind: type[np.signedinteger[Any]]) -> Any:
    """Write z as integers: steps of equal size from low to high; the lowest integer is a gap."""
    most = int(np.iinfo(kind).max)
    scale, offset = (high - low) / (2 * most), (high + low) / 2
    with np.errstate(invalid="ignore"):
        steps = np.rint((np.clip(z, low, high) - offset) / scale)
    whole = np.where(np.isnan(z), -most - 1, steps).astype(kind)
    return _packed(whole) | {"scale": scale, "offset": offset}


def _packed(array: object) -> Any:
    if not isinstance(array, np.ndarray):
        raise TypeError(type(array).__name__)
    array = np.ascontiguousarray(array)
    if array.dtype not in _TYPES:
        return _holes(array.tolist())
    parcel: dict[str, Any] = {
        "dtype": _TYPES[array.dtype],
        "bdata": base64.b64encode(array.tobytes()).decode("ascii"),
    }
    if array.ndim > 1:
        parcel["shape"] = ", ".join(map(str, array.shape))
    return parcel


def _plain(part: Any) -> Any:
    """Return `part` as JSON can write it: holes for nan and inf, lists for tuples."""
    if isinstance(part, dict):
        return {name: _plain(one) for name, one in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(one) for one in part]
    if isinstance(part, np.generic):
        part = part.item()
    return _holes(part)


def _holes(part: Any) -> Any:
    if isinstance(part, list):
        return [_holes(one) for one in part]
    if isinstance(part, float) and not np.isfinite(part):
        return None
    return part
