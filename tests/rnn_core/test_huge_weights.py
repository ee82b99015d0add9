"""Weights of 1e200 and more: finite states have finite gradients, at any depth."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.activations import sigmoid_and_rest
from tests.rnn_core.random_networks import last_step


def gru(to_candidate, of_r, of_z):
    """Two units without inputs, whose reset and update gates stand still."""
    weight_hh = np.zeros((6, 2))
    weight_hh[4:] = to_candidate
    state = {
        "weight_ih_l0": np.zeros((6, 1)),
        "weight_hh_l0": weight_hh,
        "bias_ih_l0": np.repeat([of_r, of_z, 0.0], 2),
        "bias_hh_l0": np.zeros(6),
    }
    return rc.Network.from_state_dict(state, cell="gru")


@pytest.mark.parametrize("of_z", [0.0, 3.0, 800.0])
@pytest.mark.parametrize("to_candidate", [1.7e308, 1e200, 1e155])
def test_gru_of_a_saturated_candidate_keeps_z_of_its_gradient(to_candidate, of_z):
    """W_hn h is beyond float64 or near its end; r = 10^-130 of it still saturates the candidate."""
    v = np.array([1.0, -0.5])
    net = gru(to_candidate, -300.0, of_z)
    rec = rc.record(net, np.zeros((4, 1, 1)), last_step(v), h_init=np.ones((1, 2)))
    assert rec.overflow is None
    log10_z = -np.log10(1.0 + np.exp(-of_z))
    expected = np.log10(np.linalg.norm(v)) + log10_z * np.arange(3, -1, -1)
    assert rec.layers[0].log10_norms("d_h")[:, 0] == pytest.approx(expected, abs=1e-12)
    for name, gradient in rec.gradients.items():
        assert np.isfinite(gradient).all(), name


def test_gru_of_an_almost_shut_reset_has_the_slope_of_what_it_lets_through():
    """q = 2e200 and r = e^-460: one step, a_n = r q, dL/db_r = v (1-z) tanh'(a_n) q r (1-r)."""
    v = np.array([1.0, -0.5])
    net = gru(1e200, -460.0, 0.7)
    rec = rc.record(net, np.zeros((1, 1, 1)), last_step(v), h_init=np.ones((1, 2)))
    a_n = 2.0 * np.exp(200 * np.log(10.0) - 460.0)
    assert 0.5 < a_n < 5.0
    expected = v * (1.0 - 1.0 / (1.0 + np.exp(-0.7))) * a_n / np.cosh(a_n) ** 2
    assert rec.gradients["bias_ih_l0"][:2] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("by", [2.0**660, 2.0**-660, 2.0**1000, 2.0**-1000])
@pytest.mark.parametrize("growth", [8.0, 0.1])
def test_linear_nets_hand_down_what_any_weights_between_them_make_of_it(rng, growth, by):
    """In silence: W_ih of the second layer times a power of two moves all gradients below by it."""
    state = {
        f"{kind}_l{layer}": rng.normal(size=(2, 2))
        for layer in range(2)
        for kind in ("weight_ih", "weight_hh")
    }
    state["weight_hh_l1"] *= growth
    v = rng.normal(size=(3, 2))

    def recorded(factor):
        moved = {**state, "weight_ih_l1": factor * state["weight_ih_l1"]}
        net = rc.Network.from_state_dict(moved, cell="rnn", activation="identity")
        return rc.record(net, np.zeros((150, 3, 2)), last_step(v)).layers[0]

    below, plain = recorded(by), recorded(1.0)
    moved = np.log10(2.0) * np.log2(by)
    assert below.log10_norms("d_h") == pytest.approx(plain.log10_norms("d_h") + moved, abs=1e-11)
    assert below.log10_abs("d_h") == pytest.approx(plain.log10_abs("d_h") + moved, abs=1e-11)


