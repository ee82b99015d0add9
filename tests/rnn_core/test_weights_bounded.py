"""What promises too much is refused before it takes memory."""

import io
import re
import struct
import tracemalloc
import zlib

import pytest

import rnn_core as rc
from rnn_core import tensors
from rnn_core.weights_file import load_weights, weights_bytes
from tests.rnn_core.test_weights_refused import GOOD, entry, npz, refused, safe


def attempt(content):
    with pytest.raises(rc.ShapeError):
        load_weights(content)


def peak_of(call):
    """Measure the memory that a call takes at most, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_deflated_bomb_is_refused_before_it_is_unpacked():
    """1 GiB of zeros in 1 MiB: its directory states what it would take."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * 2**20
    packed = b"".join(packer.compress(block) for _ in range(1024)) + packer.flush()
    name, size = b"a.npy", 2**30
    head = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, 0, len(packed), size)
    local = b"PK\x03\x04" + head + struct.pack("<HH", len(name), 0) + name
    central = b"PK\x01\x02\x14\x00" + head
    central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local + packed), 0)
    bomb = local + packed + central + end
    assert len(bomb) < 2**21
    message = "file: expected at most 134,217,728 bytes unpacked, got 1,073,741,824"
    assert peak_of(lambda: refused(message, bomb)) < 2**20
    lying = bomb.replace(struct.pack("<I", size), struct.pack("<I", 1000))
    sentence = "file: expected a .npz file, got a zip that cannot be read"
    with pytest.raises(rc.ShapeError, match=f"^({re.escape(sentence)}|a: .*)$"):
        load_weights(lying)
    assert peak_of(lambda: attempt(lying)) < 2**22


@pytest.mark.parametrize("dtype", ["F16", "F64"])
def test_headers_that_promise_much_take_no_memory(dtype):
    shape = (2**13, 2**13)
    size = 2**26 * {"F16": 2, "F64": 8}[dtype]
    content = safe({"weight_hh_l0": entry(dtype, shape, 0, size)}, b"\0" * 64)
    assert peak_of(lambda: attempt(content)) < 2**20


def test_numbers_and_bytes_are_counted_before_they_are_read(monkeypatch):
    """The bounds themselves are 2^24 and 128 MiB; here they are small."""
    content = npz(**GOOD)
    monkeypatch.setattr(tensors, "MAX_NUMBERS", 20)
    refused("file: expected at most 20 numbers, got 30", content)
    net = rc.Network.from_state_dict(GOOD, cell="gru")
    refused("file: expected at most 20 numbers, got 42", weights_bytes(net, ".safetensors"))
    monkeypatch.setattr("rnn_core.weights_file.MAX_BYTES", 100)
    refused("file: expected at most 100 bytes, got more", content)
    refused("file: expected at most 100 bytes, got more", io.BytesIO(content))
    assert (tensors.MAX_BYTES, tensors.MAX_TENSORS) == (2**27, 1024)


def test_no_more_of_a_source_is_read_than_is_allowed():
    class Endless:
        def read(self, size):
            assert 0 < size <= 2**27 + 1
            return b"PK"

    refused("file: expected a .npz file, got a zip that cannot be read", Endless())
