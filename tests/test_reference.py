"""The slow reference is itself right: PyTorch, reference.json, its own slopes."""

import math
import re

import numpy as np
import pytest

from tests.reference import (
    golden_cases,
    reference_cases,
    reference_json,
    slow_bptt,
    slow_forward,
    slow_log10_norm,
    slow_log10_norms,
    slow_network_bptt,
)
from tests.reference.small_networks import KINDS, linear_unit, random_state


def run_case(case, **inits):
    return slow_network_bptt(
        case.state_dict,
        case.x,
        lambda y: case.loss_of(y)[1],
        cell=case.cell,
        activation=case.activation,
        truncate=case.truncate,
        **inits,
    )


def largest_difference(ours, theirs):
    """Compare two arrays, relative to the largest entry of the one that is known to be right."""
    return np.max(np.abs(ours - theirs)) / max(np.max(np.abs(theirs)), np.finfo(float).tiny)


@pytest.mark.parametrize("case", golden_cases(), ids=lambda case: case.name)
def test_every_array_equals_pytorch(case):
    run = run_case(case, reset=case.reset, h_init=case.h_init, c_init=case.c_init)
    ours = {"value": np.array(case.loss_of(run.y)[0]), "d_x": run.d_x}
    for suffix, layer in run.layers.items():
        names = ["h", "d_h", "d_h_init"]
        names += ["c", "d_c", "d_c_init"] if case.cell == "lstm" else []
        ours |= {f"{name}_{suffix}": getattr(layer, name) for name in names}
    ours |= {f"grad.{name}": gradient for name, gradient in run.gradients.items()}
    inputs = {"x", *case.state_dict}
    computed = {n for n in case.arrays if n not in inputs and not n.startswith(("loss_", "h_init"))}
    computed -= {n for n in computed if n.startswith("c_init")}
    assert set(ours) == computed
    for name, array in ours.items():
        assert array.shape == case.arrays[name].shape, name
        assert largest_difference(array, case.arrays[name]) < 1e-9, name
        if name.startswith("d_h_l"):
            for t in range(case.T):
                assert largest_difference(array[t], case.arrays[name][t]) < 1e-9, (name, t)


def test_golden_cases_hold_every_cell_loss_cut_depth_and_direction():
    cases = golden_cases()
    kinds = {("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")}
    for kind in kinds:
        of_kind = [case for case in cases if (case.cell, case.activation) == kind]
        assert {case.loss for case in of_kind} == {"last", "every", "squared"}
        assert {case.T for case in of_kind} == {1, 2, 7, 12}
        nets = {(case.layers, case.is_bidirectional) for case in of_kind}
        assert nets == {(1, False), (2, False), (3, False), (1, True), (2, True)}
        assert all(case.T % case.truncate for case in of_kind if case.truncate)
        assert {case.layers for case in of_kind if case.truncate} == {1, 2}
    assert all(len({case.B, case.D, case.H}) == 3 for case in cases)


@pytest.mark.parametrize("case", reference_cases(), ids=lambda case: case.name)
def test_every_golden_norm_of_reference_json_is_met(case):
    run = run_case(case)
    expected = case.expected
    assert case.loss_of(run.y)[0] == pytest.approx(expected["value"], rel=1e-9)
    last = expected.get("h_T", expected.get("out_T"))
    assert run.y[-1].ravel() == pytest.approx(last, rel=1e-9)
    assert list(run.gradients) == list(expected["param_grad_norm"])
    for name, norm in expected["param_grad_norm"].items():
        assert np.linalg.norm(run.gradients[name]) == pytest.approx(norm, rel=1e-9)
    layer = run.layers["l0"]
    per_step = {"grad_h_norm": layer.d_h, "grad_c_norm": layer.d_c, "grad_x_norm": run.d_x}
    given = [name for name in per_step if expected.get(name)]
    assert given
    for name in given:
        norms = 10 ** slow_log10_norm(per_step[name])
        assert norms == pytest.approx(expected[name], rel=1e-9)


def test_every_step_adds_the_term_that_reference_json_tells():
    case = next(case for case in reference_cases() if case.name == "RNN_A")
    terms = run_case(case).layers["l0"].step_gradients["weight_hh_l0"]
    expected = reference_json()["golden"]["rnn_lossA_perstep_Whh_contrib_norm"]
    assert [np.linalg.norm(term) for term in terms] == pytest.approx(expected, rel=1e-9)
    assert np.sum(terms, axis=0) == pytest.approx(run_case(case).gradients["weight_hh_l0"])


