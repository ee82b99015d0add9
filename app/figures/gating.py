"""The picture of gating: three cells, one cell's gates, and the roads of its gradient."""

from collections.abc import Mapping
from typing import Any, Final

from app.figures.decades import domain
from app.figures.gate_maps import gate_maps
from app.figures.panel import Panel
from app.figures.roads import keeping_gate, paths_apart, three_cells
from app.figures.stack import stacked, without_run
from app.figures.time_axis import axis_steps
from rnn_core import Recording
from rnn_core.analysis.roads import Roads
from rnn_core.arrays import Array

_GAP: Final = 0.062
_LARGE: Final = 0.26
_FREE: Final = 1.0 - 2 * _LARGE


def drawing(
    recs: Mapping[str, Recording],
    cell: str,
    found: Roads | None,
    *,
    sequence: int = 0,
    pinned: Recording | None = None,
    nets: Mapping[str, Array] | None = None,
    reach: float = 1.0,
) -> dict[str, Any]:
    """Return data and layout of three cells' gradients, and the gates and paths of one of them.

    Parameters
    ----------
    recs : recordings of the same settings by cell.
    cell : "lstm" or "gru": the one whose gates and paths are shown.
    found : of `rnn_core.analysis.roads`; None where no gradient arrives.
    sequence : which sequence the heatmaps show, from 0; the last one where there are fewer.
    pinned : a run A to compare with.
    nets : log10 |dL/dh_t| of other nets, (T, N), by cell, for bands over them.
    reach : how many decades the reader wants to see, as a factor on the usual.
    """
    rec = recs[cell]
    if not rec.layers or rec.overflow_left_nan:
        return without_run(rec)
    shown = domain(axis_steps(rec), reach)
    gates = gate_maps(rec, sequence=min(sequence, rec.x.shape[1] - 1))
    each = (_FREE - (len(gates) + 1) * _GAP) / len(gates)
    last = (
        Panel("<b>no gradient arrives at step 1</b>", {"visible": False}, [])
        if found is None
        else paths_apart(rec, found)
    )
    alone = None if found is None else (keeping_gate(rec), found.product)
    cells = three_cells(recs, shown, pinned=pinned, nets=nets, line_alone=alone)
    panels = (cells, *gates, last)
    heights = (_LARGE, *(each for _ in gates), _LARGE)
    return stacked(rec, panels, heights=heights, gap=_GAP)
