"""What the page of weight scale says: the size that this input asks for, beside what rules say."""

import math
from typing import Final

import numpy as np

from app.sentences.claim import FEWEST, changed, unresolved
from app.sentences.claim import claim as fate
from app.sentences.numerals import counted, factor, number, pace, signed
from app.sentences.weight_reasons import crossing, has_growth, why
from app.weight_scales import Found
from rnn_core import Recording
from rnn_core.activations import ACTIVATIONS
from rnn_core.analysis.crossover import zero_crossings
from rnn_core.analysis.weight_sweep import FEWEST as FEWEST_NETS
from rnn_core.analysis.weight_sweep import (
    MOST_SEQUENCES,
    MOST_STEPS,
    MOST_UNITS,
    NETS,
    SCALES,
    WeightSweep,
)
from rnn_core.config import sizes
from rnn_core.theory.prediction import of_recording
from rnn_core.theory.scale_curve import rest_slope

NEAR: Final = 0.1
"""A right size this close to that of a rule, as a part of it, is called the same."""

_CHI: Final = (
    r"$\text{growth} = \tfrac{1}{2}\,\overline{\log_{10}\left(\sigma_w^2\,"
    r"\mathrm{E}\,\phi'(\sqrt{q_t}\,z)^2\right)}$"
)
_MEASURED: Final = (
    r"$\text{growth} = \left(\log_{10}\left|\frac{\partial L}{\partial h_1}\right| - "
    r"\log_{10}\left|\frac{\partial L}{\partial h_{T-a}}\right|\right) / (T - 1 - a)$"
)
_LSTM: Final = r"$\text{growth at rest} = \log_{10}(f + g/4)$"
_GRU: Final = r"$\text{growth at rest} = \log_{10}(1/2 + g/4)$"


_WIDE: Final = "The phase diagram is that of infinitely many units under a constant drive"
_BY_STEP: Final = (
    "; the dashed line of the first panel follows this input step by step, for the band’s nets"
)


def claim(rec: Recording, found: Found) -> str:
    """Say what this size of the weights does, and which one this input asks for."""
    growth = rec.verdict.growth_per_step
    if not _is_plain(rec) or growth is None:
        return " ".join([fate(rec), *_right_size(rec, found)])
    steps = counted(rec.last_loss_step, "step")
    if rec.last_loss_step + 1 < FEWEST:
        head = f"Over {steps} back the gradient is multiplied by {factor(rec.verdict.decades)}."
    else:
        mean = rec.verdict.decades / rec.last_loss_step
        head = f"The average step back {paced(mean)}: over {steps} it "
        head += f"{changed(rec.verdict.decades)}."
    return " ".join([head, *_right_size(rec, found), *unresolved(rec)])


def band(found: Found) -> str:
    """Say what the band is of: it is drawn from smaller nets than the run."""
    if found.sweep is None:
        return f"The band of {NETS} nets is measured when you let go."
    small = found.sweep.config
    more = "" if found.is_complete else f", {found.nets} of {NETS} so far"
    return (
        f"The band is over {NETS} nets{more} (seeds 0 to {NETS - 1}), each reduced to at most "
        f"{MOST_STEPS} steps, {MOST_UNITS} units and "
        f"{counted(MOST_SEQUENCES, 'sequence')}: here {counted(sizes(small)[0], 'step')}, "
        f"{counted(small.hidden_size, 'unit')}, {counted(sizes(small)[1], 'sequence')}. "
        f"The dot is the run itself, whole.{left_out(found.sweep)}"
    )


def left_out(sweep: WeightSweep) -> str:
    """Say how many nets have no place in the band since their gradient is exactly 0; or ""."""
    if not sweep.has_way_back:
        return ""
    zeros = np.isnan(sweep.growth).sum(axis=0)
    of = len(sweep.growth)
    at_0, most = int(zeros[0]), int(zeros[1:].max())
    if (zeros == of).all():
        return f" There is no band: all {of} nets are exactly 0 at every weight scale."
    told = [
        *([f"{_part_of(at_0, of)} at weight scale 0"] if at_0 else []),
        *([f"up to {_part_of(most, of)} at larger ones"] if most else []),
    ]
    if not told:
        return ""
    gap = "; nothing is drawn where those are more than half" if FEWEST_NETS * of < most else ""
    return f" Left out of the band, exactly 0: {', '.join(told)}{gap}."


def _part_of(count: int, of: int) -> str:
    return f"all {of} nets" if count == of else f"{count} of {of} nets"


def equation(rec: Recording, found: Found) -> str:
    """Write growth as theory has it for this net, with its numbers, as Markdown."""
    growth = rec.verdict.growth_per_step
    measured = "no growth is measured" if growth is None else f"measured **{signed(growth)}**"
    if rec.network.cell != "rnn":
        formula = _LSTM if rec.network.cell == "lstm" else _GRU
        if found.curve is None or rec.config is None:
            return f"{formula}, for small states only, which these are not; {measured}."
        g = found.spectrum.sigma_w * rec.config.weight_scale
        line = rest_slope(rec.config, g)
        return f"{formula} = **{signed(line)}** with g = {number(g)}; {measured}."
    predicted = of_recording(rec) if _is_plain(rec) else None
    if predicted is None or predicted.last == 0:
        return f"{_MEASURED}, mean over sequences: {measured}."
    slope = predicted.slope
    phi = slope - math.log10(predicted.sigma_w)
    return (
        f"{_CHI}: $\\sigma_w$ = {number(predicted.sigma_w, 3)} times an rms of $\\phi'$ of "
        f"{factor(phi, 3)} gives × {factor(slope, 3)} per step, **{signed(slope)}** decades; "
        f"{measured}."
    )


def notice(rec: Recording, found: Found) -> str:
    """Say where the rules put the border and where it was measured, and what moves it."""
    return " ".join(filter(None, (_rules(rec, found), why(rec, found))))


def asides(rec: Recording, found: Found) -> tuple[str, ...]:
    """Return what the panels leave out or reduce."""
    told = [band(found)]
    if rec.truncate is not None or rec.loss_steps > 1:
        told.append("The band’s nets have one loss, at the last step, and it goes back uncut.")
    if found.phase is not None:
        told.append(f"{_WIDE}{'' if found.curve is None else _BY_STEP}.")
    has_measured = found.sweep is not None and found.sweep.has_way_back
    if has_measured and found.curve is None and rec.network.cell == "rnn":
        why = "with fewer than 16 units" if rec.network.hidden_size < 16 else "for such nets"
        told.append(f"No mean-field line: {why} mean field does not hold.")
    return tuple(told)


def alt_text(rec: Recording, found: Found) -> str:
    """Say in words what the picture shows, its conclusion first."""
    scale = rec.config.weight_scale if rec.config is not None else 1.0
    radius, norm = found.spectrum.radius * scale, found.spectrum.norm * scale
    diagram = (
        " a phase diagram of weights against effective bias with its critical line and this run,"
        if found.phase is not None
        else ""
    )
    products = (
        ", and the singular values of the product of Jacobians against the steps back"
        if found.values is not None
        else ""
    )
    return (
        f"{claim(rec, found)} Panels: growth per step against weight scale over "
        f"{counted(found.nets, 'net')} with its band,{diagram} the eigenvalues of W_hh (radius "
        f"{number(radius, 3)}, largest singular value {number(norm, 3)}){products}."
    )


def _is_plain(rec: Recording) -> bool:
    return (
        bool(rec.layers)
        and rec.overflow is None
        and rec.loss_steps == 1
        and rec.last_loss_step > 0
        and rec.last_loss_step == rec.steps - 1
        and rec.truncate is None
        and rec.verdict.zero_sequences == 0
    )


def paced(growth: float) -> str:
    """Say what each step back does to the gradient."""
    if abs(growth) < 5e-4:
        return "leaves the gradient as it is"
    verb = "divides" if growth < 0.0 else "multiplies"
    return f"{verb} the gradient by {pace(abs(growth))}"


