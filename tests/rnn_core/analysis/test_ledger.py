"""Whose step is in dL/dW_hh: shares that sum to 1, at any size of states and gradients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from tests.reference import slow_ledger
from tests.rnn_core.random_networks import CELL_IDS, CELLS, LOSSES, last_step, random_case, vanilla


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_share_and_size_is_that_of_the_slow_ledger(rng, cell, kind, truncate):
    case = random_case(rng, *cell, T=9, kind=kind)
    ours = case.record(truncate=truncate).ledger
    slow = slow_ledger(case.slow(truncate).step_gradients["weight_hh_l0"])
    assert ours.shares == pytest.approx(slow.share, abs=1e-10)
    assert ours.log10_sizes == pytest.approx(slow.log10_size, abs=1e-6)
    assert ours.shares.sum() == pytest.approx(1.0, abs=1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    cell=st.sampled_from(CELLS),
    T=st.integers(2, 120),
    scale=st.sampled_from([1e-3, 0.3, 1.0, 3.0, 100.0]),
    kind=st.sampled_from(LOSSES),
)
@settings(max_examples=100, deadline=None)
def test_shares_sum_to_one(seed, cell, T, scale, kind):
    rec = random_case(np.random.default_rng(seed), *cell, T=T, scale=scale, kind=kind).record()
    if rec.ledger is not None:
        # rounding enters in proportion to the terms that cancel in the sum
        cancelled = max(1.0, float(np.abs(rec.ledger.shares).sum()))
        assert abs(rec.ledger.shares.sum() - 1.0) < 1e-12 * cancelled


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"cell": "gru"},
        {"cell": "lstm", "loss_at": "every"},
        {"weight_scale": 3.0},
        {"activation": "relu", "weight_scale": 1.4},
        {"truncate": 30},
        {"source": "impulse"},
    ],
    ids=str,
)
def test_shares_of_a_run_sum_to_one(config):
    rec = rc.run(rc.ExperimentConfig(**config, seed=8))
    assert rec.ledger.shares.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("T", [100, 300, 400, 600])
@pytest.mark.parametrize("factor", [0.2, 3.0])
def test_equal_terms_have_equal_shares_where_states_near_the_ends_of_float64(factor, T):
    """h_t = w^t h_0 and dL/dh_t = w^(T-t): every step supplies the same w^(T-1) h_0."""
    if factor < 1 and T > 430:
        T = 430  # later states are subnormal, and no longer exact
    net = vanilla(np.array([[factor]]), "identity")
    rec = rc.record(net, np.zeros((T, 1, 1)), last_step(np.ones(1)), h_init=np.ones((1, 1)))
    assert rec.ledger.shares == pytest.approx(1 / T, rel=1e-9)
    assert rec.ledger.log10_sizes == pytest.approx(-math.log10(T), abs=1e-9)
    expected = (T - 1) * math.log10(factor) + math.log10(T)
    assert rec.log10_gradient_norm["weight_hh_l0"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("steps", [200, 400, 640, 2000])
@pytest.mark.parametrize("source", ["noise", "impulse"])
def test_shares_of_an_exploding_linear_run_exist_up_to_its_overflow(source, steps):
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity",
            init="orthogonal",
            weight_scale=3.0,
            hidden_size=16,
            batch_size=2,
            input_size=3,
            steps=steps,
            source=source,
        )
    )
    assert rec.ledger.shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(rec.ledger.log10_sizes[1:]).all()
    assert rec.to_frame().notna().all(axis=None)


def test_norm_shares_would_mislead(rng):
    """Two opposed terms and a third: norms say a third each, the update is all the third's."""
    v = rng.normal(size=2)
    own = np.stack([v, -v, v])[:, None]
    net = vanilla(np.zeros((2, 2)), "identity")
    x_only = rc.Network.from_state_dict(
        net.state_dict() | {"weight_ih_l0": np.ones((2, 1))}, cell="rnn", activation="identity"
    )
    rec = rc.record(x_only, np.ones((3, 1, 1)), lambda _: (0.0, own), h_init=np.ones((1, 2)))
    assert rec.ledger.shares == pytest.approx([1.0, -1.0, 1.0])
    assert rec.ledger.log10_sizes == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_first_step_supplies_nothing_from_a_zero_state():
    rec = rc.run(rc.ExperimentConfig(steps=20))
    assert rec.ledger.shares[0] == 0.0
    assert rec.ledger.log10_sizes[0] == -math.inf


def test_there_is_no_share_at_one_step_from_a_zero_state():
    rec = rc.run(rc.ExperimentConfig(steps=1))
    assert rec.ledger is None
    assert rec.to_frame()["share_weight_hh"].isna().all()


def test_there_is_no_share_in_silence():
    """h is 0 throughout: dL/dW_hh is exactly 0 however large dL/dh is."""
    assert rc.run(rc.ExperimentConfig(source="silence", steps=30)).ledger is None


def test_there_is_no_share_in_an_untied_net():
    """Every step has a matrix of its own."""
    assert rc.run(rc.ExperimentConfig(is_tied=False, steps=10, hidden_size=8)).ledger is None
