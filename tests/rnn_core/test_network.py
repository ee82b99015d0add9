"""A network in and out under PyTorch's names; every refusal word for word."""

import re

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import golden_cases
from tests.rnn_core.random_networks import CELL_IDS, CELLS, random_case

NAMES = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
ROWS = {"rnn": 1, "gru": 3, "lstm": 4}


def refused(error, message, state, cell="rnn", activation="tanh"):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        rc.Network.from_state_dict(state, cell=cell, activation=activation)


def good(cell="rnn", D=3, H=2):
    rows = ROWS[cell] * H
    return {
        "weight_ih_l0": np.ones((rows, D)),
        "weight_hh_l0": np.ones((rows, H)),
        "bias_ih_l0": np.ones(rows),
        "bias_hh_l0": np.ones(rows),
    }


@pytest.mark.parametrize("has_biases", [True, False])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_state_dict_comes_back_as_it_went_in(rng, cell, has_biases):
    state = random_case(rng, *cell, T=2, has_biases=has_biases).state
    net = rc.Network.from_state_dict(state, cell=cell[0], activation=cell[1])
    again = net.state_dict()
    assert list(again) == NAMES[: 4 if has_biases else 2]
    for name, array in again.items():
        assert np.array_equal(array, state[name])
        assert array.dtype == np.float64
    assert (net.cell, net.activation) == cell
    assert (net.input_size, net.hidden_size) == (2, 4)


def test_names_and_order_are_those_of_pytorch():
    """`golden.npz` was written by PyTorch: its one-layer parameters, in its order."""
    case = next(case for case in golden_cases() if case.name.startswith("lstm_T7"))
    assert list(case.state_dict) == NAMES
    net = rc.Network.from_state_dict(case.state_dict, cell="lstm")
    assert list(net.state_dict()) == NAMES


def test_state_dict_is_a_copy():
    net = rc.Network.from_state_dict(good(), cell="rnn")
    net.state_dict()["weight_hh_l0"][...] = 7.0
    assert np.array_equal(net.state_dict()["weight_hh_l0"], np.ones((2, 2)))


def test_lists_and_integers_are_numbers_too():
    state = {"weight_ih_l0": [[1, 2]], "weight_hh_l0": np.array([[3]], dtype=np.int8)}
    net = rc.Network.from_state_dict(state, cell="rnn")
    assert net.state_dict()["weight_hh_l0"].tolist() == [[3.0]]


def test_run_network_goes_out_and_in_to_the_same_numbers():
    rec = rc.run(rc.ExperimentConfig(cell="gru", init="keras", steps=12))
    net = rc.Network.from_state_dict(rec.network.state_dict(), cell="gru")
    again = rc.record(net, rec.x, rec.loss_function)
    assert again.fingerprint == rec.fingerprint
    assert again.config is None


@pytest.mark.parametrize("cell", ["RNN", "", None, 3, "x" * 100], ids=lambda v: repr(v)[:8])
def test_unknown_cell_is_refused(cell):
    shown = f"{'x' * 60!r}... (100 characters)" if cell == "x" * 100 else repr(cell)
    refused(rc.ConfigError, f"cell: expected one of rnn, gru, lstm, got {shown}", good(), cell)


def test_unknown_activation_is_refused():
    refused(
        rc.ConfigError,
        "activation: expected one of tanh, sigmoid, relu, identity, got 'gelu'",
        good(),
        activation="gelu",
    )
    refused(
        rc.ConfigError,
        "activation: expected tanh with cell=gru, got 'relu'",
        good("gru"),
        "gru",
        "relu",
    )


@pytest.mark.parametrize("state", [None, [], 3, "weights"], ids=repr)
def test_what_is_no_mapping_is_refused(state):
    refused(rc.ShapeError, f"state: expected a mapping of names to arrays, got {state!r}", state)


@pytest.mark.parametrize("name", ["weight_hh_l0", "weight_ih_l0"])
def test_missing_weight_is_refused_by_name(name):
    state = good("gru")
    del state[name]
    refused(rc.ShapeError, f"{name}: expected (G*H, ...) with G=3, got nothing", state, "gru")


@pytest.mark.parametrize(
    ("gone", "left"), [("bias_ih_l0", "bias_hh_l0"), ("bias_hh_l0", "bias_ih_l0")]
)
def test_one_bias_without_the_other_is_refused(gone, left):
    state = good()
    del state[gone]
    refused(rc.ShapeError, f"{gone}: expected beside {left}, got nothing", state)


@pytest.mark.parametrize("name", ["weight_hr_l0", "fc.weight", "weight_hh", ""])
def test_tensor_of_another_architecture_is_refused_by_name(name):
    """A projection (weight_hr) among them."""
    message = f"{name}: expected only {', '.join(NAMES)}"
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}"):
        rc.Network.from_state_dict(good() | {name: np.ones((2, 2))}, cell="rnn")


