"""Two training runs side by side: loss and gradient norm over the updates, and where one dies."""

from typing import Any, Final

import numpy as np

from app.figures import theme
from app.figures.decades import Domain, ticks
from app.figures.panel import Part, key
from app.figures.stack import title
from app.figures.theme import INK, SMALL, colour
from app.sentences.numerals import chosen, counted, power
from app.sentences.typeset import for_figure
from app.trained import UPDATES, Pair, is_finished
from rnn_core.arrays import Array
from rnn_core.training import Training

_LOSS: Final = Domain(-8.0, 8.0)
_NORM: Final = Domain(-6.0, 8.0)
_HEIGHT: Final = 330
_DASHES: Final = {"run": "solid", "clipped": "dash"}
_LEFT: Final = (0.0, 0.44)
_RIGHT: Final = (0.56, 1.0)


def drawing(pair: Pair) -> dict[str, Any]:
    """Return data and layout: the loss on the left, the norm of the gradient on the right.

    The domains are fixed; what lies beyond them is named by a note.
    """
    runs = ((pair.unclipped, "run", "unclipped"), (pair.clipped, "clipped", "clipped"))
    traces, notes, shapes = [], [], [_baseline(pair), _threshold(pair)]
    for run, line, name in runs:
        if run is None:
            continue
        traces += [
            _curve(np.log10(_positive(run.loss)), line, name, "x", "y"),
            _curve(run.log10_norm, line, name, "x2", "y2"),
        ]
        notes += [*_beyond(run, line, name)]
    run = pair.unclipped
    died = None if run is None or not is_finished(run) else run.dies_at
    if died is not None:
        shapes += [_line(axis, died) for axis in ("x", "x2")]
        notes.append(_died(died))
    marks = [key("—", colour("run"), "unclipped"), key("- -", colour("clipped"), "clipped")]
    notes += [
        title("   ".join(["<b>loss</b>", *marks, key("···", INK, "always 1")]), 1.0),
        title(f"<b>norm of the gradient</b>   {key('···', INK, _named(pair))}", 1.0, x=_RIGHT[0]),
    ]
    layout = {
        "template": theme.TEMPLATE,
        "height": _HEIGHT,
        "margin": {"l": 62, "r": 24, "t": 28, "b": 44},
        "xaxis": _updates(_LEFT, "y"),
        "xaxis2": _updates(_RIGHT, "y2"),
        "yaxis": _decades(_LOSS, "x"),
        "yaxis2": _decades(_NORM, "x2"),
        "shapes": shapes,
        "annotations": notes,
    }
    return {"data": traces, "layout": layout}


def _named(pair: Pair) -> str:
    entry = "" if pair.mode == "norm" else " of an entry"
    return f"threshold {chosen(pair.threshold)}{entry}"


def _positive(values: Array) -> Array:
    return np.where(values > 0.0, values, np.nan)


def _curve(log10: Array, line: str, name: str, xaxis: str, yaxis: str) -> Part:
    return {
        "type": "scatter",
        "mode": "lines" if len(log10) > 1 else "markers",
        "x0": 0,
        "y": np.where(np.isfinite(log10), log10, np.nan).astype(np.float32),
        "xaxis": xaxis,
        "yaxis": yaxis,
        "line": {
            "color": colour(line),
            "width": 2.5,
            "dash": "dash" if line == "clipped" else "solid",
        },
        "name": name,
        "hovertemplate": f"{name}, updates made: %{{x}}: 10^%{{y:.2f}}<extra></extra>",
    }


def _beyond(run: Training, line: str, name: str) -> list[Part]:
    """Name what the panels cannot show."""
    notes = []
    for values, shown, axis in (
        (np.log10(_positive(run.loss)), _LOSS, "x"),
        (run.log10_norm, _NORM, "x2"),
    ):
        finite = values[np.isfinite(values)]
        if not finite.size or finite.max() <= shown.high:
            continue
        notes.append(
            {
                "x": (_LEFT if axis == "x" else _RIGHT)[1],
                "xref": "paper",
                "xanchor": "right",
                "y": 0.98 if line == "run" else 0.86,
                "yref": "paper",
                "yanchor": "top",
                "text": f"<b>↑ {name}: to {for_figure(power(float(finite.max())))}</b>",
                "font": {"color": colour(line), "size": SMALL},
                "bgcolor": "var(--st-background-color)",
            }
        )
    return notes


def _died(update: int) -> Part:
    return {
        "x": _LEFT[0] + (_LEFT[1] - _LEFT[0]) * update / UPDATES,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 5,
        "y": 0.02,
        "yref": "paper",
        "yanchor": "bottom",
        "text": "dies at once" if update == 0 else f"dies after {counted(update, 'update')}",
        "font": {"color": colour("run"), "size": SMALL},
        "bgcolor": "var(--st-background-color)",
    }


def _line(axis: str, update: int) -> Part:
    return {
        "type": "line",
        "xref": axis,
        "x0": update,
        "x1": update,
        "yref": f"{axis.replace('x', 'y')} domain",
        "y0": 0,
        "y1": 1,
        "line": {"color": colour("run"), "width": 1.5, "dash": "dot"},
    }


def _baseline(pair: Pair) -> Part:
    return _level("x", "y", float(np.log10(pair.baseline)))


def _threshold(pair: Pair) -> Part:
    return _level("x2", "y2", float(np.log10(pair.threshold)))


def _level(xaxis: str, yaxis: str, y: float) -> Part:
    return {
        "type": "line",
        "xref": f"{xaxis} domain",
        "x0": 0,
        "x1": 1,
        "yref": yaxis,
        "y0": y,
        "y1": y,
        "line": {"color": INK, "width": 1.5, "dash": "dot"},
    }


def _updates(place: tuple[float, float], anchor: str) -> Part:
    return {
        "domain": list(place),
        "range": [0, UPDATES],
        "anchor": anchor,
        "showgrid": False,
        "zeroline": False,
        "title": {"text": "updates made", "standoff": 6, "font": {"size": SMALL}},
    }


def _decades(shown: Domain, anchor: str) -> Part:
    places, texts = ticks(shown)
    return {
        "range": list(shown),
        "tickvals": places,
        "ticktext": texts,
        "anchor": anchor,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }
