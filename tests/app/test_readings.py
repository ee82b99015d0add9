"""What stands below the picture: equation, what to notice, and the check; each number apart."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from app.sentences import alt_text, check, equation, notice
from tests.app.test_claims import EXPLODES, SMALL, VANISHES, run, slow, truth
from tests.reference import slow_ledger


def signed(value):
    """Write three decimals with a true minus sign."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def test_the_equation_has_the_factors_of_this_run():
    """Two orders of magnitude apart in scale, so a swapped factor shows."""
    rec = run(**VANISHES | {"weight_scale": 1.5})
    ran, found = slow(rec), truth(rec)
    slope = math.sqrt(np.mean((1 - ran.h[1:] ** 2) ** 2))
    assert equation(rec).split("$: ")[1] == (
        f"$W_{{hh}}$ stretches by **1.50**, $\\phi'$ is **{slope:.3f}** (each in the rms), "
        f"rule of thumb 1.50 × {slope:.3f} = **{1.5 * slope:.3f}**; "
        f"measured × **{10**found.growth_per_step:.3f}** per step "
        f"({signed(found.growth_per_step)} decades)."
    )


def test_the_equation_of_an_lstm_has_its_gates():
    rec = run(**SMALL | {"cell": "lstm", "init": "pytorch", "forget_bias": 1.0})
    ran = slow(rec)
    i, f, o = (ran.gates[name][1:].mean() for name in "ifo")
    line = np.log10(np.sqrt((np.prod(ran.gates["f"][1:], axis=0) ** 2).mean(axis=-1))).mean()
    assert (
        f"mean gates $i, f, o$ = **{i:.3f}, {f:.3f}, {o:.3f}**, $\\prod f$ = "
        f"**10^{line:.1f}** (rms over units) in 59 steps" in equation(rec)
    )


def test_the_notice_says_which_steps_the_weights_hear():
    rec = run(**VANISHES)
    shares = slow_ledger(slow(rec).step_gradients["weight_hh_l0"]).share
    near = int(np.flatnonzero(np.cumsum(shares[::-1]) >= 0.9)[0]) + 1
    assert 1 < near < 20
    assert f"The last {near} of 60 steps supply 90 % of ∂L/∂W_hh: the sum does" in notice(rec)
    assert f"The last {near} of 60 steps supply 90 %" in alt_text(rec)


def test_a_stretch_above_one_that_vanishes_is_pointed_out():
    rec = run(**VANISHES | {"weight_scale": 1.3})
    assert truth(rec).regime == "vanishing"
    assert notice(rec).startswith(
        "W stretches by 1.3, more than 1, and the gradient still vanishes"
    )


def test_a_single_unit_is_no_case_for_the_rule_of_thumb():
    """w = 20 at its fixed point: -15.47 decades per step."""
    rec = run(steps=50, hidden_size=1, batch_size=2, init="identity", weight_scale=20.0)
    assert "far off here" in notice(rec)


def test_forget_gates_alone_are_compared_with_the_whole():
    rec = run(**SMALL | {"cell": "lstm", "init": "pytorch"})
    ran, found = slow(rec), truth(rec)
    line = np.log10(np.sqrt((np.prod(ran.gates["f"][1:], axis=0) ** 2).mean(axis=-1))).mean()
    assert found.decades - line > 1
    assert notice(rec).startswith(
        f"In the rms over units the forget gates alone multiply to 10^{line:.0f} over 59 steps, "
        f"dL/dh is multiplied by 10^{found.decades:.0f}: most of it does not"
    )


def test_a_check_says_how_well_the_gradient_agrees():
    stated = re.search(r"largest relative error ([\d.e-]+)\.$", check(run(**VANISHES)))
    assert float(stated[1]) < 1e-6


def test_a_check_of_a_wrong_gradient_says_so():
    """Half the gradient of W_hh is half a unit off along any direction in W_hh."""
    rec = run(**VANISHES)
    wrong = {
        name: replace(gradient, mantissa=0.5 * gradient.mantissa)
        for name, gradient in rec.weight_gradients.items()
    }
    found = check(replace(rec, weight_gradients=wrong))
    assert "does not agree" in found
    assert float(re.search(r"largest relative error ([\d.e-]+)\.", found)[1]) > 0.1


def test_a_check_has_a_sentence_for_what_cannot_be_checked():
    assert "leaves terms out on purpose" in check(run(**VANISHES | {"truncate": 10}))
    assert "one differenced step at a time" in check(run(**EXPLODES | {"weight_scale": 4.0}))


@pytest.mark.parametrize("steps", [2, 60])
def test_a_step_that_supplies_all_is_not_said_to_supply_a_part(steps):
    """Without recurrent weights no loss hears of an earlier step: one term, and no other."""
    rec = run(**SMALL | {"weight_scale": 0.0, "steps": steps})
    assert notice(rec).endswith(f"The last of {steps} steps supplies all of ∂L/∂W_hh.")
    assert alt_text(rec).endswith(f"The last of {steps} steps supplies all of ∂L/∂W_hh.")


def test_a_step_that_supplies_nearly_all_supplies_at_least_a_part():
    """At weight scale 0.05 the last term is 99 % of the sum, not 90 %."""
    rec = run(**SMALL | {"weight_scale": 0.05})
    terms = slow(rec).step_gradients["weight_hh_l0"].reshape(60, -1)
    whole = terms.sum(axis=0)
    assert (terms[-1] @ whole) / (whole @ whole) > 0.95
    assert "The last of 60 steps alone supplies at least 90 % of ∂L/∂W_hh" in notice(rec)
