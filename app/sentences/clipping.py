"""What the page of clipping says: what clipping saved, and what it could not."""

from typing import Final

import numpy as np

from app.clipped import UPDATES, Descents, Run
from app.sentences.belief import Belief
from app.sentences.clipping_ends import end, explodes, last_size, size, thrower, vanishes
from app.sentences.clipping_net import beliefs_of_net
from app.sentences.numerals import chosen, counted, factor
from rnn_core.theory.cliff import cliff, wall, wall_begins

_FORMULA: Final = {
    "norm": r"$g \leftarrow \dfrac{\theta}{|g|}\,g\ \text{ where } |g| \ge \theta$",
    "value": r"$g_i \leftarrow \min(\max(g_i, -\theta), \theta)$",
}

_BESIDE: Final = 0.06
"""How far in b an explosion may be from the wall that makes it: that fades where few steps are."""


def claim(run: Run) -> str:
    """Say what became of both descents, as plain text; nothing that rounding decides.

    In two lines of a laptop: what throws both of them is left to `notice`.
    """
    found = run.descents
    if found.is_untouched:
        return f"{_untouched(found)} the descent {end(found.of_unclipped)}."
    lead = _lead(found)
    one = end(found.of_unclipped, is_brief=bool(lead))
    other = end(found.of_clipped, is_brief=True)
    both = (
        f"nclipped, the descent {one}; clipped by {found.mode} at {chosen(found.threshold)}, "
        f"it {other}."
    )
    return f"{lead}: u{both}" if lead else f"U{both}"


def _untouched(found: Descents) -> str:
    if found.steps == 1:
        return "With one step of time there is no wall: nothing is clipped, and"
    threshold = f"the threshold of {chosen(found.threshold)}"
    return f"No gradient on the way reaches {threshold}: clipped or not,"


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
    path, one = found.unclipped, found.of_unclipped
    k = int(np.argmax(path.gradient_norm))
    largest = float(path.gradient_norm[k])
    when = "at the start" if k == 0 else f"after {counted(k, 'update')}"
    found_at = f"**{size(largest)}** {when}"
    if not one.is_same_largest:
        found_at += " in this run"
    return (
        r"$x_t = w\,\sigma(x_{t-1}) + b,\quad E = (\sigma(x_T) - 0.7)^2,\quad$"
        f" {_FORMULA[found.mode]}: with $\\theta$ = **{chosen(found.threshold)}** the largest "
        f"gradient of the unclipped descent, {found_at}, {_kept(found, k)}."
    )


def _kept(found: Descents, k: int) -> str:
    """Say what clipping would make of the gradient of the unclipped descent after k updates."""
    path = found.unclipped
    largest = float(path.gradient_norm[k])
    if found.mode == "norm" and largest >= found.threshold:
        return f"is multiplied by **{factor(float(np.log10(found.threshold / largest)))}**"
    at = cliff(float(path.w[k]), float(path.b[k]), steps=found.steps)
    if found.mode == "value" and max(abs(at.d_w), abs(at.d_b)) > found.threshold:
        return f"has its entries cut at **±{chosen(found.threshold)}**"
    return "is left as it is"


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
            f"multiplies what rounding leaves out. {moved}"
        )
    if not one.is_lost:
        return (
            f"{moved} From this start the unclipped descent is not lost: a wall is a risk and no "
            "verdict."
        )
    if not explodes(one):
        first = size(float(found.unclipped.gradient_norm[0]))
        return (
            f"No gradient explodes, none is ten times the first, {first}: a learning rate of "
            f"{chosen(found.learning_rate)} is enough to lose the descent. {moved}"
        )
    where = "at the wall" if _is_at_wall(found) else "on the way"
    return f"The gradient explodes {where}{_after_all(found)} {moved}{_bounded(found)}"


def _is_at_wall(found: Descents) -> bool:
    """Tell whether the unclipped descent meets its largest gradient beside the line of the wall."""
    path = found.unclipped
    k = int(np.argmax(path.gradient_norm))
    w, b = float(path.w[k]), float(path.b[k])
    return w >= wall_begins() and abs(b - float(wall(w))) < _BESIDE


def _after_all(found: Descents) -> str:
    """Say how the explosion ends."""
    one = found.of_unclipped
    if not vanishes(one):
        return f": from where that throws it the descent is not back after {UPDATES} updates."
    last = last_size(one) or "next to nothing"
    where = "where the descent is stuck" if one.fate == "stuck" else "at the end of the descent"
    return (
        f", and {where} it is {last}: the explosion ends in vanishing, and clipping enlarges "
        "nothing."
    )


def _bounded(found: Descents) -> str:
    """Say what clipping did about the explosion, and what it could not."""
    if found.is_untouched:
        return ""
    left = thrower(found.of_clipped, found.learning_rate)
    if left:
        largest = size(float(found.clipped.gradient_norm[found.clipped.last_below]))
        return f" Clipped from {largest} to {left}, the gradient is still enough to throw it."
    if not _is_at_wall(found):
        return " Clipping bounds the step and leaves the slope as it is."
    return " Clipping bounds the step at the wall and leaves the wall where it is."


def beliefs(run: Run) -> tuple[Belief, ...]:
    """Return what is often read and what the page shows of it."""
    found, net = run.descents, run.net
    return (*beliefs_of_net(run.recording, net), *_of_descents(found))


def alt_text(run: Run) -> str:
    """Say in words what the picture shows, its conclusion first."""
    found = run.descents
    wall = "" if found.steps == 1 else ", the wall as a dashed line from its lower right"
    return (
        f"{claim(run)} On the left a map of the error over w from 4 to 5.6 and b from −3 to "
        f"−1.9{wall}, and both descents from their start. On the right the error and the norm of "
        f"the gradient over {UPDATES} updates, with the threshold as a dotted line."
    )


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
    last = last_size(one)
    there = "" if last is None else f"where the gradient is {last}"
    if one.fate == "stuck":
        what = f"after the explosion the descent is stuck {there}"
    else:
        what = f"the explosion throws the descent {f'to {there}' if there else 'away'}"
    return (
        Belief(
            "“An exploding gradient means that the loss goes to infinity.”",
            f"the error of this unit is never above 0.49; {what.strip()}",
        ),
    )


def _moved(found: Descents) -> str:
    """Count the clipped updates: of this run, where rounding decides which ones."""
    if found.is_untouched:
        return "No update is clipped: both descents are one."
    is_clipped = found.clipped.is_clipped[:-1]
    count, of = int(is_clipped.sum()), f"Of {counted(len(is_clipped), 'update')}"
    if not count:
        return f"{of} none was clipped in this run; with another rounding some are."
    said = f"{of} {count} {'was' if count == 1 else 'were'} clipped"
    if not found.of_clipped.is_same_clipped:
        said += " in this run, rounding decides which"
    if is_clipped[0]:
        return f"{said}."
    when = "then" if count == 1 else "the first of them"
    return f"{said}; until {when} both descents are one."


def _signed(value: float) -> str:
    return f"{'−' if value < 0.0 else ''}{abs(value):g}"
