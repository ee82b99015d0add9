"""What the page of clipping says: what clipping saved, and what it could not."""

from typing import Final

import numpy as np

from app.clipped import LAST, UPDATES, ClippedNet, Descents, Run
from app.sentences.belief import Belief
from app.sentences.clipping_ends import end, explodes, is_thrown_at_once, size
from app.sentences.numerals import counted, factor, number, part
from rnn_core import Recording

_FORMULA: Final = {
    "norm": r"$g \leftarrow \dfrac{\theta}{|g|}\,g\ \text{ where } |g| \ge \theta$",
    "value": r"$g_i \leftarrow \min(\max(g_i, -\theta), \theta)$",
}
_SQUARE: Final = 90.0
_PROJECTED: Final = (
    " A part is its projection on the whole: all add up to 100 %, and where steps cancel one may "
    "exceed that or be negative."
)
_ABOVE_ALL: Final = 1.05
"""A share that two digits write as more than 100 %."""

_AS_BEFORE: Final = ", as before: one number multiplies the terms of all steps"
_SMALL: Final = 0.1
"""The part of dL/dW below which steps "have vanished" from it, or an explosion has buried them."""


def claim(run: Run) -> str:
    """Say what became of both descents, as plain text; nothing that rounding decides."""
    found = run.descents
    one, other = found.of_unclipped, found.of_clipped
    ends = [end(path, found.learning_rate) for path in (one, other)]
    both = (
        f"nclipped, the descent {ends[0]}; clipped by {found.mode} at {number(found.threshold)}, "
        f"it {ends[1]}."
    )
    if found.is_untouched and found.steps > 1:
        return (
            f"No gradient on the way reaches the threshold of {number(found.threshold)}: clipping "
            f"changes nothing, and the descent {ends[0]}."
        )
    lead = _lead(found)
    return f"{lead}: u{both}" if lead else f"U{both}"


def protocol(run: Run) -> str:
    """Say what the two descents are."""
    found = run.descents
    w, b = found.start
    return (
        f"One sigmoid unit over {counted(found.steps, 'step')}, from w = {_signed(w)}, b = "
        f"{_signed(b)}, learning rate {found.learning_rate:g}, {UPDATES} updates, float64."
    )


def equation(run: Run) -> str:
    """Write the unit and the rule of clipping with the current numbers, as Markdown."""
    found = run.descents
    path = found.unclipped
    k = int(np.argmax(path.gradient_norm))
    largest = float(path.gradient_norm[k])
    kept = "is left as it is"
    if largest > found.threshold:
        kept = f"is multiplied by **{factor(float(np.log10(found.threshold / largest)))}**"
        if found.mode == "value":
            kept = f"is cut to **±{number(found.threshold)}** in each entry"
    found_at = f"**{size(largest)}** after {counted(k, 'update')}"
    if not found.of_unclipped.is_same_largest:
        found_at = f"in this run {found_at} (which, rounding decides)"
    return (
        r"$x_t = w\,\sigma(x_{t-1}) + b,\quad E = (\sigma(x_T) - 0.7)^2,\quad$"
        f" {_FORMULA[found.mode]}: with $\\theta$ = **{number(found.threshold)}** the largest "
        f"gradient of the unclipped descent, {found_at}, {kept}."
    )


def notice(run: Run) -> str:
    """Say what to look at, in two sentences."""
    found = run.descents
    if found.steps == 1:
        return (
            "Without a second step there is no product of slopes, so nothing can explode. Raise T "
            "and the wall appears."
        )
    moved, one = _moved(found), found.of_unclipped
    if one.fate == "undecided" or one.is_scattered:
        return (
            "From a start moved by 10^-13 the unclipped descent ends elsewhere: every steep place "
            f"multiplies what rounding leaves out. {moved}."
        )
    if not one.is_lost:
        return (
            f"{moved}; elsewhere both take the same steps. From this start the unclipped descent "
            "is not lost: a wall is a risk and no verdict."
        )
    if not explodes(one):
        return (
            "Here no gradient explodes: the learning rate itself is too large, from a first "
            f"gradient of {size(float(found.unclipped.gradient_norm[0]))} on. {moved}."
        )
    return (
        f"The gradient explodes at one place, {_where(found)}: the explosion ends in vanishing, "
        f"and no threshold brings it back. {moved}. Clipping bounds the step at the wall and "
        "leaves the wall where it is."
    )


def asides(run: Run) -> tuple[str, ...]:
    """Say what clipping makes of the gradient of the real net."""
    return (net_words(run.recording, run.net, run.settings["threshold"]),)


def net_words(rec: Recording, found: ClippedNet | None, threshold: float) -> str:
    """Say norm, angle and ledger of the clipped gradient of a real run."""
    if found is None:
        return "The net of these settings has no gradient to clip."
    norm = found.by_norm.log10_norm_before
    before = f"The gradient of this net has norm {factor(norm)}"
    if found.by_norm.log10_factor == 0.0:
        kept = f"{before}, below the threshold of {number(threshold)}: clipping leaves it alone"
        return f"{kept}. {_ledger(rec, found, 'of it')}"
    angle, turned = found.by_norm.angle, found.by_value.angle
    by_norm = "" if angle is None else f" and turns it by {_degrees(angle)}"
    cut = found.by_value
    by_value = "" if turned is None else f" and turns it by {_degrees(turned)}"
    return (
        f"{before}. Clipping by norm makes that {factor(found.by_norm.log10_norm_after)}{by_norm}; "
        f"by value it leaves {factor(cut.log10_norm_after)}{by_value}, having cut "
        f"{cut.clipped_entries:,} of {counted(cut.entries, 'number')}. "
        f"{_ledger(rec, found, 'of the clipped gradient', _AS_BEFORE)}"
    )