@pytest.mark.parametrize("loss_at", ["last", "every"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_gradient_below_a_layer_of_huge_weights_is_finite(rng, cell, directions, loss_at):
    rows = {"rnn": 1, "gru": 3, "lstm": 4}[cell] * 2
    ends = ("", "_reverse")[:directions]
    state = {}
    for layer, inputs in ((0, 1), (1, 2 * directions)):
        for end in ends:
            scale = 1e200 if layer else 1.0
            state[f"weight_ih_l{layer}{end}"] = scale * rng.normal(size=(rows, inputs))
            state[f"weight_hh_l{layer}{end}"] = rng.normal(size=(rows, 2))
    net = rc.Network.from_state_dict(state, cell=cell)
    d_y = np.zeros((5, 2, 2 * directions))
    d_y[slice(None) if loss_at == "every" else -1] = 1e250
    rec = rc.record(net, rng.normal(size=(5, 2, 1)), lambda _: (0.0, d_y))
    assert rec.overflow is None
    for layer in rec.layers:
        assert np.isfinite(layer.total.scaled("d_h").mantissa).all()
        assert not np.isnan(layer.log10_norms("d_h")).any()
    for name, size in rec.log10_gradient_norm.items():
        assert not np.isnan(size), name
        assert not np.isposinf(size), name


def test_float32_net_hands_down_what_its_type_cannot_hold(rng):
    """Weights of 2^120 between the layers, in silence: the mantissas stay in the type."""
    state = {
        f"{kind}_l{layer}": rng.normal(size=(2, 2))
        for layer in range(2)
        for kind in ("weight_ih", "weight_hh")
    }
    state["weight_ih_l1"] *= 2.0**120
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    v = rng.normal(size=(3, 2))
    narrow, wide = (
        rc.record(net, np.zeros((40, 3, 2)), last_step(v), dtype=dtype).layers[0]
        for dtype in ("float32", "float64")
    )
    assert narrow.total.scaled("d_h").mantissa.dtype == np.float32
    assert narrow.log10_norms("d_h") == pytest.approx(wide.log10_norms("d_h"), abs=1e-4)


def test_slope_of_the_sigmoid_is_exact_as_far_as_float64_has_normal_numbers():
    a = np.array([-706.9, -700.0, -354.1, 354.1, 700.0, 707.0])
    with localcontext(prec=60):
        e = [(-Decimal(value)).exp() for value in a.tolist()]
        exact = [(1 / (1 + x), x / (1 + x), x / (1 + x) ** 2) for x in e]
    for ours, theirs in zip(sigmoid_and_rest(a), zip(*exact, strict=True), strict=True):
        for found, true in zip(ours.tolist(), theirs, strict=True):
            assert abs(Decimal(found) / true - 1) < Decimal("1e-12")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates_are_bounded_by_four_times_the_smallest_normal_number(dtype):
    """And are normal numbers themselves: arithmetic with others is slow."""
    far = np.array([-3e4, 3e4, -1e30, 1e30], dtype)
    tiny = np.finfo(dtype).tiny
    for values, positive in zip(sigmoid_and_rest(far), (1.0, tiny, tiny), strict=True):
        assert (values >= tiny).all()
        assert (values[1::2] == positive).all()
    assert (sigmoid_and_rest(far)[2] < 5 * tiny).all()


@pytest.mark.parametrize(
    ("weight", "is_felt"), [(1e200, False), (1e280, False), (1e292, True), (1.7e308, True)]
)
def test_steps_at_which_weights_lift_a_bound_to_a_number_are_named(weight, is_felt):
    """Gates driven far out by the state: 10^-308 stands for their slopes, and for 10^-(10^200)."""
    state = {
        "weight_ih_l0": np.zeros((12, 1)),
        "weight_hh_l0": np.concatenate([weight * np.ones((8, 4)) / 4, np.eye(4)]),
    }
    net = rc.Network.from_state_dict(state, cell="gru")
    v = np.array([1.0, -0.5, 2.0, 1.0])
    layer = rc.record(net, np.zeros((5, 1, 1)), last_step(v), h_init=np.full((1, 4), 0.5)).layers[0]
    assert layer.bound_steps.tolist() == [0, 1, 2, 3, 4]
    assert layer.unresolved_steps.tolist() == (layer.bound_steps.tolist() if is_felt else [])
    norms = layer.log10_norms("d_h")[:, 0]
    grown = norms - np.log10(np.linalg.norm(v))
    if is_felt:  # z = 1 keeps h: in truth the gradient stays what it was
        assert (np.abs(grown) <= 0.1 * np.arange(4, -1, -1) + 1e-12).all()
    else:
        assert grown == pytest.approx(0.0, abs=1e-12)


def test_steps_of_ordinary_nets_are_all_resolved():
    for cell in ("rnn", "gru", "lstm"):
        rec = rc.run(rc.ExperimentConfig(cell=cell, weight_scale=100.0, steps=20))
        assert rec.layers[0].unresolved_steps.tolist() == []
