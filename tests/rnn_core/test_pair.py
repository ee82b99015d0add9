"""Encoder and decoder: finite differences through both, and the one net that they may be."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.jacobian import jacobian
from rnn_core.analysis.precision import lost_precision
from tests.rnn_core.deep_networks import (
    KIND_IDS,
    KINDS,
    central_slope,
    random_deep,
    slow_states,
    width_of,
)
from tests.rnn_core.random_networks import relative_difference

RNN, GRU, LSTM = KINDS[0], KINDS[4], KINDS[6]


def handed(case):
    """The last states of a slow forward pass, as the first states of another net."""
    states = slow_states(case)[0]
    return {f"{s}_{k}": states[f"{s}_{k}"][-1] for k in case.suffixes for s in case.states}


def chained(encoder, decoder):
    """The decoder's output, slowly, from where the encoder ends."""
    return slow_states(replace(decoder, init=handed(encoder)))[1]


def linear_loss(rng, shape):
    v = rng.normal(size=shape)
    return lambda y: (float(np.sum(v * y)), v)


def record_pair(encoder, decoder, loss, **options):
    return rc.record_pair(
        encoder.network,
        decoder.network,
        encoder.x,
        decoder.x,
        loss,
        h_init=encoder.h_init,
        **options,
    )


CONNECTIONS = {
    "": {},
    "skip": {"skip": (2, 0.6)},
    "residual": {"is_residual": True},
    "both": {"is_residual": True, "skip": (3, -0.7)},
}
SIZES = [(layers, T, T_out, "") for layers in (1, 2, 3) for T, T_out in ((1, 1), (2, 7), (7, 2))]
SIZES += [(layers, 7, 5, name) for layers in (1, 2, 3) for name in ("skip", "residual", "both")]


