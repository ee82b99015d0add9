"""Shapes of sequence tasks: a padded batch is the same as its sequences one by one."""

import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core import shapes
from tests.rnn_core.deep_networks import KIND_IDS, KINDS, random_deep
from tests.rnn_core.random_networks import relative_difference

LENGTHS = [6, 1, 4]
SHAPES = {
    "one_to_many": shapes.one_to_many,
    "many_to_one": shapes.many_to_one,
    "many_to_many": shapes.many_to_many,
}
STEPS = {  # of a sequence of n steps: those that read, those with a loss
    "one_to_many": (lambda n: list(range(n))[:1], lambda n: list(range(n))),
    "many_to_one": (lambda n: list(range(n)), lambda n: [n - 1]),
    "many_to_many": (lambda n: list(range(n)), lambda n: list(range(n))),
}


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "lengths"])
@pytest.mark.parametrize("name", SHAPES)
def test_flags_are_those_of_the_shape(name, lengths):
    shape = SHAPES[name](6, 3, lengths)
    for b, n in enumerate(lengths or [6, 6, 6]):
        reads, loss = (steps(n) for steps in STEPS[name])
        assert np.flatnonzero(shape.reads[:, b]).tolist() == reads
        assert np.flatnonzero(shape.loss[:, b]).tolist() == loss


def test_one_to_one_is_a_single_step():
    shape = shapes.one_to_one(3)
    assert shape.reads.tolist() == shape.loss.tolist() == [[True, True, True]]


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
@pytest.mark.parametrize("loss", [rc.BinaryCrossEntropy, rc.CrossEntropy, rc.SquaredError])
@pytest.mark.parametrize("name", SHAPES)
def test_padded_batch_is_its_sequences_one_by_one(rng, name, loss, kind):
    """Value, gradients and states: what is behind a sequence's end changes nothing."""
    case = random_deep(rng, kind, layers=2, T=6)
    out = rc.OutputLayer(rng.normal(size=(2, 4)), rng.normal(size=2))
    whole = (6, 3) if loss is rc.CrossEntropy else (6, 3, 2)
    targets = rng.integers(0, 2, size=whole)
    shape = SHAPES[name](6, 3, LENGTHS)
    x = shape.masked(case.x)
    batch = rc.record(case.network, x, loss(out, targets, shape.loss), h_init=case.h_init)
    total, summed = 0.0, {}
    for b, n in enumerate(LENGTHS):
        reads, at = (steps(n) for steps in STEPS[name])
        alone = np.zeros((n, 1, 2))
        alone[reads] = case.x[reads, b : b + 1]
        init = case.h_init
        init = (
            tuple(s[:, b : b + 1] for s in init) if isinstance(init, tuple) else init[:, b : b + 1]
        )
        one = rc.record(case.network, alone, loss(out, targets[:n, b : b + 1], at), h_init=init)
        total += one.loss
        for key, gradient in one.gradients.items():
            summed[key] = summed.get(key, 0.0) + gradient
        for mine, theirs in zip(batch.layers, one.layers, strict=True):
            assert relative_difference(mine.h[:n, b], theirs.h[:, 0]) < 1e-13
            assert relative_difference(mine.d_h[:n, b], theirs.d_h[:, 0]) < 1e-12
            assert not mine.d_h[n:, b].any()
            assert np.isneginf(mine.log10_norms("d_h")[n:, b]).all()
    assert batch.loss == pytest.approx(total, rel=1e-13)
    assert set(summed) == set(batch.gradients)
    for key, gradient in summed.items():
        assert relative_difference(batch.gradients[key], gradient) < 1e-12, key


def test_masked_input_is_a_copy(rng):
    x = rng.normal(size=(3, 2, 1))
    masked = shapes.one_to_many(3, 2).masked(x)
    assert np.array_equal(masked[0], x[0])
    assert not masked[1:].any()
    masked[...] = 7.0
    assert x[1:].any()
    assert not (x == 7.0).any()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "steps: expected a whole number of at least 1, got 0"),
        ((2.0, 1), "steps: expected a whole number of at least 1, got 2.0"),
        ((2, True), "batch_size: expected a whole number of at least 1, got True"),
        ((2, 2, [1]), "lengths: expected 2 whole numbers from 1 to 2, got [1]"),
        ((2, 2, [1, 3]), "lengths: expected 2 whole numbers from 1 to 2, got [1, 3]"),
        ((2, 2, [1, 0]), "lengths: expected 2 whole numbers from 1 to 2, got [1, 0]"),
        ((2, 1, [1.0]), "lengths: expected 1 whole numbers from 1 to 2, got [1.0]"),
        ((2, 1, 1), "lengths: expected 1 whole numbers from 1 to 2, got 1"),
    ],
)
def test_shape_that_does_not_exist_is_refused(name, arguments, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        SHAPES[name](*arguments)


def test_input_of_another_shape_is_refused(rng):
    message = "x: expected (T=3, B=2, D), got (3, 1, 2)"
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}$"):
        shapes.many_to_many(3, 2).masked(rng.normal(size=(3, 1, 2)))
