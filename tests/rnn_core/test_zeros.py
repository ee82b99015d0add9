"""Exactly zero, far below, and beyond what the derivative resolves: three different things."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.activations import sigmoid_slope, tanh_slope
from tests.rnn_core.random_networks import last_step, vanilla


def silent(net, T, *, h_init=None, v=None, batch=1):
    v = np.ones(net.hidden_size) if v is None else v
    return rc.record(net, np.zeros((T, batch, 1)), last_step(v), h_init=h_init)


def test_units_that_drift_apart_are_marked_not_called_zero():
    """diag(1, .1) for 1,000 steps: the second is 999 decades below, and not exactly 0."""
    gradient = silent(vanilla(np.diag([1.0, 0.1]), "identity"), 1000).layers[0].total
    logs, far = gradient.log10_abs("d_h")[:, 0], gradient.is_far_below("d_h")[:, 0]
    lags = np.arange(1000)[::-1]
    assert np.array_equal(logs[:, 0], np.zeros(1000))
    assert not far[:, 0].any()
    assert np.array_equal(far[:, 1], lags > 260)
    assert logs[lags <= 260, 1] == pytest.approx(-lags[lags <= 260], abs=1e-10)
    assert logs[lags > 260, 1] == pytest.approx(-260.0, abs=1e-10)
    assert gradient.log10_norms("d_h")[:500, 0] == pytest.approx(0.0, abs=1e-12)


def test_unit_without_a_way_to_the_loss_is_exactly_zero():
    """diag(1, 0): the second unit's gradient is 0 at once, and is not marked as far below."""
    gradient = silent(vanilla(np.diag([1.0, 0.0]), "identity"), 1000).layers[0].total
    assert np.isneginf(gradient.log10_abs("d_h")[:-1, 0, 1]).all()
    assert not gradient.is_far_below("d_h").any()
    assert np.array_equal(gradient.d_h[:-1, 0, 1], np.zeros(999))


def test_zero_and_far_below_are_told_apart_in_one_vector():
    W = np.diag([1.0, 0.01, 0.0])
    gradient = silent(vanilla(W, "identity"), 600).layers[0].total
    first = gradient.log10_abs("d_h")[0, 0]
    assert first[0] == 0.0
    assert first[1] == pytest.approx(-260.0, abs=1e-9)
    assert np.isneginf(first[2])
    assert gradient.is_far_below("d_h")[0, 0].tolist() == [False, True, False]


def test_initial_state_knows_zero_from_far_below_too():
    W = np.diag([1.0, 0.01, 0.0])
    init = silent(vanilla(W, "identity"), 600).d_init[0]
    assert init.is_far_below("d_h")[0].tolist() == [False, True, False]
    assert np.isneginf(init.log10_abs("d_h")[0, 2])


@pytest.mark.parametrize("step", [0, 1, 3])
def test_tiny_loss_of_one_step_is_far_below_what_comes_from_later_ones_and_not_zero(step):
    """Unit 0 has a loss of 10^-200 at one step and no other path; unit 1 is at 10^200 per step."""
    d_y = np.zeros((6, 1, 2))
    d_y[-1, 0, 1] = 1.0
    d_y[step, 0, 0] = 1e-200
    net = vanilla(np.diag([0.0, 1e200]), "identity")
    total = rc.record(net, np.zeros((6, 1, 1)), lambda _: (0.0, d_y)).layers[0].total
    far = np.zeros(6, dtype=bool)
    far[step] = True
    assert total.is_far_below("d_h")[:, 0].tolist() == [[flag, False] for flag in far.tolist()]
    logs = total.log10_abs("d_h")[:, 0]
    assert logs[step, 0] == pytest.approx(200 * (5 - step) - 260, abs=1e-9)
    assert np.isneginf(logs[~far, 0]).all()


@pytest.mark.parametrize("factors", [(1e-200, 1e200), (1e-300, 1e30), (1e-120, 1e200)])
@pytest.mark.parametrize("T", [1, 2, 5])
def test_unit_lost_in_a_single_step_is_far_below_and_not_zero(T, factors):
    """From 1 beside 1 to 10^-400 beside 1: no step in between at which bits were seen to go."""
    rec = silent(vanilla(np.diag(factors), "identity"), T)
    largest = np.log10(factors[1]) * np.arange(T, -1, -1)
    for gradient, tops in ((rec.layers[0].total, largest[1:]), (rec.d_init[0], largest[:1])):
        logs = gradient.log10_abs("d_h").reshape(-1, 2)
        far = gradient.is_far_below("d_h").reshape(-1, 2)
        for top, row, marked in zip(tops, logs, far, strict=True):
            true = (np.log10(factors[0]) / np.log10(factors[1])) * top
            assert marked.tolist() == [top - true > 260, False]
            assert row == pytest.approx([max(true, top - 260), top], abs=1e-9)


