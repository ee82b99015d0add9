"""The picture of saturation: slopes above gradients, who saturates, and who pulls how hard."""

from typing import Any, Final

from app.figures.activation import activation_column
from app.figures.decades import domain
from app.figures.heatmaps import gradient_sizes
from app.figures.slopes import slopes
from app.figures.stack import stacked, without_run
from app.figures.time_axis import axis_steps
from app.figures.tug import pulls, saturated_shares
from rnn_core import Recording
from rnn_core.analysis.saturation import Saturation
from rnn_core.arrays import Array

_HEIGHTS: Final = (0.2, 0.2, 0.14, 0.268)
_GAP: Final = 0.064
_COLUMN: Final = 0.22
_LEFT: Final = 0.295
"""The left column ends, and the axis of time begins, at these parts of the width."""


def drawing(
    rec: Recording,
    found: Saturation | None,
    *,
    sequence: int = 0,
    pinned: tuple[Recording, Saturation] | None = None,
    nets: Array | None = None,
    reach: float = 1.0,
) -> dict[str, Any]:
    """Return data and layout of a vanilla run: its activation, and beside it four panels of time.

    Parameters
    ----------
    found : of `rnn_core.analysis.saturation`; None where an overflow left no states.
    sequence : which sequence the heatmaps show, from 0; the last one where there are fewer.
    pinned : a run A to compare with.
    nets : log10 |dL/dh_t| of other nets, (T, N), for a band over them.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    if found is None:
        return without_run(rec)
    of = min(sequence, rec.x.shape[1] - 1)
    panels = (
        slopes(rec, sequence=of),
        gradient_sizes(rec, domain(axis_steps(rec), reach), sequence=of),
        saturated_shares(rec, found),
        pulls(rec, found, pinned=pinned, nets=nets),
    )
    picture = stacked(rec, panels, heights=_HEIGHTS, gap=_GAP, left=_LEFT)
    column = activation_column(rec, right=_COLUMN)
    layout = picture["layout"] | column.axes
    layout["shapes"] = [*layout["shapes"], *column.shapes]
    layout["annotations"] = [*layout["annotations"], *column.notes]
    return {"data": [*picture["data"], *column.traces], "layout": layout}
