"""What the page of gating says: the conveyor belt against the road that the gradient takes."""

from collections.abc import Mapping
from typing import Final

from app.sentences.claim import FEWEST
from app.sentences.claim import claim as fate
from app.sentences.numerals import counted, factor, number, pace
from rnn_core import Recording
from rnn_core.analysis.roads import Roads

NAMES: Final = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
CLOSE: Final = 1.0
"""Decades within which the line alone explains a gradient."""

MOST: Final = 0.5
"""A part that supplies more than this, and no part that takes as much away, is the road."""

_LSTM: Final = (
    r"$\frac{\partial L}{\partial c_{t-1}} = f_t \odot \frac{\partial L}{\partial c_t} + "
    r"(\text{paths through } i, f, g, o \text{ and } h_{t-1})$"
)
_GRU: Final = (
    r"$\frac{\partial L}{\partial h_{t-1}} = z_t \odot \frac{\partial L}{\partial h_t} + "
    r"(\text{paths through } r, z, n)$"
)

PROJECTED: Final = (
    " A part is its projection on the whole: all add up to 100 %, and where roads cancel one may "
    "exceed that or be negative."
)

NO_LINE: Final = (
    "The cell chosen is the RNN, which has no gates: the claim and the roads are of an LSTM with "
    "the same settings"
)
ONE_MATRIX: Final = ", and with the same weights at every step"
"""What an LSTM has beside a net that draws them anew."""

_CANCELLED: Final = "other paths cancel the rest"

_SEVERAL: Final = 10.0
"""Times the whole gradient from which a part is told as a multiple of it, and not in per cent."""

_GATES: Final = {
    "i": "the input gate i",
    "f": "the forget gate f",
    "g": "the candidate g",
    "o": "the output gate o",
    "r": "the reset gate r",
    "z": "the update gate z",
    "n": "the candidate n",
    "line": "the line itself",
}


def claim(rec: Recording, found: Roads | None) -> str:
    """Say whether the gradient takes the line on which the cell keeps its state, as plain text."""
    has_c_alone = found is not None and _has_c_alone(rec)
    if found is None or not (is_plain(rec) or has_c_alone):
        return fate(rec)
    steps = counted(rec.last_loss_step, "step")
    head = (
        f"Over {steps} the {_kind(rec)} gates alone multiply {quantity(rec)} by "
        f"{factor(found.line_decades)} in the rms over units, the whole "
        f"{NAMES[rec.network.cell]} multiplies it by {factor(found.decades)}"
    )
    if found.missing > CLOSE:
        return f"{head}: the conveyor belt is not the road that the gradient takes."
    if found.missing < -CLOSE:
        return f"{head}: the other paths cancel part of what the belt carries."
    told = f"{head}: by size the belt would do, {by_share(found)}."
    if has_c_alone:
        zero_from = f"{rec.verdict.zero_from_step:,}"
        told += (
            f" dL/dh is exactly 0 from step {zero_from} back: only the recurrent weights lead on "
            "from h."
        )
    return told


def equation(rec: Recording, found: Roads | None) -> str:
    """Write one step back on the line, with what was measured, as Markdown."""
    formula = _LSTM if rec.network.cell == "lstm" else _GRU
    if not _has_one_road(rec, found) or found is None:
        return f"{formula}: no numbers here, {_why_not(rec)}."
    keep = "f" if rec.network.cell == "lstm" else "z"
    line, whole = (value / rec.last_loss_step for value in (found.line_decades, found.decades))
    return (
        f"{formula}: per step, $\\prod {keep}$ **× {pace(line)}**, the whole "
        f"**× {pace(whole)}**; over {counted(rec.last_loss_step, 'step')} "
        f"**{factor(found.line_decades)}** against **{factor(found.decades)}**."
    )


def side_by_side(recs: Mapping[str, Recording]) -> str:
    """Compare the three cells: what became of dL/dh between the last loss and step 1."""
    parts = []
    for cell, rec in recs.items():
        verdict = rec.verdict
        if not rec.layers or rec.overflow_left_nan or rec.overflow is not None:
            parts.append(f"{NAMES[cell]}: overflows")
        elif verdict.zero_sequences == verdict.sequences:
            parts.append(f"{NAMES[cell]}: exactly 0")
        else:
            parts.append(f"{NAMES[cell]} × {factor(verdict.decades)}")
    return f"Same input, same seed, dL/dh at step 1 against the loss: {', '.join(parts)}."


