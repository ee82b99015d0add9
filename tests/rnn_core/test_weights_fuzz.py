"""Whatever bytes come in as weights: a network of finite numbers, or one of the two errors.

Warnings are errors in this suite, so one of NumPy's or zipfile's is a failure here.
"""

import io
import json
import zipfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.weights_file import load_weights, weights_bytes

QUIET = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
NAMES = [
    *(f"{kind}_l0" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")),
    "weight_hh_l1",
    "weight_hh_l0_reverse",
    "weight_hh_l99",
    "rnn.weight_hh_l0",
    "kernel",
    "recurrent_kernel",
    "bias",
    "arr_0",
    "arr_1",
    "arr_2",
    "weight",
    "",
    "__metadata__",
]
SHAPES = [(), (1,), (3,), (4,), (1, 1), (3, 1), (4, 1), (1, 3), (1, 4), (2, 3), (0, 1), (2, 1, 1)]
SIZES = st.sampled_from([0, 1, 2, 3, 4, 8, 16, -1, 2**31, 2**64, 10**30])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
GOOD = rc.Network.from_state_dict(
    {
        "weight_ih_l0": np.arange(12.0).reshape(6, 2).astype(np.float32),
        "weight_hh_l0": np.arange(12.0).reshape(6, 2),
        "bias_ih_l0": np.ones(6, np.float16),
        "bias_hh_l0": np.ones(6),
    },
    cell="gru",
)
FILES = [weights_bytes(GOOD, suffix) for suffix in (".safetensors", ".npz")]


def read_or_refused(content, **options):
    """Read it, or refuse it in one sentence that fits on a page."""
    try:
        net = load_weights(content, **options)
    except (rc.ConfigError, rc.ShapeError) as error:
        sentence = str(error)
        assert sentence.isprintable()
        assert 10 < len(sentence) < 1000
        return
    for array in net.state_dict().values():
        assert np.isfinite(array).all()
    for suffix in (".safetensors", ".npz"):
        again = load_weights(
            weights_bytes(net, suffix), cell=net.cell, activation=net.activation, reset=net.reset
        )
        for name, array in net.state_dict().items():
            assert again.state_dict()[name].tobytes() == array.tobytes()


def with_header(header, numbers):
    return len(header).to_bytes(8, "little") + header + numbers


@QUIET
@given(st.sampled_from([b"", b"PK", b"PK\x03\x04", b"PK\x05\x06"]), st.binary(max_size=200))
def test_any_bytes(start, rest):
    read_or_refused(start + rest)


@QUIET
@given(JSON, st.binary(max_size=50))
def test_any_json_header(value, numbers):
    read_or_refused(with_header(json.dumps(value).encode(), numbers))


@st.composite
def tables(draw):
    """Names and shapes: of a layer of PyTorch or Keras, with or without a fault, or any."""
    if draw(st.integers(0, 3)) == 0:
        names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
        return {name: draw(st.sampled_from(SHAPES) | st.lists(SIZES, max_size=3)) for name in names}
    gates, size, width = (draw(st.sampled_from(n)) for n in ([1, 3, 4], [1, 2, 3], [1, 2, 5]))
    rows, found = gates * size, {}
    if draw(st.booleans()):
        kinds = draw(
            st.sampled_from([("arr_0", "arr_1", "arr_2"), ("kernel", "recurrent_kernel", "bias")])
        )
        shapes = [(width, rows), (size, rows), draw(st.sampled_from([(rows,), (2, rows)]))]
        found = dict(zip(kinds, shapes, strict=True))
    else:
        head = draw(st.sampled_from(["", "rnn.", "a.b."]))
        for suffix in draw(st.sampled_from([["_l0"], ["_l0", "_l1"], ["_l0", "_l0_reverse"]])):
            wide = size if suffix == "_l1" else width
            found[f"{head}weight_ih{suffix}"] = (rows, wide)
            found[f"{head}weight_hh{suffix}"] = (rows, size)
            found[f"{head}bias_ih{suffix}"] = found[f"{head}bias_hh{suffix}"] = (rows,)
    if draw(st.integers(0, 2)) == 0:
        found.pop(draw(st.sampled_from(list(found))))
    if draw(st.integers(0, 2)) == 0:
        found[draw(st.sampled_from([*found, *NAMES]))] = draw(st.sampled_from(SHAPES))
    return found


@st.composite
def safetensors(draw):
    """A header of entries that are often right, and numbers that often suffice."""
    header, begin = {}, 0
    is_right = draw(st.booleans())
    for name, shape in draw(tables()).items():
        dtypes = ["F64", "F32", "F16", "BF16"] + ([] if is_right else ["I32", "f64"])
        dtype = draw(st.sampled_from(dtypes))
        width = {"F64": 8, "F32": 4}.get(dtype, 2)
        size = width
        for n in shape:
            size *= n
        stop = begin + min(max(size, 0), 10**4)
        offsets = [begin, stop]
        if not is_right and draw(st.booleans()):
            offsets = draw(st.lists(SIZES, min_size=2, max_size=2))
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        if not is_right and draw(st.integers(0, 9)) == 0:
            header[name][draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(JSON)
        begin = stop
    more = 0 if is_right else draw(st.sampled_from([0, 0, 0, -1, 1, 8]))
    byte = draw(st.sampled_from([b"\0", b"?", b"\x7f", b"\xff"]))
    return with_header(json.dumps(header).encode(), byte * max(begin + more, 0))


@QUIET
@given(safetensors())
def test_any_table_of_tensors(content):
    read_or_refused(content)


@st.composite
def npz(draw):
    """Arrays of any names and shapes, their headers sometimes wrong."""
    file = io.BytesIO()
    is_right = draw(st.booleans())
    packings = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
    types = ["<f8", "<f4", "<f2", ">f8"] + ([] if is_right else ["<f16", "<i4", "<c8", "|b1"])
    with zipfile.ZipFile(
        file, "w", draw(st.sampled_from(packings[: 2 if is_right else 3]))
    ) as archive:
        for name, shape in draw(tables()).items():
            order, dtype = draw(st.sampled_from("CF")), draw(st.sampled_from(types))
            value = draw(st.sampled_from([0.0, 1e-5, 3.0] + ([] if is_right else [np.nan, np.inf])))
            size = [min(max(n, 0), 9) for n in shape]
            member = io.BytesIO()
            if is_right or draw(st.integers(0, 9)):
                with np.errstate(invalid="ignore"):  # nan as an integer is any number
                    np.save(member, np.full(size, value, dtype, order))
            else:
                member.write(draw(st.binary(max_size=40)))
            text = member.getvalue()
            if not is_right and draw(st.integers(0, 4)) == 0:
                old = draw(st.sampled_from([b"(", b"'", b"False", b"<", b"8", b"1", b" "]))
                text = text.replace(old, draw(st.binary(max_size=3)))
            archive.writestr(
                name + ("" if not is_right and draw(st.integers(0, 9)) == 0 and name else ".npy"),
                text,
            )
    return file.getvalue()


@QUIET
@given(npz())
def test_any_archive_of_arrays(content):
    read_or_refused(content)


@QUIET
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    st.integers(0, 2000),
    st.binary(max_size=9),
)
def test_a_good_file_with_some_bytes_changed(content, changes, cut, inserted):
    """Flipped, cut short, and with bytes put in: of header, directory and numbers alike."""
    broken = bytearray(content)
    for place, value in changes:
        broken[place % len(broken)] = value
    place = cut % len(broken)
    read_or_refused(bytes(broken))
    read_or_refused(bytes(broken[:place]))
    read_or_refused(bytes(broken[:place] + inserted + broken[place:]))


ANY = st.none() | st.integers() | st.text(max_size=9) | st.binary(max_size=9) | st.floats()


@QUIET
@given(
    st.sampled_from(FILES) | ANY,
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("cell", "activation", "reset", "prefix"), ANY)
    ),
)
def test_any_settings(content, options):
    if isinstance(content, str):
        content = "no-such-folder/" + content
    read_or_refused(content, **options)
