"""Descent beside the cliff: thrown onto the plateau without clipping, arrived with it."""

import numpy as np
import pytest

from rnn_core.theory.cliff import cliff
from rnn_core.theory.descent import descend


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
