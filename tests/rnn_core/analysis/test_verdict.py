"""The verdict against the slow one, and against numbers worked out by hand."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rnn_core as rc
from rnn_core.analysis.verdict import growth_per_step, measure
from tests.reference import slow_verdict
from tests.rnn_core.random_networks import last_step, vanilla


def straight(slope, T, start=0.0, batch=1):
    """log10 norms (T, B) that change by `slope` per step back."""
    return np.repeat((start + slope * np.arange(T)[::-1])[:, None], batch, axis=1)


@st.composite
def norms_with_zeros(draw):
    shape = (draw(st.integers(1, 70)), draw(st.integers(1, 5)))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    steps = draw(st.sampled_from([0.001, 0.05, 1.0, 50.0])) * rng.normal(size=shape)
    norms = np.cumsum((steps + draw(st.floats(-0.5, 0.5)))[::-1], axis=0)[::-1].copy()
    for b in np.flatnonzero(rng.random(shape[1]) < draw(st.sampled_from([0.0, 0.3, 1.0]))):
        norms[: rng.integers(0, shape[0]), b] = -np.inf
    return norms


@given(norms_with_zeros())
@settings(max_examples=300, deadline=None)
def test_every_number_is_that_of_the_slow_verdict(norms):
    ours, slow = measure(norms), slow_verdict(norms)
    assert ours.regime == slow.regime
    assert ours.zero_sequences == slow.zero_sequences
    assert ours.sequences == norms.shape[1]
    for name in ("growth_per_step", "decades", "half_life"):
        mine, theirs = getattr(ours, name), getattr(slow, name)
        assert (mine is None) == (theirs is None), name
        if mine is not None:
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    ("slope", "T", "regime"),
    [
        (-0.1, 21, "stable"),  # exactly 2 decades
        (-0.1, 22, "vanishing"),
        (0.1, 21, "stable"),
        (0.1, 22, "exploding"),
        (-0.0039, 500, "stable"),
        (-0.0041, 500, "vanishing"),
        (0.0, 10_000, "stable"),
    ],
)
def test_regime_asks_whether_a_hundredth_arrives(slope, T, regime):
    norms = np.round(straight(slope, T), 10)
    assert measure(norms).regime == regime


def test_growth_leaves_the_transient_out():
    """The first ten lags fall by 5 decades; the other 40 rise by .1 each."""
    lags = np.arange(51)
    L = np.where(lags <= 10, -0.5 * lags, -5 + 0.1 * (lags - 10))
    found = measure(L[::-1, None])
    assert found.growth_per_step == pytest.approx(0.1)
    assert found.decades == pytest.approx(-1.0)
    assert found.regime == "stable"


def test_transient_is_a_fifth_of_a_short_run():
    """T = 12 leaves out 2 lags, T = 5 none."""
    L = np.array([0.0, -3.0, -6.0] + [-6.0 + k for k in range(1, 10)])
    assert growth_per_step(L[::-1, None]) == pytest.approx(1.0)
    assert growth_per_step(L[:5][::-1, None]) == pytest.approx((L[4] - L[0]) / 4)


def test_there_is_no_growth_and_no_half_life_at_one_step():
    found = measure(np.array([[0.3, -0.2]]))
    assert found.growth_per_step is None
    assert found.half_life is None
    assert found.decades == 0.0
    assert found.regime == "stable"


def test_one_step_is_stable_even_without_a_gradient():
    found = measure(np.array([[-np.inf, -np.inf]]))
    assert found.regime == "stable"
    assert found.zero_sequences == 2


@pytest.mark.parametrize(
    ("slope", "steps"), [(-math.log10(2), 1.0), (-0.1, 3.0103), (0.05, 6.0206)]
)
def test_half_life_is_the_steps_to_halve_or_to_double(slope, steps):
    assert measure(straight(slope, 100)).half_life == pytest.approx(steps, rel=1e-4)


def test_power_law_has_no_half_life():
    """t^-3: the far half falls far more slowly than the near one."""
    lags = np.arange(60)
    found = measure((-3 * np.log10(1 + lags))[::-1, None])
    assert found.half_life is None
    assert found.growth_per_step < 0


def test_zero_sequences_are_counted_apart_and_named_by_their_step():
    """3 of 16 sequences are exactly 0 from step 57 back at the latest."""
    norms = straight(-0.01, 200, batch=16)
    norms[:20, 3] = norms[:57, 5] = norms[:1, 9] = -np.inf
    found = measure(norms)
    assert (found.zero_sequences, found.sequences) == (3, 16)
    assert found.zero_from_step == 1
    assert found.decades == pytest.approx(-1.99)
    assert found.regime == "stable"


@pytest.mark.parametrize(("zeros", "regime"), [(7, "stable"), (8, "vanishing"), (16, "vanishing")])
def test_half_of_the_sequences_at_zero_is_vanishing(zeros, regime):
    norms = straight(0.0, 50, batch=16)
    norms[:10, :zeros] = -np.inf
    assert measure(norms).regime == regime


@pytest.mark.parametrize(
    "bad", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 0)), np.zeros((1, 1, 1))]
)
def test_norms_of_another_shape_are_refused(bad):
    message = f"log10_norms: expected (T, B), got {bad.shape}"
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}$"):
        measure(bad)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_verdict_of_a_run_with_every_loss_is_that_of_the_last_one(cell):
    """Else the near losses would make a dying net look stable."""
    both = [
        rc.run(rc.ExperimentConfig(cell=cell, init="pytorch", loss_at=at, seed=3))
        for at in ("last", "every")
    ]
    assert both[0].verdict == both[1].verdict
    assert both[0].verdict.regime == "vanishing"


@given(hnp.arrays(float, (6,), elements=st.floats(-0.9, 0.9)))
@settings(max_examples=20, deadline=None)
def test_verdict_reads_the_recording_and_not_the_weights(v):
    """A loss at step 4 of 10: decades are counted from there."""
    net = vanilla(0.5 * np.eye(6), "identity")

    def loss(h):
        d_h = np.zeros(h.shape)
        d_h[3] = v + 1.0
        return 0.0, d_h

    rec = rc.record(net, np.zeros((10, 2, 1)), loss)
    assert rec.last_loss_step == 3
    assert rec.verdict.decades == pytest.approx(-3 * math.log10(2))
    assert last_step(v)(np.zeros((1, 1, 6)))[0] == 0.0


def test_rate_over_a_lag_at_which_the_gradient_is_zero_does_not_exist():
    """In an LSTM h may have no gradient at a step whose c has one: what is left is no number."""
    norms = straight(-0.1, 41)
    norms[32] = -np.inf  # lag 8, the end of the transient
    found = measure(norms)
    assert found.growth_per_step is None
    assert found.half_life is None
    assert found.decades == pytest.approx(-4.0)
    assert found.zero_sequences == 0


def test_rate_of_one_half_that_does_not_exist_leaves_no_half_life():
    norms = straight(-0.1, 41)
    norms[40 - (8 + 40) // 2] = -np.inf  # where the halves meet
    found = measure(norms)
    assert found.growth_per_step == pytest.approx(-0.1)
    assert found.half_life is None
