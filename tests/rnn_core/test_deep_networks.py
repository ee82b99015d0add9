"""Deep and bidirectional nets: their states, their gradients at any size, names, and notation."""

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import golden_cases, slow_network_bptt
from tests.rnn_core.deep_networks import KIND_IDS, KINDS, random_deep, slow_states
from tests.rnn_core.random_networks import relative_difference

DEEP = [c for c in golden_cases() if c.reset == "after" and len(c.h_init) > 1]


def linear_loss(rng, shape):
    v = rng.normal(size=shape)
    return lambda y: (float(np.sum(v * y)), v)


@pytest.mark.parametrize("skip", [None, (2, 0.5), (3, -1.1)], ids=["", "skip2", "skip3"])
@pytest.mark.parametrize("is_residual", [False, True], ids=["", "residual"])
@pytest.mark.parametrize(
    ("layers", "both"), [(1, False), (3, False), (1, True), (3, True)], ids=str
)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_state_equals_a_slow_forward_pass(rng, kind, layers, both, is_residual, skip):
    case = random_deep(
        rng, kind, layers=layers, both=both, B=2, D=3, is_residual=is_residual, skip=skip, T=6
    )
    states, output = slow_states(case)
    rec = case.record(linear_loss(rng, output.shape))
    for suffix, layer in zip(case.suffixes, rec.layers, strict=True):
        assert layer.is_reverse == suffix.endswith("_reverse")
        for s in case.states:
            assert relative_difference(getattr(layer, s), states[f"{s}_{suffix}"]) < 1e-12
    assert relative_difference(case.output(), output) < 1e-12


@pytest.mark.parametrize("truncate", [None, 3])
@pytest.mark.parametrize(
    ("layers", "both"), [(2, False), (3, False), (1, True), (2, True)], ids=str
)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_gradient_equals_the_slow_reference(rng, kind, layers, both, truncate):
    if both and truncate:
        truncate = None
    case = random_deep(rng, kind, layers=layers, both=both, T=8, B=2)
    loss = linear_loss(rng, (8, 2, 8 if both else 4))
    rec = case.record(loss, truncate=truncate)
    cell, activation, reset = kind
    slow = slow_network_bptt(
        case.state,
        case.x,
        loss(0.0)[1],
        cell=cell,
        activation=activation,
        reset=reset,
        h_init={k: case.init[f"h_{k}"] for k in case.suffixes},
        c_init={k: case.init[f"c_{k}"] for k in case.suffixes} if cell == "lstm" else None,
        truncate=truncate,
    )
    for suffix, layer in zip(case.suffixes, rec.layers, strict=True):
        theirs = slow.layers[suffix]
        assert relative_difference(layer.d_a, theirs.d_a) < 1e-12
        for s in case.states:
            assert relative_difference(getattr(layer, f"d_{s}"), getattr(theirs, f"d_{s}")) < 1e-12
    for name, gradient in slow.gradients.items():
        assert relative_difference(rec.gradients[name], gradient) < 1e-12, name


def test_golden_nets_are_deep_and_bidirectional():
    nets = {(c.layers, c.is_bidirectional) for c in DEEP}
    assert nets == {(2, False), (3, False), (1, True), (2, True)}
    assert {(c.cell, c.activation) for c in DEEP} == {
        ("rnn", "tanh"),
        ("rnn", "relu"),
        ("gru", "tanh"),
        ("lstm", "tanh"),
    }


@pytest.mark.parametrize("case", DEEP, ids=lambda case: case.name)
def test_every_layer_equals_pytorch(case):
    """Each step by itself: a gradient that vanishes must not hide behind one that does not."""
    suffixes = list(case.h_init)
    init = tuple(
        np.stack([found[suffix] for suffix in suffixes])
        for found in (case.h_init, case.c_init)
        if found
    )
    net = rc.Network.from_state_dict(case.state_dict, cell=case.cell, activation=case.activation)
    rec = rc.record(
        net,
        case.x,
        case.loss_of,
        h_init=init if len(init) > 1 else init[0],
        truncate=case.truncate,
    )
    assert rec.loss == pytest.approx(case.value, rel=1e-12)
    for suffix, layer, at_init in zip(suffixes, rec.layers, rec.d_init, strict=True):
        for s in "hc" if case.cell == "lstm" else "h":
            golden = case.arrays[f"d_{s}_{suffix}"]
            for t in range(case.T):
                ours = getattr(layer, f"d_{s}")[t]
                assert relative_difference(ours, golden[t]) < 1e-9, (suffix, s, t)
            ours = getattr(at_init, f"d_{s}")
            assert relative_difference(ours, case.arrays[f"d_{s}_init_{suffix}"]) < 1e-9
    for name, golden in case.gradients.items():
        assert relative_difference(rec.gradients[name], golden) < 1e-9, name


