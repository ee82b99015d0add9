"""Forward overflow: found at its step, the run cut there, never an error."""

import math
import re

import numpy as np
import pytest

import rnn_core as rc
from tests.rnn_core.random_networks import last_step, vanilla


def first_overflow(config):
    """Run the linear net in a plain loop over the same weights and inputs."""
    rec = rc.run(config)
    state = rec.network.state_dict()
    long = rc.run(rc.ExperimentConfig(**{**vars(config), "weight_scale": 0.1}))
    h = np.zeros((config.batch_size, config.hidden_size))
    with np.errstate(all="ignore"):
        for t in range(config.steps):
            h = h @ state["weight_hh_l0"].T + long.x[t] @ state["weight_ih_l0"].T
            if not np.isfinite(h).all():
                return t
    return None


@pytest.mark.parametrize("source", ["noise", "impulse", "sine"])
def test_run_is_cut_where_its_state_overflows_and_is_the_shorter_run(source):
    """3 x orthogonal, identity: float64 ends near step 308 / log10(3) = 645."""
    config = rc.ExperimentConfig(
        activation="identity",
        init="orthogonal",
        weight_scale=3.0,
        steps=2000,
        hidden_size=16,
        batch_size=2,
        input_size=3,
        source=source,
        seed=2,
    )
    rec = rc.run(config)
    step = first_overflow(config)
    assert 640 < step < 650
    assert rec.overflow.step == step
    assert (rec.overflow.layer, rec.overflow.direction) == (0, "forward")
    assert rec.steps == step
    assert rec.config is config
    shorter = rc.run(rc.ExperimentConfig(**{**vars(config), "steps": step}))
    assert shorter.overflow is None
    assert rec.fingerprint == shorter.fingerprint
    assert rec.verdict == shorter.verdict
    assert rec.loss == shorter.loss
    for name, gradient in rec.gradients.items():
        assert np.array_equal(gradient, shorter.gradients[name]), name
    assert rec.to_frame().equals(shorter.to_frame())
    assert rec.verdict.regime == "exploding"
    assert np.isfinite(rec.layers[0].h).all()
    assert not np.isnan(rec.layers[0].d_h).any()
    assert rec.verdict.growth_per_step == pytest.approx(math.log10(3), abs=1e-9)


@pytest.mark.parametrize("loss_at", ["last", "every"])
@pytest.mark.parametrize("is_tied", [True, False])
def test_untied_and_every_step_runs_are_cut_alike(is_tied, loss_at):
    config = rc.ExperimentConfig(
        activation="relu",
        weight_scale=50.0,
        steps=400,
        hidden_size=8,
        batch_size=2,
        seed=3,
        is_tied=is_tied,
        loss_at=loss_at,
    )
    rec = rc.run(config)
    assert 100 < rec.overflow.step < 300
    shorter = rc.run(rc.ExperimentConfig(**{**vars(config), "steps": rec.overflow.step}))
    assert rec.fingerprint == shorter.fingerprint


def test_truncation_longer_than_the_cut_run_is_one_block():
    config = rc.ExperimentConfig(
        activation="identity",
        weight_scale=100.0,
        steps=400,
        hidden_size=8,
        batch_size=2,
        truncate=300,
    )
    rec = rc.run(config)
    assert rec.steps < 300
    assert np.isfinite(rec.layers[0].log10_norms("d_h")).all()
    assert rec.verdict.regime == "exploding"


def huge_net(size=3):
    return vanilla(1e200 * np.eye(size), "identity")


