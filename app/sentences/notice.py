"""What to notice: two sentences that are true of this run."""

from typing import Final

import numpy as np

from app.sentences.claim import FEWEST, claim, starts
from app.sentences.numerals import FAR, counted, factor, number, part
from app.sentences.words import reading
from rnn_core import Recording, Verdict
from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.factors import GateFactors, VanillaFactors, gate_factors, vanilla_factors
from rnn_core.analysis.reach import log10_factor, steps_that_supply

MOST: Final = 0.9
"""The part of dL/dW_hh whose steps are counted."""

FAR_OFF: Final = 0.2
"""Decades per step by which a rule of thumb may err before it is called wrong."""

BALANCED: Final = 0.02
"""Decades per step that pass for no growth: 10^2 takes 100 steps."""

ALMOST_ONE: Final = 1.01
"""A stretch that is more than 1 by more than the chance of a draw."""

_NAMES: Final = {
    "tanh": "tanh",
    "sigmoid": "the sigmoid",
    "relu": "ReLU",
    "identity": "the identity",
}


def notice(rec: Recording) -> str:
    """Say what makes this run what it is, and what that does to the update of the weights."""
    if not rec.layers or rec.overflow_left_nan:
        return (
            "This is no fault of the program: nothing bounds the state of this net, and float64 "
            "ends at 10^308. Lower the weight scale or the input scale."
        )
    return f"{_why(rec)} {_what_it_does(rec)}"


def alt_text(rec: Recording) -> str:
    """Say in words what the picture shows, its conclusion first."""
    if not rec.layers or rec.overflow_left_nan:
        return claim(rec)
    return (
        f"{claim(rec)} Four panels over steps 1 to {rec.steps}: hidden states, the size of the "
        "gradient of every unit, its norm, and each step’s share in the gradient of the recurrent "
        f"weights. {_supplied(rec)}"
    )


def _why(rec: Recording) -> str:
    special = _why_special(rec)
    if special is not None:
        return special
    vanilla, gates = vanilla_factors(rec), gate_factors(rec)
    if vanilla is not None:
        return _why_vanilla(rec, vanilla)
    return _why_gated(rec, gates) if gates is not None else ""


def _why_special(rec: Recording) -> str | None:
    """Explain a run that ends early, is cut, has no way back, several losses, or zeros."""
    cases = (
        (
            rec.overflow is not None,
            "Overflow is the lesson, not a fault: nothing bounds the state of this net.",
        ),
        (
            rec.truncate is not None and rec.last_loss_step >= rec.truncate,
            "Beyond the border nothing has vanished: the gradient was cut, its terms are gone.",
        ),
        (rec.last_loss_step == 0, "With one step there is nothing to unroll."),
        (not starts(rec), "No gradient starts at the loss, so none arrives."),
        (
            rec.loss_steps > 1,
            "Every step’s own loss keeps the solid curve up; the verdict is of the dashed one.",
        ),
        (
            not rec.network.params.weight_hh.any() and rec.network.cell == "rnn",
            "The recurrent weights are 0: no step hears the one before, so nothing flows back.",
        ),
        (
            not rec.network.params.weight_hh.any() and rec.network.cell == "lstm",
            "The recurrent weights are 0: no gate hears h of the step before; c is not in ∂L/∂h.",
        ),
        (_is_dead(rec) and rec.network.activation == "relu", _dead(rec)),
        (_is_dead(rec), "No path back carries anything here."),
    )
    return next((sentence for holds, sentence in cases if holds), None)


def _is_dead(rec: Recording) -> bool:
    return 2 * rec.verdict.zero_sequences >= rec.verdict.sequences


def _dead(rec: Recording) -> str:
    zeros, all_of_them = rec.verdict.zero_sequences, rec.verdict.sequences
    where = "here" if zeros == all_of_them else f"in {zeros} of {all_of_them} sequences"
    return f"A ReLU at 0 has slope 0, and {where} no path back avoids such units."


def _why_vanilla(rec: Recording, factors: VanillaFactors) -> str:
    is_close = 0.95 < factors.weight_stretch < 1.05  # "1.0, more than 1" would be odd
    weight, slope = number(factors.weight_stretch, 3 if is_close else 2), number(factors.slope_rms)
    fault = _fault_of_rule(factors, rec.verdict)
    if fault:
        return (
            f"The rule of thumb, {weight} × {slope} per step, {fault} here: it is made for "
            "many units that mix, so trust the measured curve."
        )
    grows_by_w = factors.weight_stretch > ALMOST_ONE
    if abs(rec.verdict.decades) <= FAR:
        is_balance = grows_by_w and factors.slope_rms * ALMOST_ONE < 1.0
        return _why_it_stays(rec, weight, slope, is_balance=is_balance)
    return _why_it_moves(rec, weight, slope, grows_by_w=grows_by_w)


def _why_it_stays(rec: Recording, weight: str, slope: str, *, is_balance: bool) -> str:
    each = f"Every step back multiplies by W ({weight}) and by φ′ ({slope} in the rms)"
    if abs(rec.verdict.growth_per_step or 0.0) > BALANCED:
        lags, verb = _factors(rec, "is", "are")
        end = "vanish" if rec.verdict.decades < 0.0 else "explode"
        return f"{each}: {lags} {verb} too few to make the gradient {end}."
    if is_balance:
        return f"W stretches by {weight} and φ′ ({slope} in the rms) takes it back: a balance."
    return f"{each}: neither changes the size by much."


