"""Whose step is in dL/dW_hh: each step's share, and the running total from the loss back."""

import numpy as np

from app.figures.norms import aligned_at_loss
from app.figures.panel import Panel, Part, key
from app.figures.theme import INK, SMALL, colour
from rnn_core import Recording
from rnn_core.arrays import Array

_LOW, _HIGH = -0.15, 1.15
"""A share may be negative and a running total may pass 1 on its way."""


def weight_shares(rec: Recording, *, pinned: Recording | None = None) -> Panel:
    """Draw the ledger's shares <G_t, G> / |G|^2 and their sum from the loss back to each step."""
    axis: Part = {
        "range": [_LOW, _HIGH],
        "tickvals": [0, 0.5, 1],
        "ticktext": ["0", "50 %", "100 %"],
        "gridcolor": colour("grid"),
        "zeroline": False,
    }
    name = "<b>share of each step in ∂L/∂W<sub>hh</sub></b>"
    if rec.ledger is None:
        return Panel(name, axis, [_empty(rec)], notes=[_why_none(rec)])
    title = [name, key("■", colour("share"), "step"), key("—", INK, "running total from the loss")]
    line = {"type": "scatter", "mode": "lines", "x0": 1}
    traces: list[Part] = [
        line
        | {
            "y": rec.ledger.shares.astype(np.float32),
            "line": {"shape": "hvh", "width": 1, "color": colour("share")},
            "fill": "tozeroy",
            "fillcolor": colour("share-area"),
            "hovertemplate": "step %{x}<br>its share: %{y:.2~%}<extra></extra>",
            "meta": {"reads": "share", "name": "share"},
        }
    ]
    if pinned is not None and pinned.ledger is not None:
        total = aligned_at_loss(_from_loss(pinned), pinned, rec)
        traces.append(
            line
            | {
                "y": total.astype(np.float32),
                "line": {"color": colour("a"), "width": 2.5, "dash": "dash"},
                "hovertemplate": "step %{x}<br>A, from here to the loss: %{y:.1%}<extra></extra>",
            }
        )
        title.append(key("- -", colour("a"), "of A"))
    traces.append(
        line
        | {
            "y": _from_loss(rec).astype(np.float32),
            "line": {"color": INK, "width": 2.5},
            "hovertemplate": "from step %{x} to the loss: %{y:.1%}<extra></extra>",
            "meta": {"reads": "share", "name": "to the loss"},
        }
    )
    return Panel("   ".join(title), axis, traces)


def _from_loss(rec: Recording) -> Array:
    shares = rec.ledger.shares if rec.ledger is not None else np.zeros(rec.steps)
    total: Array = np.cumsum(shares[::-1])[::-1]
    total[rec.last_loss_step + 1 :] = np.nan
    return total


def _empty(rec: Recording) -> Part:
    """Return a trace without a point, so that the panel keeps its axes."""
    nothing = np.array([], dtype=np.float32)
    return {"type": "scatter", "x": nothing, "y": nothing, "name": f"{rec.steps} steps"}


def _why_none(rec: Recording) -> Part:
    if not rec.network.params.is_tied:
        why = "recurrent weights are new at every step: there is no sum over steps"
    elif rec.steps == 1:
        why = "with one step from a state of 0 there is no ∂L/∂W<sub>hh</sub>"
    else:
        why = "∂L/∂W<sub>hh</sub> is exactly 0"
    return {
        "x": 0.5,
        "xref": "paper",
        "xanchor": "center",
        "y": 0.5,
        "yanchor": "middle",
        "text": why,
        "font": {"size": SMALL},
    }
