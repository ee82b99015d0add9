"""The gradient split by its first exit from the cell line: slow loops, sums, closed forms."""

import doctest
import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import paths as module
from rnn_core.analysis.factors import gate_factors
from rnn_core.analysis.influence import influence
from rnn_core.analysis.paths import log10_gate_products, paths, rms_over_units
from rnn_core.analysis.roads import roads
from rnn_core.analysis.term_shares import term_shares
from rnn_core.cells import SkipInTime
from tests.reference import slow_forward, slow_log10_norms
from tests.reference.slow_terms import slow_paths
from tests.rnn_core.random_networks import last_step, random_case, vanilla

GATED = {"gru": "rzn", "lstm": "ifgo"}


def test_examples_are_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 4


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("T", [1, 2, 11])
@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("cell", GATED)
def test_every_part_is_that_of_plain_loops(rng, cell, kind, T, truncate):
    case = random_case(rng, cell, T=T, kind=kind)
    truncate = truncate if T > 4 else None
    own = case.target.copy()
    if kind == "last":
        own[:-1] = 0.0
    init = {"h_init": case.init["h"], "c_init": case.init.get("c")}
    slow = slow_paths(case.state, case.x, own, cell=cell, truncate=truncate, **init)
    whole = sum(slow.values())
    found = paths(case.record(truncate=truncate))
    assert list(found.shares) == ["line", *GATED[cell]]
    assert list(found.log10_norms) == ["whole", "line", *GATED[cell]]
    for name, part in slow.items():
        with np.errstate(divide="ignore"):
            expected = np.log10(np.linalg.norm(part, axis=-1))
        assert found.log10_norms[name] == pytest.approx(expected, abs=1e-10), name
        squares = np.sum(whole**2, axis=-1)
        share = np.sum(part * whole, axis=-1) / np.where(squares > 0, squares, 1.0)
        assert found.shares[name] == pytest.approx(share, abs=1e-10), name
    for b in range(3):
        alive = np.linalg.norm(whole[:, b], axis=-1) > 0
        expected = slow_log10_norms(whole[alive][:, [b]])
        assert found.log10_norms["whole"][alive][:, [b]] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 6.0])
@pytest.mark.parametrize("cell", GATED)
def test_parts_add_up_to_the_whole(rng, cell, scale, kind):
    rec = random_case(rng, cell, T=300, kind=kind, scale=scale).record()
    found = paths(rec)
    assert found.mismatch < 1e-10
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-8)
    name = "d_c" if cell == "lstm" else "d_h"
    assert np.array_equal(found.log10_norms["whole"], rec.layers[0].log10_norms(name))


@pytest.mark.parametrize("cell", GATED)
def test_parts_add_up_over_10_000_steps(cell):
    """Far below float64, and the line 10^100 below the whole: all are finite numbers."""
    config = rc.ExperimentConfig(
        cell=cell, init="pytorch", steps=10_000, hidden_size=16, batch_size=2
    )
    found = paths(rc.run(config))
    assert found.mismatch < 1e-10
    for name, norms in found.log10_norms.items():
        start = -1 if name in ("whole", "line") else -2
        assert np.isfinite(norms[:start]).all(), name
    whole = found.log10_norms["whole"][0]
    assert whole.max() < -1500
    assert (found.log10_norms["line"][0] < whole - 100).all()


def test_line_of_an_lstm_is_the_product_of_its_forget_gates(rng):
    """Last-step loss: the line's part in dL/dc_t is prod f times o tanh'(c) dL/dh_T, per unit."""
    case = random_case(rng, "lstm", T=40, kind="last")
    rec = case.record()
    slow = slow_forward(
        case.state, case.x, cell="lstm", h_init=case.init["h"], c_init=case.init["c"]
    )
    start = slow.gates["o"][-1] / np.cosh(slow.c[-1]) ** 2 * case.target[-1]
    products = np.ones_like(slow.c)
    for t in range(38, -1, -1):
        products[t] = products[t + 1] * slow.gates["f"][t + 1]
    assert log10_gate_products(rec) == pytest.approx(np.log10(products), abs=1e-12)
    expected = np.log10(np.linalg.norm(products * start, axis=-1))
    assert paths(rec).log10_norms["line"] == pytest.approx(expected, abs=1e-12)


def test_line_of_a_gru_is_the_product_of_its_update_gates(rng):
    case = random_case(rng, "gru", T=40, kind="last")
    slow = slow_forward(case.state, case.x, cell="gru", h_init=case.init["h"])
    z = slow.gates["z"]
    expected = np.stack([np.log10(np.prod(z[t + 1 :], axis=0)) for t in range(40)])
    assert log10_gate_products(case.record()) == pytest.approx(expected, abs=1e-12)


