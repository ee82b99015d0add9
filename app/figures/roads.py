"""Sizes along the roads of a gradient: three cells side by side, and one cell's paths apart."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from app.figures.decades import Domain, ticks
from app.figures.norms import OVER_NETS, aligned_at_loss, net_band
from app.figures.panel import Panel, Part, key
from app.figures.theme import INK, SMALL, colour
from app.sentences.numerals import power
from app.sentences.typeset import for_figure
from rnn_core import Recording
from rnn_core.analysis.roads import Roads
from rnn_core.arrays import Array
from rnn_core.recording import mean_log10

CELLS: Final = {"rnn": ("RNN", "run"), "gru": ("GRU", "share"), "lstm": ("LSTM", "a")}
"""Names of the cells and their colours."""

PARTS: Final = {
    "line": ("never left the line", "zero"),
    "i": ("i", "floor"),
    "f": ("f", "bound"),
    "g": ("candidate g", "run"),
    "o": ("o", "share"),
    "r": ("r", "bound"),
    "z": ("z", "share"),
    "n": ("candidate n", "run"),
}
"""What a path is called by its first exit, and its colour."""


def three_cells(
    recs: Mapping[str, Recording],
    shown: Domain,
    *,
    pinned: Recording | None = None,
    nets: Mapping[str, Array] | None = None,
) -> Panel:
    """Draw log10 |dL/dh_t| of three cells and an LSTM's log10 |dL/dc_t|, means over sequences.

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
    if nets:
        title.append(f"bands: {OVER_NETS}")
    elif next(iter(recs.values())).x.shape[1] > 1:
        title.append("means over the sequences of one net")
    if pinned is not None and pinned.layers and not pinned.overflow_left_nan:
        theirs = mean_log10(pinned.layers[0].log10_norms("d_h"))
        to = next(iter(recs.values()))
        traces.append(_line(aligned_at_loss(theirs, pinned, to), INK, "A", dash="dash"))
        title.append(key("- -", INK, f"pinned run A, {CELLS[pinned.network.cell][0]}"))
    return Panel("   ".join(title), _axis(shown), traces, [], _stacked_notes(notes, shown))


def paths_apart(rec: Recording, found: Roads, shown: Domain) -> Panel:
    """Draw the whole gradient on the line and each part of it by its first exit."""
    of = "c" if rec.network.cell == "lstm" else "h"
    title = [f"<b>paths of ∂L/∂{of}<sub>t</sub> by first exit</b>", key("—", INK, "whole")]
    traces = []
    for part in found.parts:
        name, line = PARTS[part][0], colour(PARTS[part][1])
        dash = "dot" if part == "line" else "solid"
        traces.append(_line(found.split.mean_log10_norm(part), line, name, dash=dash, width=1.5))
        title.append(key("···" if part == "line" else "—", line, name))
    traces.append(_line(found.split.mean_log10_norm("whole"), INK, "whole"))
    gate = "f" if of == "c" else "z"
    traces.append(_line(found.product, colour("zero"), f"product of {gate}", dash="dash"))
    title.append(key("- -", colour("zero"), f"∏ {gate}"))
    notes = _below(found.product, shown, f"∏ {gate}", colour("zero"))
    whole = found.split.mean_log10_norm("whole")
    notes += _below(whole, shown, "whole", INK)
    return Panel("   ".join(title), _axis(shown), traces, [], _stacked_notes(notes, shown))


def _axis(shown: Domain) -> Part:
    places, texts = ticks(shown, most=5)
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
                    "text": "<br>".join(texts),
                    "align": "right" if is_below else "left",
                    "font": {"size": SMALL},
                    "bgcolor": "var(--st-background-color)",
                }
            )
    return notes
