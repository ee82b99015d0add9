"""The engine against PyTorch's arrays and against reference.json: every cell, depth, direction."""

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import golden_cases, reference_cases, reference_json, slow_log10_norm
from tests.rnn_core.random_networks import relative_difference

# the engine has PyTorch's GRU: the reset stands after the product
CASES = [case for case in golden_cases() if case.reset == "after"]


def suffixes_of(case):
    return [name.removeprefix("weight_hh_") for name in case.state_dict if "weight_hh" in name]


def recorded(case, h_init=None):
    net = rc.Network.from_state_dict(case.state_dict, cell=case.cell, activation=case.activation)
    return rc.record(net, case.x, case.loss_of, h_init=h_init, truncate=case.truncate)


def test_all_cells_losses_cuts_depths_and_directions_are_among_the_cases():
    assert len(CASES) == 64
    assert len(reference_cases()) == 12
    assert {case.truncate for case in CASES} == {None, 3, 5}
    nets = {(case.layers, case.is_bidirectional) for case in CASES}
    assert nets == {(1, False), (2, False), (3, False), (1, True), (2, True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_array_equals_pytorch(case):
    suffixes = suffixes_of(case)
    h_init = np.stack([case.h_init[suffix] for suffix in suffixes])
    if case.cell == "lstm":
        rec = recorded(case, (h_init, np.stack([case.c_init[suffix] for suffix in suffixes])))
    else:
        rec = recorded(case, h_init)
    assert rec.loss == pytest.approx(case.value, rel=1e-12)
    assert len(rec.layers) == len(rec.d_init) == len(suffixes)
    for suffix, layer, init in zip(suffixes, rec.layers, rec.d_init, strict=True):
        ours = {"h": layer.h, "d_h": layer.d_h, "d_h_init": init.d_h}
        if case.cell == "lstm":
            ours |= {"c": layer.c, "d_c": layer.d_c, "d_c_init": init.d_c}
        for name, array in ours.items():
            golden = case.arrays[f"{name}_{suffix}"]
            assert array.shape == golden.shape, name
            assert relative_difference(array, golden) < 1e-9, name
            if name in ("d_h", "d_c"):  # small far from the loss: each step by itself
                for t in range(case.T):
                    assert relative_difference(array[t], golden[t]) < 1e-9, (name, t)
                assert layer.log10_norm(name) == pytest.approx(slow_log10_norm(golden), abs=1e-9)
    assert list(rec.gradients) == list(case.gradients)
    for name, golden in case.gradients.items():
        assert relative_difference(rec.gradients[name], golden) < 1e-9, name


@pytest.mark.parametrize("case", reference_cases(), ids=lambda case: case.name)
def test_every_norm_equals_reference_json(case):
    rec = recorded(case)
    expected = case.expected
    assert rec.loss == pytest.approx(expected["value"], rel=1e-9)
    if "h_T" in expected:
        assert rec.layers[-1].h[-1].ravel() == pytest.approx(expected["h_T"], rel=1e-9)
    assert list(rec.gradients) == list(expected["param_grad_norm"])
    for name, norm in expected["param_grad_norm"].items():
        assert 10 ** rec.log10_gradient_norm[name] == pytest.approx(norm, rel=1e-9)
    for key, name in {"grad_h_norm": "d_h", "grad_c_norm": "d_c"}.items():
        if expected.get(key):
            norms = 10 ** rec.layers[0].log10_norm(name)
            assert norms == pytest.approx(expected[key], rel=1e-9)


def test_every_step_has_the_size_in_the_ledger_that_reference_json_tells():
    case = next(case for case in reference_cases() if case.name == "RNN_A")
    rec = recorded(case)
    expected = np.array(reference_json()["golden"]["rnn_lossA_perstep_Whh_contrib_norm"])
    sizes = rec.ledger.log10_sizes + rec.log10_gradient_norm["weight_hh_l0"]
    assert sizes[0] == -np.inf
    assert expected[0] == 0
    assert 10 ** sizes[1:] == pytest.approx(expected[1:], rel=1e-9)
