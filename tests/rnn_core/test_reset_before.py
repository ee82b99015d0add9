"""The GRU that resets before its product: PyTorch's arithmetic, the slow reference, refusals."""

import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.precision import lost_precision
from rnn_core.cells import cell_named
from tests.reference import golden_cases, slow_bptt, slow_ledger
from tests.rnn_core.deep_networks import random_deep
from tests.rnn_core.random_networks import relative_difference

BEFORE = ("gru", "tanh", "before")
GOLDEN = [case for case in golden_cases() if case.reset == "before"]


def random_loss(rng, shape):
    v = rng.normal(size=shape)
    return lambda h: (float(np.sum(v * h)), v)


def test_there_are_golden_cases():
    assert len(GOLDEN) == 2


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_every_array_equals_pytorch(case):
    net = rc.Network.from_state_dict(case.state_dict, cell="gru", reset="before")
    rec = rc.record(net, case.x, case.loss_of, h_init=case.h_init["l0"])
    assert rec.loss == pytest.approx(case.value, rel=1e-12)
    layer = rec.layers[0]
    ours = {"h_l0": layer.h, "d_h_l0": layer.d_h, "d_h_init_l0": rec.d_init[0].d_h}
    for name, array in ours.items():
        assert relative_difference(array, case.arrays[name]) < 1e-9, name
    for t in range(case.T):
        assert relative_difference(layer.d_h[t], case.arrays["d_h_l0"][t]) < 1e-9, t
    assert list(rec.gradients) == list(case.gradients)
    for name, golden in case.gradients.items():
        assert relative_difference(rec.gradients[name], golden) < 1e-9, name


@pytest.mark.parametrize("truncate", [None, 3])
@pytest.mark.parametrize("has_biases", [True, False])
def test_gates_pre_activations_and_shares_equal_the_slow_reference(rng, has_biases, truncate):
    case = random_deep(rng, BEFORE, T=8, has_biases=has_biases)
    loss = random_loss(rng, (8, 3, 4))
    rec = case.record(loss, truncate=truncate)
    slow = slow_bptt(
        case.state,
        case.x,
        loss(0.0)[1],
        cell="gru",
        reset="before",
        truncate=truncate,
        h_init=case.init["h_l0"],
    )
    layer = rec.layers[0]
    for name, (ours, theirs) in {
        "h": (layer.h, slow.h),
        "a": (layer.a, slow.a),
        "d_h": (layer.d_h, slow.d_h),
        "d_a": (layer.d_a, slow.d_a),
        **{f"gate {gate}": (layer.gates[gate], slow.gates[gate]) for gate in "rzn"},
        **{name: (rec.gradients[name], slow.gradients[name]) for name in case.state},
    }.items():
        assert relative_difference(ours, theirs) < 1e-12, name
    expected = slow_ledger(slow.step_gradients["weight_hh_l0"])
    assert rec.ledger.shares == pytest.approx(expected.share, abs=1e-12)
    assert rec.ledger.log10_sizes == pytest.approx(expected.log10_size, abs=1e-9)


def test_tape_shows_the_inputs(rng):
    case = random_deep(rng, BEFORE, T=5)
    assert np.array_equal(case.record(random_loss(rng, (5, 3, 4))).layers[0].tape.x, case.x)


def test_step_is_the_sum_of_its_terms(rng):
    """Line, candidate, reset and update: each alone, they add up to the whole map."""
    case = random_deep(rng, BEFORE, T=4)
    maps = case.record(random_loss(rng, (4, 3, 4))).layers[0].maps
    d = rng.normal(size=(2, 3, 4))
    (whole,) = maps.vjp_step(2, (d,))
    parts = [maps.vjp_step(2, (d,), frozenset([term]))[0] for term in ("line", "n", "r", "z")]
    assert all(np.abs(part).max() > 1e-3 for part in parts)
    assert relative_difference(sum(parts), whole) < 1e-14
    assert not maps.vjp_step(2, (d,), frozenset())[0].any()


