"""Descent beside the cliff: thrown onto the plateau without clipping, arrived with it."""

import cmath

import numpy as np
import pytest

from rnn_core import ConfigError
from rnn_core.theory.cliff import cliff
from rnn_core.theory.descent import descend

ON_THE_WALL = 0.5 - 6 / (1 + 2.718281828459045**-0.5)


@pytest.mark.parametrize("nudge", [0.0, 1e-15, -1e-14, 3e-14])
def test_unclipped_path_is_thrown_at_step_43_whatever_the_last_digits(nudge):
    """From (5, -2.5) at rate .1: onto the plateau E = .09, where the gradient is ~0."""
    path = descend(threshold=None, updates=100, start=(5.0 + nudge, -2.5 - nudge))
    assert path.longest_move == 43
    assert path.gradient_norm[43] > 100
    assert path.gradient_norm[:43].max() < 2
    assert path.loss[44:] == pytest.approx(0.09, abs=1e-5)
    assert path.gradient_norm[44:].max() < 1e-9
    assert not path.is_clipped.any()


def test_clipped_path_follows_the_wall_to_where_it_fades():
    """Below 7e-5 near (4.34, -2.19); the wall ends at 4.2553."""
    path = descend(updates=1000)
    assert path.loss[-1] < 7e-5
    assert [path.w[-1], path.b[-1]] == pytest.approx([4.34, -2.19], abs=0.01)
    assert path.is_clipped.any()
    assert np.hypot(np.diff(path.w), np.diff(path.b)).max() <= 0.1 * (1 + 1e-12)


def test_fifty_maps_end_alike_but_at_no_certain_step():
    for start in ((5.0, -2.5), (5.0 + 1e-14, -2.5)):
        path = descend(threshold=None, updates=200, start=start, steps=50)
        assert path.longest_move > 43
        assert path.gradient_norm.max() > 10


@pytest.mark.parametrize("threshold", [None, 1.0, 0.1])
def test_every_move_is_the_gradient_shortened_to_the_threshold(threshold):
    path = descend(threshold=threshold, updates=60, learning_rate=0.05, steps=50)
    for k in range(60):
        at = cliff(path.w[k], path.b[k])
        gradient = np.array([at.d_w, at.d_b])
        norm = np.linalg.norm(gradient)
        if threshold is not None and norm >= threshold:
            gradient *= threshold / norm
        moved = [path.w[k + 1] - path.w[k], path.b[k + 1] - path.b[k]]
        assert moved == pytest.approx(-0.05 * gradient, abs=1e-14)
        assert path.loss[k] == at.loss
        assert path.gradient_norm[k] == pytest.approx(norm, rel=1e-14)
        assert path.is_clipped[k] == (threshold is not None and norm >= threshold)


def test_arrays_are_closed_for_writing_but_for_none():
    path = descend(updates=2)
    for name in ("w", "b", "loss", "gradient_norm"):
        assert not getattr(path, name).flags.writeable
        assert len(getattr(path, name)) == 3


def slow_path(start, rate, threshold, mode, updates, steps):
    """The same, from complex steps of E as it is written down, in plain numbers."""

    def error(w, b):
        x = 0.5
        for _ in range(steps):
            x = w / (1 + cmath.exp(-x)) + b
        return (1 / (1 + cmath.exp(-x)) - 0.7) ** 2

    (w, b), rows = start, []
    for _ in range(updates + 1):
        g = [error(w + 1e-30j, b).imag / 1e-30, error(w, b + 1e-30j).imag / 1e-30]
        norm = (g[0] ** 2 + g[1] ** 2) ** 0.5
        rows.append((w, b, error(w, b).real, norm))
        if mode == "value":
            g = [max(-threshold, min(threshold, one)) for one in g]
        elif norm > threshold:
            g = [one * threshold / norm for one in g]
        w, b = w - rate * g[0], b - rate * g[1]
    return np.array(rows).T


@pytest.mark.parametrize("mode", ["norm", "value"])
@pytest.mark.parametrize("start", [(5.0, -2.5), (5.5, -2.8), (4.2, -2.5)])
def test_a_path_is_that_of_a_slow_loop(mode, start):
    """Of 12 maps: the wall multiplies rounding by less there."""
    w, b, loss, norm = slow_path(start, 0.3, 0.2, mode, 30, 12)
    path = descend(start=start, learning_rate=0.3, threshold=0.2, mode=mode, updates=30, steps=12)
    assert path.w == pytest.approx(w, rel=1e-9)
    assert path.b == pytest.approx(b, rel=1e-9)
    assert path.loss == pytest.approx(loss, rel=1e-7)
    assert path.gradient_norm == pytest.approx(norm, rel=1e-7)


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_a_path_is_that_of_the_surface_bit_by_bit(mode):
    path = descend(updates=200, mode=mode, threshold=0.7)
    at = cliff(path.w, path.b, steps=51)
    assert np.array_equal(path.loss, at.loss)
    assert path.gradient_norm == pytest.approx(np.hypot(at.d_w, at.d_b), rel=1e-15)


def test_by_value_the_entries_are_bounded_and_the_direction_turns():
    path = descend(mode="value", threshold=0.05, updates=80)
    moves = np.array([np.diff(path.w), np.diff(path.b)])
    assert np.abs(moves).max() == pytest.approx(0.005, rel=1e-9)
    corner = path.is_clipped[:-1] & (np.abs(np.abs(moves[0]) - np.abs(moves[1])) < 1e-12)
    assert corner.any()


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({"threshold": None}, "thrown"),
        ({}, "arrived"),
        ({"threshold": 20.0}, "thrown"),
        ({"learning_rate": 0.01}, "under way"),
        ({"start": (5.0, -3.0), "threshold": None}, "stuck"),
        ({"steps": 1}, "arrived"),
        (
            {"start": (6.0, ON_THE_WALL), "learning_rate": 1e90, "threshold": None, "steps": 200},
            "overflow",
        ),
    ],
)
def test_what_becomes_of_a_path(changes, fate):
    path = descend(updates=300, **changes)
    assert path.fate == fate
    below = [k for k, one in enumerate(path.loss) if one <= path.loss[0]]
    assert path.last_below == below[-1]
    if fate == "overflow":
        assert path.overflow == len(path.loss) - 1 < 300
    elif fate == "thrown":
        assert below[-1] < 225
        assert path.loss[-1] > path.loss[0]
    elif fate == "arrived":
        assert path.settled_loss == max(path.loss[271:]) < 0.005


@pytest.mark.parametrize(
    "late",
    [
        {"start": (4.32, -2.95), "steps": 100, "learning_rate": 0.05, "threshold": 0.05},
        {"start": (4.68, -2.3), "learning_rate": 0.5, "threshold": None},
    ],
)
def test_a_path_that_arrives_last_is_not_stuck(late):
    """Its gradient is nothing since the error is."""
    path = descend(updates=300, **late)
    assert path.loss[-1] < 1e-6
    assert path.gradient_norm[-1] < 0.01 * path.gradient_norm[0]
    assert max(path.loss[271:]) > 0.005
    assert path.fate == "arrived"


def test_a_mode_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError) as error:
        descend(mode="both")
    assert str(error.value) == "mode: expected one of norm, value, got 'both'"
