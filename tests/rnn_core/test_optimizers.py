"""Optimisers against PyTorch, and against their formulas by hand."""

import math

import numpy as np
import pytest

from rnn_core import ConfigError, ShapeError
from rnn_core.optimizers import SGD, Adam, Memory


def follow(optimizer, start, gradients):
    parameters, memory = {"p": np.array([start])}, Memory()
    for g in gradients:
        updated = optimizer.update(parameters, {"p": np.array([g])}, memory)
        parameters, memory = updated.parameters, updated.memory
    assert memory.updates == len(gradients)
    return float(parameters["p"][0])


def test_gradient_descent_takes_rate_times_gradient():
    assert follow(SGD(0.1), 1.0, [2.0, -4.0, 0.5]) == pytest.approx(1.0 - 0.2 + 0.4 - 0.05)


def test_momentum_keeps_what_came_before():
    """v = 1, then .5 + 2 = 2.5, then 1.25 - 1 = .25."""
    after = follow(SGD(0.1, momentum=0.5), 0.0, [1.0, 2.0, -1.0])
    assert after == pytest.approx(-0.1 * (1 + 2.5 + 0.25))


def test_adam_by_hand():
    p, m, s = 1.0, 0.0, 0.0
    gradients = [3.0, -1.0, 0.2, 100.0]
    for k, g in enumerate(gradients, start=1):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        p -= 0.02 * (m / (1 - 0.9**k)) / (math.sqrt(s / (1 - 0.999**k)) + 1e-8)
    assert follow(Adam(0.02), 1.0, gradients) == pytest.approx(p, rel=1e-14)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_adams_first_step_is_the_rate_whatever_the_gradient(size):
    """So a threshold bounds the step of gradient descent, and not that of Adam."""
    assert follow(Adam(0.02), 0.0, [size]) == pytest.approx(-0.02, rel=1e-4)
    assert follow(SGD(0.02), 0.0, [size]) == pytest.approx(-0.02 * size)


def test_what_came_in_is_left_alone():
    start, g = {"p": np.ones(2)}, {"p": np.ones(2)}
    for optimizer in (SGD(0.1, momentum=0.9), Adam(0.1)):
        optimizer.update(start, g, Memory())
    assert (start["p"] == 1).all()
    assert (g["p"] == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate: expected 0 to 1e+06, got -0.1"),
        (lambda: SGD(math.nan), "learning_rate: expected 0 to 1e+06, got nan"),
        (lambda: SGD("fast"), "learning_rate: expected 0 to 1e+06, got 'fast'"),
        (lambda: SGD(0.1, momentum=2), "momentum: expected 0 to 1, got 2"),
        (lambda: Adam(0.1, beta_2=-1.0), "beta_2: expected 0 to 1, got -1.0"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.1)])
@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        ({"p": np.ones(3)}, "p: expected (2,), got (3,)"),
        ({}, "p: expected (2,), got nothing"),
        ({"p": np.ones(2), "q": np.ones(1)}, "q: expected one of p"),
    ],
)
def test_gradients_that_do_not_fit_are_refused(optimizer, gradients, message):
    with pytest.raises(ShapeError) as error:
        optimizer.update({"p": np.ones(2)}, gradients, Memory())
    assert str(error.value) == message
