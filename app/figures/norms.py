"""The size of the gradient at every step: curve, band, bound, floors, and the pinned run."""

import numpy as np

from app.figures.decades import Domain, ticks, written
from app.figures.floors import floors
from app.figures.panel import Panel, Part, key
from app.figures.theme import SMALL, colour
from app.sentences.nets import of_band
from app.sentences.numerals import power
from app.sentences.typeset import for_figure
from rnn_core import Recording
from rnn_core.arrays import Array
from rnn_core.recording import band, mean_log10
from rnn_core.theory.bounds import pascanu


def norms(
    rec: Recording,
    shown: Domain,
    *,
    pinned: Recording | None = None,
    nets: Array | None = None,
) -> Panel:
    """Draw log10 |dL/dh_t|: the mean over sequences and what it is to be judged by.

    The band is over the sequences of this net, or over `nets`, (T, N), where they are given: then
    it is of the last loss alone.

    Values outside the decades shown are named by an arrow, exact zeros by a note: neither is ever
    drawn as a point at the edge.
    """
    sequences = rec.layers[0].log10_norms("d_h")
    mean = mean_log10(sequences)
    own = mean_log10(rec.layers[0].from_last.log10_norms("d_h"))
    bound = pascanu(rec)
    run = colour("run")
    several = rec.loss_steps > 1
    title = ["<b>size |∂L/∂h<sub>t</sub>|</b>"]
    traces: list[Part] = []
    if nets is not None:
        traces += net_band(nets, rec)
        title += [key("—", run, "mean of this net"), key("■", colour("run-band"), of_band(nets))]
    elif sequences.shape[1] > 1:
        of = f"10–90 % of the {sequences.shape[1]} sequences of this one net"
        traces += _band(sequences)
        title += [key("—", run, "mean"), key("■", colour("run-band"), "") + of]
    else:
        title.append(key("—", run, "of the one sequence"))
    if bound is not None:
        traces.append(_curve(bound, colour("bound"), "Pascanu’s bound", dash="dot"))
        title.append(key("···", colour("bound"), "Pascanu’s bound"))
    if pinned is not None and pinned.layers:
        theirs = mean_log10(pinned.layers[0].log10_norms("d_h"))
        aligned = aligned_at_loss(theirs, pinned, rec)
        traces.append(_curve(aligned, colour("a"), "A", dash="dash"))
        title.append(key("- -", colour("a"), "pinned run A"))
    traces.append(_curve(mean, run, "all losses" if several else ""))
    traces[-1]["meta"] = {"reads": "log10", "name": "|∂L/∂h|, mean"}
    if several:
        traces.append(_curve(own, run, "last loss alone", dash="dash"))
        title.append(key("- -", run, "last loss alone"))
    shapes, notes = floors(rec, shown)
    notes += _outside(rec, mean, shown)
    places, texts = ticks(shown)
    axis = {
        "range": list(shown),
        "tickvals": places,
        "ticktext": texts,
        "gridcolor": colour("grid"),
        "zeroline": False,
    }
    return Panel("   ".join(title), axis, traces, shapes, notes)


def aligned_at_loss(values: Array, of: Recording, to: Recording) -> Array:
    """Return a per-step curve of another run on this run's steps, so that their losses meet."""
    found = np.full(to.steps, np.nan)
    lags = min(of.last_loss_step, to.last_loss_step) + 1
    end, their_end = to.last_loss_step + 1, of.last_loss_step + 1
    found[end - lags : end] = values[their_end - lags : their_end]
    return found


def _curve(log10: Array, line: str, name: str, *, dash: str = "solid") -> Part:
    numbers = written(log10)
    title = f"{name}: " if name else ""
    return {
        "type": "scatter",
        "mode": "lines" if np.isfinite(log10).sum() > 1 else "lines+markers",
        "x0": 1,
        "y": _drawable(log10),
        "line": {"color": line, "width": 2.5, "dash": dash},
        "customdata": np.stack([numbers.mantissa, numbers.exponent.astype(np.float32)], axis=1),
        "hovertemplate": (
            f"step %{{x}}<br>{title}%{{customdata[0]:.1f}}e%{{customdata[1]}}<extra></extra>"
        ),
    }


def net_band(nets: Array, rec: Recording, fill: str = "run-band") -> list[Part]:
    """Return the band over nets, (T', N) -> 10–90 % of those that have a number at a step.

    The nets ran all T' steps, this run may have overflowed before.
    """
    living = np.isfinite(nets).sum(axis=1) > 1
    some = np.where(living[:, None], np.where(np.isfinite(nets), nets, np.nan), 0.0)
    edges = np.where(living, np.nanquantile(some, (0.1, 0.9), axis=1), np.nan)
    return _filled(edges[0, : rec.steps], edges[1, : rec.steps], fill)


def _band(sequences: Array) -> list[Part]:
    low, high = band(sequences)
    return _filled(_drawable(low), _drawable(high))


def _filled(low: Array, high: Array, fill: str = "run-band") -> list[Part]:
    edge: Part = {
        "type": "scatter",
        "mode": "lines",
        "x0": 1,
        "line": {"width": 0, "color": colour("run")},
        "hoverinfo": "skip",
    }
    filled = {"fill": "tonexty", "fillcolor": colour(fill)}
    return [edge | {"y": low.astype(np.float32)}, edge | {"y": high.astype(np.float32)} | filled]


def _drawable(log10: Array) -> Array:
    """Return the curve as float32 with gaps where it is exactly 0: no point at a floor."""
    return np.where(np.isfinite(log10), log10, np.nan).astype(np.float32)


def _outside(rec: Recording, mean: Array, shown: Domain) -> list[Part]:
    """Name what the panel cannot show: values beyond its decades, and exact zeros."""
    finite = np.flatnonzero(np.isfinite(mean))
    below = []
    above = []
    if finite.size:
        first = int(finite[0])
        value = float(mean[first])
        where = f"{power(value)} at step {first + 1:,}"
        if value < shown.low:
            below.append(f"↓ {where}, below the picture")
        if value > shown.high:
            above.append(f"↑ {where}, above the picture")
    verdict = rec.verdict
    if verdict.zero_sequences:
        count = f"{verdict.zero_sequences} of {verdict.sequences} sequences"
        whose = ", last loss alone" if rec.loss_steps > 1 else ""
        below.append(f"{count}: exactly 0 from step {verdict.zero_from_step or 0:,} back{whose}")
    # a curve that falls back in time leaves the lower right free, one that rises the upper left
    corners = (
        ({"x": 1.0, "xanchor": "right", "xshift": -6, "y": shown.low, "yanchor": "bottom"}, below),
        ({"x": 0.0, "xanchor": "left", "xshift": 6, "y": shown.high, "yanchor": "top"}, above),
    )
    return [
        corner
        | {
            "xref": "paper",
            "text": f"<b>{for_figure('; '.join(texts))}</b>",
            "font": {"color": colour("run"), "size": SMALL},
            "bgcolor": "var(--st-background-color)",
            "borderpad": 1,
        }
        for corner, texts in corners
        if texts
    ]
