"""What the page of saturation says: who pulled the gradient, and whether saturation decided it."""

from typing import Final

from app.sentences.belief import Belief
from app.sentences.claim import FEWEST, changed, unresolved
from app.sentences.claim import claim as fate
from app.sentences.notice import BALANCED
from app.sentences.notice import notice as notice_of_run
from app.sentences.numerals import FAR, counted, factor, number
from rnn_core import Recording
from rnn_core.analysis.saturation import Saturation

MANY: Final = 0.5
FEW: Final = 0.1
"""Shares of saturated units above which "most" are, and below which "few" are."""

_AT_MOST_1: Final = "“The slope is at most 1, so the gradient cannot explode.”"

_RELU_FIXES_IT: Final = "“ReLU has slope 1, so its gradient does not vanish.”"

_FORMULA: Final = (
    r"$\frac{\partial L}{\partial h_{t-1}} = W_{hh}^{\top}\,\mathrm{diag}(\phi'(a_t))\,"
    r"\frac{\partial L}{\partial h_t}$"
)


def claim(rec: Recording, found: Saturation | None) -> str:
    """Say how many units are saturated and what became of the gradient, as plain text."""
    if found is None:
        return fate(rec)
    lead = _lead(rec, found)
    weight, slope = found.decades_by_weight, found.decades_by_slope
    if not _is_plain(rec, found) or weight is None or slope is None:
        return f"{lead}. {fate(rec)}"
    decades, last = rec.verdict.decades, rec.last_loss_step + 1
    link = "yet" if _is_surprising(rec, found) else "and"
    sentence = (
        f"{lead}, {link} from step {last:,} back to step 1 the gradient {changed(decades)}: "
        f"W multiplies it by {factor(weight)}, φ′ by {factor(slope)}."
    )
    return " ".join([sentence, *unresolved(rec)])


def equation(found: Saturation | None) -> str:
    """Write one step back with what W and the slopes did to this gradient, as Markdown."""
    if found is None or found.weight_per_step is None or found.slope_per_step is None:
        return f"{_FORMULA}: in this run no gradient crosses all steps."
    weight, slope = found.weight_per_step, found.slope_per_step
    parts = [f"$W$ **{_signed(weight)}**", f"$\\phi'$ **{_signed(slope)}**"]
    total = weight + slope
    if found.decades_by_loss is not None:
        loss = found.decades_by_loss / found.steps_crossed
        parts.append(f"new loss **{_signed(loss)}**")
        total += loss
    return (
        f"{_FORMULA}: decades per step, measured on this gradient: {', '.join(parts)}, "
        f"together **{_signed(total)}** (× {factor(total, 3)}), "
        f"{counted(found.steps_crossed, 'time')}."
    )


def notice(rec: Recording, found: Saturation | None) -> str:
    """Say who won the tug of war and what saturates the units, in two sentences."""
    if found is None or found.weight_per_step is None or found.slope_per_step is None:
        return notice_of_run(rec)
    return f"{_why(rec, found)} {_driven(found)}"


def beliefs(
    rec: Recording, found: Saturation | None, radius: float | None = None
) -> tuple[Belief, ...]:
    """Return what is often read and what this run shows of it.

    Parameters
    ----------
    radius : the spectral radius of W_hh; without it nothing is said about it.
    """
    if found is not None and _is_shut(rec, found):
        return (Belief(_RELU_FIXES_IT, _of_shut(rec, found)),)
    if (
        found is None
        or found.decades_by_weight is None
        or found.decades_by_slope is None
        or not found.steps_crossed
    ):
        return ()
    kind = rec.network.activation
    told = [] if kind == "identity" else [_of_saturation(rec, found)]
    told.append(_of_slopes(rec, found))
    if radius is not None and kind in ("tanh", "sigmoid"):
        told.append(_of_radius(rec, found, radius))
    return tuple(told)


def _is_shut(rec: Recording, found: Saturation) -> bool:
    """Tell whether ReLUs at 0, and neither W = 0 nor a cut, let no gradient back to step 1."""
    return (
        rec.network.activation == "relu"
        and rec.verdict.zero_sequences == rec.verdict.sequences
        and found.steps_crossed > 0
        and bool(rec.network.params.weight_hh.any())
        and not found.tug.is_cut.any()
    )


