"""What each term of a gated step supplies: slow loops, sums to 1, claims about initialisation."""

import doctest
import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import term_shares as module
from rnn_core.analysis.influence import influence
from rnn_core.analysis.term_shares import term_shares
from tests.reference.slow_terms import slow_term_shares
from tests.rnn_core.random_networks import random_case

GATED = ["gru", "lstm"]


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


@pytest.mark.parametrize("T", [1, 2, 9])
@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("cell", GATED)
def test_every_share_is_that_of_plain_loops(rng, cell, kind, T):
    case = random_case(rng, cell, T=T, kind=kind)
    own = case.target.copy()
    if kind == "last":
        own[:-1] = 0.0
    slow = slow_term_shares(
        case.state, case.x, own, cell=cell, h_init=case.init["h"], c_init=case.init.get("c")
    )
    found = term_shares(case.record())
    assert found.keys() == slow.keys()
    for name, share in slow.items():
        assert found[name] == pytest.approx(share, abs=1e-11), name


@pytest.mark.parametrize("truncate", [None, 7])
@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
@pytest.mark.parametrize("cell", ["rnn", *GATED])
def test_shares_sum_to_one(rng, cell, scale, truncate):
    rec = random_case(rng, cell, T=120, kind="every", scale=scale).record(truncate=truncate)
    total = sum(term_shares(rec).values())
    assert total[1:] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("cell", GATED)
def test_shares_sum_to_one_where_gates_are_closed_for_10_000_steps(cell):
    """The line's share falls to 10^-1000s of a step's other terms; no term underflows."""
    config = rc.ExperimentConfig(
        cell=cell, steps=10_000, hidden_size=8, batch_size=2, weight_scale=60.0, input_scale=20.0
    )
    found = term_shares(rc.run(config))
    total = sum(found.values())
    alive = total != 0.0
    assert alive.any()
    assert total[alive] == pytest.approx(1.0, abs=1e-7)


def test_zero_weights_leave_the_line_alone(rng):
    case = random_case(rng, "lstm", T=30, kind="last", scale=0.0)
    found = term_shares(case.record())
    assert found["line"] == pytest.approx(1.0, abs=1e-13)
    for name in "ifgo":
        assert not found[name].any()


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_every_layer_and_direction_sums_to_one(layer):
    config = rc.ExperimentConfig(
        cell="lstm", layers=2, is_bidirectional=True, steps=12, hidden_size=5, loss_at="every"
    )
    total = sum(term_shares(rc.run(config), layer=layer).values())
    rows = slice(None, -1) if layer % 2 else slice(1, None)
    assert total[rows] == pytest.approx(1.0, abs=1e-11)


@pytest.mark.parametrize("truncate", [None, 5])
@pytest.mark.parametrize("cell", ["rnn", *GATED])
def test_skip_in_time_is_a_term_of_its_own(rng, cell, truncate):
    case = random_case(rng, cell, T=14, kind="every")
    net = rc.Network.from_state_dict(case.state, cell=cell, skip=rc.network.SkipInTime(3, 0.7))
    found = term_shares(rc.record(net, case.x, case.loss, truncate=truncate))
    assert sum(found.values())[1:] == pytest.approx(1.0, abs=1e-11)
    assert np.abs(found["skip"][:11]).max() > 0.01
    assert not found["skip"][12:].any()


def test_closed_gate_beside_huge_weights_is_no_nan(rng):
    """h_0 = 0 shuts the reset's own way, W_hn of 1e200 would overflow on the same step."""
    case = random_case(rng, "gru", T=2, kind="last")
    case.state["weight_hh_l0"][8:] *= 1e200
    net = rc.Network.from_state_dict(case.state, cell="gru", reset="before")
    found = term_shares(rc.record(net, case.x, case.loss))
    assert sum(found.values())[0] == pytest.approx(1.0, abs=1e-12)
    assert not found["r"][0].any()


def test_input_weights_near_the_end_of_float64_hand_down_finite_gradients(rng):
    """ReLU, so that nothing saturates: what reaches layer 0 is 10^300 and more."""
    case = random_case(rng, "rnn", "relu", T=6, D=4, kind="every")
    state = {name.replace("_l0", "_l1"): value for name, value in case.state.items()} | case.state
    state["weight_ih_l1"] = 1e300 * case.state["weight_ih_l0"]
    state["weight_ih_l0"] = 1e-300 * case.state["weight_ih_l0"]
    state["weight_hh_l0"] = 1e-300 * np.eye(4)
    state["bias_ih_l0"], state["bias_hh_l0"] = np.full(4, 1e-300), np.zeros(4)
    net = rc.Network.from_state_dict(state, cell="rnn", activation="relu")
    small = 1e300 * np.ones((6, 3, 4))
    rec = rc.record(net, case.x, lambda _: (0.0, small))
    shares, seen = term_shares(rec, layer=0), influence(rec, layer=0)
    assert sum(shares.values())[1:] == pytest.approx(1.0, abs=1e-12)
    assert seen.log10_norms.max() > 590
    assert np.array_equal(np.isfinite(seen.log10_norms), seen.has_path)


def test_exact_zero_has_no_shares():
    """Zero weights in a vanilla cell: nothing arrives, and nobody supplies it."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.ones((2, 1)), "weight_hh_l0": np.zeros((2, 2))}, cell="rnn"
    )
    loss = np.zeros((4, 1, 2))
    loss[-1] = 1.0
    found = term_shares(rc.record(net, np.ones((4, 1, 1)), lambda _: (0.0, loss)))
    assert not found["h"].any()
    assert found["loss"][:, 0].tolist() == [0, 0, 0, 0]


def test_forget_gate_half_open_is_the_line_s_pull():
    """Recurrent weights 0, forget bias 0: dL/dc halves at every step, by the line."""
    config = rc.ExperimentConfig(
        cell="lstm", weight_scale=0.0, input_scale=0.0, steps=50, forget_bias=0.0
    )
    rec = rc.run(config)
    norms = rec.layers[0].log10_norms("d_c")
    assert norms[:-1] - norms[1:] == pytest.approx(math.log10(0.5), abs=1e-12)
    assert term_shares(rec)["line"] == pytest.approx(1.0)
