"""The claim on top of a page: what became of the gradient, measured, in one or two sentences."""

import math
from collections.abc import Mapping
from typing import Final

from app.sentences.numerals import FAR, counted, factor, part
from app.sentences.words import Reading, reading
from rnn_core import Recording, Verdict
from rnn_core.activations import RESOLVED
from rnn_core.analysis.precision import PrecisionLoss
from rnn_core.analysis.reach import first_reached, log10_factor

FEWEST: Final = 10
"""Below this many steps a factor is named, not a regime."""

UNEXPLAINED: Final = 0.25
"""The part of the decades that the first lags may take, beyond what the rate gives them."""

_SAME: Final = math.log10(0.995)
"""From here on a part would read 100 %, and rounding decides whether it is one."""


def claim(rec: Recording, precision: Mapping[str, PrecisionLoss] | None = None) -> str:
    """Say what became of the last loss's gradient on its way back, as plain text.

    Parameters
    ----------
    precision : of `lost_precision`; without it nothing is said about float16.
    """
    if rec.overflow is not None and (not rec.layers or rec.overflow_left_nan):
        return f"The hidden state overflows at step {rec.overflow.step + 1:,}: no gradient exists."
    return " ".join([*_overflow(rec), _fate(rec, precision or {}), *unresolved(rec)])


def _overflow(rec: Recording) -> list[str]:
    if rec.overflow is None:
        return []
    step = rec.overflow.step + 1
    return [f"The hidden state overflows at step {step:,}."]


def _fate(rec: Recording, precision: Mapping[str, PrecisionLoss]) -> str:
    last = rec.last_loss_step
    if last == 0:
        return "The loss is at step 1: its gradient has no step to go back to."
    if not starts(rec):
        return _nothing_starts(rec)
    border = first_reached(rec)
    if border:
        return _cut(rec, border)
    if rec.config is not None and rec.config.source == "text" and rec.loss_steps == 1:
        return _between_words(rec, reading(rec.config.text[: rec.steps]))
    return _over_all_steps(rec, precision)


def starts(rec: Recording) -> bool:
    """Tell whether the last loss has a gradient at all."""
    norms = rec.layers[0].from_last.log10_norms("d_h")[rec.last_loss_step]
    return bool((norms > float("-inf")).any())


def _nothing_starts(rec: Recording) -> str:
    if rec.config is None or rec.config.source != "text":
        return "The loss has no gradient: there is nothing to follow back."
    if len(set(rec.config.text[: rec.steps])) == 1:
        return "The loss has no gradient: with one kind of character there is nothing to choose."
    return "The net is so sure of the next character that float64 holds no gradient of the loss."


def _cut(rec: Recording, border: int) -> str:
    last = rec.last_loss_step
    cut = f"backpropagation is cut there, so from step {border:,} back it is exactly 0."
    if border == last:
        return f"{_named(rec).capitalize()} stays at step {last + 1:,}: {cut}"
    fate = changed(log10_factor(rec, last, border))
    arrived = rec.layers[0].from_last.log10_norms("d_h")[border] > float("-inf")
    zeros, all_of_them = int((~arrived).sum()), arrived.size
    if 0 < zeros < all_of_them:
        fate += f", but is exactly 0 in {zeros} of {all_of_them} sequences"
    return f"From step {last + 1:,} back to step {border + 1:,} {_named(rec)} {fate}; {cut}"


def _between_words(rec: Recording, text: Reading) -> str:
    late = rec.last_loss_step
    if text.subject is None:
        of = f"the end of ‘{text.asked}’" if text.is_inside else f"‘{text.asked}’"
        where = f"From {of} back to {'its' if text.is_inside else 'the'} first character"
        early, distance = 0, late
    else:
        where = f"From ‘{text.asked}’ back to ‘{text.subject.name}’"
        early, distance = text.subject.end - 1, text.subject.distance
    fate = changed(log10_factor(rec, late, early))
    steps = counted(distance, "step")
    return f"{where}, {steps}, the gradient {fate}; this network knows no grammar."


