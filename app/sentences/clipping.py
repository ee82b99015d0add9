"""What the page of clipping says: what clipping saved, and what it could not."""

import math
from typing import Final

import numpy as np

from app.clipped import LAST, UPDATES, ClippedNet, Descents, Run
from app.sentences.belief import Belief
from app.sentences.numerals import counted, factor, number, part, power
from rnn_core import Recording
from rnn_core.theory.descent import Descent

_FORMULA: Final = {
    "norm": r"$g \leftarrow \dfrac{\theta}{|g|}\,g\ \text{ where } |g| \ge \theta$",
    "value": r"$g_i \leftarrow \min(\max(g_i, -\theta), \theta)$",
}
_SQUARE: Final = 90.0
_AS_BEFORE: Final = ", as before: one number multiplies the terms of all steps"
EXPLODED: Final = 10.0
"""How many times its first size a gradient has grown that "explodes"."""


def claim(run: Run) -> str:
    """Say what became of both descents, as plain text."""
    found = run.descents
    one, other = found.unclipped, found.clipped
    both = (
        f"nclipped, the descent {_end(one)}; clipped by {found.mode} at {number(found.threshold)}, "
        f"it {_end(other)}."
    )
    if found.steps == 1:
        return f"With one step of time there is no wall: u{both}"
    if found.is_untouched:
        return (
            f"No gradient on the way reaches the threshold of {number(found.threshold)}: clipping "
            f"changes nothing, and the descent {_end(one)}."
        )
    is_lost, is_lost_too = _is_lost(one), _is_lost(other)
    if is_lost and is_lost_too:
        return f"This clipping is no protection: u{both}"
    if is_lost:
        return f"U{both}"
    if is_lost_too:
        return f"Here clipping does harm: u{both}"
    return f"Neither is thrown: u{both}"


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
    return (
        r"$x_t = w\,\sigma(x_{t-1}) + b,\quad E = (\sigma(x_T) - 0.7)^2,\quad$"
        f" {_FORMULA[found.mode]}: with $\\theta$ = **{number(found.threshold)}** the largest "
        f"gradient of the unclipped descent, **{_size(largest)}** after {counted(k, 'update')}, "
        f"{kept}."
    )


def notice(run: Run) -> str:
    """Say what to look at, in two sentences."""
    found = run.descents
    if found.steps == 1:
        return (
            "Without a second step there is no product of slopes, so nothing can explode. Raise T "
            "and the wall appears."
        )
    clipped = int(found.clipped.is_clipped[:-1].sum())
    moved = (
        f"Of {len(found.clipped.w) - 1} updates {clipped} {'was' if clipped == 1 else 'were'} "
        "clipped"
    )
    if not _is_lost(found.unclipped):
        return (
            f"{moved}; elsewhere both take the same steps. From this start the unclipped descent "
            "is not lost: a wall is a risk and no verdict."
        )
    if not _explodes(found.unclipped):
        return (
            "Here no gradient explodes: the learning rate itself is too large, from a first "
            f"gradient of {_size(float(found.unclipped.gradient_norm[0]))} on. {moved}."
        )
    end = found.unclipped.gradient_norm[-1]
    return (
        f"The gradient explodes at one place, and where it throws the descent it is "
        f"{_size(float(end))}: the explosion ends in vanishing, and no threshold brings it back. "
        f"{moved}, which ones hangs on the last digits of all numbers: clipping bounds the step "
        "at the wall and leaves the wall where it is."
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
        if decades < -2.0:
            found.append(
                Belief(
                    "“If clipping shrinks large gradients, scaling up small ones cures vanishing.”",
                    f"one number multiplies every step’s term, so at any norm the first half of "
                    f"this run’s steps holds {_share(early)} of dL/dW: what had vanished is still "
                    "vanished",
                )
            )
        elif decades > 2.0:
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


def _of_descents(found: Descents) -> tuple[Belief, ...]:
    if not (_is_lost(found.unclipped) and _explodes(found.unclipped)):
        return ()
    end = float(found.unclipped.gradient_norm[-1])
    return (
        Belief(
            "“An exploding gradient means that the loss goes to infinity.”",
            f"the error of this unit is never above 0.49; the explosion throws it to where the "
            f"gradient is {_size(end)}",
        ),
    )


def _ledger(rec: Recording, found: ClippedNet, of: str, rest: str = "") -> str:
    last, early = found.last_share, found.early_share
    if last is None or early is None:
        return "There is no sum over steps in it to share out."
    if rec.steps <= 2 * LAST:
        return f"The first half of the steps holds {_share(early)} {of}{rest}."
    return f"The last {LAST} steps hold {_share(last)} {of}, the first half {_share(early)}{rest}."


def _explodes(path: Descent) -> bool:
    return bool(path.gradient_norm.max() > EXPLODED * path.gradient_norm[0])


def _is_lost(path: Descent) -> bool:
    return path.fate in ("thrown", "stuck", "overflow")


def _end(path: Descent) -> str:
    error, norm = number(float(path.loss[-1])), _size(float(path.gradient_norm[-1]))
    k = path.last_below
    match path.fate:
        case "overflow":
            return f"leaves all numbers at update {path.overflow}"
        case "thrown":
            if path.longest_move != k:
                after = counted(k, "update")
                return f"is lost after {after} and ends at error {error}, gradient {norm}"
            size = _size(float(path.gradient_norm[k]))
            return (
                f"is thrown after {counted(k, 'update')} by a gradient of {size} to error "
                f"{error}, gradient {norm}"
            )
        case "arrived":
            return f"arrives below an error of {_above(path.settled_loss)}"
        case "stuck":
            return f"is stuck at error {error}, where the gradient is {norm}"
    return f"is still under way at error {error}"


def _size(value: float) -> str:
    if not np.isfinite(value):
        return "no number"
    return number(value, 3 if value >= 100.0 else 2)


def _above(value: float) -> str:
    """Return a number of one digit that is above `value`: more digits the wall would decide."""
    if value == 0.0:
        return "10^-300"
    log10 = math.log10(value)
    if log10 < -4.0:
        return power(math.ceil(10.0 * log10) / 10.0)
    unit = 10.0 ** math.floor(log10)
    return number(math.ceil(value / unit) * unit, 1)


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