@pytest.mark.parametrize(("layers", "T", "T_out", "name"), SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_gradient_equals_the_measured_slope(rng, kind, layers, T, T_out, name):
    """Inputs of other widths, weights of their own, forward passes of the slow reference."""
    connected = CONNECTIONS[name]
    encoder = random_deep(rng, kind, layers=layers, T=T, B=2, D=2, **connected)
    decoder = random_deep(rng, kind, layers=layers, T=T_out, B=2, D=3, **connected)
    loss = linear_loss(rng, (T_out, 2, 4))
    pair = record_pair(encoder, decoder, loss)
    names = [f"encoder.{n}" for n in encoder.state] + [f"decoder.{n}" for n in decoder.state]
    assert list(pair.gradients) == names
    assert pair.loss == pytest.approx(loss(chained(encoder, decoder))[0], rel=1e-12)
    assert pair.encoder.loss == pair.decoder.loss == pair.loss
    init = encoder.gradients_of(pair.encoder)
    gradients = dict(pair.gradients) | {f"encoder.{n}": init[n] for n in encoder.init}
    judged = 0
    for key, gradient in gradients.items():
        part, name = key.split(".")
        source = encoder if part == "encoder" else decoder
        along = rng.normal(size=source.movable[name].shape)

        def value(s, part=part, name=name, along=along):
            nets = {"encoder": encoder, "decoder": decoder}
            nets[part] = nets[part].moved(name, s * along)
            return loss(chained(nets["encoder"], nets["decoder"]))[0]

        slope = central_slope(value, width_of(source))
        assert np.sum(gradient * along) == pytest.approx(slope, rel=1e-6, abs=2e-10), key
        judged += abs(slope) > 1e-4
    assert judged > len(gradients) / 2


@pytest.mark.parametrize("skip", [None, (9, 0.3)], ids=["", "skip"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_one_net_cut_in_two_is_the_net(rng, kind, layers, skip):
    """The same weights on both sides: states and gradients are those of the uncut run."""
    whole = random_deep(rng, kind, layers=layers, T=11)
    loss = linear_loss(rng, (4, 3, 4))

    def late(y):
        value, d_y = loss(y[7:])
        return value, np.concatenate([np.zeros((7, *d_y.shape[1:])), d_y])

    one = whole.record(late)
    # a connection in time longer than either half never joins them
    first, second = (replace(whole, x=x, skip=skip) for x in (whole.x[:7], whole.x[7:]))
    pair = record_pair(first, second, loss)
    for k, layer in enumerate(one.layers):
        halves = pair.encoder.layers[k], pair.decoder.layers[k]
        for name in ("h", "d_h", *(("c", "d_c") if kind[0] == "lstm" else ())):
            both = np.concatenate([getattr(half, name) for half in halves])
            for t in range(11):
                assert relative_difference(both[t], getattr(layer, name)[t]) < 1e-11, (name, t)
    for name, gradient in one.gradients.items():
        both = pair.gradients[f"encoder.{name}"] + pair.gradients[f"decoder.{name}"]
        assert relative_difference(both, gradient) < 1e-11, name
    for mine, theirs in zip(pair.encoder.d_init, one.d_init, strict=True):
        assert relative_difference(mine.d_h, theirs.d_h) < 1e-11


@pytest.mark.parametrize("kind", KINDS[:6], ids=KIND_IDS[:6])
def test_jacobians_of_the_encoder_carry_the_decoders_gradient_back(rng, kind):
    """No loss enters there: dL/dh_{t-1} = J_t^T dL/dh_t, at every step, in its only layer."""
    encoder, decoder = (random_deep(rng, kind, layers=1, T=T, B=2, D=2) for T in (6, 3))
    pair = record_pair(encoder, decoder, linear_loss(rng, (3, 2, 4)))
    d_h = pair.encoder.layers[0].d_h
    for b in range(2):
        for t in range(1, 6):
            expected = jacobian(pair.encoder, t, sequence=b).T @ d_h[t, b]
            assert d_h[t - 1, b] == pytest.approx(expected, rel=1e-10, abs=1e-13)
        first = jacobian(pair.encoder, 0, sequence=b).T @ d_h[0, b]
        assert pair.encoder.d_init[0].d_h[b] == pytest.approx(first, rel=1e-10, abs=1e-13)


def test_gradient_beyond_float64_crosses_the_hand_over(rng):
    """10^-3 per step, 300 steps in each: 10^-1800 at the encoder's first, and no zero."""
    state = {"weight_ih_l0": np.zeros((4, 1)), "weight_hh_l0": 1e-3 * np.eye(4)}
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    v = np.zeros((300, 2, 4))
    v[-1] = rng.normal(size=(2, 4))
    x = np.zeros((300, 2, 1))
    pair = rc.record_pair(net, net, x, x, lambda y: (float(np.sum(v * y)), v))
    norms = pair.encoder.layers[0].log10_norms("d_h")
    lag = 300 + np.arange(299, -1, -1)[:, None]
    assert norms == pytest.approx(np.log10(np.linalg.norm(v[-1], axis=1)) - 3 * lag, abs=1e-9)
    assert pair.encoder.verdict.regime == "vanishing"
    assert pair.encoder.verdict.decades == pytest.approx(-3 * 299, abs=1e-9)


def test_entry_lost_beyond_float64_is_no_exact_zero():
    """Two units that do not mix: 10^-360 in the decoder, and as much again in the encoder."""
    state = {"weight_ih_l0": np.zeros((2, 1)), "weight_hh_l0": np.diag([1.0, 1e-6])}
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    v, x = np.zeros((60, 1, 2)), np.zeros((60, 1, 1))
    v[-1] = 1.0
    layer = rc.record_pair(net, net, x, x, lambda y: (float(np.sum(v * y)), v)).encoder.layers[0]
    assert layer.total.is_far_below("d_h")[0, 0].tolist() == [False, True]
    assert np.isfinite(layer.log10_abs("d_h")[0]).all()
    state["weight_hh_l0"][1, 1] = 0.0
    dead = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    layer = rc.record_pair(net, dead, x, x, lambda y: (float(np.sum(v * y)), v)).encoder.layers[0]
    assert np.isneginf(layer.log10_abs("d_h")[:, 0, 1]).all()


def test_output_layer_belongs_to_the_decoder(rng):
    encoder = random_deep(rng, LSTM, T=5)
    decoder = random_deep(rng, LSTM, T=3, D=1)
    layer = rc.OutputLayer(rng.normal(size=(2, 4)), rng.normal(size=2))
    loss = rc.CrossEntropy(layer, rng.integers(0, 2, size=(3, 3)))
    pair = record_pair(encoder, decoder, loss)
    assert list(pair.gradients)[-2:] == ["decoder.weight_hy", "decoder.bias_y"]
    assert pair.loss == pytest.approx(loss(chained(encoder, decoder)).value, rel=1e-12)


def test_cells_with_the_same_states_fit(rng):
    encoder, decoder = random_deep(rng, RNN, T=4), random_deep(rng, GRU, T=3)
    loss = linear_loss(rng, (3, 3, 4))
    pair = record_pair(encoder, decoder, loss)
    assert pair.loss == pytest.approx(loss(chained(encoder, decoder))[0], rel=1e-12)


def test_single_precision_is_near_double(rng):
    encoder, decoder = random_deep(rng, LSTM, T=4), random_deep(rng, LSTM, T=3)
    loss = linear_loss(rng, (3, 3, 4))
    double, single = (record_pair(encoder, decoder, loss, dtype=d) for d in ("float64", "float32"))
    assert single.encoder.layers[0].h.dtype == single.decoder.layers[0].h.dtype == np.float32
    for name, gradient in double.gradients.items():
        assert 0 < relative_difference(single.gradients[name], gradient) < 1e-5, name


def exploding(rng, scale):
    """A linear net whose state grows by `scale` per step."""
    case = random_deep(rng, ("rnn", "identity", "after"), T=4)
    case.state["weight_hh_l0"] = scale * np.eye(4)
    return case


def assert_nothing_warns(rec):
    frame = rec.to_frame()
    assert len(frame) == rec.steps
    assert len(rec.fingerprint) == 12
    assert rec.ledger is None
    assert not lost_precision(rec)


def test_overflow_in_the_encoder_leaves_nan_in_both(rng):
    encoder, decoder = exploding(rng, 1e120), random_deep(rng, RNN, T=5)
    pair = record_pair(encoder, decoder, linear_loss(rng, (5, 3, 4)))
    assert pair.encoder.overflow.step == 2
    assert pair.decoder.overflow.step == 0
    assert np.isnan(pair.loss)
    assert np.isfinite(pair.encoder.layers[0].h[:2]).all()
    assert np.isnan(pair.decoder.layers[0].h).all()
    assert all(np.isnan(gradient).all() for gradient in pair.gradients.values())
    assert_nothing_warns(pair.encoder)
    assert_nothing_warns(pair.decoder)


def test_overflow_that_a_rectifier_hides_still_leaves_nan(rng):
    """-inf rectified is 0: the states are finite again, the run is not."""
    encoder = random_deep(rng, ("rnn", "relu", "after"), T=4)
    encoder.state["weight_hh_l0"] = -1e200 * np.ones((4, 4))
    encoder.init["h_l0"] = -1e200 * np.ones((3, 4))
    pair = record_pair(encoder, random_deep(rng, RNN, T=5), linear_loss(rng, (5, 3, 4)))
    assert pair.encoder.overflow.step == 0
    assert pair.decoder.overflow.step == 0
    assert np.isnan(pair.loss)


def test_overflow_in_the_decoder_takes_the_encoders_gradient(rng):
    encoder, decoder = random_deep(rng, RNN, T=3), exploding(rng, 1e120)
    pair = record_pair(encoder, decoder, linear_loss(rng, (4, 3, 4)))
    assert pair.decoder.overflow.step == 2
    assert pair.encoder.overflow.step == 2  # its last step: from there on back
    assert pair.encoder.overflow_left_nan
    assert np.isfinite(pair.encoder.layers[0].h).all()
    assert np.isnan(pair.encoder.layers[0].d_h).all()
    assert np.isnan(pair.loss)
    assert_nothing_warns(pair.encoder)
    assert_nothing_warns(pair.decoder)


def test_what_needs_a_loss_of_its_own_says_so(rng):
    encoder, decoder = random_deep(rng, LSTM, T=4), random_deep(rng, LSTM, T=3)
    pair = record_pair(encoder, decoder, linear_loss(rng, (3, 3, 4)))
    assert not pair.encoder.has_own_loss
    assert pair.decoder.has_own_loss
    assert not lost_precision(pair.encoder)
    assert rc.gradient_check(pair.decoder).largest < 1e-6
    message = "rec: expected a recording with a loss of its own, got a pair's encoder"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.gradient_check(pair.encoder)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"encoder": {"both": True}},
            rc.ConfigError,
            "encoder: expected one direction, got is_bidirectional=True",
        ),
        (
            {"decoder": {"both": True}},
            rc.ConfigError,
            "decoder: expected one direction, got is_bidirectional=True",
        ),
        (
            {"decoder": {"kind": GRU}},
            rc.ConfigError,
            "decoder: expected a cell with states h and c, as lstm, got gru",
        ),
        ({"decoder": {"layers": 3}}, rc.ShapeError, "decoder: expected 2 layers, got 3"),
        ({"encoder": {"H": 5}}, rc.ShapeError, "decoder: expected H=5, got 4"),
        ({"decoder": {"B": 2}}, rc.ShapeError, "y: expected (T, B=3, D=2), got (5, 2, 2)"),
    ],
)
def test_nets_that_do_not_fit_are_refused(rng, change, error, message):
    cases = {
        name: random_deep(rng, **({"kind": LSTM, "layers": 2, "T": 5} | change.get(name, {})))
        for name in ("encoder", "decoder")
    }
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        record_pair(cases["encoder"], cases["decoder"], linear_loss(rng, (5, 3, 4)))