def test_record_is_nan_from_the_overflow_on_and_calls_no_loss():
    """|h| = 10^200 after one step; the second one overflows, for the second sequence alone."""
    calls = []

    def loss(h):
        calls.append(h)
        return 0.0, h

    h_init = np.zeros((2, 3))
    h_init[1] = 1.0
    rec = rc.record(huge_net(), np.zeros((5, 2, 1)), loss, h_init=h_init)
    assert calls == []
    assert rec.overflow == rc.Overflow(step=1, layer=0, direction="forward", sequence=1)
    assert rec.steps == 5
    layer = rec.layers[0]
    assert np.array_equal(layer.h[0], 1e200 * h_init)
    assert np.isnan(layer.h[1:]).all()
    assert np.isnan(layer.a[1:]).all()
    assert np.isnan(layer.d_h).all()
    assert np.isnan(layer.log10_norms("d_h")).all()
    assert np.isnan(layer.log10_norm("d_h")).all()
    assert np.isnan(layer.log10_abs("d_h")).all()
    assert np.isnan(rec.d_init[0].d_h).all()
    assert math.isnan(rec.loss)
    assert list(rec.gradients) == ["weight_ih_l0", "weight_hh_l0"]
    for name, gradient in rec.gradients.items():
        assert gradient.shape == rec.network.state_dict()[name].shape
        assert np.isnan(gradient).all(), name
        assert math.isnan(rec.log10_gradient_norm[name])
    assert rec.ledger is None
    assert rec.verdict.regime == "exploding"


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_overflow_of_a_record_leaves_a_frame_and_a_fingerprint(cell):
    rows = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    state = {
        "weight_ih_l0": np.full((rows * 2, 1), 1e300),
        "weight_hh_l0": np.full((rows * 2, 2), 1e300),
    }
    net = rc.Network.from_state_dict(
        state, cell=cell, activation="identity" if cell == "rnn" else "tanh"
    )
    rec = rc.record(net, np.full((4, 2, 1), 1e20), last_step(np.ones(2)))
    frame = rec.to_frame()
    assert len(frame) == 4
    if cell == "rnn":
        assert rec.overflow.step == 0
        assert frame.isna().all(axis=None), frame.notna().any()
    assert re.fullmatch(r"[0-9a-f]{12}", rec.fingerprint)


def test_overflow_at_the_first_step_leaves_no_arrays():
    config = rc.ExperimentConfig(activation="identity", weight_scale=100.0, input_scale=100.0)
    assert rc.run(config).overflow.step > 0  # settings alone do not reach it
    rec = rc.record(
        vanilla(np.array([[1e200]]), "identity"),
        np.zeros((3, 1, 1)),
        last_step(np.ones(1)),
        h_init=np.full((1, 1), 1e200),
    )
    assert rec.overflow.step == 0
    assert np.isnan(rec.layers[0].h).all()


@pytest.mark.parametrize("width", [1, 64])
def test_states_just_below_the_end_of_float64_are_recorded(width):
    """Their mean is a sum that float64 cannot hold; the frame must not say inf, nor warn."""
    net = vanilla(np.eye(width), "identity")
    h = np.full((2, width), 1.7e308)
    rec = rc.record(net, np.zeros((3, 2, 1)), last_step(np.ones(width)), h_init=h)
    assert rec.overflow is None
    assert rec.to_frame()["h_abs_mean"].to_numpy() == pytest.approx([1.7e308] * 3, rel=1e-12)
    assert rec.log10_gradient_norm["weight_hh_l0"] == pytest.approx(
        math.log10(3 * 2 * 1.7) + 308 + math.log10(width), abs=1e-9
    )
    assert rec.ledger.shares == pytest.approx(1 / 3)


def test_overflow_of_a_reverse_direction_is_counted_from_the_end_of_the_sequence():
    """It reads x[5] first: 10^300, then 10^310; of h, in the order of time, the last is left."""
    state = {}
    for end, pull, weight in (("", 0.0, 0.0), ("_reverse", 1e300, 1e10)):
        state[f"weight_ih_l0{end}"] = np.array([[pull]])
        state[f"weight_hh_l0{end}"] = np.array([[weight]])
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    rec = rc.record(net, np.ones((6, 1, 1)), lambda _: pytest.fail("no loss of such states"))
    assert rec.overflow == rc.Overflow(step=1, layer=0, direction="reverse", sequence=0)
    forward, reverse = rec.layers
    assert (forward.h == 0).all()
    assert np.isnan(reverse.h[:5]).all()
    assert reverse.h[5].item() == 1e300
