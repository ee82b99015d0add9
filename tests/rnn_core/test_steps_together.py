"""Many steps at once are what single steps are, bit by bit, and their factors never 0."""

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.losses import Projection
from tests.rnn_core.deep_networks import KIND_IDS, KINDS, random_deep
from tests.rnn_core.random_networks import last_step, random_case


def assert_steps_are_single_steps(maps, rng, shape):
    T = 6
    states = [tuple(rng.normal(size=shape) for _ in range(maps.state_count)) for _ in range(T + 1)]
    expected = {T: states[T]}
    for t in range(T - 1, 1, -1):
        expected[t] = maps.vjp_step(t, expected[t + 1])
    left_alone = [[part.copy() for part in states[p]] for p in (0, 1)]
    maps.vjp_steps(2, T, states, maps.workspace(states[T][0]))
    for t, parts in expected.items():
        for ours, theirs in zip(states[t], parts, strict=True):
            assert np.array_equal(ours, theirs), t
    for p, parts in enumerate(left_alone):
        assert all(np.array_equal(a, b) for a, b in zip(states[p], parts, strict=True))


@pytest.mark.parametrize("adjoints", [(), (2,)], ids=["one", "two side by side"])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_steps_together_are_single_steps(rng, kind, adjoints):
    case = random_deep(rng, kind, T=6)
    maps = case.record(lambda y: (0.0, np.ones_like(y))).layers[0].maps
    assert_steps_are_single_steps(maps, rng, (*adjoints, 3, 4))


def test_steps_of_an_untied_net_together_are_single_steps(rng):
    maps = random_case(rng, "rnn", T=6, is_tied=False).record().layers[0].maps
    assert_steps_are_single_steps(maps, rng, (3, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("drive", [30.0, 60.0, 200.0, 340.0])
@pytest.mark.parametrize("kind", KINDS[4:], ids=KIND_IDS[4:])
def test_saturated_candidate_has_a_slope_in_either_type(kind, drive, dtype):
    """float32 ends where |a| = 44: from there on a bound stands for the slope, never an exact 0."""
    cell, _, reset = kind
    gates, candidate = {"gru": (3, 2), "lstm": (4, 2)}[cell]
    pull = np.zeros((gates, 2, 1))
    pull[candidate] = drive
    state = {
        "weight_ih_l0": pull.reshape(-1, 1),
        "weight_hh_l0": np.zeros((2 * gates, 2)),
        "bias_ih_l0": np.full(2 * gates, 0.3),
        "bias_hh_l0": np.zeros(2 * gates),
    }
    net = rc.Network.from_state_dict(state, cell=cell, reset=reset)
    x = np.array([1.0, -1.0, 1.0])[:, None, None]
    maps = rc.record(net, x, last_step(np.ones(2)), dtype=dtype).layers[0].maps
    factor = maps.into[..., 2, :] if cell == "lstm" else maps.candidate
    assert factor.dtype == dtype
    assert (factor > 0).all()
    gate = 1 / (1 + np.exp(-0.3))
    a = drive * x[:, :, [0, 0]] + 0.3
    slope = 4 * np.exp(-2 * np.abs(a)) * (gate if cell == "lstm" else 1 - gate)
    is_normal = slope > 2 * np.finfo(dtype).tiny
    assert is_normal.all() == (drive <= (30.0 if dtype == "float32" else 340.0))
    assert factor[is_normal] == pytest.approx(slope[is_normal], rel=1e-4)


def test_projection_reads_the_steps_that_have_a_row(rng):
    h, readout = rng.normal(size=(5, 3, 4)), rng.normal(size=(5, 4))
    readout[[1, 2]] = 0.0
    value, d_h, _ = Projection(readout)(h)
    expected = sum(readout[t] @ h[t, b] for t in range(5) for b in range(3))
    assert value == pytest.approx(expected, rel=1e-13)
    for t in range(5):
        for b in range(3):
            assert np.array_equal(d_h[t, b], readout[t])


@pytest.mark.parametrize("at", ["last", "every"])
def test_gradients_do_not_follow_what_a_loss_does_with_its_array_later(rng, at):
    """An open array is copied; one that is closed for writing, and its own, is read as it is."""
    v = rng.normal(size=(7, 3, 4))
    if at == "last":
        v[:-1] = 0.0
    case = random_case(rng, "rnn", T=7)
    net = rc.Network.from_state_dict(case.state, cell="rnn")
    closed = v.copy()
    closed.setflags(write=False)
    expected = rc.record(net, case.x, lambda _: (0.0, closed))
    view = v[:]
    view.setflags(write=False)  # closed, but its numbers are v's
    for given in (v, view):
        rec = rc.record(net, case.x, lambda _, d=given: (0.0, d))
        before = v.copy()
        v[...] = 1e9
        assert np.array_equal(rec.layers[0].d_h, expected.layers[0].d_h)
        assert np.array_equal(rec.layers[0].log10_abs("d_h"), expected.layers[0].log10_abs("d_h"))
        assert not rec.layers[0].total.is_far_below("d_h").any()
        v[...] = before
