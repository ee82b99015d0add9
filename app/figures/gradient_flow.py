"""The picture of a run: states, gradients, their size and their use, on one axis of time."""

from typing import Any, Final

from app.figures.decades import domain
from app.figures.heatmaps import gradient_sizes, hidden_states
from app.figures.norms import norms
from app.figures.shares import weight_shares
from app.figures.stack import stacked, without_run
from app.figures.time_axis import axis_steps
from rnn_core import Recording
from rnn_core.arrays import Array

_HEIGHTS: Final = (0.18, 0.18, 0.29, 0.158)
_GAP: Final = 0.064
"""Parts of the height: three gaps with a title in each, and the four panels fill it."""


def drawing(
    rec: Recording,
    *,
    sequence: int = 0,
    pinned: Recording | None = None,
    nets: Array | None = None,
    reach: float = 1.0,
) -> dict[str, Any]:
    """Return data and layout of a run in four panels that share their axis of time.

    A mapping and no `go.Figure`: Plotly's check of one takes three times longer than drawing it.

    Parameters
    ----------
    sequence : which sequence the heatmaps show, from 0; the last one where there are fewer.
    pinned : a run A to compare with, drawn in the same axes.
    nets : log10 |dL/dh_t| of other nets, (T, N), for a band over them.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    if not rec.layers or rec.overflow_left_nan:
        return without_run(rec)
    shown = domain(axis_steps(rec), reach)
    of = min(sequence, rec.x.shape[1] - 1)
    panels = (
        hidden_states(rec, sequence=of),
        gradient_sizes(rec, shown, sequence=of),
        norms(rec, shown, pinned=pinned, nets=nets),
        weight_shares(rec, pinned=pinned),
    )
    return stacked(rec, panels, heights=_HEIGHTS, gap=_GAP)