def _of_shut(rec: Recording, found: Saturation) -> str:
    sequences = rec.verdict.sequences
    whole = "the gradient" if rec.loss_steps == 1 else "the gradient of the last loss"
    where = f"in all {sequences} sequences" if sequences > 1 else "there"
    return (
        f"{_lead(rec, found)} and have slope 0, and {_dead(rec, found)}; every way back to step 1 "
        f"passes one that is at 0, so {whole} is exactly 0 {where}"
    )


def _of_saturation(rec: Recording, found: Saturation) -> Belief:
    lead = _lead(rec, found)
    if rec.network.activation == "relu":
        return Belief(
            _RELU_FIXES_IT,
            f"{lead} and have slope 0: φ′ multiplies the gradient by "
            f"{factor(found.decades_by_slope or 0.0)}, and {_dead(rec, found)}; "
            f"with what W gives it is multiplied by {_end(rec, found)}",
        )
    return Belief(
        "“Saturation kills the gradient.”",
        f"{lead[0].lower()}{lead[1:]}, and the gradient is multiplied by {_end(rec, found)}: "
        f"{_outcome(rec, found)}",
    )


def _of_slopes(rec: Recording, found: Saturation) -> Belief:
    weight, slope = found.decades_by_weight or 0.0, found.decades_by_slope or 0.0
    pulls = (
        f"φ′ multiplies it by {factor(slope)}, W by {factor(weight)}, both by {_end(rec, found)}"
    )
    if weight > 0.0:
        return Belief(_AT_MOST_1, f"{pulls}: only their product counts")
    return Belief(
        _AT_MOST_1, f"{pulls}: here W gives nothing; “32 units” above shows one that explodes"
    )


def _of_radius(rec: Recording, found: Saturation, radius: float) -> Belief:
    own, taken = found.weight_per_step or 0.0, found.slope_per_step or 0.0
    return Belief(
        "“A spectral radius above 1 explodes, below 1 vanishes.”",
        f"this W_hh has radius {number(radius, 3)}; it gives × {factor(own, 3)} per step, "
        f"φ′ takes {_divided(taken)}, what is left is × {factor(own + taken, 3)} per step, "
        f"and in all × {_end(rec, found)}",
    )


def _end(rec: Recording, found: Saturation) -> str:
    """Say what both pulls come to, and what that is called."""
    decades = (found.decades_by_weight or 0.0) + (found.decades_by_slope or 0.0)
    result = factor(decades)
    if found.decades_by_loss is not None:
        return f"{result}, the new losses left aside"
    if rec.last_loss_step + 1 < FEWEST:
        return result
    cases = (
        (decades < -FAR, "it vanishes"),
        (decades > FAR, "it explodes"),
        (decades < -1.0, "it arrives"),
    )
    named = next((words for holds, words in cases if holds), "it holds")
    zeros, sequences = rec.verdict.zero_sequences, rec.verdict.sequences
    if zeros:
        return f"{result} ({named} in {sequences - zeros} of {sequences} sequences; 0 in the rest)"
    return f"{result} ({named})"


def alt_text(rec: Recording, found: Saturation | None) -> str:
    """Say in words what the picture shows, its conclusion first."""
    if found is None:
        return claim(rec, found)
    return (
        f"{claim(rec, found)} On the left the activation with its slope, above the histogram of "
        f"this run’s pre-activations. On the right four panels over steps 1 to {rec.steps}: the "
        "slope of every unit, the size of the gradient of every unit, the share of saturated "
        "units, and the tug of war between W and the slopes at each step."
    )


def _lead(rec: Recording, found: Saturation) -> str:
    size, share = rec.network.hidden_size, _per_cent(found.share)
    kind = rec.network.activation
    if kind == "identity":
        return "A linear unit never saturates"
    if kind == "relu":
        return f"{share} of the ReLU outputs are 0"
    if size == 1 and found.steps_crossed == 0:
        return _of_one_state(rec, found)
    if size == 1:
        return f"The one unit is saturated at {share} of the steps crossed"
    return f"{share} of the units are saturated"


