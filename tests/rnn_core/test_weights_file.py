"""Weights of PyTorch and Keras become networks that compute what theirs compute, and come back."""

import io
import json
import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.weights_file import load_weights, save_weights, weights_bytes
from tests.reference.golden import DATA
from tests.rnn_core.deep_networks import KIND_IDS, KINDS, random_deep
from tests.rnn_core.random_networks import relative_difference

FILES = DATA / "weights"
OF_TORCH = {  # cell, layers, directions, biases, the type of the numbers
    "lstm_2layers_bi_F32": ("lstm", 2, True, True, "float32"),
    "lstm_F64_no_bias": ("lstm", 1, False, False, "float64"),
    "gru_F16": ("gru", 1, False, True, "float16"),
    "rnn_3layers_BF16": ("rnn", 3, False, True, "bfloat16"),
}


def output_of(net, x, h_init=None):
    y = {}

    def loss(h):
        y["y"] = h
        return 0.0, np.zeros(h.shape)

    rc.record(net, x, loss, h_init=h_init)
    return y["y"]


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])


@pytest.mark.parametrize("name", OF_TORCH)
def test_a_file_of_pytorch_computes_what_pytorch_computes(name):
    cell, layers, both, has_biases, dtype = OF_TORCH[name]
    net = load_weights(FILES / f"{name}.safetensors")
    assert (net.cell, net.layers, net.is_bidirectional) == (cell, layers, both)
    assert any("bias" in key for key in net.state_dict()) == has_biases
    with np.load(FILES / "outputs.npz") as outputs:
        x, y = outputs[f"{name}.x"], outputs[f"{name}.y"]
    assert relative_difference(output_of(net, x), y) < 1e-14
    assert set(net.dtypes.values()) == (set() if dtype == "float64" else {dtype})


@pytest.mark.parametrize("name", OF_TORCH)
def test_a_file_of_pytorch_comes_back_as_it_was(name):
    """Names, types, shapes and the bits of every number; the order of the ranges is free."""
    content = (FILES / f"{name}.safetensors").read_bytes()
    again = weights_bytes(load_weights(content), ".safetensors")
    ours, theirs = header_of(again), header_of(content)
    for header in (ours, theirs):
        header.pop("__metadata__", None)
    assert set(ours) == set(theirs)
    for key, entry in theirs.items():
        assert (ours[key]["dtype"], ours[key]["shape"]) == (entry["dtype"], entry["shape"])
        numbers = []
        for file, header in ((again, ours), (content, theirs)):
            start = 8 + int.from_bytes(file[:8], "little")
            begin, stop = (start + n for n in header[key]["data_offsets"])
            numbers.append(file[begin:stop])
        assert numbers[0] == numbers[1], key


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_what_is_saved_is_loaded(rng, tmp_path, kind, layers, suffix):
    case = random_deep(rng, kind, layers=layers, both=layers == 3)
    path = tmp_path / f"net{suffix}"
    save_weights(case.network, path)
    cell, activation, reset = kind
    again = load_weights(path, activation=activation, reset=reset)
    assert (again.cell, again.reset) == (cell, reset)
    assert set(again.state_dict()) == set(case.state)
    for name, array in again.state_dict().items():
        assert np.array_equal(array, case.state[name])
        assert array.dtype == np.float64
    for source in (path.read_bytes(), io.BytesIO(path.read_bytes()), str(path)):
        other = load_weights(source, activation=activation, reset=reset)
        assert np.array_equal(output_of(other, case.x), output_of(again, case.x))


def test_tensors_begin_at_multiples_of_their_numbers_width(rng):
    """So that other readers can map the file into memory; three numbers of 2 bytes first."""
    state = {
        "weight_ih_l0": rng.normal(size=(3, 1)).astype(np.float16),
        "weight_hh_l0": rng.normal(size=(3, 3)),
        "bias_ih_l0": rng.normal(size=3).astype(np.float32),
        "bias_hh_l0": rng.normal(size=3),
    }
    content = weights_bytes(rc.Network.from_state_dict(state, cell="rnn"), ".safetensors")
    start = 8 + int.from_bytes(content[:8], "little")
    for name, array in state.items():
        begin = start + header_of(content)[name]["data_offsets"][0]
        assert begin % array.itemsize == 0, name


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_parameter_keeps_its_type(rng, dtype, suffix):
    state = random_deep(rng, KINDS[6]).state
    mixed = {n: a.astype(dtype if "hh" in n else np.float64) for n, a in state.items()}
    net = rc.Network.from_state_dict(mixed, cell="lstm")
    again = load_weights(weights_bytes(net, suffix))
    for found in (net.state_dict(), again.state_dict()):
        for name, array in found.items():
            assert array.dtype == mixed[name].dtype
            assert np.array_equal(array, mixed[name])
    assert again.params.weight_hh.dtype == np.float64


