"""A run wholly in a narrow type, against PyTorch's cells in that type; and where tanh reaches 1."""

import doctest
import math
import re
from pathlib import Path

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import precision as module
from rnn_core.analysis.narrow_forward import narrow_run
from rnn_core.analysis.narrow_types import TYPES
from rnn_core.analysis.precision import (
    ALL_IN_P,
    RANGE_ONLY,
    lost_precision,
    narrow_log10_norms,
)
from tests.rnn_core.random_networks import last_step, random_case, vanilla

NAMES = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
VANILLA = ["tanh_vanishing", "tanh_holding", "relu"]
GATED = ["gru", "lstm"]


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[2] / "data" / "all_in_p.npz") as table:
        return dict(table)


def recorded(golden, name):
    net = rc.Network.from_state_dict(
        {key: golden[f"{name}/{key}"] for key in NAMES},
        cell=str(golden[f"{name}/cell"]),
        activation=str(golden[f"{name}/activation"]),
    )
    return rc.record(net, golden[f"{name}/x"], last_step(golden[f"{name}/v"]))


def lags_of(found):
    return [
        -1 if lag is None else lag
        for lag in (
            found.lost_lag, found.first_subnormal, found.first_zero, found.first_nonfinite
        )
    ]  # fmt: skip


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 5


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", VANILLA)
def test_vanilla_gradient_is_pytorch_s_to_the_last_bit(golden, name, kind):
    """Every step that is neither 0 nor beyond; the table holds norms as float32."""
    rec = recorded(golden, name)
    ours = narrow_log10_norms(rec, kind, mode=ALL_IN_P)
    theirs = golden[f"{name}/{kind}/log10_norms"]
    assert np.array_equal(np.isneginf(ours), np.isneginf(theirs))
    alive = np.isfinite(theirs)
    assert ours[alive] == pytest.approx(theirs[alive], rel=2e-7)
    assert lags_of(lost_precision(rec, mode=ALL_IN_P)[kind]) == golden[
        f"{name}/{kind}/lags"
    ].tolist()  # fmt: skip


@pytest.mark.parametrize("name", [*VANILLA, *GATED])
def test_float32_fails_at_pytorch_s_lags(golden, name):
    """Sums of float32 are not added in the same order: a lag may move by one."""
    found = lags_of(lost_precision(recorded(golden, name), mode=ALL_IN_P)["float32"])
    for ours, theirs in zip(found, golden[f"{name}/float32/lags"], strict=True):
        assert (ours < 0) == (theirs < 0)
        assert abs(ours - theirs) <= 1


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", GATED)
def test_gated_gradient_fails_at_pytorch_s_lags(golden, name, kind):
    """PyTorch rounds at other places within a gated step: a lag may move by two."""
    found = lags_of(lost_precision(recorded(golden, name), mode=ALL_IN_P)[kind])
    for ours, theirs in zip(found, golden[f"{name}/{kind}/lags"], strict=True):
        assert (ours < 0) == (theirs < 0)
        assert abs(ours - theirs) <= 2


def test_rounded_forward_pass_is_wrong_before_the_range_ends(golden):
    """bfloat16, PyTorch: lost at lag 136, where a rounded adjoint alone lasts beyond 200."""
    rec = recorded(golden, "tanh_vanishing")
    in_p, by_range = (lost_precision(rec, mode=m)["bfloat16"] for m in (ALL_IN_P, RANGE_ONLY))
    assert in_p.lost_lag == golden["tanh_vanishing/bfloat16/lags"][0]
    assert by_range.lost_lag > 200


@pytest.mark.parametrize(("kind", "tolerance"), [("bfloat16", 1e-6), ("float32", 0.02)])
def test_exploding_net_is_another_trajectory_of_the_same_growth(golden, kind, tolerance):
    """Lost at lag 1. bfloat16 follows PyTorch's own wrong trajectory, float32 another one."""
    rec = recorded(golden, "tanh_exploding")
    assert lost_precision(rec, mode=ALL_IN_P)[kind].lost_lag == 1
    assert golden[f"tanh_exploding/{kind}/lags"][0] == 1
    ours, theirs = (
        ((norms[0] - norms[-1]) / 199).mean()
        for norms in (
            narrow_log10_norms(rec, kind, mode=ALL_IN_P),
            golden[f"tanh_exploding/{kind}/log10_norms"],
        )
    )
    assert theirs > 0.08
    assert ours == pytest.approx(theirs, abs=tolerance)


def test_explosion_leaves_the_range_of_float16(golden):
    found = lost_precision(recorded(golden, "tanh_exploding"), mode=ALL_IN_P)["float16"]
    assert found.lost_lag == golden["tanh_exploding/float16/lags"][0] == 1
    assert 0 < golden["tanh_exploding/float16/lags"][3] < 60
    assert 0 < found.first_nonfinite < 60


