"""Settings: every default, every limit, every message word for word."""

import math
import re
from dataclasses import fields

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.config import FIELDS

DEFAULTS = {
    "cell": "rnn",
    "activation": "tanh",
    "steps": 200,
    "batch_size": 8,
    "input_size": 8,
    "hidden_size": 64,
    "init": "gaussian",
    "weight_scale": 1.0,
    "input_scale": 1.0,
    "bias_scale": 0.0,
    "forget_bias": None,
    "source": "noise",
    "text": "The writer of the books is",
    "h_init": "zero",
    "loss_at": "last",
    "truncate": None,
    "is_tied": True,
    "layers": 1,
    "is_bidirectional": False,
    "seed": 0,
    "chrono_steps": None,
}
EXPECTED = {
    "cell": "one of rnn, gru, lstm",
    "activation": "one of tanh, sigmoid, relu, identity",
    "steps": "1 to 10000",
    "batch_size": "1 to 64",
    "input_size": "1 to 64",
    "hidden_size": "1 to 512",
    "init": "one of gaussian, orthogonal, identity, pytorch, keras, glorot, he, chrono",
    "weight_scale": "0 to 100",
    "input_scale": "0 to 100",
    "bias_scale": "0 to 10",
    "forget_bias": "None or -10 to 10",
    "source": "one of noise, impulse, sine, silence, text",
    "text": "1 to 1000 characters without control characters",
    "h_init": "one of zero, random",
    "loss_at": "one of last, every",
    "truncate": "None or 1 to 10000",
    "is_tied": "True or False",
    "layers": "1 to 8",
    "is_bidirectional": "True or False",
    "seed": "0 to 4294967295",
    "chrono_steps": "None or 2 to 10000",
}
WHOLE = ["steps", "batch_size", "input_size", "hidden_size", "truncate", "layers", "seed"]
WHOLE += ["chrono_steps"]
REAL = ["weight_scale", "input_scale", "bias_scale", "forget_bias"]
WORDS = ["cell", "activation", "init", "source", "h_init", "loss_at"]
LIMITS = [
    ("steps", 0),
    ("steps", 10_001),
    ("batch_size", 0),
    ("batch_size", 65),
    ("input_size", 0),
    ("input_size", 65),
    ("hidden_size", 0),
    ("hidden_size", 513),
    ("weight_scale", -0.001),
    ("weight_scale", 100.001),
    ("input_scale", -1e-300),
    ("input_scale", 101),
    ("bias_scale", -1),
    ("bias_scale", 10.5),
    ("truncate", 0),
    ("truncate", 10_001),
    ("chrono_steps", 1),
    ("chrono_steps", 10_001),
    ("seed", -1),
    ("seed", 2**32),
    ("text", ""),
    ("text", "a\nb"),
    ("text", "\x00"),
    ("text", "\ud800"),
    ("text", "a" * 1001),
]


def refused(message, **settings):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.ExperimentConfig(**settings)


def shown(value):
    """Quote a value as a message does: the whole of it, or its first 60 characters."""
    if isinstance(value, str) and len(value) > 60:
        return f"{value[:60]!r}... ({len(value)} characters)"
    return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."


def test_fields_and_defaults_are_those_of_the_contract():
    assert {f.name: f.default for f in fields(rc.ExperimentConfig)} == DEFAULTS
    assert {name: allowed.expected for name, allowed in FIELDS.items()} == EXPECTED


@pytest.mark.parametrize(("name", "value"), LIMITS, ids=lambda v: str(v)[:12])
def test_value_out_of_range_is_refused_with_its_range(name, value):
    refused(f"{name}: expected {EXPECTED[name]}, got {shown(value)}", **{name: value})


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        "1",
        "",
        b"1",
        True,
        [1],
        (1,),
        {},
        object,
        1j,
        2.5,
        3.0,
        np.array(3),
        np.array([1]),
        np.float64("nan"),
        10**400,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", WHOLE)
def test_what_is_not_a_whole_number_is_refused(name, value):
    refused(f"{name}: expected {EXPECTED[name]}, got {shown(value)}", **{name: value})


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        "1",
        "",
        b"1",
        True,
        False,
        [1],
        {},
        object,
        1j,
        np.array(1.0),
        np.float64("inf"),
        10**400,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", REAL)
def test_what_is_not_a_finite_number_is_refused(name, value):
    settings = {name: value} | ({"cell": "lstm"} if name == "forget_bias" else {})
    refused(f"{name}: expected {EXPECTED[name]}, got {shown(value)}", **settings)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "RNN",
        " rnn",
        "x" * 10**6,
        "rnn\n",
        1,
        True,
        b"rnn",
        ["rnn"],
        "ｒｎｎ",
        "tänh",
    ],
    ids=lambda v: repr(v)[:16],
)
@pytest.mark.parametrize("name", WORDS)
def test_word_that_is_not_on_the_list_is_refused(name, value):
    refused(f"{name}: expected {EXPECTED[name]}, got {shown(value)}", **{name: value})


@pytest.mark.parametrize("value", [None, 0, 1, 1.0, "True", [], np.True_], ids=repr)
@pytest.mark.parametrize("name", ["is_tied", "is_bidirectional"])
def test_only_a_bool_is_a_flag(name, value):
    refused(f"{name}: expected True or False, got {value!r}", **{name: value})


@pytest.mark.parametrize(
    "value",
    [None, 1, b"abc", ["a"], "tab\there", "x" * 10**6, "\x7f", "\x9b"],
    ids=lambda v: repr(v)[:16],
)
def test_text_that_cannot_be_drawn_or_written_is_refused(value):
    refused(f"text: expected {EXPECTED['text']}, got {shown(value)}", text=value)


def test_message_quotes_sixty_characters_of_a_long_value():
    refused(
        f"cell: expected one of rnn, gru, lstm, got '{'x' * 60}'... (1000000 characters)",
        cell="x" * 10**6,
    )
    with pytest.raises(rc.ConfigError) as caught:
        rc.ExperimentConfig(steps=[0] * 10**6)
    assert len(str(caught.value)) < 120


def test_value_that_cannot_be_shown_is_named_by_its_type():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    refused("steps: expected 1 to 10000, got an object of type Broken", steps=Broken())


@pytest.mark.parametrize("bad", [None, {}, "rnn", rc.ExperimentConfig], ids=repr)
def test_run_refuses_what_is_not_a_config(bad):
    message = f"config: expected an ExperimentConfig, got {bad!r}"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.run(bad)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": np.int64(3), "seed": np.uint32(7), "batch_size": np.int8(2)},
        {"weight_scale": np.float32(0.5), "input_scale": 2, "truncate": np.int64(3)},
        {"cell": "lstm", "forget_bias": -10},
        {"steps": 1, "truncate": 1, "hidden_size": 1},
        {"weight_scale": 0, "input_scale": 100, "seed": 2**32 - 1},
    ],
)
def test_numpy_numbers_and_limits_are_allowed(settings):
    assert rc.run(rc.ExperimentConfig(**({"steps": 4, "hidden_size": 3} | settings))).steps >= 1
