"""The sentence about the writer: asked after 24 characters, 'i' against 'a'."""

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.experiment import draw, loss_of, steps_to_loss
from rnn_core.losses import NextCharacter
from rnn_core.question import Question, question_of

SENTENCE = "The writer of the books is"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (SENTENCE, Question(24, "i", "a")),
        ("The writers of the book are", Question(24, "a", "i")),
        (SENTENCE + "  ", Question(24, "i", "a")),
        ("is", Question(1, "s", None)),
        ("hello", Question(4, "o", None)),
        ("hello world", Question(6, "w", None)),
        ("a", Question(1, "a", None)),
        (" a", Question(1, "a", None)),
        ("it isn't", Question(3, "i", None)),
        ("le livre que les élèves lisent", Question(24, "l", None)),
    ],
)
def test_question_is_the_first_letter_of_the_last_word(text, question):
    assert question_of(text) == question


@pytest.mark.parametrize("text", ["  ", " ", "a  ", "   b"])
def test_text_of_blanks_has_a_question_within_itself(text):
    question = question_of(text)
    assert 1 <= question.position <= len(text)
    assert len(question.target) == 1


def test_writer_is_fourteen_steps_before_the_question_and_books_one():
    position = question_of(SENTENCE).position
    assert position - (SENTENCE.index("writer") + len("writer")) == 14
    assert position - (SENTENCE.index("books") + len("books")) == 1


def test_default_sentence_runs_as_one_sequence_of_its_length():
    rec = rc.run(rc.ExperimentConfig(source="text", seed=4))
    assert rec.steps == len(SENTENCE)
    assert rec.x.shape == (26, 1, len(set(SENTENCE)))
    assert rec.last_loss_step == 23  # counted from 0: after 24 characters
    assert rec.loss_steps == 1
    assert np.isneginf(rec.layers[0].log10_norms("d_h")[24:]).all()
    assert np.isfinite(rec.layers[0].log10_norms("d_h")[:24]).all()


def test_loss_of_the_sentence_is_the_difference_of_two_logits():
    """Linear in h: the same direction whatever the states; two runs share it by seed."""
    one, other = (
        rc.run(rc.ExperimentConfig(source="text", seed=4, weight_scale=s)) for s in (0.5, 2.0)
    )
    direction = one.layers[0].d_h[23, 0]
    assert np.array_equal(direction, other.layers[0].d_h[23, 0])
    for rec in (one, other):
        assert rec.loss == pytest.approx(float(rec.layers[0].h[23, 0] @ direction), rel=1e-12)


def test_loss_of_another_text_is_the_surprise_at_its_next_character():
    """-log softmax: its gradient, seen from h, is measured by differences."""
    rec = rc.run(rc.ExperimentConfig(source="text", text="hello", hidden_size=5, seed=1))
    assert rec.last_loss_step == 3
    h, d_h = rec.layers[0].h, rec.layers[0].d_h
    along = np.zeros_like(h)
    along[3] = np.random.default_rng(0).normal(size=(1, 5))
    values = [rec.loss_function(h + s * along).value for s in (-1e-5, 1e-5)]
    slope = (values[1] - values[0]) / 2e-5
    assert np.sum(d_h[3] * along[3]) == pytest.approx(slope, rel=1e-7)
    assert rec.loss > 0


def test_losses_of_all_next_characters_sum_over_positions():
    rec = rc.run(rc.ExperimentConfig(source="text", text="abcab", loss_at="every", hidden_size=4))
    assert rec.loss_steps == 4
    assert rec.last_loss_step == 3
    uniform = 4 * np.log(3)
    assert rec.loss == pytest.approx(uniform, rel=0.6)
    silent = rec.loss_function(np.zeros((5, 1, 4)))
    assert silent.value == pytest.approx(uniform, rel=1e-14)


@pytest.mark.parametrize(
    "text", ["a", "aa", " ", "  ", "a b", "\u00a0", "😀", "日本 語", "e\u0301"]
)
@pytest.mark.parametrize("loss_at", ["last", "every"])
def test_short_and_foreign_texts_run(text, loss_at):
    rec = rc.run(rc.ExperimentConfig(source="text", text=text, loss_at=loss_at))
    assert rec.steps == len(text)
    assert np.isfinite(rec.loss)


@pytest.mark.parametrize("loss_at", ["last", "every"])
@pytest.mark.parametrize("steps", [1, 2, 5, 26, 200])
@pytest.mark.parametrize("text", ["a", "ab", "aab ", "The writer of the books is"])
def test_the_steps_to_the_last_loss_are_known_before_the_run(text, steps, loss_at):
    config = rc.ExperimentConfig(
        source="text", text=text, steps=steps, loss_at=loss_at, hidden_size=3
    )
    drawn = draw(config)
    read = drawn.x.shape[0]
    d_h = loss_of(config, read)(np.ones((read, 1, 3))).d_h
    with_loss = np.flatnonzero(d_h.any(axis=(1, 2)))
    # one kind of character has a loss without a gradient, at the step that is asked all the same
    if with_loss.size:
        assert steps_to_loss(config) == with_loss[-1] + 1
    noise = rc.ExperimentConfig(steps=steps, loss_at=loss_at)
    assert steps_to_loss(noise) == steps


def test_a_net_that_is_sure_still_has_a_loss_and_a_gradient():
    """Logits 50 and 0: L = log(1 + e^-50) = e^-50, dL/dh = e^-50 (Y_other - Y_target)."""
    loss = NextCharacter(np.array([[1.0, 2.0], [-3.0, 0.5]]), {0: 0})
    h = np.linalg.solve(loss.readout, [50.0, 0.0])[None, None]
    small = np.exp(-50.0)
    result = loss(h)
    assert result.value == pytest.approx(small, rel=1e-12, abs=0.0)
    expected = small * np.array([-4.0, -1.5])
    assert result.d_h[0, 0] == pytest.approx(expected, rel=1e-12, abs=0.0)
