"""What a step multiplies by, and how far the gradient reaches, against closed forms."""

import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.factors import gate_factors, vanilla_factors
from rnn_core.analysis.reach import first_reached, log10_factor, steps_that_supply
from tests.reference import slow_bptt, slow_forward, slow_ledger
from tests.rnn_core.random_networks import last_step, random_case, random_orthogonal, vanilla


def test_orthogonal_linear_net_has_its_scale_as_the_only_factor(rng):
    net = vanilla(0.7 * random_orthogonal(rng, 6), "identity")
    found = vanilla_factors(rc.record(net, np.zeros((20, 2, 1)), last_step(np.ones(6))))
    assert found.weight_stretch == pytest.approx(0.7, rel=1e-13)
    assert found.slope_rms == 1.0
    assert found.expected == pytest.approx(0.7, rel=1e-13)


def test_slope_is_the_rms_over_the_steps_that_the_gradient_crosses(rng):
    """Steps 2 to T: the slope of the first step lies before the first recorded state."""
    case = random_case(rng, "rnn", T=7, kind="last")
    found = vanilla_factors(case.record())
    a = slow_forward(case.state, case.x, h_init=case.init["h"]).a
    slopes = 1 / np.cosh(a[1:]) ** 2
    assert found.slope_rms == pytest.approx(math.sqrt(np.mean(slopes**2)), rel=1e-12)
    singular = np.linalg.svd(case.state["weight_hh_l0"], compute_uv=False)
    assert found.weight_stretch == pytest.approx(math.sqrt(np.mean(singular**2)), rel=1e-12)


@pytest.mark.parametrize(("cell", "keep"), [("gru", "z"), ("lstm", "f")])
def test_gates_are_means_and_the_line_is_their_product(rng, cell, keep):
    case = random_case(rng, cell, T=9, kind="last")
    found = gate_factors(case.record())
    slow = slow_forward(
        case.state, case.x, cell=cell, h_init=case.init["h"], c_init=case.init.get("c")
    )
    sigmoids = [name for name in slow.gates if name not in "gn"]
    assert list(found.means) == sigmoids
    for name in sigmoids:
        assert found.means[name] == pytest.approx(slow.gates[name][1:].mean(), rel=1e-12)
    product = np.prod(slow.gates[keep][1:], axis=0)
    rms = np.log10(np.sqrt(np.mean(product**2, axis=-1))).mean()
    assert found.line_decades == pytest.approx(rms, abs=1e-11)


def test_there_are_no_factors_where_nothing_is_crossed():
    one = rc.run(rc.ExperimentConfig(steps=1))
    assert vanilla_factors(one) is None
    assert gate_factors(rc.run(rc.ExperimentConfig(cell="gru", steps=1))) is None
    assert gate_factors(rc.run(rc.ExperimentConfig(steps=5))) is None
    assert vanilla_factors(rc.run(rc.ExperimentConfig(cell="gru", steps=5))) is None


def halving(T=20):
    return rc.record(
        vanilla(0.5 * np.eye(2), "identity"), np.zeros((T, 3, 1)), last_step(np.ones(2))
    )


@pytest.mark.parametrize(("late", "early", "halvings"), [(19, 19, 0), (19, 0, 19), (12, 5, 7)])
def test_factor_between_two_steps_is_the_power_between_them(late, early, halvings):
    found = log10_factor(halving(), late, early)
    assert found == pytest.approx(-halvings * math.log10(2), abs=1e-12)


def test_factor_into_exact_zero_is_minus_infinity():
    rec = rc.record(vanilla(np.zeros((2, 2)), "tanh"), np.zeros((4, 1, 1)), last_step(np.ones(2)))
    assert log10_factor(rec, 3, 1) == -math.inf


@pytest.mark.parametrize(
    ("late", "early", "message"),
    [
        (20, 0, "late: expected 0 to 19, got 20"),
        (-1, 0, "late: expected 0 to 19, got -1"),
        (5, 6, "early: expected 0 to late=5, got 6"),
        (5, -1, "early: expected 0 to late=5, got -1"),
    ],
)
def test_steps_that_do_not_exist_are_refused(late, early, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        log10_factor(halving(), late, early)


def test_steps_that_supply_a_part_are_counted_from_either_end():
    """w = 1/2, h_t = 1 for all t: the shares of a geometric sum."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[0.5]], "weight_hh_l0": [[0.5]]}, cell="rnn", activation="identity"
    )
    rec = rc.record(net, np.ones((20, 1, 1)), last_step(np.ones(1)), h_init=np.ones((1, 1)))
    shares = 0.5 ** np.arange(1, 21) / (1 - 0.5**20)
    assert rec.ledger.shares[::-1] == pytest.approx(shares, rel=1e-12)
    assert steps_that_supply(rec, 0.9) == 4  # 1/2 + 1/4 + 1/8 + 1/16 = .9375
    assert steps_that_supply(rec, 0.45) == 1
    assert steps_that_supply(rec, 0.45, is_from_loss=False) == 19  # all but the nearest: 1/2
    assert steps_that_supply(rec, 0.6, is_from_loss=False) == 20
    assert steps_that_supply(rc.run(rc.ExperimentConfig(steps=1)), 0.5) is None


def test_factors_of_a_truncated_run_are_of_the_steps_in_the_last_block(rng):
    """T = 11 in blocks of 4: the loss at step 11 reaches back to step 9, over steps 10 and 11."""
    case = random_case(rng, "rnn", T=11, kind="last")
    found = vanilla_factors(case.record(truncate=4))
    a = slow_forward(case.state, case.x, h_init=case.init["h"]).a
    slopes = 1 / np.cosh(a[9:]) ** 2
    assert found.slope_rms == pytest.approx(math.sqrt(np.mean(slopes**2)), rel=1e-12)
    lstm = random_case(rng, "lstm", T=11, kind="last")
    gates = slow_forward(
        lstm.state, lstm.x, cell="lstm", h_init=lstm.init["h"], c_init=lstm.init["c"]
    ).gates
    line = np.log10(np.sqrt(np.mean(np.prod(gates["f"][9:], axis=0) ** 2, axis=-1))).mean()
    assert gate_factors(lstm.record(truncate=4)).line_decades == pytest.approx(line, abs=1e-12)
    assert first_reached(case.record(truncate=4)) == 8
    assert vanilla_factors(case.record(truncate=5)) is None  # the block begins with the loss


def test_a_running_total_that_leaves_the_part_again_has_not_supplied_it():
    """One linear unit, w = -1, and an input that makes shares 1.5, -1, 0.5 from the loss back."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[-1.0]]}, cell="rnn", activation="identity"
    )
    x = np.array([1.0, 3.0, 5.0, 0.0])[:, None, None]  # h = 1, 2, 3, ...; dL/dh = -1, 1, -1, 1
    rec = rc.record(net, x, last_step(np.ones(1)))
    d_loss = np.zeros((4, 1, 1))
    d_loss[-1] = 1.0
    state = {"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": -np.ones((1, 1))}
    ran = slow_bptt(state, x, d_loss, activation="identity")
    shares = slow_ledger(ran.step_gradients["weight_hh_l0"]).share
    assert shares[::-1] == pytest.approx([1.5, -1.0, 0.5, 0.0])
    assert steps_that_supply(rec, 0.9) == 3
    assert steps_that_supply(rec, 0.5) == 1
    assert steps_that_supply(rec, 0.9, is_from_loss=False) == 4