def _right_size(rec: Recording, found: Found) -> list[str]:
    """Say where the mean of the nets crosses 0; nothing while it is being measured."""
    sweep = found.sweep
    if sweep is None or not found.is_complete or not sweep.has_way_back:
        return []
    upward = [one.place for one in sweep.crossings if one.is_upward]
    nets = f"{NETS} nets"
    if len(upward) == 1:
        edges = [f"{edge:.2f}" for edge in sweep.band_crossings() or ()]
        spread = f": {' to '.join(edges)}" if len(set(edges)) > 1 else ""
        of = f" ({nets}, {_size_of(sweep)}{spread})"
        rule = _beside_the_rule(upward[0], rec, found)
        return [f"This input’s right weight scale is {upward[0]:.2f}{rule}{of}."]
    if upward:
        ends = f"between {upward[0]:.1f} and {upward[-1]:.1f}"
        times = f"changes sign {len(sweep.crossings)} times"
        return [f"There is no one right weight scale: {ends} the mean of {nets} {times}."]
    return [_no_size(sweep, nets)]


def _size_of(sweep: WeightSweep) -> str:
    return f"H {sweep.config.hidden_size}, T {sizes(sweep.config)[0]}"


def _beside_the_rule(right: float, rec: Recording, found: Found) -> str:
    """Say whether the right size is what the rule of radius 1 has for this run's matrix."""
    if rec.network.cell != "rnn" or not rec.network.params.is_tied or not found.spectrum.radius:
        return ", not 1" if abs(right - 1.0) > NEAR else ""
    ruled = 1.0 / found.spectrum.radius
    if abs(right - ruled) <= NEAR * ruled:
        return ", as radius 1 has it"
    if abs(ruled - 1.0) <= NEAR:
        return ", not 1"
    return f", not the {number(ruled, 2)} of the rule of radius 1"


def _no_size(sweep: WeightSweep, nets: str) -> str:
    measured = sweep.mean[np.isfinite(sweep.mean)]
    top = f"{SCALES[-1]:g}"
    if not measured.size:
        return f"In most of {nets} the gradient is exactly 0 at every weight scale up to {top}."
    if (measured <= 0.0).all():
        return f"No weight scale up to {top} is right: the mean of {nets} vanishes at every one."
    if (measured >= 0.0).all() and np.isnan(sweep.mean[1:]).any():
        return (
            f"No weight scale is right: at some most of {nets} are exactly 0, and at the others "
            "the mean of those that are not explodes."
        )
    if (measured >= 0.0).all():
        return f"No weight scale is right: the mean of {nets} explodes at every one measured."
    return f"Larger weights do not help: the mean of {nets} falls below 0."


def _rules(rec: Recording, found: Found) -> str:
    has_way_back = found.sweep is None or found.sweep.has_way_back
    if rec.network.cell != "rnn" and has_way_back:
        return f"The dot is this run, the band {NETS} nets of the same recipe."
    if rec.network.cell != "rnn":
        return "With the loss at step 1 there is no growth to measure."
    if not rec.network.params.is_tied:
        return (
            "With new weights at every step there is no radius to go by, and mean field is exact "
            "up to the width of the net."
        )
    radius, norm = found.spectrum.radius, found.spectrum.norm
    eta = norm * ACTIVATIONS[rec.network.activation].bound
    if not radius or not eta:
        return "This matrix has no radius to go by."
    return (
        f"The bound of Pascanu promises vanishing below {number(1.0 / eta, 2)}, the rule of "
        f"radius 1 puts the border at {number(1.0 / radius, 2)}; {_measured(found)}."
    )


def _measured(found: Found) -> str:
    """Say where the nets put the border, or why they put it nowhere."""
    if found.sweep is not None and not found.sweep.has_way_back:
        return "with the loss at step 1 there is no growth to measure"
    if found.sweep is None or not found.is_complete:
        return f"{NETS} nets are being measured"
    if not has_growth(found):
        return f"the gradient of most of {NETS} nets is exactly 0 at every one measured"
    upward = crossing(found)
    if upward is None:
        return f"measured it is nowhere up to {SCALES[-1]:g}"
    limit = _limit(found)
    wide = "" if limit is None else f" (infinitely many units: {number(limit, 3)})"
    return f"measured it is {number(upward, 3)}{wide}"


def _limit(found: Found) -> float | None:
    if found.curve is None or found.sweep is None:
        return None
    crossings = zero_crossings(found.sweep.scales, found.curve.limit)
    return next((one.place for one in crossings if one.is_upward), None)