def test_a_moved_parameter_is_float64_again(rng):
    """Or its change would be rounded away; the others keep their type."""
    net = load_weights(FILES / "gru_F16.safetensors")
    moved = net.moved("weight_hh_l0", np.full((6, 2), 1e-9))
    before, after = (n.state_dict()["weight_hh_l0"] for n in (net, moved))
    assert (before.dtype, after.dtype) == (np.float16, np.float64)
    assert after - before == pytest.approx(1e-9, rel=1e-6)
    assert moved.state_dict()["weight_ih_l0"].dtype == np.float16
    rec = rc.record(net, rng.normal(size=(4, 2, 3)), lambda h: (float(np.sum(h)), np.ones(h.shape)))
    assert rc.gradient_check(rec).largest < 1e-6


def test_bfloat16_is_read_and_written_bit_by_bit():
    """Every one of the 65,536 patterns that is finite."""
    bits = np.arange(2**16, dtype=np.uint16)
    bits = bits[(bits & 0x7F80) != 0x7F80][: 255 * 255 + 1]
    bits = np.resize(bits, (255, 255))
    header = json.dumps(
        {
            "weight_ih_l0": {"dtype": "BF16", "shape": [255, 1], "data_offsets": [0, 510]},
            "weight_hh_l0": {
                "dtype": "BF16",
                "shape": [255, 255],
                "data_offsets": [510, 510 + 2 * 255 * 255],
            },
        }
    ).encode()
    content = len(header).to_bytes(8, "little") + header
    content += np.zeros(255, "<u2").tobytes() + bits.astype("<u2").tobytes()
    net = load_weights(content)
    found = net.state_dict()["weight_hh_l0"]
    for row, column in [(0, 1), (3, 7), (63, 200), (129, 3), (254, 254)]:
        pattern = int(bits[row, column])
        sign, exponent, fraction = pattern >> 15, (pattern >> 7) & 255, pattern & 127
        value = (
            fraction / 128 * 2.0**-126
            if exponent == 0
            else (1 + fraction / 128) * 2.0 ** (exponent - 127)
        )
        assert found[row, column] == (-value if sign else value)
    assert weights_bytes(net, ".safetensors").endswith(bits.astype("<u2").tobytes())


def test_weights_of_any_size_are_legal():
    state = {
        "weight_ih_l0": np.array([[1e200], [5e-324]]),
        "weight_hh_l0": np.array([[-1e308, 0.0], [1e-310, -0.0]]),
    }
    for suffix in (".safetensors", ".npz"):
        net = load_weights(weights_bytes(rc.Network.from_state_dict(state, cell="rnn"), suffix))
        for name, array in net.state_dict().items():
            assert array.tobytes() == state[name].tobytes()


def test_untied_weights_come_back(rng):
    state = {"weight_ih_l0": rng.normal(size=(2, 1)), "weight_hh_l0": rng.normal(size=(5, 2, 2))}
    net = rc.Network.from_state_dict(state, cell="rnn")
    again = load_weights(weights_bytes(net, ".npz"))
    assert not again.params.is_tied
    assert np.array_equal(again.state_dict()["weight_hh_l0"], state["weight_hh_l0"])


def test_one_layer_of_a_larger_model_is_read_by_its_prefix():
    net = load_weights(FILES / "model.safetensors", prefix="encoder.")
    assert (net.cell, net.input_size, net.hidden_size) == ("gru", 3, 2)


def test_a_name_that_all_tensors_share_is_left_out(rng):
    state = random_deep(rng, KINDS[4]).state
    file = io.BytesIO()
    np.savez(file, **{f"model.rnn.{name}": array for name, array in state.items()})
    net = load_weights(file.getvalue())
    assert set(net.state_dict()) == set(state)


def test_arrays_in_another_order_of_memory_or_bytes_are_the_same_numbers(rng):
    state = random_deep(rng, KINDS[6]).state
    file = io.BytesIO()
    np.savez_compressed(
        file,
        weight_ih_l0=np.asfortranarray(state["weight_ih_l0"]),
        weight_hh_l0=state["weight_hh_l0"].astype(">f8"),
        bias_ih_l0=state["bias_ih_l0"].astype(">f4"),
        bias_hh_l0=state["bias_hh_l0"],
    )
    found = load_weights(file.getvalue()).state_dict()
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_hh_l0"):
        assert np.array_equal(found[name], state[name])
    assert np.array_equal(found["bias_ih_l0"], state["bias_ih_l0"].astype(np.float32))


def sigma(u):
    return 1 / (1 + math.exp(-u))


