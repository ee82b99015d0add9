"""Gradients of every parameter and initial state: finite differences, then the slow reference."""

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import slow_log10_norm, slow_log10_norms
from tests.rnn_core.random_networks import (
    CELL_IDS,
    CELLS,
    LOSSES,
    gradients_of,
    loss_of,
    random_case,
    relative_difference,
)


def measured_slope(value_at, width):
    """Differentiate at 0 by central differences of three widths, errors of order width^6 left."""
    near, middle, far = (value_at(k * width) - value_at(-k * width) for k in (1, 2, 3))
    return (45 * near - 9 * middle + far) / (60 * width)


def width_of(case):
    return 1e-6 if case.activation == "relu" else 1e-3  # a short step crosses no kink


def assert_slopes_agree(rng, case, gradients, loss):
    """`loss` runs forward only; `gradients` come from the sweep."""
    assert set(gradients) == set(case.movable)
    for name, array in case.movable.items():
        assert gradients[name].shape == array.shape, name
        along = rng.normal(size=array.shape)
        slope = measured_slope(
            lambda s, n=name, v=along: loss(case.moved(n, s * v)), width_of(case)
        )
        assert abs(slope) > 1e-5, f"{name}: this direction judges nothing"
        assert np.sum(gradients[name] * along) == pytest.approx(slope, rel=1e-6), name


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_gradient_equals_the_measured_slope(rng, cell, T, kind):
    """At T=1 too, where off-by-ones hide; B, D, H differ, so that a transposed axis cannot pass."""
    case = random_case(rng, *cell, T=T, kind=kind)
    assert_slopes_agree(rng, case, gradients_of(case.record()), lambda c: c.record().loss)


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_gradient_of_a_net_without_biases_equals_the_measured_slope(rng, cell):
    case = random_case(rng, *cell, T=4, has_biases=False)
    gradients = gradients_of(case.record())
    assert_slopes_agree(rng, case, gradients, lambda c: c.record().loss)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "identity"])
def test_gradient_of_an_untied_net_equals_the_measured_slope(rng, activation, T, kind):
    """Every step has its own recurrent matrix, and its own gradient (T, H, H)."""
    case = random_case(rng, "rnn", activation, T=T, kind=kind, is_tied=False)
    assert_slopes_agree(rng, case, gradients_of(case.record()), lambda c: c.record().loss)


@pytest.mark.parametrize("cell", CELLS[:4], ids=CELL_IDS[:4])
def test_untied_net_with_equal_matrices_is_the_tied_net(rng, cell):
    tied = random_case(rng, *cell, T=6)
    same = np.repeat(tied.state["weight_hh_l0"][None], 6, axis=0)
    untied = tied.moved("weight_hh_l0", 0.0)
    untied.state["weight_hh_l0"] = same
    one, other = tied.record(), untied.record()
    assert np.array_equal(one.layers[0].d_h, other.layers[0].d_h)
    summed = other.gradients["weight_hh_l0"].sum(axis=0)
    assert relative_difference(summed, one.gradients["weight_hh_l0"]) < 1e-14


@pytest.mark.parametrize("truncate", [1, 3, 7])
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_truncated_gradient_equals_the_slope_with_block_starts_held(rng, cell, kind, truncate):
    """Each later block starts from the recorded state, which does not move with the parameters."""
    case = random_case(rng, *cell, T=7, kind=kind)
    rec = case.record(truncate=truncate)
    layer = rec.layers[0]

    def loss_with_block_starts_held(moved):
        total = 0.0
        for start in range(0, 7, truncate):
            stop = min(start + truncate, 7)
            init = moved.init
            if start:
                init = {name: getattr(layer, name)[start - 1] for name in moved.init}
            held = tuple(init.values())
            net = rc.Network.from_state_dict(
                moved.state, cell=case.cell, activation=case.activation
            )
            h = (
                rc.record(
                    net, case.x[start:stop], no_loss, h_init=held if len(held) > 1 else held[0]
                )
                .layers[0]
                .h
            )
            if kind != "last" or stop == 7:
                total += loss_of(kind, case.target[start:stop], h)[0]
        return total

    def no_loss(h):
        return 0.0, np.zeros(h.shape)

    gradients = gradients_of(rec)
    for name, array in case.movable.items():
        along = rng.normal(size=array.shape)
        slope = measured_slope(
            lambda s, n=name, v=along: loss_with_block_starts_held(case.moved(n, s * v)),
            width_of(case),
        )
        found = np.sum(gradients[name] * along)
        assert found == pytest.approx(slope, rel=1e-6, abs=1e-12), name


@pytest.mark.parametrize("truncate", [None, 1, 4])
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("T", [1, 2, 9])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_array_equals_the_slow_reference(rng, cell, T, kind, truncate):
    if truncate is not None and truncate > T:
        truncate = T
    case = random_case(rng, *cell, T=T, B=2, D=3, H=5, kind=kind)
    rec, slow = case.record(truncate=truncate), case.slow(truncate)
    layer = rec.layers[0]
    pairs = {"h": layer.h, "a": layer.a, "d_h": layer.d_h, "d_a": layer.d_a}
    if case.cell == "lstm":
        pairs |= {"c": layer.c, "d_c": layer.d_c}
        assert relative_difference(rec.d_init[0].d_c, slow.d_c_init) < 1e-12
    assert relative_difference(rec.d_init[0].d_h, slow.d_h_init) < 1e-12
    for name, array in pairs.items():
        assert array.shape == getattr(slow, name).shape, name
        for t in range(T):
            assert relative_difference(array[t], getattr(slow, name)[t]) < 1e-11, (name, t)
    assert set(layer.gates) == set(slow.gates)
    for name, gate in slow.gates.items():
        assert relative_difference(layer.gates[name], gate) < 1e-13, name
    assert set(rec.gradients) == set(slow.gradients)
    for name, gradient in slow.gradients.items():
        assert relative_difference(rec.gradients[name], gradient) < 1e-12, name


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_norms_are_those_of_the_slow_reference(rng, cell):
    case = random_case(rng, *cell, T=9, kind="squared")
    rec, slow = case.record(), case.slow()
    layer = rec.layers[0]
    for name in ("d_h", "d_c") if case.cell == "lstm" else ("d_h",):
        array = getattr(slow, name)
        assert layer.log10_norm(name) == pytest.approx(slow_log10_norm(array), abs=1e-11)
        assert layer.log10_norms(name) == pytest.approx(slow_log10_norms(array), abs=1e-11)
        with np.errstate(divide="ignore"):
            entries = np.log10(np.abs(array))
        assert layer.log10_abs(name) == pytest.approx(entries, abs=1e-8)
    for name, gradient in slow.gradients.items():
        size = np.log10(np.linalg.norm(gradient))
        assert rec.log10_gradient_norm[name] == pytest.approx(size, abs=1e-11)


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_gradients_of_a_loss_own_parameters_are_handed_on(rng, cell):
    """An output layer's gradient is computed by the loss; the recording keeps it by name."""
    case = random_case(rng, *cell, T=3)
    net = rc.Network.from_state_dict(case.state, cell=case.cell, activation=case.activation)
    own = rng.normal(size=(2, 4))

    def loss(h):
        value, d_h = case.loss(h)
        return rc.LossResult(value, d_h, {"weight_hy": own})

    rec = rc.record(net, case.x, loss)
    assert np.array_equal(rec.gradients["weight_hy"], own)
    assert rec.log10_gradient_norm["weight_hy"] == pytest.approx(np.log10(np.linalg.norm(own)))
    assert own.flags.writeable