def beliefs(run: Run) -> tuple[Belief, ...]:
    """Return what is often read and what the page shows of it."""
    found, net = run.descents, run.net
    return (*_of_net(run.recording, net), *_of_descents(found))


def alt_text(run: Run) -> str:
    """Say in words what the picture shows, its conclusion first."""
    found = run.descents
    wall = "" if found.steps == 1 else ", the wall as a dashed line from its lower right"
    return (
        f"{claim(run)} On the left a map of the error over w from 4 to 5.6 and b from −3 to "
        f"−1.9{wall}, and both descents from their start. On the right the error and the norm of "
        f"the gradient over {UPDATES} updates, with the threshold as a dotted line."
    )


def _of_net(rec: Recording, net: ClippedNet | None) -> tuple[Belief, ...]:
    if net is None:
        return ()
    found = []
    last, early = net.last_share, net.early_share
    decades = rec.verdict.decades
    if last is not None and early is not None and rec.steps > 2 * LAST:
        if decades < -2.0 and abs(early) < _SMALL:
            found.append(
                Belief(
                    "“If clipping shrinks large gradients, scaling up small ones cures vanishing.”",
                    f"one number multiplies every step’s term, so at any norm the first half of "
                    f"this run’s steps holds {_share(early)} of dL/dW: what had vanished is still "
                    "vanished",
                )
            )
        elif decades > 2.0 and abs(last) < _SMALL:
            found.append(
                Belief(
                    "“Clipping cures the explosion.”",
                    f"of the clipped gradient the last {LAST} steps hold {_share(last)}, the first "
                    f"half {_share(early)}: the explosion keeps its direction",
                )
            )
    turned = net.by_value.angle
    if turned is not None and net.by_value.clipped_entries and net.by_norm.angle is not None:
        found.append(
            Belief(
                "“Clipping by value and by norm are the same.”",
                f"by norm this gradient turns by {_degrees(net.by_norm.angle)}, by value by "
                f"{_degrees(turned)}",
            )
        )
    return tuple(found)


def _lead(found: Descents) -> str:
    """Say in a word how the descents compare; nothing where clipping saves, or rounding decides."""
    one, other = found.of_unclipped, found.of_clipped
    if found.steps == 1:
        return "With one step of time there is no wall"
    if "undecided" in (one.fate, other.fate) or (one.is_lost and not other.is_lost):
        return ""
    if other.is_lost:
        return "This clipping is no protection" if one.is_lost else "Here clipping does harm"
    return "Neither is thrown"


def _of_descents(found: Descents) -> tuple[Belief, ...]:
    one = found.of_unclipped
    if not (one.is_lost and explodes(one)):
        return ()
    norm = size(float(found.unclipped.gradient_norm[-1]))
    if one.fate == "stuck":
        what = f"after the explosion the descent is stuck where the gradient is {norm}"
    else:
        what = f"the explosion throws it to where the gradient is {norm}"
    return (
        Belief(
            "“An exploding gradient means that the loss goes to infinity.”",
            f"the error of this unit is never above 0.49; {what}",
        ),
    )


def _moved(found: Descents) -> str:
    """Count the clipped updates: of this run, where rounding decides which ones."""
    count = int(found.clipped.is_clipped[:-1].sum())
    was = "was" if count == 1 else "were"
    said = f"Of {counted(len(found.clipped.w) - 1, 'update')} {count} {was} clipped"
    if found.of_clipped.is_same_clipped:
        return said
    return f"{said} in this run; which {'one' if count == 1 else 'ones'}, rounding decides"


def _where(found: Descents) -> str:
    """Say how small the gradient is where the unclipped descent ends."""
    one = found.of_unclipped
    norm = size(float(found.unclipped.gradient_norm[-1]))
    if one.fate == "stuck":
        return f"and where the descent is stuck it is {norm}"
    verb = "it throws the descent" if is_thrown_at_once(one.path) else "the descent is lost"
    return f"and where {verb} it is {norm}"


def _ledger(rec: Recording, found: ClippedNet, of: str, rest: str = "") -> str:
    last, early = found.last_share, found.early_share
    if last is None or early is None:
        return "There is no sum over steps in it to share out."
    if rec.steps <= 2 * LAST:
        why = _PROJECTED if _is_odd(early) else ""
        return f"The first half of the steps holds {_share(early)} {of}{rest}.{why}"
    why = _PROJECTED if _is_odd(early) or _is_odd(last) else ""
    parts = f"The last {LAST} steps hold {_share(last)} {of}, the first half {_share(early)}"
    return f"{parts}{rest}.{why}"


def _is_odd(share: float) -> bool:
    """Tell whether a reader who takes a share for a part of a sum of sizes would wonder."""
    return share < 0.0 or share >= _ABOVE_ALL


def _signed(value: float) -> str:
    return f"{'−' if value < 0.0 else ''}{abs(value):g}"


def _degrees(angle: float) -> str:
    if angle < 1e-6:
        return "0°"
    return f"{number(angle)}°" if angle < _SQUARE else f"{angle:.0f}°"


def _share(value: float) -> str:
    if value == 0.0:
        return "0 %"
    sign = "−" if value < 0.0 else ""
    if abs(value) >= 1.0:
        return f"{sign}{number(100.0 * abs(value))} %"
    return f"{sign}{part(float(np.log10(abs(value))))}"