def test_step_is_the_transposed_jacobian(rng):
    """Column by column from differences of one step forward."""
    case = random_deep(rng, BEFORE, T=3, B=1)
    rec = case.record(random_loss(rng, (3, 1, 4)))
    before = rec.layers[0].h[1]
    (rows,) = rec.layers[0].maps.vjp_step(2, (np.eye(4)[:, None],))
    net, x = rec.network, case.x[2:]

    def after(h):
        return rc.record(net, x, random_loss(rng, (1, 1, 4)), h_init=h).layers[0].h[0, 0]

    for j in range(4):
        step = 1e-4 * np.eye(4)[j]
        slope = (
            8 * (after(before + step) - after(before - step))
            - (after(before + 2 * step) - after(before - 2 * step))
        ) / 12e-4
        assert rows[:, 0, j] == pytest.approx(slope, rel=1e-8, abs=1e-10)


def test_reset_of_one_is_the_same_either_way(rng):
    """With a reset gate held open the two cells compute the same; else they do not."""
    case = random_deep(rng, BEFORE)
    loss = random_loss(rng, (7, 3, 4))
    case.state["bias_ih_l0"][:4] = 60.0
    case.state["weight_ih_l0"][:4] = 0.0
    case.state["weight_hh_l0"][:4] = 0.0
    runs = [
        rc.record(
            rc.Network.from_state_dict(case.state, cell="gru", reset=reset),
            case.x,
            loss,
            h_init=case.h_init,
        )
        for reset in ("before", "after")
    ]
    assert relative_difference(runs[0].layers[0].d_h, runs[1].layers[0].d_h) < 1e-13
    case.state["bias_ih_l0"][:4] = 0.0
    other = case.record(loss)
    assert relative_difference(other.layers[0].h, runs[1].layers[0].h) > 1e-2


def test_single_precision_is_near_double(rng):
    case = random_deep(rng, BEFORE, layers=2)
    loss = random_loss(rng, (7, 3, 4))
    double, single = case.record(loss), case.record(loss, dtype="float32")
    assert single.layers[0].tape.joined.dtype == np.float32
    assert 1e-9 < relative_difference(single.layers[0].d_h, double.layers[0].d_h) < 1e-5


def test_narrow_types_lose_the_gradient_later_the_wider_they_are(rng):
    case = random_deep(rng, BEFORE, T=150, H=8)
    case.state["weight_hh_l0"] *= 0.3
    v = np.zeros((150, 3, 8))
    v[-1] = rng.normal(size=(3, 8))
    rec = case.record(lambda h: (float(np.sum(v * h)), v))
    lost = {name: loss.lost_lag for name, loss in lost_precision(rec).items()}
    assert 0 < lost["float16"] < (lost["float32"] or 150)


def test_overflow_is_recorded(rng):
    """The second step adds 10^200 times the initial state, the fourth 10^200 times the second."""
    case = random_deep(rng, BEFORE, skip=(2, 1e200))
    rec = case.record(random_loss(rng, (7, 3, 4)))
    assert rec.overflow.step == 3
    assert np.isfinite(rec.layers[0].h[:3]).all()
    assert np.isnan(rec.layers[0].h[3:]).all()
    assert np.array_equal(rec.layers[0].tape.x, case.x)


@pytest.mark.parametrize(
    ("cell", "reset", "message"),
    [
        ("gru", "between", "reset: expected one of after, before, got 'between'"),
        ("gru", None, "reset: expected one of after, before, got None"),
        ("rnn", "before", "reset: expected after with cell=rnn, got 'before'"),
        ("lstm", "before", "reset: expected after with cell=lstm, got 'before'"),
    ],
)
def test_reset_that_a_cell_does_not_have_is_refused(cell, reset, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        cell_named(cell, "tanh", reset)
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.Network.from_state_dict({}, cell=cell, reset=reset)
