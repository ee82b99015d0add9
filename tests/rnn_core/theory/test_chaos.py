"""The Lyapunov exponent of a wide map: onset, far above, and a recorded net."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.theory.chaos import far_above, largest_exponent, near_onset


def test_growth_begins_as_two_thirds_of_the_distance_squared():
    for g, tolerance in [(1.001, 0.005), (1.01, 0.04), (1.1, 0.30)]:
        assert largest_exponent(g) == pytest.approx(near_onset(g), rel=tolerance)
    assert largest_exponent(1.01) == pytest.approx(6.45e-5, rel=2e-3)


def test_far_above_units_switch():
    assert np.exp(2 * far_above(1.0)) == pytest.approx(0.53192, abs=5e-6)
    for g, tolerance in [(100.0, 0.003), (1e4, 3e-5)]:
        assert largest_exponent(g) == pytest.approx(far_above(g), abs=tolerance)


def test_ordered_net_shrinks_by_its_scale():
    assert largest_exponent([0.5, 0.9]) == pytest.approx(np.log([0.5, 0.9]), abs=1e-14)


def test_input_delays_chaos():
    assert largest_exponent(1.5) > 0 > largest_exponent(1.5, drive=1.0)


def test_two_trajectories_part_at_this_rate_in_a_wide_net():
    """Tied, H = 256, g = 3: the distance of two states 1e-9 apart, against the gradient's slope."""
    growth, slopes = [], []
    for seed in range(4):
        config = rc.ExperimentConfig(
            steps=60,
            hidden_size=256,
            batch_size=2,
            weight_scale=3.0,
            source="silence",
            h_init="random",
            seed=seed,
        )
        rec = rc.run(config)
        h = rec.layers[0].h[30, 0]
        W = rec.network.params.weight_hh
        other, distance = h + 1e-9 * np.random.default_rng(seed).normal(size=256) / 16, []
        for _ in range(21):
            distance.append(np.linalg.norm(h - other))
            h, other = np.tanh(W @ h), np.tanh(W @ other)
        growth.append(math.log(distance[20] / distance[0]) / 20)
        norms = rec.layers[0].log10_norms("d_h")
        slopes.append((norms[19] - norms[59]).mean() / 40 * math.log(10))
    assert np.mean(growth) == pytest.approx(float(largest_exponent(3.0)), abs=0.03)
    assert np.mean(slopes) == pytest.approx(float(largest_exponent(3.0)), abs=0.03)
