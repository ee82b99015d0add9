"""The Jacobian of one step against finite differences, and spectra of weights against tables."""

import doctest
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import jacobian as module
from rnn_core.analysis.jacobian import jacobian, weight_spectrum
from tests.reference import reference_tables
from tests.reference.slow_jacobian import measured_jacobian, slow_jacobian, tape_of_one
from tests.rnn_core.random_networks import CELL_IDS, CELLS, last_step, random_case, vanilla


def test_examples_are_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 5


def tape_of(case, sequence):
    init = {f"{name}_init": value[sequence] for name, value in case.init.items()}
    return tape_of_one(
        case.state, case.x[:, sequence], cell=case.cell, activation=case.activation, **init
    )


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_entry_is_the_measured_slope(rng, cell):
    """[i, j] = ds_i/ds_prev_j in the coordinates h, or (h, c) of an LSTM."""
    case = random_case(rng, *cell, T=5)
    rec = case.record()
    for sequence in (0, 2):
        layer, tape = tape_of(case, sequence)
        for step in (0, 1, 4):
            found = jacobian(rec, step, sequence=sequence)
            assert found == pytest.approx(measured_jacobian(layer, tape[step]), abs=2e-9)
            assert found == pytest.approx(slow_jacobian(layer, tape[step]), abs=1e-13)
    assert not found.flags.writeable


def test_gradient_is_the_product_of_jacobians(rng):
    """dL/ds_{t-1} = J_t^T dL/ds_t, with dL/dc_t of an LSTM holding h_t fixed."""
    case = random_case(rng, "lstm", T=6, kind="last")
    rec = case.record()
    d_s = np.concatenate([case.target[-1, 1], np.zeros(4)])
    for step in range(5, -1, -1):
        d_s = jacobian(rec, step, sequence=1).T @ d_s
    assert d_s == pytest.approx(np.concatenate([rec.d_init[0].d_h[1], rec.d_init[0].d_c[1]]))


def test_reverse_direction_leads_from_the_next_step_in_time():
    config = rc.ExperimentConfig(is_bidirectional=True, steps=6, hidden_size=3, batch_size=2)
    rec = rc.run(config)
    state = rec.network.state_dict()
    reverse = {name.removesuffix("_reverse"): a for name, a in state.items() if "_reverse" in name}
    layer, tape = tape_of_one(reverse, rec.x[::-1, 1], cell="rnn")
    for step in range(6):
        expected = slow_jacobian(layer, tape[5 - step])
        assert jacobian(rec, step, sequence=1, layer=1) == pytest.approx(expected, abs=1e-14)


def test_untied_net_has_a_matrix_per_step(rng):
    weights = rng.normal(size=(3, 2, 2))
    rec = rc.record(vanilla(weights, "identity"), np.zeros((3, 1, 1)), last_step(np.ones(2)))
    for step in range(3):
        assert np.array_equal(jacobian(rec, step), weights[step])
    assert weight_spectrum(rec)["a"].spectral_norm.shape == (3,)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_spectrum_belongs_to_each_gate_s_matrix(rng, cell):
    case = random_case(rng, cell, T=1)
    found = weight_spectrum(case.record())
    gates = {"rnn": ["a"], "gru": ["r", "z", "n"], "lstm": ["i", "f", "g", "o"]}[cell]
    assert list(found) == gates
    for k, name in enumerate(gates):
        block = case.state["weight_hh_l0"][4 * k : 4 * k + 4]
        one = found[name]
        # the characteristic polynomial, and the eigenvalues of W^T W
        sizes = np.sort(np.abs(np.roots(np.poly(block))))[::-1]
        assert np.abs(one.eigenvalues) == pytest.approx(sizes, rel=1e-8)
        squares = np.linalg.eigvalsh(block.T @ block)[::-1]
        assert one.singular_values == pytest.approx(np.sqrt(squares), rel=1e-8)
        assert one.spectral_radius == pytest.approx(sizes[0], rel=1e-8)
        assert one.spectral_norm == one.singular_values[0]


@pytest.mark.parametrize("row", [1, 2])
def test_gaussian_weights_have_the_norms_of_the_table(row):
    """reference.json, gaussian_matrix_norms; within 3 standard errors of a mean of 20 draws."""
    table = reference_tables()["gaussian_matrix_norms"]
    expected = dict(zip(table["columns"], table["rows"][row], strict=True))
    H, count = int(expected["H"]), 20
    norms, radii = [], []
    for seed in range(count):
        rec = rc.run(rc.ExperimentConfig(hidden_size=H, steps=1, batch_size=1, seed=seed))
        spectrum = weight_spectrum(rec)["a"]
        norms.append(spectrum.spectral_norm)
        radii.append(spectrum.spectral_radius)
    for values, name in ((norms, "smax"), (radii, "rho")):
        tolerance = 3 * expected[f"{name}_sd"] / count**0.5
        assert np.mean(values) == pytest.approx(expected[name], abs=tolerance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 5}, "step: expected 0 to 4, got 5"),
        ({"step": -1}, "step: expected 0 to 4, got -1"),
        ({"step": 0, "sequence": 8}, "sequence: expected 0 to 7, got 8"),
        ({"step": 0, "layer": 1}, "layer: expected 0 to 0, got 1"),
    ],
)
def test_choices_that_do_not_exist_are_refused(options, message):
    rec = rc.run(rc.ExperimentConfig(steps=5, hidden_size=3))
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        jacobian(rec, **options)


def test_overflow_leaves_nothing():
    net = vanilla(np.array([[1e300]]), "identity")
    gone = rc.record(net, np.zeros((3, 1, 1)), last_step(np.ones(1)), h_init=np.full((1, 1), 1e300))
    assert jacobian(gone, 0) is None
