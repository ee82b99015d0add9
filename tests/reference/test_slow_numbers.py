"""The slow numbers agree with closed forms and with cases done by hand."""

import math

import numpy as np
import pytest

from tests.reference import (
    slow_bptt,
    slow_least_squares_slope,
    slow_ledger,
    slow_log10_norm,
    slow_log10_norms,
    slow_pascanu_bound,
    slow_verdict,
)
from tests.reference.small_networks import linear_unit, random_state


def curve(*slopes):
    """Give log10 norms (T, 1) by step from the slope of each lag to the next."""
    lags = np.concatenate([[0.0], np.cumsum(slopes)])
    return lags[::-1, None]


def test_verdict_of_a_straight_decay():
    verdict = slow_verdict(curve(*[-0.2] * 99))
    assert verdict.growth_per_step == pytest.approx(-0.2)
    assert verdict.decades == pytest.approx(-19.8)
    assert verdict.regime == "vanishing"
    assert verdict.half_life == pytest.approx(1.50515, abs=1e-5)
    assert verdict.zero_sequences == 0


def test_verdict_leaves_out_ten_lags_of_transient_at_most():
    """T = 100: lags 0 to 10 rise by 1 each, and only D sees it."""
    verdict = slow_verdict(curve(*[1.0] * 10, *[-0.1] * 89))
    assert verdict.growth_per_step == pytest.approx(-0.1)
    assert verdict.decades == pytest.approx(10 - 8.9)
    assert verdict.regime == "stable"


def test_verdict_leaves_out_a_fifth_of_a_short_run():
    """T = 15: a = 14 // 5 = 2, so growth runs from lag 2 (at 10) over 14 to lag 14 (at 3)."""
    verdict = slow_verdict(curve(5.0, 5.0, 4.0, *[-1.0] * 11))
    assert verdict.growth_per_step == pytest.approx((3 - 10) / 12)
    assert verdict.decades == pytest.approx(3.0)
    assert slow_verdict(curve(5.0, *[-1.0] * 4)).growth_per_step == pytest.approx(-1.0)
    assert slow_verdict(curve(5.0, *[-1.0] * 3)).growth_per_step == pytest.approx((5 - 3) / 4)


@pytest.mark.parametrize(
    ("second", "has_half_life"),
    [(-0.4, True), (-0.31, True), (-0.29, False), (-0.2, False), (0.4, False)],
)
def test_half_life_needs_two_halves_of_like_rate(second, has_half_life):
    """T = 90: a = 10, m = 49, 39 maps at rate -0.4 and 40 at another, a quarter less at most."""
    verdict = slow_verdict(curve(*[-0.4] * 49, *[second] * 40))
    assert (verdict.half_life is not None) == has_half_life


def test_the_halves_meet_in_the_middle():
    """A step of +4 just before lag 49 and of -4 just after it part the rates of the halves."""
    slopes = np.full(89, -0.4)
    slopes[48:50] += [4.0, -4.0]
    assert slow_verdict(curve(*slopes)).half_life is None
    slopes = np.roll(slopes, 1)
    assert slow_verdict(curve(*slopes)).half_life is not None


def test_half_life_of_slow_curves_allows_a_hundredth():
    verdict = slow_verdict(curve(*[-0.001] * 49, *[-0.01] * 40))
    assert verdict.half_life == pytest.approx(math.log10(2) / ((0.039 + 0.4) / 79))


@pytest.mark.parametrize(
    ("decades", "regime"),
    [(-2.1, "vanishing"), (-2.0, "stable"), (0.0, "stable"), (2.0, "stable"), (2.1, "exploding")],
)
def test_regime_changes_beyond_two_decades(decades, regime):
    assert slow_verdict(curve(decades, *[0.0] * 9)).regime == regime


def test_verdict_of_one_step_has_no_growth():
    verdict = slow_verdict(np.array([[0.3, -1.0]]))
    assert verdict == (None, 0.0, "stable", None, 0)


def test_dead_sequences_are_counted_apart():
    alive, dead = curve(*[0.01] * 20), curve(*[-0.01] * 20)
    dead[:6] = -math.inf
    verdict = slow_verdict(np.hstack([alive, alive, dead]))
    assert verdict.growth_per_step == pytest.approx(0.01)
    assert (verdict.regime, verdict.zero_sequences) == ("stable", 1)
    assert slow_verdict(np.hstack([alive, dead])).regime == "vanishing"
    assert slow_verdict(dead) == (None, -math.inf, "vanishing", None, 1)


