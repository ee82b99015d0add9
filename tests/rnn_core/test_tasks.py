"""Tasks: what is asked of a network, what guessing scores, and the slope of the loss."""

import numpy as np
import pytest

from rnn_core import ConfigError
from rnn_core.output import OutputLayer
from rnn_core.tasks import MeanSquaredError, adding


@pytest.mark.parametrize("steps", [2, 3, 7, 50])
def test_the_target_is_the_sum_of_the_two_marked_numbers(steps):
    task = adding(steps=steps, batch_size=6, seed=3)
    assert task.x.shape == (steps, 6, 2)
    for b in range(6):
        marked = [t for t in range(steps) if task.x[t, b, 1] == 1.0]
        assert len(marked) == 2
        assert marked[0] < steps // 2 <= marked[1]
        assert set(task.x[:, b, 1]) <= {0.0, 1.0}
        assert task.targets[b, 0] == task.x[marked[0], b, 0] + task.x[marked[1], b, 0]


def test_numbers_are_uniform_and_marks_fall_everywhere():
    task = adding(steps=20, batch_size=2000, seed=1)
    values = task.x[:, :, 0]
    assert values.min() >= 0.0
    assert values.max() < 1.0
    assert values.mean() == pytest.approx(0.5, abs=0.005)
    assert values.var() == pytest.approx(1 / 12, abs=0.002)
    by_step = task.x[:, :, 1].sum(axis=1)
    assert by_step.min() > 140  # 200 expected, sd 13
    assert by_step.max() < 260


def test_saying_1_scores_the_baseline():
    task = adding(steps=10, batch_size=4000, seed=0)
    assert np.mean((task.targets - 1.0) ** 2) == pytest.approx(task.baseline, rel=0.05)


def test_a_seed_decides_everything_and_sequences_are_nested():
    task = adding(steps=9, batch_size=4, seed=5)
    more = adding(steps=9, batch_size=7, seed=5)
    assert np.array_equal(more.x[:, :4], task.x)
    longer = adding(steps=14, batch_size=4, seed=5)
    assert np.array_equal(longer.x[:9, :, 0], task.x[:, :, 0])
    assert not np.array_equal(adding(steps=9, batch_size=4, seed=6).x, task.x)
    assert not task.x.flags.writeable
    assert not task.targets.flags.writeable


def test_the_loss_is_the_mean_squared_error_and_its_slope(rng):
    output = OutputLayer(rng.normal(size=(2, 4)), rng.normal(size=2))
    targets, h = rng.normal(size=(5, 2)), rng.normal(size=(3, 5, 4))
    loss = MeanSquaredError(output, targets)
    found = loss(h)
    total = 0.0
    for b in range(5):
        for k in range(2):
            y = sum(output.weight_hy[k, i] * h[2, b, i] for i in range(4)) + output.bias_y[k]
            total += (y - targets[b, k]) ** 2 / 5
    assert found.value == pytest.approx(total, rel=1e-14)
    along, tiny = rng.normal(size=h.shape), 1e-6
    slope = (loss(h + tiny * along).value - loss(h - tiny * along).value) / (2 * tiny)
    assert np.sum(found.d_h * along) == pytest.approx(slope, rel=1e-8)
    for name in ("weight_hy", "bias_y"):
        along = rng.normal(size=getattr(output, name).shape)

        def moved(by, name=name, along=along):
            parts = {"weight_hy": output.weight_hy, "bias_y": output.bias_y}
            parts[name] = parts[name] + by * along
            return MeanSquaredError(OutputLayer(**parts), targets)(h).value

        slope = (moved(tiny) - moved(-tiny)) / (2 * tiny)
        assert np.sum(found.gradients[name] * along) == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 1}, "steps: expected 2 to 10000, got 1"),
        ({"steps": 2.0}, "steps: expected 2 to 10000, got 2.0"),
        ({"batch_size": 0}, "batch_size: expected 1 to 10000, got 0"),
        ({"seed": -1}, "seed: expected 0 to 4294967295, got -1"),
        ({"seed": True}, "seed: expected 0 to 4294967295, got True"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes, message):
    with pytest.raises(ConfigError) as error:
        adding(**changes)
    assert str(error.value) == message


@pytest.mark.parametrize("guess", [1.0, 0.25])
def test_what_one_guess_scores_on_these_very_sequences(guess):
    task = adding(steps=12, batch_size=5, seed=8)
    total = 0.0
    for b in range(5):
        marked = [task.x[t, b, 0] for t in range(12) if task.x[t, b, 1] == 1.0]
        total += (sum(marked) - guess) ** 2
    assert task.score_of(guess) == pytest.approx(total / 5, rel=1e-12)
    assert abs(task.score_of(1.0) - task.baseline) > 0.01
