"""Settings as text: what is written is read back, and what spells nothing is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.config import FIELDS, read_field, write_field
from tests.rnn_core.test_config import EXPECTED, REAL, WORDS


@given(st.data())
def test_every_allowed_value_is_written_and_read_back(data):
    name = data.draw(st.sampled_from(list(FIELDS)))
    strategies = {
        "text": st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=50),
        "is_tied": st.booleans(),
        "forget_bias": st.none() | st.floats(-10, 10),
        "truncate": st.none() | st.integers(1, 10_000),
        "chrono_steps": st.none() | st.integers(2, 10_000),
        "seed": st.integers(0, 2**32 - 1),
        "is_bidirectional": st.booleans(),
        "layers": st.integers(1, 8),
    }
    if name in WORDS:
        strategy = st.sampled_from(FIELDS[name].options)
    elif name in REAL:
        strategy = strategies.get(name, st.floats(0, 10))
    else:
        strategy = strategies.get(name, st.integers(1, 64))
    value = data.draw(strategy)
    again = read_field(name, write_field(value))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "quoted"),
    [
        ("steps", "ten", "'ten'"),
        ("steps", "1e3", "'1e3'"),
        ("steps", "٣", "'٣'"),
        ("steps", "9" * 30, repr("9" * 30)),
        ("steps", "", "''"),
        ("weight_scale", "nan", "'nan'"),
        ("weight_scale", "inf", "'inf'"),
        ("weight_scale", "1_0", "'1_0'"),
        ("weight_scale", "1e999", "'1e999'"),
        ("is_tied", "1", "'1'"),
        ("seed", "-1", "'-1'"),
        ("forget_bias", "null", "'null'"),
        ("cell", "x" * 10**6, f"'{'x' * 60}'... (1000000 characters)"),
    ],
)
def test_text_that_spells_no_allowed_value_is_refused(name, text, quoted):
    message = f"{name}: expected {EXPECTED[name]}, got {quoted}"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        read_field(name, text)
