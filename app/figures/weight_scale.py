"""The picture of weight scale: growth of many nets, phase diagram, eigenvalues, directions."""

from typing import Any, Final

from app.figures.directions import direction_panel
from app.figures.eigenvalues import eigenvalue_panel
from app.figures.growth import Dot, growth_panel
from app.figures.phase import phase_panel, where
from app.figures.place import Place
from app.figures.stack import without_run
from app.figures.theme import TEMPLATE, colour
from app.weight_scales import Found
from rnn_core import Recording

_MARGIN: Final = {"l": 62, "r": 88, "t": 26, "b": 44}

GROWTH: Final = Place(1, 0.0, 0.575, 0.46, 1.0)
DIRECTIONS: Final = Place(2, 0.0, 0.575, 0.0, 0.27)
PHASE: Final = Place(3, 0.655, 0.995, 0.61, 0.96)
EIGENVALUES: Final = Place(4, 0.655, 0.995, 0.0, 0.4)


def drawing(
    rec: Recording,
    found: Found,
    *,
    sequence: int = 0,
    pinned: tuple[Recording, Found] | None = None,
    is_picked: bool = True,
) -> dict[str, Any]:
    """Return data and layout of the picture.

    Parameters
    ----------
    sequence : whose directions are shown, from 0.
    pinned : run A: a dot beside this run's.
    is_picked : whether a click in the phase diagram moves the run.
    """
    if not rec.layers:
        return without_run(rec)
    dots, other = [], None
    if pinned is not None and (of_a := pinned[0].config) is not None:
        growth = pinned[0].verdict.growth_per_step
        dots.append(Dot(of_a.weight_scale, growth, "A", colour("a")))
        other = where(*pinned)
    scale = rec.config.weight_scale if rec.config is not None else 1.0
    dots.append(Dot(scale, rec.verdict.growth_per_step, "this run", colour("run")))
    diagram, picks = phase_panel(PHASE, rec, found, other)
    panels = (
        growth_panel(GROWTH, rec, found, dots),
        diagram,
        eigenvalue_panel(EIGENVALUES, rec, found),
        direction_panel(DIRECTIONS, rec, found, sequence=sequence),
    )
    layout: dict[str, Any] = {"template": TEMPLATE, "margin": _MARGIN}
    for panel in panels:
        layout |= panel.axes
    return {
        "data": [trace for panel in panels for trace in panel.traces],
        "layout": layout
        | {
            "shapes": [shape for panel in panels for shape in panel.shapes],
            "annotations": [note for panel in panels for note in panel.notes],
            "meta": {"picks": picks if is_picked else []},
        },
    }
