"""Settings and the query of an address: what is written is read back, what is wrong is said."""

from dataclasses import fields
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import address
from rnn_core import ConfigError, ExperimentConfig

NO_RUN = "a: expected the settings of a run, such as cell=lstm&steps=100"
CELLS = st.sampled_from(["rnn", "gru", "lstm"])
TEXTS = st.text(
    st.characters(
        exclude_categories=["Cc", "Cs"], exclude_characters=[address.BROKEN], max_codepoint=0x1FFFF
    ),
    min_size=1,
    max_size=40,
)


def pinned(**changes):
    """Return the run of some settings, as it is kept."""
    return address.pinned_of(dict(address.DEFAULTS) | changes)


@st.composite
def settings(draw):
    """Settings as controls leave them: each one allowed, some without meaning beside the others."""
    own = {
        "cell": draw(CELLS),
        "activation": draw(st.sampled_from(["tanh", "sigmoid", "relu", "identity"])),
        "steps": draw(st.integers(1, 1000)),
        "hidden_size": draw(st.integers(1, 100)),
        "weight_scale": draw(st.floats(0, 100)),
        "forget_bias": draw(st.none() | st.floats(-10, 10)),
        "source": draw(st.sampled_from(["noise", "sine", "text"])),
        "text": draw(TEXTS),
        "truncate": draw(st.none() | st.integers(1, 1000)),
        "is_tied": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "init": draw(st.sampled_from(["gaussian", "keras", "chrono"])),
        "chrono_steps": draw(st.none() | st.integers(2, 10_000)),
        "sequence": draw(st.integers(1, 64)),
        "a": draw(st.none() | st.builds(pinned, cell=CELLS, source=st.just("text"), text=TEXTS)),
    }
    return dict(address.DEFAULTS) | own


def travelled(query):
    """Send a query through an address bar."""
    return parse_qs(urlencode(query), keep_blank_values=True)


@given(settings(), st.booleans())
def test_what_is_written_is_read_back(asked, is_full):
    query = address.write(asked, is_full=is_full)
    found, complaints = address.read(travelled(query), address.DEFAULTS)
    assert complaints == ()
    assert address.config_of(found) == address.config_of(asked)
    assert (found["sequence"], found["a"]) == (asked["sequence"], asked["a"])
    assert address.write(found, is_full=is_full) == query


def test_a_default_page_has_an_empty_query():
    assert address.write(address.DEFAULTS) == {}


def test_a_full_query_names_every_field():
    query = address.write(address.DEFAULTS, is_full=True)
    of_page = [name for name in address.PAGE_FIELDS if name != "a"]
    assert [*(field.name for field in fields(ExperimentConfig)), *of_page] == list(query)
    assert {"sequence", "t", "unit", "notation", "big", "hide", "lock", "ask"} < set(query)


@pytest.mark.parametrize(
    ("changed", "config"),
    [
        ({"cell": "lstm", "activation": "relu"}, ExperimentConfig(cell="lstm")),
        ({"cell": "gru", "is_tied": False}, ExperimentConfig(cell="gru")),
        ({"cell": "gru", "forget_bias": 1.0}, ExperimentConfig(cell="gru")),
        ({"cell": "gru", "init": "chrono"}, ExperimentConfig(cell="gru")),
        ({"cell": "lstm", "init": "chrono"}, ExperimentConfig(cell="lstm", init="chrono")),
        ({"cell": "gru", "init": "chrono", "chrono_steps": 9}, ExperimentConfig(cell="gru")),
        ({"cell": "lstm", "chrono_steps": 9}, ExperimentConfig(cell="lstm")),
        (
            {"cell": "lstm", "init": "chrono", "chrono_steps": 9},
            ExperimentConfig(cell="lstm", init="chrono", chrono_steps=9),
        ),
        ({"steps": 10, "truncate": 11}, ExperimentConfig(steps=10)),
        ({"steps": 10, "truncate": 10}, ExperimentConfig(steps=10, truncate=10)),
        ({"text": "other"}, ExperimentConfig()),
        ({"text": "other", "source": "text"}, ExperimentConfig(text="other", source="text")),
    ],
)
def test_what_does_not_apply_is_left_out_of_the_run(changed, config):
    assert address.config_of(dict(address.DEFAULTS) | changed) == config


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ({"steps": ["1", "2"]}, ["steps: expected one value, got 2"]),
        ({"steps": ["1_0"]}, ["steps: expected 1 to 10000, got '1_0'"]),
        ({"sequence": ["65"]}, ["sequence: expected 1 to 64, got '65'"]),
        (
            {"a": ["cell=lstm&activation=relu"]},
            [f"{NO_RUN}, got 'cell=lstm&activation=relu'"],
        ),
        (
            {"a": ["a=steps%3D10"]},
            ["a: expected the settings of a run, such as cell=lstm&steps=100, got 'a=steps%3D10'"],
        ),
        (
            {"x": ["1"]},
            [f"'x': expected one of {', '.join(address.DEFAULTS)}"],
        ),
    ],
)
def test_a_field_that_cannot_be_read_has_its_default_and_a_sentence(query, sentences):
    found, complaints = address.read(query | {"cell": ["gru"]}, address.DEFAULTS)
    assert list(complaints) == sentences
    assert found == dict(address.DEFAULTS) | {"cell": "gru"}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"cell": ["lstm"], "activation": ["relu"]}, "activation: expected tanh with cell=lstm"),
        ({"steps": ["5"], "truncate": ["6"]}, "truncate: expected None or 1 to steps=5, got 6"),
        (
            {"steps": ["1000"], "hidden_size": ["512"]},
            "steps x batch_size x hidden_size: expected at most 1,024,000, got 1000 x 8 x 512 = ",
        ),
    ],
)
def test_fields_that_do_not_go_together_give_the_last_good_settings(query, sentence):
    last = dict(address.DEFAULTS) | {"weight_scale": 2.0}
    found, complaints = address.read(query, last)
    assert found == last
    assert len(complaints) == 1
    assert complaints[0].startswith(sentence)