def _over_all_steps(rec: Recording, precision: Mapping[str, PrecisionLoss]) -> str:
    verdict, last = rec.verdict, rec.last_loss_step + 1
    name, where = _named(rec), f"from step {last:,} back to step 1"
    zeros, all_of_them = verdict.zero_sequences, verdict.sequences
    from_zero = f"exactly 0 from step {verdict.zero_from_step or 0:,} back"
    if zeros == all_of_them:
        everywhere = f" in all {zeros} sequences" if zeros > 1 else ""
        return f"{name.capitalize()} is {from_zero}{everywhere}."
    if last < FEWEST:
        clauses = [f"is multiplied by {factor(verdict.decades)}"]
    else:
        pace = _pace(verdict, last - 1)
        clauses = [f"{changed(verdict.decades)}{f': {pace}' if pace else ''}"]
        if rec.overflow is None:
            clauses += _kept(precision.get("float16"), last)
    if 2 * zeros >= all_of_them:
        rest = all_of_them - zeros
        return (
            f"In {zeros} of {all_of_them} sequences {name} is {from_zero}; "
            f"in the other {rest}, {where}, it {'; '.join(clauses)}."
        )
    if zeros:
        clauses.append(f"{zeros} of {all_of_them} sequences: {from_zero}")
    return f"{where.capitalize()} {name} {'; '.join(clauses)}."


def _named(rec: Recording) -> str:
    return "the last step’s own gradient" if rec.loss_steps > 1 else "the gradient"


def changed(log10: float) -> str:
    """Say what a factor of 10^`log10` makes of the gradient."""
    if log10 == float("-inf"):
        return "becomes exactly 0"
    if log10 < -FAR:
        return f"shrinks to {factor(log10)} of its size"
    if log10 > FAR:
        return f"grows to {factor(log10)} times its size"
    if log10 > 1.0:
        return f"holds, arriving {factor(log10)} times as large"
    verb = "holds" if log10 >= -1.0 else "arrives"
    size = f"{part(log10)} of" if log10 < _SAME else f"{factor(log10)} times"
    return f"{verb} with {size} its size"


def _pace(verdict: Verdict, lags: int) -> str | None:
    """Say how fast, where there is one rate that explains the whole and a name for it."""
    growth, time = verdict.growth_per_step, verdict.half_life
    if abs(verdict.decades) <= FAR or growth is None:
        return None
    if time is None or abs(growth * lags - verdict.decades) > UNEXPLAINED * abs(verdict.decades):
        return "not at one rate"
    if time < 1.0:
        verb = "divides" if growth < 0.0 else "multiplies"
        return f"each step back {verb} it by {factor(abs(growth))}"
    steps = f"{time:.1f}" if time < 9.95 else f"{time:.0f}"
    return f"it {'halves' if growth < 0.0 else 'doubles'} every {steps} steps"


def _kept(lost: PrecisionLoss | None, last: int) -> list[str]:
    """Say by which step float16 has lost the gradient; lags become steps of a reader."""
    if lost is None:
        return []
    over, wrong = lost.first_nonfinite, lost.lost_lag
    if over is not None and (wrong is None or over <= wrong):
        return [f"float16 overflows at step {last - over:,}"]
    if wrong is None:
        return ["float16 keeps it"]
    return [f"float16 has lost it by step {last - wrong:,}"]


def unresolved(rec: Recording) -> list[str]:
    """Say where the gradient is only bounded, among the steps that it crosses, or nothing."""
    found, verdict = rec.layers[0].bound_steps, rec.verdict
    is_zero = first_reached(rec) == 0 and verdict.zero_sequences == verdict.sequences
    count = int(((found > first_reached(rec)) & (found <= rec.last_loss_step)).sum())
    if not count or is_zero:
        return []
    steps = counted(count, "step")
    which = "|a| or |c|" if rec.network.cell == "lstm" else "|a|"
    bounded = f"At {steps} some {which} exceeds {RESOLVED:.0f}: there φ′ is only bounded"
    return [f"{bounded}, and the true gradient may be smaller still."]