def measured_slope(value_at, size=1e-3):
    """Differentiate at 0 by central differences of three widths, errors of order size^6 left."""
    near, middle, far = (value_at(k * size) - value_at(-k * size) for k in (1, 2, 3))
    return (45 * near - 9 * middle + far) / (60 * size)


@pytest.mark.parametrize("truncate", [None, 3])
@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_every_gradient_equals_the_measured_slope(kind, T, truncate):
    """With truncation, each block starts from the recorded state, held where it is."""
    cell, activation, reset = kind
    rng = np.random.default_rng([7, T, KINDS.index(kind)])
    B, D, H = 3, 2, 4
    start = random_state(rng, cell, D, H) | {"x": rng.normal(size=(T, B, D))}
    start["h_init"] = rng.normal(size=(B, H))
    if cell == "lstm":
        start["c_init"] = rng.normal(size=(B, H))
    target = rng.normal(size=(T, B, H))
    options = {"cell": cell, "activation": activation, "reset": reset}

    def parts(moved):
        state = {n: a for n, a in moved.items() if n.startswith(("weight", "bias"))}
        return state, moved["x"], {n: a for n, a in moved.items() if n.endswith("init")}

    state, x, inits = parts(start)
    run = slow_bptt(state, x, lambda h: h - target, truncate=truncate, **options, **inits)
    analytic = run.gradients | {"x": run.d_x, "h_init": run.d_h_init, "c_init": run.d_c_init}

    def loss(moved):
        state, x, entering = parts(moved)
        block = truncate or T
        total = 0.0
        for t in range(0, T, block):
            h = slow_forward(state, x[t : t + block], **options, **entering).h
            total += 0.5 * float(np.sum((h - target[t : t + block]) ** 2))
            if t + block < T:
                entering = {
                    f"{q}_init": getattr(run, q)[t + block - 1]
                    for q in "hc"
                    if f"{q}_init" in entering
                }
        return total

    for name, array in start.items():
        along = rng.normal(size=array.shape)
        width = 1e-6 if activation == "relu" else 1e-3
        slope = measured_slope(
            lambda s, n=name, v=along: loss(start | {n: start[n] + s * v}), width
        )
        assert np.sum(analytic[name] * along) == pytest.approx(slope, rel=1e-7), name


def test_missing_biases_are_zero_and_have_no_gradient():
    rng = np.random.default_rng(1)
    state = random_state(rng, "gru", 2, 3)
    bare = {name: array for name, array in state.items() if name.startswith("weight")}
    zero = bare | {name: 0 * array for name, array in state.items() if name.startswith("bias")}
    x, d = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2, 3))
    without, with_zero = slow_bptt(bare, x, d, cell="gru"), slow_bptt(zero, x, d, cell="gru")
    assert np.array_equal(without.d_h, with_zero.d_h)
    assert list(without.gradients) == ["weight_ih_l0", "weight_hh_l0"]


@pytest.mark.parametrize(("w", "slope"), [(20.0, -15.4687), (10.0, -7.0838)])
def test_saturated_unit_keeps_its_slope(w, slope):
    """1 - tanh(w)^2 is exactly 0 in float64 at w = 20; the slope of the gradient is not -inf."""
    state, x, d_loss_dh = linear_unit(w, 8)
    fixed = 1.0
    for _ in range(100):
        fixed = math.tanh(w * fixed)
    run = slow_bptt(state, x, d_loss_dh, h_init=np.array([[fixed]]))
    assert np.diff(slow_log10_norms(run.d_h)[::-1, 0]) == pytest.approx([slope] * 7, abs=5e-5)


def test_loss_gradient_of_another_shape_is_refused():
    state, x, d_loss_dh = linear_unit(0.5, 8)
    expected = "d_loss_dh: expected (8, 1, 1), got (7, 1, 1)"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        slow_bptt(state, x, d_loss_dh[1:])


def test_truncation_with_two_directions_is_refused():
    case = next(case for case in golden_cases() if case.is_bidirectional)
    expected = "truncate: expected None with two directions"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        slow_network_bptt(case.state_dict, case.x, np.zeros(()), truncate=1)