def test_norms_neither_underflow_nor_overflow():
    tiny = np.array([[[3e-200, -4e-200]], [[3e200, 4e200]], [[0.0, 0.0]]])
    expected = np.log10(5) + np.array([-200, 200])
    assert slow_log10_norms(tiny)[:2, 0] == pytest.approx(expected)
    assert slow_log10_norm(tiny)[:2] == pytest.approx(expected)
    assert slow_log10_norms(tiny)[2, 0] == -math.inf


def test_frobenius_norm_is_taken_over_the_batch():
    d_h = np.array([[[1.0, 2.0], [2.0, 4.0]]])
    assert slow_log10_norm(d_h) == pytest.approx([math.log10(5)])
    assert slow_log10_norms(d_h)[0] == pytest.approx(0.5 * np.log10([5, 20]))


def test_least_squares_slope_is_numpys_fit():
    norms = np.random.default_rng(3).normal(size=(90, 2)).cumsum(axis=0)
    lags = np.arange(20, 81)
    fits = [np.polyfit(lags, norms[::-1, b][lags], 1)[0] for b in range(2)]
    assert slow_least_squares_slope(norms) == pytest.approx(np.mean(fits))


def test_bound_is_met_exactly_by_one_linear_unit():
    run = slow_bptt(*linear_unit(-0.5, 30), activation="identity")
    norms = slow_log10_norms(run.d_h)
    assert slow_pascanu_bound(np.array([[-0.5]]), "identity", norms) == pytest.approx(norms)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "identity"])
def test_bound_lies_above_every_gradient_of_a_last_step_loss(activation):
    rng = np.random.default_rng(5)
    state = random_state(rng, "rnn", 2, 5, scale=1.3)
    d_loss_dh = np.zeros((20, 3, 5))
    d_loss_dh[-1] = rng.normal(size=5)
    run = slow_bptt(state, rng.normal(size=(20, 3, 2)), d_loss_dh, activation=activation)
    norms = slow_log10_norms(run.d_h)
    bound = slow_pascanu_bound(state["weight_hh_l0"], activation, norms)
    assert np.all(norms <= bound + 1e-12)
    assert np.all(norms[:-1] < bound[:-1])
    sigma = np.linalg.svd(state["weight_hh_l0"], compute_uv=False)[0]
    gamma = 0.25 if activation == "sigmoid" else 1.0
    assert bound[-2] - bound[-1] == pytest.approx([math.log10(gamma * sigma)] * 3)


def test_bound_of_a_zero_matrix_is_nothing_before_the_last_step():
    bound = slow_pascanu_bound(np.zeros((2, 2)), "tanh", np.zeros((3, 1)))
    assert bound[:, 0].tolist() == [-math.inf, -math.inf, 0.0]


def test_every_step_of_a_linear_unit_has_the_same_share():
    """h_{t-1} = w^t from h_init = 1 and dL/dh_t = w^(T-1-t): each term is w^(T-1)."""
    run = slow_bptt(*linear_unit(0.5, 8), activation="identity", h_init=np.ones((1, 1)))
    ledger = slow_ledger(run.step_gradients["weight_hh_l0"])
    assert ledger.share == pytest.approx([1 / 8] * 8, rel=1e-12)
    assert ledger.log10_size == pytest.approx([-math.log10(8)] * 8)


def test_shares_are_projections_and_sum_to_one():
    terms = np.array([[[3.0, 0.0]], [[1.0, 2.0]], [[0.0, -2.0]], [[0.0, 0.0]]])
    ledger = slow_ledger(terms)
    assert ledger.share == pytest.approx([0.75, 0.25, 0.0, 0.0])
    assert ledger.log10_size[:3] == pytest.approx(np.log10(np.array([3, 5**0.5, 2]) / 4))
    assert ledger.log10_size[3] == -math.inf


@pytest.mark.parametrize("terms", [np.ones((1, 2, 2)), np.array([[[1.0]], [[-1.0]]])])
def test_no_share_of_a_single_step_or_of_nothing(terms):
    assert slow_ledger(terms) is None