@pytest.mark.parametrize("case", DEEP, ids=lambda case: case.name)
def test_state_dict_of_pytorch_comes_back_as_it_went_in(case):
    net = rc.Network.from_state_dict(case.state_dict, cell=case.cell, activation=case.activation)
    again = net.state_dict()
    assert list(again) == list(case.state_dict)
    assert all(np.array_equal(again[name], case.state_dict[name]) for name in again)
    assert (net.layers, net.is_bidirectional) == (case.layers, case.is_bidirectional)
    assert net.output_size == case.H * (2 if case.is_bidirectional else 1)


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_tiny_gradients_pass_through_layers_and_directions(rng, kind):
    """A loss 2^-900 times as large: so is every gradient, also where float64 has ended."""
    case = random_deep(rng, kind, layers=3, both=kind[0] != "gru", T=5)
    width = case.network.output_size
    v = rng.normal(size=(5, 3, width))
    one = case.record(lambda y: (float(np.sum(v * y)), v))
    other = case.record(lambda y: (0.0, np.ldexp(v.reshape(y.shape), -900)))
    for a, b in zip(one.layers, other.layers, strict=True):
        expected = a.log10_norm("d_h") - 900 * np.log10(2)
        assert b.log10_norm("d_h") == pytest.approx(expected, abs=1e-9)
    for name, size in one.log10_gradient_norm.items():
        assert other.log10_gradient_norm[name] == pytest.approx(size - 900 * np.log10(2), abs=1e-9)


@pytest.mark.parametrize("layers", [2, 3])
def test_gradients_beyond_float64_pass_through_layers(layers):
    """Linear nets of equal units, h^l_t = w h^l_{t-1} + v h^{l-1}_t: one path per choice of steps.

    dh^L_T/dh^1_t = v^(L-1) w^(T-t) C(T-t+L-1, L-1), at w = 10^-3 over 400 steps: 10^-1200.
    """
    T, w, v = 400, 1e-3, 0.5
    state = {}
    for layer in range(layers):
        state[f"weight_ih_l{layer}"] = np.full((1, 1), v)
        state[f"weight_hh_l{layer}"] = np.full((1, 1), w)
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    d_y = np.zeros((T, 1, 1))
    d_y[-1] = 1.0
    rec = rc.record(net, np.zeros((T, 1, 1)), lambda y: (float(y[-1, 0, 0]), d_y))
    lag = np.arange(T - 1, -1, -1)
    paths = np.ones(T)
    for k in range(1, layers):
        paths = paths * (lag + k) / k
    expected = (layers - 1) * np.log10(v) + lag * np.log10(w) + np.log10(paths)
    assert rec.layers[0].log10_norm("d_h") == pytest.approx(expected, abs=1e-8)
    assert expected[0] < -1190


@pytest.mark.parametrize("kind", KINDS[:4] + KINDS[6:], ids=KIND_IDS[:4] + KIND_IDS[6:])
def test_simplified_notation_is_the_two_products(rng, kind):
    """[W_hh | W_ih] [h; x] = W_hh h + W_ih x, to rounding: the notation of courses."""
    case = random_deep(rng, kind, T=6, D=5)
    layer = case.record(linear_loss(rng, (6, 3, 4))).layers[0]
    joined = np.hstack([case.state["weight_hh_l0"], case.state["weight_ih_l0"]])
    bias = case.state["bias_ih_l0"] + case.state["bias_hh_l0"]
    for t in range(6):
        for b in range(3):
            h, x = layer.h_before[t, b], case.x[t, b]
            two = case.state["weight_hh_l0"] @ h + case.state["weight_ih_l0"] @ x + bias
            one = joined @ np.concatenate([h, x]) + bias
            size = np.abs(joined) @ np.abs(np.concatenate([h, x])) + np.abs(bias)
            assert (np.abs(one - two) <= 12 * np.finfo(float).eps * size).all()
            assert (np.abs(layer.a[t, b] - two) <= 12 * np.finfo(float).eps * size).all()
    params = case.network.params
    assert np.array_equal(params.joined(), np.hstack([joined, bias[:, None]]))