def _why_it_moves(rec: Recording, weight: str, slope: str, *, grows_by_w: bool) -> str:
    decades, has_regime = rec.verdict.decades, rec.last_loss_step + 1 >= FEWEST
    if has_regime and decades > 0.0:
        phi = ACTIVATIONS[rec.network.activation]
        return (
            f"The slope of {_NAMES[phi.name]} never exceeds {phi.bound:g}, yet the gradient "
            f"explodes: W stretches by {weight}, more than φ′ ({slope} in the rms) takes back."
        )
    if has_regime and grows_by_w:
        return (
            f"W stretches by {weight}, more than 1, and the gradient still vanishes: "
            f"φ′, {slope} in the rms, takes back more."
        )
    each = f"Every step back multiplies by W ({weight}) and by φ′ ({slope} in the rms)"
    if decades < 0.0:
        lags, verb = _factors(rec, "leaves", "leave")
        return f"{each}: {lags} {verb} {part(decades)} of it."
    lags, verb = _factors(rec, "makes", "make")
    return f"{each}: {lags} {verb} it {factor(decades)} times as large."


def _factors(rec: Recording, one: str, several: str) -> tuple[str, str]:
    count = rec.last_loss_step
    return counted(count, "such factor"), one if count == 1 else several


def _fault_of_rule(factors: VanillaFactors, verdict: Verdict) -> str | None:
    """Say what is wrong with the rule of thumb, if it would mislead."""
    expected, decades = factors.log10_expected, verdict.decades
    growth = verdict.growth_per_step or 0.0
    if abs(expected - growth) > FAR_OFF:
        return "is far off"
    if abs(decades) <= FAR and abs(growth) <= BALANCED:
        return "is off" if abs(expected) > 2 * BALANCED else None
    return "points the other way" if expected * decades < 0.0 else None


def _why_gated(rec: Recording, factors: GateFactors) -> str:
    gate = "forget" if rec.network.cell == "lstm" else "update"
    line, measured = factors.line_decades, rec.verdict.decades
    steps = counted(rec.last_loss_step, "step")
    product = (
        f"In the rms over units the {gate} gates alone multiply to {factor(line)} over {steps}, "
        f"dL/dh is multiplied by {factor(measured)}"
    )
    if measured - line > 1.0:
        return f"{product}: most of it does not take the line on which the state is kept."
    return f"{product}."


def _what_it_does(rec: Recording) -> str:
    if rec.config is not None and rec.config.source == "text" and rec.loss_steps == 1:
        heard = _heard(rec)
        if heard:
            return heard
    return _supplied(rec)


def _heard(rec: Recording) -> str | None:
    """Compare the word that matters with the one that stands nearest."""
    if rec.config is None or rec.truncate is not None:
        return None
    text = reading(rec.config.text[: rec.steps])
    if text.subject is None or len(text.words) < 2 or text.words[-1] == text.subject:
        return None
    late, near, far = rec.last_loss_step, text.words[-1], text.subject
    louder = log10_factor(rec, late, near.end - 1) - log10_factor(rec, late, far.end - 1)
    if not abs(louder) < float("inf"):
        return None
    return (
        f"At ‘{near.name}’, {counted(near.distance, 'step')} before, the gradient is "
        f"{factor(louder)} times as large as at ‘{far.name}’."
    )


def _supplied(rec: Recording) -> str:
    """Say which steps the gradient of the recurrent weights comes from."""
    near, far = steps_that_supply(rec, MOST), steps_that_supply(rec, MOST, is_from_loss=False)
    if near is None or far is None:
        if not rec.network.params.is_tied:
            return "Each step has weights of its own, so there is no sum over steps to share."
        return "∂L/∂W_hh is exactly 0 here, so no step has a share in it."
    steps = rec.last_loss_step + 1
    if _has_one_term(rec):
        one = "only step" if steps == 1 else f"last of {counted(steps, 'step')}"
        return f"The {one} supplies all of ∂L/∂W_hh."
    most = f"{100 * MOST:.0f} % of ∂L/∂W_hh"
    if rec.loss_steps == 1 and rec.truncate is None and steps >= FEWEST:
        if rec.verdict.regime == "vanishing" and 2 * near <= steps:
            return (
                f"{_steps('last', near, steps)} {most}: "
                "the sum does not vanish, the far steps’ share in it does."
            )
        if rec.verdict.regime == "exploding" and 2 * far <= steps:
            return f"{_steps('first', far, steps)} {most}: they drown the steps near the loss."
    return f"{_steps('last', near, steps)} {most}."


def _has_one_term(rec: Recording) -> bool:
    """Tell whether all terms of dL/dW_hh but that of the last loss step are exactly 0."""
    ledger = rec.ledger
    return ledger is not None and bool(np.isneginf(ledger.log10_sizes[: rec.last_loss_step]).all())


def _steps(which: str, count: int, steps: int) -> str:
    if count == steps:
        return f"It takes all {counted(steps, 'step')} to supply"
    if count == 1:
        return f"The {which} of {counted(steps, 'step')} alone supplies at least"
    return f"The {which} {count:,} of {counted(steps, 'step')} supply"