def test_arguments_of_another_kind_are_refused(rng):
    net, x, loss = random_deep(rng, RNN).network, np.zeros((2, 1, 2)), linear_loss(rng, (2, 1, 4))
    for error, message, arguments, options in [
        (rc.ConfigError, "encoder: expected a Network, got None", (None, net, x, x, loss), {}),
        (rc.ConfigError, "decoder: expected a Network, got 3", (net, 3, x, x, loss), {}),
        (
            rc.ConfigError,
            "loss: expected a function of the hidden states, got 0.5",
            (net, net, x, x, 0.5),
            {},
        ),
        (rc.ShapeError, "x: expected (T, B, D=2), got (2, 2)", (net, net, x[0:2, 0], x, loss), {}),
        (
            rc.ShapeError,
            "y: expected (T, B, D=2), got (2, 1, 1)",
            (net, net, x, x[..., :1], loss),
            {},
        ),
        (
            rc.ShapeError,
            "y: expected at least one step and one sequence, got (0, 1, 2)",
            (net, net, x, x[:0], loss),
            {},
        ),
        (
            rc.ConfigError,
            "dtype: expected one of float64, float32, got 'float16'",
            (net, net, x, x, loss),
            {"dtype": "float16"},
        ),
        (
            rc.ShapeError,
            "h_init: expected (B=1, H=4), got (2, 4)",
            (net, net, x, x, loss),
            {"h_init": np.zeros((2, 4))},
        ),
    ]:
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            rc.record_pair(*arguments, **options)