@pytest.mark.parametrize("suffix", ["l1", "l0_reverse"])
def test_half_a_layer_is_refused_by_the_name_of_its_other_half(suffix):
    message = f"weight_ih_{suffix}: expected (G*H, ...) with G=1, got nothing"
    refused(rc.ShapeError, message, good() | {f"weight_hh_{suffix}": np.ones((2, 2))})


@pytest.mark.parametrize(
    ("cell", "change", "message"),
    [
        ("rnn", {"weight_hh_l0": np.ones((2, 3))}, "weight_hh_l0: expected (1*H, H), got (2, 3)"),
        ("gru", {"weight_hh_l0": np.ones((8, 2))}, "weight_hh_l0: expected (3*H, H), got (8, 2)"),
        ("lstm", {"weight_hh_l0": np.ones(8)}, "weight_hh_l0: expected (4*H, H), got (8,)"),
        (
            "lstm",
            {"weight_hh_l0": np.ones((5, 8, 2))},
            "weight_hh_l0: expected (4*H, H), got (5, 8, 2)",
        ),
        ("rnn", {"weight_hh_l0": np.ones((0, 0))}, "weight_hh_l0: expected (1*H, H), got (0, 0)"),
        (
            "rnn",
            {"weight_hh_l0": np.ones((0, 2, 2))},
            "weight_hh_l0: expected (T, H, H), got (0, 2, 2)",
        ),
        ("rnn", {"weight_ih_l0": np.ones((3, 2))}, "weight_ih_l0: expected (2, D), got (3, 2)"),
        ("gru", {"weight_ih_l0": np.ones((6, 0))}, "weight_ih_l0: expected (6, D), got (6, 0)"),
        ("lstm", {"weight_ih_l0": 1.0}, "weight_ih_l0: expected (8, D), got ()"),
        ("gru", {"bias_hh_l0": np.ones(5)}, "bias_hh_l0: expected (6,), got (5,)"),
        ("gru", {"bias_ih_l0": np.ones((6, 1))}, "bias_ih_l0: expected (6,), got (6, 1)"),
        (
            "rnn",
            {"bias_ih_l0": np.array([1.0, np.nan])},
            "bias_ih_l0: expected finite numbers, got nan at (1,)",
        ),
        (
            "rnn",
            {"weight_hh_l0": np.array([[1.0, 0], [np.inf, 0]])},
            "weight_hh_l0: expected finite numbers, got inf at (1, 0)",
        ),
        (
            "rnn",
            {"weight_ih_l0": np.array([["a"] * 3] * 2)},
            "weight_ih_l0: expected (2, D), got values of type <U1",
        ),
        (
            "rnn",
            {"weight_ih_l0": np.ones((2, 3), dtype=complex)},
            "weight_ih_l0: expected (2, D), got values of type complex128",
        ),
        (
            "rnn",
            {"weight_ih_l0": np.ones((2, 3), dtype=bool)},
            "weight_ih_l0: expected (2, D), got values of type bool",
        ),
        (
            "rnn",
            {"weight_ih_l0": [[1], [2, 3]]},
            "weight_ih_l0: expected (2, D), got [[1], [2, 3]]",
        ),
        ("rnn", {"bias_ih_l0": None}, "bias_ih_l0: expected (2,), got values of type object"),
    ],
    ids=lambda v: str(v)[:40] if isinstance(v, str) else "",
)
def test_array_of_another_shape_or_kind_is_refused(cell, change, message):
    refused(rc.ShapeError, message, good(cell) | change, cell)


def test_moved_network_differs_in_one_parameter():
    net = rc.Network.from_state_dict(good(), cell="rnn")
    moved = net.moved("bias_hh_l0", np.array([1.0, 2.0]))
    assert moved.state_dict()["bias_hh_l0"].tolist() == [2.0, 3.0]
    assert net.state_dict()["bias_hh_l0"].tolist() == [1.0, 1.0]
    for name in NAMES[:3]:
        assert np.array_equal(moved.state_dict()[name], net.state_dict()[name])


@pytest.mark.parametrize(
    ("name", "by", "message"),
    [
        ("weight_xx_l0", 0.0, f"weight_xx_l0: expected one of {', '.join(NAMES)}"),
        ("weight_hh", np.ones((2, 2)), f"weight_hh: expected one of {', '.join(NAMES)}"),
        ("weight_hh_l0", np.ones((2, 3)), "weight_hh_l0: expected (2, 2), got (2, 3)"),
        (
            "bias_ih_l0",
            np.array([0.0, np.inf]),
            "bias_ih_l0: expected finite numbers, got inf at (1,)",
        ),
    ],
)
def test_move_that_does_not_fit_is_refused(name, by, message):
    net = rc.Network.from_state_dict(good(), cell="rnn")
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}"):
        net.moved(name, by)
