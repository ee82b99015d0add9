"""Words that many pages share: the protocol, steps, factors, and typed words."""

import pytest

import rnn_core as rc
from app.sentences import claim, protocol
from app.sentences.claim import changed


def run(**settings):
    return rc.run(rc.ExperimentConfig(**settings))


def test_the_protocol_names_what_was_run():
    rec = run(
        cell="lstm",
        init="pytorch",
        forget_bias=1.0,
        weight_scale=1.25,
        steps=12,
        truncate=5,
        seed=9,
    )
    assert protocol(rec) == (
        "64 LSTM units, PyTorch’s weights × 1.25, forget bias 1, blocks of 5 steps, "
        "12 steps of noise input in 8 features × 1. One net, seed 9, 8 sequences."
    )


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"h_init": "random", "input_size": 1}, "random state before step 1, 30 steps of noise"),
        ({"source": "silence"}, "× 1, 30 steps of silent input. One net"),
        ({"source": "text", "text": "it is"}, "5 steps of one-hot text of 4 characters × 1."),
        ({"source": "text", "text": "aaaa"}, "4 steps of one-hot text of 1 character × 1."),
        ({"cell": "lstm", "forget_bias": -5.0}, "forget bias −5, 30 steps"),
        ({"source": "impulse", "input_size": 1}, "30 steps of an impulse at step 1 in 1 feature"),
    ],
)
def test_the_protocol_names_the_input_and_where_it_starts(settings, part):
    assert part in protocol(run(steps=30, **settings))


def test_a_run_of_ten_thousand_steps_is_told_with_its_comma():
    rec = run(steps=10_000, hidden_size=2, batch_size=1)
    assert claim(rec).startswith("From step 10,000 back to step 1 the gradient")


@pytest.mark.parametrize(
    ("log10", "words"),
    [
        (1.66, "holds, arriving 46 times as large"),
        (0.9, "holds with 7.9 times its size"),
        (-0.9, "holds with 13 % of its size"),
        (-1.5, "arrives with 3.2 % of its size"),
        (-2.5, "shrinks to 10^-2.5 of its size"),
        (2.5, "grows to 10^2.5 times its size"),
        (float("-inf"), "becomes exactly 0"),
    ],
)
def test_a_factor_has_words(log10, words):
    assert changed(log10) == words


def test_a_word_from_right_to_left_leaves_the_sentence_alone():
    word = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
    said = claim(run(source="text", text=f"{word} der is", init="pytorch"))
    assert f"‘\N{FIRST STRONG ISOLATE}{word}\N{POP DIRECTIONAL ISOLATE}’" in said
    hidden = "x\N{RIGHT-TO-LEFT OVERRIDE}y"
    assert "‘xy’" in claim(run(source="text", text=f"{hidden} der is", init="pytorch"))