@pytest.mark.parametrize("name", [*VANILLA, *GATED, "lstm_large"])
@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_states_are_pytorch_s_rounded_states(golden, name, kind):
    """The first four; one rounding in a hundred may fall the other way."""
    rec = recorded(golden, name)
    shown = golden[f"{name}/{kind}/h"]
    h = narrow_run(rec.layers[0], rec.x, TYPES[kind].round).h
    assert (h[: len(shown)] == shown).mean() > 0.99


@pytest.mark.parametrize(
    ("kind", "edge"), [("bfloat16", 3.47), ("float16", 4.51), ("float32", 9.01)]
)
def test_slope_is_exactly_zero_where_tanh_rounds_to_one(kind, edge):
    """definitions.md: tanh rounds to 1 for |a| > 3.47 bfloat16, 4.51 float16, 9.01 float32."""
    for a, first_zero in ((edge - 0.1, None), (edge + 0.1, 1)):
        net = rc.Network.from_state_dict(
            {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[0.5]]}, cell="rnn"
        )
        h = math.tanh(a)
        x = np.full((3, 1, 1), a - 0.5 * h)  # the pre-activation is a from the first step on
        rec = rc.record(net, x, last_step(np.ones(1)), h_init=np.full((1, 1), h))
        assert lost_precision(rec, mode=ALL_IN_P)[kind].first_zero == first_zero


def test_one_unit_at_scale_10_is_zero_after_one_step_in_float32():
    net = vanilla(np.array([[10.0]]), "tanh")
    rec = rc.record(net, np.zeros((9, 1, 1)), last_step(np.ones(1)), h_init=np.ones((1, 1)))
    assert lost_precision(rec, mode=ALL_IN_P)["float32"].first_zero == 1
    assert lost_precision(rec, mode=RANGE_ONLY)["float32"].first_zero == 7  # 10^-7.08 per step


@pytest.mark.parametrize("mode", [RANGE_ONLY, ALL_IN_P])
def test_norms_are_the_true_ones_where_nothing_is_lost(rng, mode):
    """In float32, over 8 steps; with the loss scale divided out."""
    for cell in ("rnn", "gru", "lstm"):
        rec = random_case(rng, cell, T=8, kind="last").record()
        for scale in (0, 20):
            norms = narrow_log10_norms(rec, "float32", mode=mode, loss_scale=scale)
            assert norms == pytest.approx(rec.layers[0].log10_norms("d_h"), abs=1e-5)
    assert not norms.flags.writeable


def test_gru_that_resets_before_its_product_has_a_narrow_run_too(rng):
    case = random_case(rng, "gru", T=8, kind="last")
    net = rc.Network.from_state_dict(case.state, cell="gru", reset="before")
    rec = rc.record(net, case.x, case.loss, h_init=case.init["h"])
    norms = narrow_log10_norms(rec, "float32", mode=ALL_IN_P)
    assert norms == pytest.approx(rec.layers[0].log10_norms("d_h"), abs=1e-5)


def test_norms_tell_zero_inf_and_the_steps_after_the_loss_apart():
    net = vanilla(np.array([[4.0]]), "identity")
    up = narrow_log10_norms(
        rc.record(net, np.zeros((12, 1, 1)), last_step(np.ones(1))), "float16", mode=RANGE_ONLY
    )
    assert up[-8:, 0] == pytest.approx(math.log10(4) * np.arange(8)[::-1])
    assert (up[:4] == math.inf).all()  # 4^8 = 65536 is beyond 65504
    down = vanilla(np.array([[0.25]]), "identity")
    norms = narrow_log10_norms(
        rc.record(down, np.zeros((20, 1, 1)), last_step(np.ones(1))), "float16"
    )
    assert np.isneginf(norms[:7]).all()
    assert np.isfinite(norms[7:]).all()
    text = narrow_log10_norms(rc.run(rc.ExperimentConfig(source="text")), "bfloat16")
    assert np.isneginf(text[24:]).all()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_is_simulated_over_10_000_steps(cell):
    config = rc.ExperimentConfig(
        cell=cell, init="pytorch", steps=10_000, hidden_size=4, batch_size=1
    )
    for found in lost_precision(rc.run(config), mode=ALL_IN_P).values():
        assert found.lost_lag is not None
        assert found.first_nonfinite is None


def test_what_cannot_be_simulated_has_no_lags(rng):
    case = random_case(rng, "rnn", T=5)
    net = rc.Network.from_state_dict(case.state, cell="rnn", skip=rc.network.SkipInTime(2, 0.5))
    rec = rc.record(net, case.x, case.loss)
    assert dict(lost_precision(rec)) == {}
    assert narrow_log10_norms(rec, "float16") is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda rec: lost_precision(rec, mode="fp8"),
            "mode: expected one of range only, all in p, got 'fp8'",
        ),
        (
            lambda rec: narrow_log10_norms(rec, "float8"),
            "kind: expected one of float16, bfloat16, float32, got 'float8'",
        ),
    ],
)
def test_unknown_words_are_refused(call, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        call(rc.run(rc.ExperimentConfig(steps=2)))
