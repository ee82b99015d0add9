"""Who reads whom: each loss by a backpropagation of its own, in every kind of net."""

import doctest
import math
import re
import tracemalloc

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import influence as module
from rnn_core.analysis.influence import influence
from rnn_core.cells import SkipInTime
from tests.reference import slow_bptt
from tests.reference.slow_influence import slow_influence
from tests.rnn_core.random_networks import CELL_IDS, CELLS, last_step, random_case, vanilla


def mean_of(log10_norms):
    """The mean over sequences (L, T, B), exact zeros left out."""
    alive = np.isfinite(log10_norms)
    total = np.where(alive, log10_norms, 0.0).sum(axis=-1)
    return np.where(alive.any(axis=-1), total / np.maximum(alive.sum(axis=-1), 1), -np.inf)


def same(ours, theirs):
    return ours == pytest.approx(theirs, abs=1e-10)


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 4


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("working_size", [2**20, 20])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_entry_is_that_of_a_backpropagation_of_its_own(
    rng, monkeypatch, cell, working_size, truncate
):
    """In one piece and in many: single sequences, single steps."""
    monkeypatch.setattr("rnn_core.analysis.influence.WORKING_SIZE", working_size)
    monkeypatch.setattr("rnn_core.analysis.stacked.WORKING_SIZE", working_size)
    case = random_case(rng, *cell, T=10, kind="every")
    chosen = [0, 3, 4, 8, 9]
    h, state = slow_influence(
        case.state, case.x, case.target, chosen, cell=cell[0], activation=cell[1],
        truncate=truncate, h_init={"l0": case.init["h"]},
        c_init={"l0": case.init["c"]} if "c" in case.init else None,
    )  # fmt: skip
    rec = case.record(truncate=truncate)
    found = influence(rec, chosen)
    assert found.loss_steps.tolist() == chosen
    assert found.is_own_loss
    assert same(found.log10_norms, mean_of(h))
    assert same(found.log10_state_norms, mean_of(state))
    for b in range(3):
        alone = influence(rec, chosen, sequence=b)
        assert same(alone.log10_norms, h[..., b])
        assert same(alone.log10_state_norms, state[..., b])
    t, k = np.array(chosen)[:, None], np.arange(10)
    block = truncate or 10
    assert np.array_equal(found.has_path, (k <= t) & (k // block == t // block))
    if cell[1] != "relu":
        assert not found.zero_sequences.any()
        assert np.array_equal(np.isfinite(found.log10_norms), found.has_path)


@pytest.mark.parametrize("layer", range(4))
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_layer_and_direction_is_measured(cell, layer):
    config = rc.ExperimentConfig(
        cell=cell, layers=2, is_bidirectional=True, steps=9, hidden_size=3, batch_size=2,
        input_size=2, loss_at="every",
    )  # fmt: skip
    rec = rc.run(config)
    chosen = [0, 4, 8]
    readout = rec.loss_function(np.zeros((9, 2, 6))).d_h
    name = ["l0", "l0_reverse", "l1", "l1_reverse"][layer]
    h, state = slow_influence(
        rec.network.state_dict(), rec.x, readout, chosen, cell=cell, layer=name
    )
    found = influence(rec, chosen, layer=layer)
    assert same(found.log10_norms, mean_of(h))
    assert same(found.log10_state_norms, mean_of(state))
    assert np.array_equal(np.isfinite(found.log10_norms), found.has_path)


@pytest.mark.parametrize("truncate", [None, 4])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_layers_of_one_direction_share_a_growing_stack(layer, truncate):
    config = rc.ExperimentConfig(
        cell="lstm", layers=3, steps=9, hidden_size=3, batch_size=2, loss_at="every",
        truncate=truncate,
    )  # fmt: skip
    rec = rc.run(config)
    readout = rec.loss_function(np.zeros((9, 2, 3))).d_h
    h, state = slow_influence(
        rec.network.state_dict(), rec.x, readout, [1, 5, 8], cell="lstm", layer=f"l{layer}",
        truncate=truncate,
    )  # fmt: skip
    found = influence(rec, [1, 5, 8], layer=layer)
    assert same(found.log10_norms, mean_of(h))
    assert same(found.log10_state_norms, mean_of(state))
    assert np.array_equal(np.isfinite(found.log10_norms), found.has_path)


@pytest.mark.parametrize("truncate", [None, 5])
@pytest.mark.parametrize("is_residual", [False, True])
@pytest.mark.parametrize("skip", [None, SkipInTime(3, 0.5)])
def test_each_row_is_the_recording_of_its_loss_alone(rng, skip, is_residual, truncate):
    """With skips in time and between layers, and both together."""
    case = random_case(rng, "rnn", T=9, D=4, kind="every")
    below = random_case(rng, "rnn", T=9, D=4, kind="every").state
    state = {name.replace("_l0", "_l1"): value for name, value in below.items()} | case.state
    net = rc.Network.from_state_dict(state, cell="rnn", skip=skip, is_residual=is_residual)
    found = influence(rc.record(net, case.x, case.loss, truncate=truncate))
    for t in range(9):
        own = np.zeros_like(case.target)
        own[t] = case.target[t]
        alone = rc.record(net, case.x, lambda _, own=own: (0.0, own), truncate=truncate)
        expected = alone.layers[0].log10_norms("d_h").mean(axis=1)
        assert same(found.log10_norms[t], expected)


def test_single_loss_is_read_at_every_step_in_its_own_direction(rng):
    """v . h_t with |v| = 1 for every t, v the direction of the last step's loss gradient."""
    case = random_case(rng, "gru", T=8, kind="last")
    found = influence(case.record(), [2, 7], sequence=1)
    assert not found.is_own_loss
    v = case.target[-1] / np.linalg.norm(case.target[-1], axis=-1, keepdims=True)
    for row, t in enumerate([2, 7]):
        own = np.zeros_like(case.target)
        own[t] = v
        slow = slow_bptt(case.state, case.x, own, cell="gru", h_init=case.init["h"])
        expected = [np.linalg.norm(slow.d_h[k, 1]) for k in range(t + 1)]
        assert found.log10_norms[row, : t + 1] == pytest.approx(np.log10(expected), abs=1e-11)
        assert found.log10_norms[row, t] == pytest.approx(0.0, abs=1e-15)


def test_last_row_is_the_recording_s_own_gradient():
    for at in ("last", "every"):
        rec = rc.run(rc.ExperimentConfig(cell="lstm", steps=60, loss_at=at))
        expected = rec.layers[0].from_last.log10_norms("d_h").mean(axis=1)
        assert same(influence(rec).log10_norms[-1], expected)


@pytest.mark.parametrize("steps", [1, 2, 256, 257, 1000])
def test_loss_steps_are_evenly_spaced_and_reach_both_ends(steps):
    rec = rc.run(rc.ExperimentConfig(steps=steps, hidden_size=2, batch_size=1, input_size=1))
    chosen = influence(rec).loss_steps
    assert len(chosen) == min(steps, 256)
    assert (chosen[0], chosen[-1]) == (0, steps - 1)
    gaps = np.diff(chosen)
    assert steps < 2 or gaps.max() - gaps.min() <= 1


def test_only_steps_with_a_loss_are_chosen():
    own = np.zeros((7, 1, 2))
    own[[2, 5]] = 1.0
    rec = rc.record(vanilla(np.eye(2), "tanh"), np.zeros((7, 1, 1)), lambda _: (0.0, own))
    assert influence(rec).loss_steps.tolist() == [2, 5]
    message = "loss_steps: expected steps with a loss of their own, got 3"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        influence(rec, [2, 3])


@pytest.mark.parametrize(("cell", "steps"), [("rnn", 10_000), ("lstm", 10_000)])
def test_long_runs_stay_exact_and_bounded(cell, steps):
    """10,000 steps, 256 losses: 10^-1000s, and some dozens of megabytes beside the matrix."""
    rec = rc.run(
        rc.ExperimentConfig(cell=cell, init="pytorch", steps=steps, hidden_size=16, batch_size=1)
    )
    tracemalloc.start()
    found = influence(rec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    table = found.log10_norms.nbytes
    assert peak < 10 * table + 20 * 8 * 2**20
    assert np.array_equal(np.isfinite(found.log10_norms), found.has_path)
    assert not found.zero_sequences.any()
    assert found.log10_norms[-1, 0] < -1500
    expected = rec.layers[0].log10_norms("d_h")[:, 0]
    assert found.log10_norms[-1] == pytest.approx(expected, abs=1e-7)


def test_exact_zero_is_told_apart_from_no_path():
    """Sequence 0 dies at step 2, where its ReLU is shut; sequence 1 lives."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[0.5]]}, cell="rnn", activation="relu"
    )
    x = np.ones((5, 2, 1))
    x[2, 0] = -9.0
    found = influence(rc.record(net, x, last_step(np.ones(1))))
    half = math.log10(0.5)
    assert found.log10_norms[4] == pytest.approx(half * np.arange(5)[::-1], abs=1e-14)
    assert found.zero_sequences[4].tolist() == [1, 1, 0, 0, 0]
    assert found.zero_sequences[1].tolist() == [0, 0, 0, 0, 0]
    dead = influence(rc.record(net, x, last_step(np.ones(1))), [4], sequence=0)
    assert dead.log10_norms[0, :2].tolist() == [-math.inf] * 2
    assert dead.zero_sequences[0].tolist() == [1, 1, 0, 0, 0]


def test_explosion_beyond_float64_is_a_number():
    rec = rc.record(
        vanilla(np.array([[10.0]]), "tanh"), np.zeros((500, 1, 1)), last_step(np.ones(1))
    )
    t, k = np.arange(500)[:, None], np.arange(500)
    found = influence(rec, range(0, 500, 2))
    expected = np.where(k <= t, t - k, -math.inf)[::2]
    assert found.log10_norms == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_steps": [5]}, "loss_steps: expected steps from 0 to 4, got [5]"),
        ({"loss_steps": [1.5]}, "loss_steps: expected steps from 0 to 4, got [1.5]"),
        ({"loss_steps": 3}, "loss_steps: expected steps from 0 to 4, got 3"),
        ({"loss_steps": []}, "loss_steps: expected 1 to 256 steps, got 0"),
        ({"layer": 1}, "layer: expected 0 to 0, got 1"),
        ({"sequence": 8}, "sequence: expected None or 0 to 7, got 8"),
    ],
)
def test_choices_that_do_not_exist_are_refused(options, message):
    rec = rc.run(rc.ExperimentConfig(steps=5, hidden_size=3))
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        influence(rec, **options)


def test_overflow_leaves_nothing_to_measure():
    net = vanilla(np.array([[1e300]]), "identity")
    gone = rc.record(net, np.zeros((3, 1, 1)), last_step(np.ones(1)), h_init=np.full((1, 1), 1e300))
    assert influence(gone) is None
