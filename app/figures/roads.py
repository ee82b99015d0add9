"""Sizes along the roads of a gradient: three cells side by side, and one cell's paths apart."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from app.figures.decades import Domain, ticks
from app.figures.norms import aligned_at_loss, net_band
from app.figures.panel import Panel, Part, key
from app.figures.theme import INK, SMALL, colour
from app.sentences.nets import of_band
from app.sentences.numerals import power
from app.sentences.typeset import for_figure
from rnn_core import Recording
from rnn_core.analysis.roads import Roads
from rnn_core.arrays import Array
from rnn_core.recording import mean_log10

CELLS: Final = {"rnn": ("RNN", "run"), "gru": ("GRU", "share"), "lstm": ("LSTM", "a")}
"""Names of the cells and their colours."""

PARTS: Final = {
    "line": ("never left the line", INK, "circle", "●"),
    "i": ("i", colour("exit-1"), "square", "■"),
    "f": ("f", colour("exit-2"), "diamond", "◆"),
    "g": ("candidate g", colour("exit-3"), "triangle-up", "▲"),
    "o": ("o", colour("exit-4"), "x", "✕"),
    "r": ("r", colour("exit-1"), "square", "■"),
    "z": ("z", colour("exit-2"), "diamond", "◆"),
    "n": ("candidate n", colour("exit-3"), "triangle-up", "▲"),
}
"""What a path is called by its first exit, its colour, and the mark on its curve: a shape each, for
whoever cannot tell the colours apart. None has the colour of a cell."""

OF_WHOLE: Final = Domain(-4.0, 1.0)
"""Decades of a path beside the whole gradient, whatever the settings: a path that matters has at
least a hundredth of it, and one that others cancel is larger than the whole."""

_MARKS: Final = 12
"""Marks along a curve, about."""


def three_cells(
    recs: Mapping[str, Recording],
    shown: Domain,
    *,
    pinned: Recording | None = None,
    nets: Mapping[str, Array] | None = None,
    line_alone: tuple[str, Array] | None = None,
) -> Panel:
    """Draw log10 |dL/dh_t| of three cells and an LSTM's log10 |dL/dc_t|, means over sequences.

    Beside them what would arrive by the line alone: the keeping gate's name and `Roads.product`.
    With `nets`, log10 |dL/dh_t| of other nets by cell, (T, N), each curve stands in a band.
    """
    title, traces, notes = ["<b>size |∂L/∂h<sub>t</sub>|</b>"], [], []
    for cell, rec in recs.items():
        name, line = CELLS[cell][0], colour(CELLS[cell][1])
        if not rec.layers or rec.overflow_left_nan:
            continue
        if nets is not None and cell in nets:
            traces += net_band(nets[cell], rec, f"{CELLS[cell][1]}-band")
        mean = mean_log10(rec.layers[0].log10_norms("d_h"))
        traces.append(_line(mean, line, name))
        title.append(key("—", line, name))
        notes += _below(mean, shown, name, line)
        if cell == "lstm":
            of_c = mean_log10(rec.layers[0].log10_norms("d_c"))
            traces.append(_line(of_c, line, "|∂L/∂c|", dash="dot"))
            title.append(key("···", line, "LSTM, |∂L/∂c<sub>t</sub>|"))
    if line_alone is not None:
        name, product = f"∏ {line_alone[0]}", line_alone[1]
        traces.append(_line(product, colour("zero"), name, dash="dash"))
        title.append(key("- -", colour("zero"), f"{name} alone"))
        notes += _below(product, shown, name, colour("zero"))
    if nets:
        title.append(f"bands: {of_band({CELLS[cell][0]: one for cell, one in nets.items()})}")
    elif next(iter(recs.values())).x.shape[1] > 1:
        title.append("means over the sequences of one net")
    if pinned is not None and pinned.layers and not pinned.overflow_left_nan:
        theirs = mean_log10(pinned.layers[0].log10_norms("d_h"))
        to = next(iter(recs.values()))
        traces.append(_line(aligned_at_loss(theirs, pinned, to), INK, "A", dash="dash"))
        title.append(key("- -", INK, f"pinned run A, {CELLS[pinned.network.cell][0]}"))
    axis = _axis(*ticks(shown, most=_TICKS), shown)
    return Panel("   ".join(title), axis, traces, [], _stacked_notes(notes, shown))


def keeping_gate(rec: Recording) -> str:
    """Return the gate that keeps the state of a gated cell."""
    return "f" if rec.network.cell == "lstm" else "z"


def paths_apart(rec: Recording, found: Roads) -> Panel:
    """Draw each part of the gradient on the line by its first exit, divided by the whole.

    On the decades of the gradient itself the parts would lie on top of each other.
    """
    of = "c" if rec.network.cell == "lstm" else "h"
    title = [f"<b>paths of ∂L/∂{of}<sub>t</sub> by first exit, each ÷ the whole</b>"]
    traces, notes = [], []
    whole = found.split.mean_log10_norm("whole")
    for part in found.parts:
        name, line, symbol, mark = PARTS[part]
        with np.errstate(invalid="ignore"):
            ratio = found.split.mean_log10_norm(part) - whole
        curve = _line(ratio, line, f"{name} ÷ whole")
        curve["mode"] = "lines+markers"
        curve["marker"] = {"symbol": symbol, "size": 9, "color": line, "maxdisplayed": _MARKS}
        traces.append(curve)
        title.append(key(mark, line, name))
        notes += _below(ratio, OF_WHOLE, f"{name} ÷ whole", line)
    places = [-4.0, -3.0, -2.0, -1.0, 0.0]
    axis = _axis(places, ["10<sup>−4</sup>", "0.001", "0.01", "0.1", "whole"], OF_WHOLE)
    whole_is_1 = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    whole_is_1 |= {"line": {"color": INK, "width": 1, "dash": "dot"}, "layer": "below"}
    return Panel("   ".join(title), axis, traces, [whole_is_1], _stacked_notes(notes, OF_WHOLE))


_TICKS: Final = 7
"""Ticks that a panel has room for; with fewer a long run has none above 1."""


def _axis(places: list[float], texts: list[str], shown: Domain) -> Part:
    return {
        "range": list(shown),
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }


def _line(log10: Array, line: str, name: str, *, dash: str = "solid", width: float = 2.5) -> Part:
    drawn = np.where(np.isfinite(log10), log10, np.nan).astype(np.float32)
    return {
        "type": "scatter",
        "mode": "lines" if np.isfinite(drawn).sum() > 1 else "lines+markers",
        "x0": 1,
        "y": drawn,
        "line": {"color": line, "width": width, "dash": dash},
        "hovertemplate": f"step %{{x}}<br>{name}: 10^%{{y:.2f}}<extra></extra>",
        "meta": {"reads": "log10", "name": name},
    }


def _below(mean: Array, shown: Domain, name: str, line: str) -> list[tuple[bool, str, str]]:
    finite = np.flatnonzero(np.isfinite(mean))
    if not finite.size or shown.has(float(mean[finite[0]])):
        return []
    value = float(mean[finite[0]])
    arrow = "↓" if value < shown.low else "↑"
    return [(value < shown.low, f"{arrow} {name}: {power(value)} at step {finite[0] + 1:,}", line)]


def _stacked_notes(found: list[tuple[bool, str, str]], shown: Domain) -> list[Part]:
    """Put what lies outside into the corner that its curve leaves free, one line each."""
    notes: list[Part] = []
    for is_below in (True, False):
        texts = [
            f'<span style="color:{line}"><b>{for_figure(text)}</b></span>'
            for below, text, line in found
            if below == is_below
        ]
        if texts:
            notes.append(
                {
                    "xref": "paper",
                    "x": 1.0 if is_below else 0.0,
                    "xanchor": "right" if is_below else "left",
                    "xshift": -6 if is_below else 6,
                    "y": shown.low if is_below else shown.high,
                    "yanchor": "bottom" if is_below else "top",
                    "yshift": 2 if is_below else -6,  # a raised power would touch the title
                    "text": "<br>".join(texts),
                    "align": "right" if is_below else "left",
                    "font": {"size": SMALL},
                    "bgcolor": "var(--st-background-color)",
                }
            )
    return notes