def test_gate_products_are_exact_where_gates_are_shut():
    """sigmoid(-4000) = e^-4000 is far below float64; ten of them are 10^-17372."""
    state = {"weight_ih_l0": np.zeros((4, 1)), "weight_hh_l0": np.zeros((4, 1))}
    state |= {"bias_ih_l0": np.array([0, -4000.0, 0, 0]), "bias_hh_l0": np.zeros(4)}
    net = rc.Network.from_state_dict(state, cell="lstm")
    rec = rc.record(net, np.zeros((11, 1, 1)), last_step(np.ones(1)))
    expected = -4000 / math.log(10) * np.arange(11)[::-1]
    assert log10_gate_products(rec)[:, 0, 0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("bias", [-1e307, -1.7e308])
@pytest.mark.parametrize("truncate", [None, 4])
def test_gates_shut_beyond_float64_are_bounds_and_no_exact_zeros(bias, truncate):
    """Ten times 10^(-10^307.6) is no number that even a logarithm in float64 can hold."""
    state = {"weight_ih_l0": np.zeros((4, 1)), "weight_hh_l0": np.zeros((4, 1))}
    state |= {"bias_ih_l0": np.array([0, bias, 0, 0]), "bias_hh_l0": np.zeros(4)}
    net = rc.Network.from_state_dict(state, cell="lstm")
    rec = rc.record(net, np.zeros((51, 3, 1)), last_step(np.ones(1)), truncate=truncate)
    found = log10_gate_products(rec)[:, 0, 0]
    start = 48 if truncate else 0
    assert np.isneginf(found[:start]).all()
    expected = [max(lag * (bias / math.log(10)), -1e300) for lag in range(51 - start)]
    assert found[start:][::-1] == pytest.approx(expected, rel=1e-3)
    if truncate is None:
        assert np.isfinite(roads(rec).product).all()
    factors = gate_factors(rec)
    assert factors.line_decades == pytest.approx(expected[-1], rel=1e-3)


def test_gate_products_end_at_the_loss_and_at_block_borders(rng):
    text = rc.run(rc.ExperimentConfig(cell="lstm", source="text", seed=4))
    products = log10_gate_products(text)
    assert not products[23:].any()
    assert (products[:23] < 0).all()
    cut = log10_gate_products(random_case(rng, "lstm", T=9, kind="last").record(truncate=4))
    assert np.isneginf(cut[:8]).all()
    assert np.isfinite(cut[8:]).all()


@pytest.mark.parametrize(("bias", "low", "high"), [(0.0, 8.0, 12.0), (5.0, 0.7, 3.5)])
def test_product_of_forget_gates_is_decades_too_small(bias, low, high):
    """definitions.md: 10^9 (forget bias 0) to 10^2 (bias 5) too small over 100 steps."""
    missing = []
    for seed in range(3):
        config = rc.ExperimentConfig(
            cell="lstm",
            init="pytorch",
            steps=100,
            hidden_size=128,
            batch_size=4,
            input_size=1,
            forget_bias=bias,
            seed=seed,
        )
        rec = rc.run(config)
        whole = paths(rec).mean_log10_norm("whole")
        product = rms_over_units(log10_gate_products(rec))[0].mean()
        missing.append(whole[0] - whole[-1] - product)
    assert low < np.mean(missing) < high


@pytest.mark.parametrize("bias", [None, 1.0, 3.0, 5.0])
def test_candidate_carries_the_gradient_at_initialisation(bias):
    """definitions.md: 87 to 99.7 % of it leaves through g. In the mean: one draw has .5 to 1.1."""
    shares = []
    for seed in range(5):
        config = rc.ExperimentConfig(
            cell="lstm",
            init="pytorch",
            steps=100,
            hidden_size=32,
            input_size=1,
            forget_bias=bias,
            seed=seed,
        )
        shares.append(paths(rc.run(config)).shares["g"][0].mean())
    assert 0.85 < np.mean(shares) < 1.02


def test_exit_is_named_after_the_first_gate_alone(rng):
    """A net whose weights into i, f and o are 0 has no other road than g."""
    case = random_case(rng, "lstm", T=20, kind="every")
    case.state["weight_hh_l0"][[*range(8), *range(12, 16)]] = 0.0
    found = paths(case.record())
    for name in "ifo":
        assert np.isneginf(found.log10_norms[name]).all()
        assert not found.shares[name].any()
    assert found.shares["line"] + found.shares["g"] == pytest.approx(1.0, abs=1e-11)
    assert found.mismatch < 1e-13


@pytest.mark.parametrize("cell", GATED)
@pytest.mark.parametrize("layer", range(4))
def test_every_layer_and_direction_adds_up(cell, layer):
    config = rc.ExperimentConfig(
        cell=cell, layers=2, is_bidirectional=True, steps=15, hidden_size=5, loss_at="every"
    )
    rec = rc.run(config)
    found = paths(rec, layer=layer)
    assert found.mismatch < 1e-12
    name = "d_c" if cell == "lstm" else "d_h"
    assert np.array_equal(found.log10_norms["whole"], rec.layers[layer].log10_norms(name))
    # the line alone holds the last state of each direction, whichever end that is
    assert found.shares["line"][0 if layer % 2 else -1] == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("kind", ["last", "every"])
def test_reset_before_the_product_splits_as_plain_loops(rng, kind, truncate):
    case = random_case(rng, "gru", T=11, kind=kind)
    own = case.target.copy()
    if kind == "last":
        own[:-1] = 0.0
    net = rc.Network.from_state_dict(case.state, cell="gru", reset="before")
    rec = rc.record(net, case.x, case.loss, h_init=case.init["h"], truncate=truncate)
    slow = slow_paths(
        case.state, case.x, own, cell="gru", h_init=case.init["h"], truncate=truncate,
        reset="before",
    )  # fmt: skip
    found = paths(rec)
    assert found.mismatch < 1e-12
    for name, part in slow.items():
        with np.errstate(divide="ignore"):
            expected = np.log10(np.linalg.norm(part, axis=-1))
        assert found.log10_norms[name] == pytest.approx(expected, abs=1e-10), name


@pytest.mark.parametrize("cell", GATED)
def test_encoder_s_parts_come_from_the_decoder(rng, cell):
    """Its gradient enters at its last state, d_c of an LSTM too."""
    encoder, decoder = (random_case(rng, cell, T=T, kind="last") for T in (9, 5))
    nets = [rc.Network.from_state_dict(case.state, cell=cell) for case in (encoder, decoder)]
    pair = rc.record_pair(*nets, encoder.x, decoder.x, decoder.loss)
    for rec in (pair.encoder, pair.decoder):
        assert paths(rec).mismatch < 1e-13
        assert sum(term_shares(rec).values())[1:] == pytest.approx(1.0, abs=1e-12)
    assert influence(pair.encoder) is None
    assert influence(pair.decoder) is not None


@pytest.mark.parametrize("truncate", [None, 5])
@pytest.mark.parametrize("cell", GATED)
def test_parts_add_up_with_a_skip_in_time(rng, cell, truncate):
    case = random_case(rng, cell, T=14, kind="every")
    net = rc.Network.from_state_dict(case.state, cell=cell, skip=SkipInTime(3, 0.7))
    assert paths(rc.record(net, case.x, case.loss, truncate=truncate)).mismatch < 1e-12


def test_loss_that_hands_out_its_own_array_is_left_alone(rng):
    case = random_case(rng, "lstm", T=6)
    own = case.target.copy()
    rec = rc.record(
        rc.Network.from_state_dict(case.state, cell="lstm"), case.x, lambda _: (0.0, own)
    )
    paths(rec)
    assert np.array_equal(own, case.target)


def test_float32_recording_is_split_in_its_own_precision(rng):
    rec = random_case(rng, "gru", T=60, kind="last").record(dtype="float32")
    assert paths(rec).mismatch < 1e-4


def test_vanilla_cells_are_refused_and_overflow_leaves_nothing(rng):
    message = "rec: expected a gated cell, got cell=rnn"
    rec = rc.record(vanilla(np.eye(2), "tanh"), np.zeros((3, 1, 1)), last_step(np.ones(2)))
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        paths(rec)
    case = random_case(rng, "gru", T=4, kind="last")
    case.init["h"][:] = 9.0
    case.state["weight_hh_l0"][:4] = -1e308  # r = 0
    case.state["weight_hh_l0"][8:] = 1e308  # times q = inf
    gone = case.record()
    assert gone.overflow.step == 0
    assert paths(gone) is None
    assert log10_gate_products(gone) is None


@pytest.mark.parametrize("gates_at_once", [1, 2, 4])
@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("cell", GATED)
def test_how_many_gates_travel_side_by_side_changes_nothing(
    rng, monkeypatch, cell, kind, gates_at_once
):
    rec = random_case(rng, cell, T=300, kind=kind).record(truncate=170)
    whole = paths(rec)
    monkeypatch.setattr(module, "_AT_ONCE", gates_at_once * rec.layers[0].h.size)
    found = paths(rec)
    for name, norms in whole.log10_norms.items():
        assert found.log10_norms[name] == pytest.approx(norms, abs=1e-11), name
    for name, shares in whole.shares.items():
        assert found.shares[name] == pytest.approx(shares, abs=1e-11), name
    assert found.mismatch < 1e-12