def keras_layer(cell, weights, x, *, reset_after=True):
    """One Keras layer, unit by unit, with Keras's matrices and gate orders; the output (T, H)."""
    kernel, recurrent, *bias = weights
    size = len(recurrent)
    flat = bias[0] if bias else np.zeros(kernel.shape[1])
    b_x, b_h = flat if flat.ndim == 2 else (flat, np.zeros(len(flat)))
    h, c, out = [0.0] * size, [0.0] * size, []

    def column(gate, unit):
        return gate * size + unit

    def of_x(gate, unit, x_t):
        k = column(gate, unit)
        return sum(x_t[d] * kernel[d, k] for d in range(len(x_t))) + b_x[k]

    def of_h(gate, unit, state):
        k = column(gate, unit)
        return sum(state[j] * recurrent[j, k] for j in range(size)) + b_h[k]

    for x_t in x:
        if cell == "rnn":
            h = [math.tanh(of_x(0, u, x_t) + of_h(0, u, h)) for u in range(size)]
        elif cell == "lstm":  # i, f, c, o
            a = [[of_x(g, u, x_t) + of_h(g, u, h) for u in range(size)] for g in range(4)]
            i, f, o = ([sigma(v) for v in a[g]] for g in (0, 1, 3))
            c = [f[u] * c[u] + i[u] * math.tanh(a[2][u]) for u in range(size)]
            h = [o[u] * math.tanh(c[u]) for u in range(size)]
        else:  # z, r, h
            z = [sigma(of_x(0, u, x_t) + of_h(0, u, h)) for u in range(size)]
            r = [sigma(of_x(1, u, x_t) + of_h(1, u, h)) for u in range(size)]
            if reset_after:
                n = [math.tanh(of_x(2, u, x_t) + r[u] * of_h(2, u, h)) for u in range(size)]
            else:
                kept = [r[u] * h[u] for u in range(size)]
                n = [math.tanh(of_x(2, u, x_t) + of_h(2, u, kept)) for u in range(size)]
            h = [z[u] * h[u] + (1 - z[u]) * n[u] for u in range(size)]
        out.append(h)
    return np.array(out)


def keras_weights(rng, cell, *, bias):
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    weights = [rng.normal(size=(2, gates * 3)), rng.normal(size=(3, gates * 3)) / 3**0.5]
    shapes = {"one": (gates * 3,), "two": (2, gates * 3)}
    return weights + ([rng.normal(size=shapes[bias])] if bias else [])


def npz(*arrays, **named):
    file = io.BytesIO()
    np.savez(file, *arrays, **named)
    return file.getvalue()


@pytest.mark.parametrize("names", ["arr", "plain", "path"])
@pytest.mark.parametrize(
    ("cell", "bias", "reset"),
    [
        ("rnn", "one", "after"),
        ("rnn", None, "after"),
        ("lstm", "one", "after"),
        ("lstm", None, "after"),
        ("gru", "two", "after"),
        ("gru", None, "after"),
        ("gru", "one", "before"),
    ],
)
def test_a_layer_of_keras_computes_what_keras_computes(rng, cell, bias, reset, names):
    """Judged by its equations as Keras writes them; with no hint of the cell or the reset."""
    weights = keras_weights(rng, cell, bias=bias)
    if names == "arr":
        content = npz(*weights)
    else:
        head = "" if names == "plain" else f"my_{cell}/{cell}_cell/"
        tail = "" if names == "plain" else ":0"
        kinds = ("kernel", "recurrent_kernel", "bias")
        content = npz(**{f"{head}{k}{tail}": w for k, w in zip(kinds, weights, strict=False)})
    net = load_weights(content)
    assert (net.cell, net.reset) == (cell, reset)
    assert len(net.state_dict()) == (4 if bias else 2)
    x = rng.normal(size=(6, 1, 2))
    expected = keras_layer(cell, weights, x[:, 0], reset_after=reset == "after")
    assert relative_difference(output_of(net, x)[:, 0], expected) < 1e-13


def test_a_keras_gru_without_biases_may_reset_before_the_product(rng):
    weights = keras_weights(rng, "gru", bias=None)
    x = rng.normal(size=(6, 1, 2))
    net = load_weights(npz(*weights), reset="before")
    expected = keras_layer("gru", weights, x[:, 0], reset_after=False)
    assert relative_difference(output_of(net, x)[:, 0], expected) < 1e-13


def test_a_keras_layer_keeps_its_type(rng):
    weights = [w.astype(np.float32) for w in keras_weights(rng, "gru", bias="two")]
    found = load_weights(npz(*weights)).state_dict()
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    again = load_weights(weights_bytes(load_weights(npz(*weights)), ".npz"))
    assert again.state_dict()["bias_hh_l0"].dtype == np.float32
