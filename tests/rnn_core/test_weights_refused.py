"""What is no network is refused in one sentence."""

import io
import json
import re
import zipfile

import numpy as np
import pytest

import rnn_core as rc
from rnn_core import npz_file, safetensors_file, tensors
from rnn_core.weights_file import load_weights, save_weights, weights_bytes
from tests.reference.golden import DATA

FILES = DATA / "weights"
GOOD = {
    "weight_ih_l0": np.ones((6, 3)),
    "weight_hh_l0": np.ones((6, 2)),
    "bias_ih_l0": np.ones(6),
    "bias_hh_l0": np.ones(6),
}
NAMES = ", ".join(GOOD)


def safe(entries, numbers=b"", length=None, tail=b""):
    """Put a .safetensors file together by hand."""
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return (
        (len(header) if length is None else length).to_bytes(8, "little") + header + numbers + tail
    )


def entry(dtype="F64", shape=(1, 1), begin=0, stop=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, stop]}


def npz(*arrays, **named):
    file = io.BytesIO()
    np.savez(file, *arrays, **named)
    return file.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(header, content=b"", version=b"\x01\x00"):
    text = header.encode("latin-1")
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n"


def refused(message, content, error=rc.ShapeError, **options):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        load_weights(content, **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file: expected a .safetensors or .npz file, got nothing"),
        (
            b"\x80\x04\x95abcdefgh",
            "file: expected a .safetensors or .npz file, got b'\\x80\\x04\\x95abcde'",
        ),
        (b"PK\x03\x04 and no more", "file: expected a .npz file, got a zip that cannot be read"),
        (safe({}), "file: expected tensors, got none"),
        (safe({"__metadata__": {"a": "b"}}), "file: expected tensors, got none"),
        (zipped({}), "file: expected tensors, got none"),
        (safe({}, length=3), "header: expected at most 2 bytes, got 3"),
        (
            safe({}, length=2**63),
            "header: expected at most 2 bytes, got 9,223,372,036,854,775,808",
        ),
        (
            (2**20 + 1).to_bytes(8, "little") + b"{" + b" " * 2**21,
            "header: expected at most 1,048,576 bytes, got 1,048,577",
        ),
        (safe(b"{nonsense"), "header: expected a JSON object, got something else"),
        (safe(b'{"a": "\xff"}'), "header: expected a JSON object, got something else"),
        (safe(b'{"a":' * 50_000), "header: expected a JSON object, got something else"),
        (
            safe(b'{"a":' + b"9" * 9_000 + b"}"),
            "header: expected a JSON object, got something else",
        ),
        (
            safe(b'{"a": {}, "a": {}}'),
            "a: expected once in the header, got twice",
        ),
        (
            safe(b'{"a": {"dtype": "F64", "dtype": "F32"}}'),
            "dtype: expected once in the header, got twice",
        ),
        (
            safe({f"t{k}": entry(shape=(0,), stop=0) for k in range(1025)}),
            "file: expected at most 1,024 tensors, got 1,025",
        ),
        (safe({"w": 3}), "w: expected one of F16, BF16, F32, F64, got None"),
        (safe({"w": entry("I64")}), "w: expected one of F16, BF16, F32, F64, got 'I64'"),
        (safe({"w": entry("F8_E4M3")}), "w: expected one of F16, BF16, F32, F64, got 'F8_E4M3'"),
        (safe({"w": entry(["F64"])}), "w: expected one of F16, BF16, F32, F64, got ['F64']"),
        (safe({"w": entry(shape=(1, -1))}), "w: expected a shape, got [1, -1]"),
        (safe({"w": entry(shape=(1.0,))}), "w: expected a shape, got [1.0]"),
        (safe({"w": entry(shape=(True,))}), "w: expected a shape, got [True]"),
        (safe({"w": entry(shape=(1,) * 5)}), "w: expected a shape, got [1, 1, 1, 1, 1]"),
        (safe({"w": entry(shape=(10**30,))}), f"w: expected a shape, got [{10**30}]"),
        (safe({"w": entry() | {"shape": "1"}}), "w: expected a shape, got '1'"),
        (safe({"w": entry(begin=-8, stop=0)}), "w: expected data_offsets, got [-8, 0]"),
        (safe({"w": entry(stop=8.0)}), "w: expected data_offsets, got [0, 8.0]"),
        (safe({"w": entry() | {"data_offsets": [8]}}), "w: expected data_offsets, got [8]"),
        (safe({"w": entry(stop=2**60)}), f"w: expected data_offsets, got [0, {2**60}]"),
        (safe({"w": entry(begin=8, stop=0)}), "w: expected 8 bytes for F64 (1, 1), got -8"),
        (safe({"w": entry(shape=(3, 2))}), "w: expected 48 bytes for F64 (3, 2), got 8"),
        (safe({"w": entry("BF16")}), "w: expected 2 bytes for BF16 (1, 1), got 8"),
        (
            safe({"v": entry(), "w": entry()}, b"\0" * 8),
            "w: expected to begin at byte 8, got 0",
        ),
        (
            safe({"v": entry(), "w": entry(begin=16, stop=24)}, b"\0" * 24),
            "w: expected to begin at byte 8, got 16",
        ),
        (safe({"w": entry()}, b"\0" * 7), "file: expected 8 bytes of numbers, got 7"),
        (safe({"w": entry()}, b"\0" * 9), "file: expected 8 bytes of numbers, got 9"),
        (
            safe({"w" * 70: entry("I8")}),
            f"{'w' * 60!r}... (70 characters): expected one of F16, BF16, F32, F64, got 'I8'",
        ),
        (safe({"a\nb": entry("I8")}), r"'a\nb': expected one of F16, BF16, F32, F64, got 'I8'"),
        (
            (FILES / "pickled.pt").read_bytes(),
            "pickled/data.pkl: expected only .npy arrays in a .npz file",
        ),
        (zipped({"config.json": b"{}"}), "config.json: expected only .npy arrays in a .npz file"),
        (
            zipped({"a.npy": npy(HEADER, b"\0" * 8)}, zipfile.ZIP_LZMA),
            "a.npy: expected an array stored or deflated, got it packed otherwise",
        ),
        (zipped({"a.npy": b"no array"}), "a: expected a .npy array, got b'no array'"),
        (zipped({"a.npy": b""}), "a: expected a .npy array, got nothing"),
        (zipped({"a.npy": npy("{}")}), r"a: expected a .npy array, got b'\x93NUMPY\x01\x00'"),
        (
            zipped({"a.npy": npy(HEADER, b"\0" * 8, b"\x03\x00")}),
            r"a: expected a .npy array, got b'\x93NUMPY\x03\x00'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("<f8", "|O"), b"\0" * 8)}),
            "a: expected float16, float32 or float64, got '|O'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("<f8", "<i8"), b"\0" * 8)}),
            "a: expected float16, float32 or float64, got '<i8'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("<f8", "<f16"), b"\0" * 8)}),
            "a: expected float16, float32 or float64, got '<f16'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("'<f8'", "[('x', '<f8')]"), b"\0" * 8)}),
            "a: expected float16, float32 or float64, got 'something else'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("(1,)", "(1, 1, 1, 1, 1)"), b"\0" * 8)}),
            "a: expected a shape, got '1, 1, 1, 1, 1'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("(1,)", "(9999999999,)"), b"\0" * 8)}),
            "a: expected a shape, got '9999999999,'",
        ),
        (
            zipped({"a.npy": npy(HEADER.replace("(1,)", "(2,)"), b"\0" * 8)}),
            "a: expected 16 bytes for (2,), got 8",
        ),
        (
            zipped({f"t{k}.npy": b"" for k in range(1025)}),
            "file: expected at most 1,024 tensors, got 1,025",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_file_that_holds_no_tensors_is_refused(content, message):
    refused(message, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weight_hr_l0": np.ones((1, 2))},
            "weight_hr_l0: expected no projection (proj_size=0), got (1, 2)",
        ),
        ({"fc": np.ones((2, 2))}, f"fc: expected only {NAMES}"),
        (
            {"weight_hh_l0": np.ones((5, 2))},
            "weight_hh_l0: expected (G*H, H) with G = 1 (rnn), 3 (gru) or 4 (lstm), got (5, 2)",
        ),
        (
            {"weight_hh_l0": np.ones((4, 2))},
            "weight_hh_l0: expected (G*H, H) with G = 1 (rnn), 3 (gru) or 4 (lstm), got (4, 2)",
        ),
        (
            {"weight_hh_l0": np.ones(6)},
            "weight_hh_l0: expected (G*H, H) with G = 1 (rnn), 3 (gru) or 4 (lstm), got (6,)",
        ),
        ({"weight_ih_l0": np.ones((5, 3))}, "weight_ih_l0: expected (6, D), got (5, 3)"),
        (
            {"bias_ih_l0": np.full(6, np.nan)},
            "bias_ih_l0: expected finite numbers, got nan at (0,)",
        ),
        (
            {"weight_hh_l0": np.full((6, 2), np.inf)},
            "weight_hh_l0: expected finite numbers, got inf at (0, 0)",
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_tensor_that_does_not_fit_is_refused_by_name(change, message, suffix):
    every = {n: tensors.Tensor(np.asarray(a), "float64") for n, a in (GOOD | change).items()}
    writers = {
        ".npz": npz_file.npz_bytes,
        ".safetensors": safetensors_file.safetensors_bytes,
    }
    refused(message, writers[suffix](every))


def test_projection_of_pytorch_is_refused_by_name():
    refused(
        "weight_hr_l0: expected no projection (proj_size=0), got (2, 4)",
        FILES / "lstm_projected.safetensors",
    )


def test_larger_model_is_refused_with_the_way_to_read_it():
    refused(
        "head.bias: expected only the layer of encoder.weight_hh_l0, "
        "which prefix='encoder.' reads alone",
        FILES / "model.safetensors",
    )
    refused(
        "prefix: expected the start of one of encoder.bias_hh_l0, encoder.bias_ih_l0, "
        "encoder.weight_hh_l0, encoder.weight_ih_l0, head.bias, head.weight, got 'decoder.'",
        FILES / "model.safetensors",
        rc.ConfigError,
        prefix="decoder.",
    )
    refused(
        "bias: expected the names of a PyTorch or Keras layer, as weight_hh_l0",
        FILES / "model.safetensors",
        prefix="head.",
    )


K, R = np.ones((2, 9)), np.ones((3, 9))


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        (
            npz(K, np.ones((3, 8))),
            {},
            rc.ShapeError,
            "arr_1: expected (H, G*H) with G = 1 (rnn), 3 (gru) or 4 (lstm), got (3, 8)",
        ),
        (
            npz(K, np.ones(9)),
            {},
            rc.ShapeError,
            "arr_1: expected (H, G*H) with G = 1 (rnn), 3 (gru) or 4 (lstm), got (9,)",
        ),
        (npz(np.ones((2, 3)), R), {}, rc.ShapeError, "arr_0: expected (D, 9), got (2, 3)"),
        (npz(K, R, np.ones(3)), {}, rc.ShapeError, "arr_2: expected (2, 9) or (9,), got (3,)"),
        (
            npz(np.ones((2, 12)), np.ones((3, 12)), np.ones((2, 12))),
            {},
            rc.ShapeError,
            "arr_2: expected (12,), got (2, 12)",
        ),
        (
            npz(K, R, np.ones((2, 9)), K),
            {},
            rc.ShapeError,
            "arr_3: expected only arr_0, arr_1, arr_2 of one Keras layer",
        ),
        (npz(K), {}, rc.ShapeError, "arr_1: expected beside arr_0"),
        (npz(recurrent_kernel=R), {}, rc.ShapeError, "kernel: expected beside recurrent_kernel"),
        (
            npz(kernel=K, recurrent_kernel=R, beta=R),
            {},
            rc.ShapeError,
            "beta: expected only kernel, recurrent_kernel, bias of one Keras layer",
        ),
        (
            npz(**{"a/kernel": K, "b/kernel": K, "a/recurrent_kernel": R}),
            {},
            rc.ShapeError,
            "b/kernel: expected only kernel, recurrent_kernel, bias of one Keras layer",
        ),
        (
            npz(K, R * np.nan),
            {},
            rc.ShapeError,
            "arr_1: expected finite numbers, got nan at (0, 0)",
        ),
        (
            npz(K, R, np.ones(9)),
            {"reset": "after"},
            rc.ConfigError,
            "reset: expected before, as arr_2 has it, got 'after'",
        ),
        (
            npz(K, R, np.ones((2, 9))),
            {"reset": "before"},
            rc.ConfigError,
            "reset: expected after, as arr_2 has it, got 'before'",
        ),
        (
            npz(np.ones((2, 3)), np.ones((3, 3)), np.ones(3)),
            {"reset": "before"},
            rc.ConfigError,
            "reset: expected after with cell=rnn, got 'before'",
        ),
        (
            npz(K, R),
            {"cell": "lstm"},
            rc.ShapeError,
            "weight_hh_l0: expected (4*H, H), got (9, 3)",
        ),
        (
            npz(**GOOD),
            {"cell": "GRU"},
            rc.ConfigError,
            "cell: expected one of rnn, gru, lstm, got 'GRU'",
        ),
        (
            npz(**GOOD),
            {"activation": "relu"},
            rc.ConfigError,
            "activation: expected tanh with cell=gru, got 'relu'",
        ),
        (
            npz(**GOOD),
            {"prefix": 3},
            rc.ConfigError,
            "prefix: expected the start of a name, got 3",
        ),
    ],
)
def test_layer_or_setting_that_does_not_fit_is_refused(content, options, error, message):
    refused(message, content, error, **options)


def test_source_that_cannot_be_read_is_refused(tmp_path):
    for source in (tmp_path, tmp_path / "none.npz", "a\0b", None, 3, bytearray(b"PK")):
        refused(
            f"source: expected a file to read, got {rc.errors.quoted(source)}",
            source,
            rc.ConfigError,
        )
    text = io.StringIO("PK")
    refused(f"source: expected a file of bytes, got {rc.errors.quoted(text)}", text, rc.ConfigError)


def test_target_that_cannot_be_written_is_refused(tmp_path):
    net = rc.Network.from_state_dict(GOOD, cell="gru")
    for path, message in [
        (tmp_path / "net.pt", "path: expected .safetensors or .npz at its end, got '.pt'"),
        (tmp_path / "net", "path: expected .safetensors or .npz at its end, got ''"),
        (3, "path: expected a path, got 3"),
        (
            "no-such-folder/a.npz",
            "path: expected a file to write, got 'no-such-folder/a.npz'",
        ),
    ]:
        with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
            save_weights(net, path)
    with pytest.raises(rc.ConfigError, match=r"^net: expected a Network, got None$"):
        weights_bytes(None, ".npz")


def test_encrypted_array_is_refused():
    content = zipped({"a.npy": npy(HEADER, b"\0" * 8)})
    place = content.index(b"PK\x01\x02") + 8  # the flags of the directory's entry
    locked = content[:place] + b"\x01" + content[place + 1 :]
    refused("a.npy: expected an array stored or deflated, got it packed otherwise", locked)


def test_name_twice_in_a_zip_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", npy(HEADER, b"\0" * 8))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", npy(HEADER, b"\0" * 8))
    refused("a.npy: expected once in the file, got twice", file.getvalue())


def test_nothing_is_unpickled():
    """An object array runs its pickle in NumPy's own loader; here its type is refused."""
    file = io.BytesIO()
    np.savez(file, weight_hh_l0=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refused("weight_hh_l0: expected float16, float32 or float64, got '|O'", file.getvalue())