def test_what_jumps_in_time_beside_a_growing_unit_is_far_below_and_not_zero():
    """Unit 0 has no path but the connection over two steps; unit 1 grows by 10^200 per step."""
    state = {"weight_ih_l0": np.zeros((2, 1)), "weight_hh_l0": np.diag([0.0, 1e200])}
    net = rc.Network.from_state_dict(
        state, cell="rnn", activation="identity", skip=rc.SkipInTime(2, 1.0)
    )
    total = silent(net, 7).layers[0].total
    logs = total.log10_abs("d_h")[:, 0, 0]
    assert np.isneginf(logs[[1, 3, 5]]).all()
    assert total.is_far_below("d_h")[:, 0, 0].tolist() == [t in (0, 2, 4) for t in range(7)]
    assert logs[[0, 2, 4, 6]] == pytest.approx([1200 - 260, 800 - 260, 400 - 260, 0.0], abs=1e-9)


def test_dead_relus_stop_the_gradient_exactly_and_are_counted():
    """Two of three sequences are driven below 0 at step 58 of 100: exactly 0 from there back."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.ones((4, 1)), "weight_hh_l0": np.eye(4)}, cell="rnn", activation="relu"
    )
    x = np.zeros((100, 3, 1))
    x[0] = 1.0
    x[57, 1:] = -5.0
    x[58] = 1.0
    rec = rc.record(net, x, last_step(np.ones(4)))
    norms = rec.layers[0].log10_norms("d_h")
    assert norms[:, 0] == pytest.approx(math.log10(2.0), abs=1e-12)
    assert norms[57:, 1:] == pytest.approx(math.log10(2.0), abs=1e-12)
    assert np.isneginf(norms[:57, 1:]).all()
    assert rec.verdict.zero_sequences == 2
    assert rec.verdict.zero_from_step == 57
    assert rec.verdict.sequences == 3
    assert rec.verdict.regime == "vanishing"
    assert not rec.layers[0].total.is_far_below("d_h").any()


def test_zero_recurrent_weights_leave_the_last_step_alone():
    rec = silent(vanilla(np.zeros((3, 3)), "tanh"), 50, batch=2)
    assert np.isneginf(rec.layers[0].log10_norms("d_h")[:-1]).all()
    assert rec.verdict.zero_sequences == 2
    assert rec.verdict.zero_from_step == 49
    assert rec.verdict.decades == -math.inf
    assert rec.verdict.growth_per_step is None
    assert rec.log10_gradient_norm["weight_hh_l0"] == -math.inf


@pytest.mark.parametrize("factor", [1e-200, 1e-307, 5e-324])
def test_tiny_factors_are_followed_step_by_step(factor):
    """Two steps leave float64; one mantissa with one exponent does not."""
    net = vanilla(np.array([[factor]]), "identity")
    logs = silent(net, 60).layers[0].log10_abs("d_h")[:, 0, 0]
    assert np.diff(logs[::-1]) == pytest.approx(math.log10(factor), rel=1e-12)


@pytest.mark.parametrize("factor", [1e200, 1e308])
def test_huge_factors_are_followed_step_by_step(factor):
    net = vanilla(np.array([[factor]]), "identity")
    logs = silent(net, 60).layers[0].log10_abs("d_h")[:, 0, 0]
    assert np.diff(logs[::-1]) == pytest.approx(math.log10(factor), rel=1e-12)


def test_factors_that_jump_between_the_ends_of_float64_cancel():
    """Untied: 10^-300 and 10^300 in turn, for 40 steps."""
    W = np.array([1e-300, 1e300] * 20).reshape(40, 1, 1)
    net = vanilla(W, "identity")
    logs = silent(net, 40).layers[0].log10_abs("d_h")[:, 0, 0]
    assert logs[::-2] == pytest.approx(np.full(20, 0.0), abs=1e-9)
    assert logs[-2::-2] == pytest.approx(np.full(20, 300.0), abs=1e-9)


@pytest.mark.parametrize("T", [1, 2, 40])
@pytest.mark.parametrize("size", [1e154, 1e200, 1e307])
def test_parts_that_cancel_leave_exactly_zero_however_large_they_are(T, size):
    """W^T (1, -1) = 0; looked at on a larger scale, the two parts are inf - inf."""
    net = vanilla(np.full((2, 2), size), "identity")
    v = np.array([[1.0, -1.0], [1.0, 1.0]])
    rec = silent(net, T, v=v, batch=2)
    norms = rec.layers[0].log10_norms("d_h")
    assert np.isneginf(norms[:-1, 0]).all()
    assert np.isneginf(rec.d_init[0].log10_norms("d_h")[0])
    assert (rec.d_init[0].d_h[0] == 0).all()
    step = math.log10(2 * size)
    assert norms[::-1, 1] == pytest.approx(math.log10(2) / 2 + step * np.arange(T), rel=1e-12)


def exact_slope(kind, a):
    getcontext().prec = 60
    e = (-abs(Decimal(a)) * (2 if kind == "tanh" else 1)).exp()
    return (4 if kind == "tanh" else 1) * e / (1 + e) ** 2


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_derivative_is_exact_where_the_activation_reads_one(kind):
    """1 - h^2 would be 0 from |a| = 19.06 on."""
    function = tanh_slope if kind == "tanh" else sigmoid_slope
    a = np.concatenate([[0.0, 1e-9, 1.0, 19.06, 40.0, 300.0, 353.9], -np.array([0.3, 25.0, 353.9])])
    slopes = function(a.copy())
    exact = [exact_slope(kind, value) for value in a]
    for found, true in zip(slopes, exact, strict=True):
        assert abs(Decimal(float(found)) / true - 1) < Decimal("1e-13")


@pytest.mark.parametrize(
    ("bias", "bounded"),
    [(353.0, False), (-353.0, False), (355.0, True), (-355.0, True), (1e300, True)],
)
def test_steps_beyond_the_last_resolved_derivative_are_named(bias, bounded):
    """One unit of three is pushed out; its gradient is a bound, and never exactly 0."""
    state = {
        "weight_ih_l0": np.array([[1.0], [0.0], [0.0]]),
        "weight_hh_l0": np.eye(3),
    }
    net = rc.Network.from_state_dict(state, cell="rnn")
    x = np.zeros((6, 1, 1))
    x[3] = bias
    layer = rc.record(net, x, last_step(np.ones(3))).layers[0]
    assert layer.bound_steps.tolist() == ([3] if bounded else [])
    logs = layer.log10_abs("d_h")
    assert np.isfinite(logs).all()
    assert layer.total.is_far_below("d_h")[2, 0].tolist() == [True, False, False]
    assert logs[2, 0, 0] == pytest.approx(-260.0, abs=0.1)


@pytest.mark.parametrize(("bias", "bounded"), [(43.0, False), (-44.5, True), (300.0, True)])
def test_steps_beyond_what_float32_resolves_are_named_in_a_float32_recording(bias, bounded):
    """4 e^-87 is the last normal number of float32."""
    state = {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[1.0]]}
    net = rc.Network.from_state_dict(state, cell="rnn")
    x = np.zeros((6, 1, 1))
    x[3] = bias
    layers = [
        rc.record(net, x, last_step(np.ones(1)), dtype=d).layers[0] for d in ("float32", "float64")
    ]
    assert layers[0].bound_steps.tolist() == ([3] if bounded else [])
    assert layers[1].bound_steps.tolist() == []
    assert np.isfinite(layers[0].log10_norms("d_h")).all()


def test_relu_and_identity_have_no_step_beyond_resolution():
    for activation in ("relu", "identity"):
        layer = silent(vanilla(np.eye(2), activation), 5, h_init=np.full((1, 2), 1e200)).layers[0]
        assert layer.bound_steps.tolist() == []
        assert layer.log10_norms("d_h") == pytest.approx(math.log10(math.sqrt(2)), abs=1e-12)


def test_steps_with_a_cell_state_beyond_the_last_resolved_derivative_are_named():
    """One unit with all gates open: c_t = t, so tanh'(c) is below 10^-307 from c = 355 on."""
    state = {
        "weight_ih_l0": np.zeros((4, 1)),
        "weight_hh_l0": np.zeros((4, 1)),
        "bias_ih_l0": np.full(4, 50.0),
        "bias_hh_l0": np.zeros(4),
    }
    net = rc.Network.from_state_dict(state, cell="lstm")
    layer = rc.record(net, np.zeros((360, 1, 1)), last_step(np.ones(1))).layers[0]
    assert layer.c[:, 0, 0] == pytest.approx(np.arange(1, 361), rel=1e-12)
    assert layer.bound_steps.tolist() == [354, 355, 356, 357, 358, 359]