def notice(rec: Recording, found: Roads | None) -> str:
    """Say through which gate the gradient of the first step first left the line."""
    if not _has_one_road(rec, found) or found is None:
        return f"No road is measured here: {_why_not(rec)}."
    name, share = max(found.shares.items(), key=lambda item: item[1])
    of = "∂L/∂c" if rec.network.cell == "lstm" else "∂L/∂h"
    if share > 1.5 or min(found.shares.values()) < -MOST:
        road = (
            f"The roads to step 1 cancel each other: {_GATES[name]} alone would supply "
            f"{_amount(share, of)}"
        )
    else:
        road = f"{100 * share:.0f} % of {of} at step 1 came by {_GATES[name]}"
    if name != "line":
        road += ", seen from the loss its first exit from the line"
    line = 100 * found.shares["line"]
    is_odd = share > 1.005 or line <= -0.1
    rest = "" if name == "line" else f" {_left_on_line(found.shares['line'], of)}"
    if rec.network.cell == "lstm":
        split = "The split is of ∂L/∂c: in ∂L/∂h the line has no part before the last step."
    else:
        split = "The split is of ∂L/∂h: a GRU keeps its state in h itself."
    return f"{road}.{rest} {split}{PROJECTED * is_odd}"


def _amount(share: float, of: str) -> str:
    """Write a part of the gradient: in per cent, or as a multiple where it is many times that."""
    if abs(share) < _SEVERAL:
        return f"{100 * share:.0f} % of {of}"
    return f"{number(abs(share))} times {of}"


def _left_on_line(share: float, of: str) -> str:
    if share <= -_SEVERAL:
        return f"What never left the line takes {_amount(share, of)} away."
    if share >= _SEVERAL:
        return f"What never left the line is {_amount(share, of)}."
    line = 100 * share
    part = "Less than 0.1 %" if abs(line) < 0.1 else f"{'−' * (line < 0.0)}{abs(line):.1f} %"
    return f"{part} never left the line."


def alt_text(rec: Recording, found: Roads | None, recs: Mapping[str, Recording]) -> str:
    """Say in words what the picture shows, its conclusion first."""
    cell = NAMES[rec.network.cell]
    gates = "input, forget and output gate" if cell == "LSTM" else "reset and update gate"
    return (
        f"{claim(rec, found)} {side_by_side(recs)} Panels over steps 1 to {rec.steps}: the size of "
        f"the gradient in the three cells, the {gates} of every unit of the {cell}, and its "
        "gradient split by the first exit from the line on which the cell keeps its state."
    )


def _why_not(rec: Recording) -> str:
    if rec.layers and rec.last_loss_step == 0:
        return "there is no step before that of the loss"
    if rec.loss_steps > 1:
        return "that takes one loss, and here every step has one"
    return "no gradient arrives at step 1"


def _has_one_road(rec: Recording, found: Roads | None) -> bool:
    return found is not None and rec.last_loss_step > 0 and rec.loss_steps == 1


def is_plain(rec: Recording) -> bool:
    """Tell whether one loss, at the last step, sends its gradient through all steps uncut."""
    return _crosses_all(rec) and rec.verdict.zero_sequences == 0


def _has_c_alone(rec: Recording) -> bool:
    """Tell whether the gradient of an LSTM goes on in c, while that of h stops at once."""
    if rec.network.cell != "lstm" or not _crosses_all(rec):
        return False
    arrives = bool((rec.layers[0].log10_norms("d_c")[0] > float("-inf")).all())
    return arrives and rec.verdict.zero_sequences == rec.verdict.sequences


def _crosses_all(rec: Recording) -> bool:
    return (
        rec.loss_steps == 1
        and rec.last_loss_step == rec.steps - 1
        and rec.steps >= FEWEST
        and rec.truncate is None
        and rec.overflow is None
    )


def _kind(rec: Recording) -> str:
    return "forget" if rec.network.cell == "lstm" else "update"


def quantity(rec: Recording) -> str:
    """Return the gradient on the line on which the cell keeps its state."""
    return "dL/dc" if rec.network.cell == "lstm" else "dL/dh"


def by_share(found: Roads) -> str:
    """Say how much of the gradient never left a line whose size would explain it."""
    line = found.shares["line"]
    if line > 1.5:
        return f"but what stayed on it is {number(line)} times the gradient: {_CANCELLED}"
    if line > MOST:
        return f"and {100 * line:.0f} % of the gradient did stay on it"
    if line <= -0.01:
        return f"but what stayed on it cancels {number(-100 * line)} % of the gradient"
    part = "less than 1" if line < 0.01 else number(100 * line)
    return f"but {part} % of the gradient stayed on it"
