"""Which loss of a decoder reads which state of its encoder: by moving that state."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.influence import influence
from tests.rnn_core.deep_networks import (
    KIND_IDS,
    KINDS,
    central_slope,
    random_deep,
    slow_states,
    width_of,
)

RNN = KINDS[0]
STEPS, LATER, SIZE = 4, 3, 3


def drawn(rng, kind, layers=1, **options):
    """An encoder, a decoder with other weights, and the readouts v_t of l_t = v_t . y_t."""
    encoder = random_deep(rng, kind, layers=layers, T=STEPS, B=2, H=SIZE, **options)
    decoder = random_deep(rng, kind, layers=layers, T=LATER, B=2, H=SIZE, **options)
    return encoder, decoder, rng.normal(size=(LATER, 2, SIZE))


def recorded(encoder, decoder, readout):
    def loss(y):
        return float(np.sum(readout * y)), readout

    return rc.record_pair(
        encoder.network, decoder.network, encoder.x, decoder.x, loss, h_init=encoder.h_init
    )


def losses(encoder, decoder, readout, nudge=None):
    """Each l_t of each sequence (L, B), slowly."""
    states = slow_states(encoder, nudge=nudge)[0]
    handed = {f"{s}_{k}": states[f"{s}_{k}"][-1] for k in encoder.suffixes for s in encoder.states}
    return np.sum(readout * slow_states(replace(decoder, init=handed))[1], axis=-1)


def measured(encoder, decoder, readout, state):
    """dl_t/d(state after step k) by central differences (L, T, B, H)."""
    found = np.zeros((LATER, STEPS, 2, SIZE))
    for k in range(STEPS):
        for unit in range(SIZE):

            def moved(by, k=k, unit=unit):
                return losses(encoder, decoder, readout, (state, k, by * np.eye(SIZE)[unit]))

            found[:, k, :, unit] = central_slope(moved, width_of(encoder))
    return found


def log10_norms(gradient):
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(gradient, axis=-1))


def mean_of(norms):
    """The mean over sequences, exact zeros left out."""
    alive = np.isfinite(norms)
    total = np.where(alive, norms, 0.0).sum(axis=-1)
    return np.where(alive.any(axis=-1), total / np.maximum(alive.sum(axis=-1), 1), -np.inf)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_entry_is_the_slope_measured_by_moving_that_state(rng, kind, layers):
    encoder, decoder, readout = drawn(rng, kind, layers)
    pair = recorded(encoder, decoder, readout)
    for layer in range(layers):
        of_h = measured(encoder, decoder, readout, f"h_l{layer}")
        of_state = of_h
        if "c" in encoder.states:
            of_c = measured(encoder, decoder, readout, f"c_l{layer}")
            of_state = np.concatenate([of_h, of_c], axis=-1)
        found = influence(pair, layer=layer)
        assert found.loss_steps.tolist() == [0, 1, 2]
        assert found.is_own_loss
        assert found.has_path.shape == (LATER, STEPS)
        assert found.has_path.all()
        assert found.log10_norms == pytest.approx(mean_of(log10_norms(of_h)), abs=1e-6)
        assert found.log10_state_norms == pytest.approx(mean_of(log10_norms(of_state)), abs=1e-6)
        zeros = (~np.isfinite(log10_norms(of_h))).sum(axis=-1)
        assert np.array_equal(found.zero_sequences, zeros)
        alone = influence(pair, [2], layer=layer, sequence=1)
        assert alone.log10_norms[0] == pytest.approx(log10_norms(of_h)[2, :, 1], abs=1e-6)


@pytest.mark.parametrize(
    "options", [{"skip": (2, 0.4)}, {"is_residual": True}], ids=["skip", "residual"]
)
def test_connections_carry_their_part(rng, options):
    encoder, decoder, readout = drawn(rng, RNN, 2, **options)
    pair = recorded(encoder, decoder, readout)
    for layer in range(2):
        expected = mean_of(log10_norms(measured(encoder, decoder, readout, f"h_l{layer}")))
        assert influence(pair, layer=layer).log10_norms == pytest.approx(expected, abs=1e-6)


def test_one_sequence_and_one_loss_at_a_time_give_the_same(rng, monkeypatch):
    pair = recorded(*drawn(rng, KINDS[-1], 2))
    whole = influence(pair)
    for module in ("influence", "stacked"):
        monkeypatch.setattr(f"rnn_core.analysis.{module}.WORKING_SIZE", 1)
    pieces = influence(pair)
    assert pieces.log10_norms == pytest.approx(whole.log10_norms, abs=1e-12)
    assert pieces.log10_state_norms == pytest.approx(whole.log10_state_norms, abs=1e-12)


def test_single_loss_is_read_at_every_step_of_the_decoder(rng):
    """v . y_t with |v| = 1, v the direction in which the only loss is read."""
    encoder, decoder, readout = drawn(rng, RNN)
    readout[:-1] = 0.0
    found = influence(recorded(encoder, decoder, readout))
    unit = readout[-1] / np.linalg.norm(readout[-1], axis=-1, keepdims=True)
    everywhere = np.broadcast_to(unit, readout.shape)
    expected = mean_of(log10_norms(measured(encoder, decoder, everywhere, "h_l0")))
    assert not found.is_own_loss
    assert found.log10_norms == pytest.approx(expected, abs=1e-6)


def test_influence_beyond_float64_is_a_number():
    """10^-3 per step on both sides of the hand-over: down to 10^-1797."""
    state = {"weight_ih_l0": np.zeros((2, 1)), "weight_hh_l0": 1e-3 * np.eye(2)}
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    v = np.zeros((300, 1, 2))
    v[:, :, 0] = 1.0
    x = np.zeros((300, 1, 1))
    pair = rc.record_pair(net, net, x, x, lambda y: (float(np.sum(v * y)), v))
    found = influence(pair, [0, 150, 299])
    lag = found.loss_steps[:, None] + 1 + np.arange(299, -1, -1)
    assert found.log10_norms == pytest.approx(-3.0 * lag, abs=1e-9)
    assert not found.zero_sequences.any()


def test_steps_are_the_decoders_and_layers_the_encoders(rng):
    pair = recorded(*drawn(rng, RNN))
    for options, message in [
        ({"loss_steps": [3]}, "loss_steps: expected steps from 0 to 2, got [3]"),
        ({"layer": 1}, "layer: expected 0 to 0, got 1"),
        ({"sequence": 2}, "sequence: expected None or 0 to 1, got 2"),
    ]:
        with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
            influence(pair, **options)


def test_where_no_gradient_came_over_there_is_none(rng):
    """An encoder by itself has no loss; an overflow on either side leaves nothing."""
    encoder, decoder, readout = drawn(rng, RNN)
    assert influence(recorded(encoder, decoder, readout).encoder) is None
    for side in (0, 1):
        cases = [*drawn(rng, ("rnn", "identity", "after"))]
        cases[side].state["weight_hh_l0"] = 1e200 * np.eye(SIZE)
        assert influence(recorded(*cases)) is None