def test_a_thousand_unknown_names_get_one_sentence():
    _, complaints = address.read({f"x{k}": ["1"] for k in range(1000)}, address.DEFAULTS)
    (said,) = complaints
    assert said.startswith("'x0', 'x1', 'x2', 'x3' and 996 more names: expected one of cell, ")


def test_many_faults_get_a_few_sentences():
    wrong = {key: ["?"] for key in ("steps", "seed", "cell", "init", "source", "big")}
    _, complaints = address.read(wrong, address.DEFAULTS)
    assert len(complaints) == 5
    assert complaints[-1] == "address: 2 more settings are wrong"


def test_bytes_that_are_no_text_get_a_sentence():
    query = parse_qs("source=text&text=caf%E9", keep_blank_values=True)
    found, complaints = address.read(query, address.DEFAULTS)
    assert complaints == ("text: expected text in UTF-8, got 'caf\N{REPLACEMENT CHARACTER}'",)
    assert found["text"] == address.DEFAULTS["text"]


def test_a_long_fault_gets_a_short_sentence():
    _, complaints = address.read({"steps": ["9" * 10**6], "y" * 10**6: ["1"]}, address.DEFAULTS)
    assert complaints[0].endswith("(1000000 characters)")
    assert all(len(sentence) < 600 for sentence in complaints)


def test_a_pinned_run_is_refused_where_a_page_cannot_show_it():
    large = pinned(steps=1000, hidden_size=512)
    with pytest.raises(ConfigError, match=f"^{NO_RUN}"):
        address.read_one("a", address.write_one(large))


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "threshold=nonsense",
        "threshold=0",
        "clip=both",
        "start_w=99&steps=20",
        "sequence=3",  # a setting of a page that decides nothing of a run
        "train=1",
        "a=steps%3D10",
        "a=" * 2000,
        "&".join(f"x{k}=1" for k in range(500)),
        "cell=lstm&forget_bias=200",
    ],
)
def test_a_pin_that_makes_no_sense_gets_one_sentence_and_is_left_out(text):
    found, complaints = address.read({"a": [text], "steps": ["9"]}, address.DEFAULTS)
    (said,) = complaints
    assert said.startswith(f"{NO_RUN}, got '{text[:20]}")
    assert found == dict(address.DEFAULTS) | {"steps": 9}


def test_a_default_run_can_be_pinned():
    assert address.write(dict(address.DEFAULTS) | {"a": pinned()}) == {"a": ""}
    found, complaints = address.read(travelled({"a": ""}), address.DEFAULTS)
    assert (found["a"], complaints) == (pinned(), ())


def test_a_pinned_run_travels_inside_the_address():
    run = pinned(source="text", text="a&b=c +%\N{GRINNING FACE}")
    query = address.write(dict(address.DEFAULTS) | {"a": run, "steps": 9})
    assert query == {"steps": "9", "a": "source=text&text=a%26b%3Dc+%2B%25%F0%9F%98%80"}
    assert address.read(travelled(query), address.DEFAULTS).settings["a"] == run


OF_CLIPPING = {
    "threshold": 2.5,
    "clip": "value",
    "learning_rate": 0.3,
    "unit_steps": 40,
    "start_w": 4.75,
    "start_b": -2.25,
}


def test_a_pinned_run_keeps_what_a_page_measures_beside_it_and_nothing_else():
    shown = {"sequence": 3, "update": 43, "training_rate": 0.2, "reach": "4", "big": 1, "t": 7}
    run = pinned(steps=40, **OF_CLIPPING, **shown)
    assert address.write_one(run) == (
        "steps=40&threshold=2.5&clip=value&learning_rate=0.3&unit_steps=40&start_w=4.75"
        "&start_b=-2.25"
    )
    assert address.read_one("a", address.write_one(run)) == run
    assert run.settings == {
        **{one.name: getattr(ExperimentConfig(steps=40), one.name) for one in fields(run.config)},
        **OF_CLIPPING,
    }


def test_a_pin_without_the_settings_of_a_page_has_their_defaults():
    """Links from before a page could be pinned, and from pages that have no such settings."""
    found = address.read_one("a", "steps=40")
    assert found.config == ExperimentConfig(steps=40)
    assert {name: found.settings[name] for name in OF_CLIPPING} == {
        "threshold": 1.0,
        "clip": "norm",
        "learning_rate": 0.1,
        "unit_steps": 51,
        "start_w": 5.0,
        "start_b": -2.5,
    }


def test_a_full_address_with_a_pinned_run_is_short_enough():
    long = {"seed": 2**32 - 1, "learning_rate": 0.123456789012345678, "weight_scale": 1 / 3}
    asked = dict(address.DEFAULTS) | OF_CLIPPING | long
    query = address.write(asked | {"a": address.pinned_of(asked)}, is_full=True)
    assert "unit_steps=40" in query["a"]
    assert "hidden_size=64" in query["a"]
    assert len(urlencode(query)) < 1500