def _of_one_state(rec: Recording, found: Saturation) -> str:
    """Say of one unit at step 1, which no gradient crosses, in how many sequences it saturates."""
    sequences = rec.verdict.sequences
    count = round(found.share * sequences)
    if sequences == 1:
        return f"The one unit is {'' if count else 'not '}saturated at step 1"
    return f"The one unit is saturated at step 1 in {count} of {sequences} sequences"


def _per_cent(share: float) -> str:
    """Return a share in per cent; 0 % and 100 % only where they are exact."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if share > 0.995:
        return "More than 99 %" if share > 0.9995 else f"{100 * share:.1f} %"
    return f"{number(100 * share)} %" if share >= 0.001 else "Less than 0.1 %"


def _is_plain(rec: Recording, found: Saturation) -> bool:
    """Tell whether the verdict is the sum of the two pulls."""
    return (
        rec.loss_steps == 1
        and rec.last_loss_step == rec.steps - 1
        and rec.overflow is None
        and rec.verdict.zero_sequences == 0
        and rec.last_loss_step + 1 >= FEWEST
        and not found.tug.is_cut.any()
    )


def _is_surprising(rec: Recording, found: Saturation) -> bool:
    """Tell whether the run goes against the rule that saturation decides."""
    if rec.network.activation not in ("tanh", "sigmoid"):
        return False
    decades = rec.verdict.decades
    return (found.share >= MANY and decades > -FAR) or (found.share <= FEW and decades < -FAR)


def _outcome(rec: Recording, found: Saturation) -> str:
    if _is_surprising(rec, found):
        return "saturation alone decides nothing"
    if found.share >= MANY:
        return "here it comes with vanishing; flip a switch above, and it does not"
    return "what decides is the product of both pulls"


def _why(rec: Recording, found: Saturation) -> str:
    weight, slope = found.weight_per_step or 0.0, found.slope_per_step or 0.0
    pair = f"φ′ takes {_divided(slope)} per step and W gives × {factor(weight, 3)}"
    kind = rec.network.activation
    if kind == "identity":
        return f"The slope is 1 everywhere: W alone decides, × {factor(weight, 3)} per step."
    if kind == "relu":
        return f"A ReLU passes all or nothing, and {_dead(rec, found)}. On this gradient {pair}."
    return f"{_winner(rec, found, weight + slope)}: {pair}."


def _winner(rec: Recording, found: Saturation, growth: float) -> str:
    decades, share, size = growth * found.steps_crossed, found.share, rec.network.hidden_size
    vanishes, explodes = decades < -FAR, decades > FAR
    cases = (
        (
            share >= MANY and explodes and size > 1,
            "Saturated units let next to nothing through, but a gradient of many goes round them",
        ),
        (
            share >= MANY and vanishes and size == 1,
            "A single unit leaves the gradient no way round",
        ),
        (
            share >= MANY and vanishes,
            "The gradient finds ways round the saturated units, but W is too weak",
        ),
        (share <= FEW and vanishes, "It takes no saturation to vanish"),
        (growth < -BALANCED, "φ′ wins"),
        (growth > BALANCED, "W wins"),
    )
    return next((words for holds, words in cases if holds), "The two pulls nearly cancel")


def _driven(found: Saturation) -> str:
    own, read = number(found.recurrent_rms, 2), number(found.input_rms, 2)
    if found.recurrent_rms > found.input_rms:
        return (
            f"The net drives itself: in the rms, W_hh h gives {own} of the pre-activation and "
            f"the input {read}."
        )
    return (
        f"The input drives the units: in the rms, it gives {read} of the pre-activation and "
        f"W_hh h {own}."
    )


def _dead(rec: Recording, found: Saturation) -> str:
    size = rec.network.hidden_size
    if found.dead_units == 0:
        return "no unit is dead (at 0 at every step)"
    if found.dead_units == size:
        return "all units are dead (at 0 at every step)"
    are = "is" if found.dead_units == 1 else "are"
    return f"{found.dead_units} of {size} units {are} dead (at 0 at every step)"


def _divided(log10: float) -> str:
    """Return a pull of the slopes as a reader says it, divided where it shrinks."""
    return f"÷ {factor(-log10, 3)}" if log10 < 0.0 else f"× {factor(log10, 3)}"


def _signed(value: float) -> str:
    text = f"{value:+.3f}".replace("-", "−")
    return "0.000" if text[1:] == "0.000" else text
