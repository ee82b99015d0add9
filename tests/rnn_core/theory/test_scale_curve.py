"""Theory of growth against weight scale: by other quadrature, and against what is measured."""

import math
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.weight_sweep import reduced, weight_sweep
from rnn_core.experiment import draw
from rnn_core.theory.scale_curve import at_rest_curve, mean_field_curve, measured_unit

SEEDS = range(20)
SCALES = (0.5, 1.0, 1.5, 1.9, 2.5, 4.0)


def config_of(**settings):
    return reduced(rc.ExperimentConfig(**settings))


def both(scales=SCALES, seeds=SEEDS, **settings):
    """Return what is measured and what is predicted."""
    config = config_of(**settings)
    curve = mean_field_curve(config, measured_unit(config, seeds), scales)
    return weight_sweep(config, scales=scales, seeds=seeds).mean, curve


def gaussian_mean(function, q):
    """The trapezoidal rule in z, not in u as the engine's, far finer than needed."""
    z = np.linspace(-12.0, 12.0, 9601)
    return (
        float(np.sum(function(math.sqrt(q) * z) * np.exp(-0.5 * z**2)))
        * 0.0025
        / math.sqrt(2 * math.pi)
    )


def test_a_curve_is_that_of_a_slow_loop_over_steps_and_sequences():
    config, sizes = config_of(steps=14, hidden_size=20, weight_scale=1.0), range(3)
    unit = measured_unit(config, sizes)
    curve = mean_field_curve(config, unit, [0.7, 2.0])
    for k, scale in enumerate((0.7, 2.0)):
        sigma_w, growth, corrections = scale * unit.sigma_w, [], []
        for sequence in range(unit.drive.shape[1]):
            square = 0.0
            for t in range(14):
                q = sigma_w**2 * square + unit.drive[t, sequence]
                square = gaussian_mean(lambda u: np.tanh(u) ** 2, q)
                second = gaussian_mean(lambda u: np.cosh(u) ** -4.0, q)
                fourth = gaussian_mean(lambda u: np.cosh(u) ** -8.0, q)
                if 1 <= t <= 14 - 1 - 2:  # the maps of the lags 2 to 13
                    growth.append(0.5 * math.log10(sigma_w**2 * second))
                    if sequence == 0:
                        excess = 3 * (fourth / second**2 - 1) + 2 * (unit.spread - 1)
                        corrections.append(-excess / (4 * 20 * math.log(10)))
        assert curve.limit[k] == pytest.approx(np.mean(growth), abs=1e-9)
        expected = np.mean(growth) + np.mean(corrections)
        assert curve.growth[k] == pytest.approx(expected, abs=1e-9)


def test_what_theory_needs_is_measured_on_the_drawn_nets():
    config = config_of(init="pytorch", hidden_size=24, steps=9, h_init="random")
    unit = measured_unit(config, [3, 8])
    found = {"square": [], "fourth": [], "drive": [], "largest": [], "before": [], "input": []}
    for seed in (3, 8):
        net = draw(replace(config, seed=seed, batch_size=1))
        state, x = net.network.state_dict(), np.array(net.x)
        W = state["weight_hh_l0"]
        gram = W @ W.T
        found["square"].append(np.trace(gram) / 24)
        found["fourth"].append(np.trace(gram @ gram) / 24)
        found["largest"].append(np.linalg.norm(W, 2))
        pushed = x @ state["weight_ih_l0"].T
        found["input"].append((pushed**2).mean())
        whole = pushed + state["bias_ih_l0"] + state["bias_hh_l0"]
        found["drive"].append((whole[:, 0] ** 2).mean(axis=1))
        found["before"].append((net.h_init[0][0] ** 2).mean())
    assert unit.sigma_w == pytest.approx(math.sqrt(np.mean(found["square"])))
    assert unit.spread == pytest.approx(np.mean(found["fourth"]) / np.mean(found["square"]) ** 2)
    assert unit.sigma_max == pytest.approx(max(found["largest"]))
    assert unit.drive == pytest.approx(np.stack(found["drive"], axis=1))
    assert unit.h_square == pytest.approx(np.array(found["before"]))
    assert unit.input_variance == pytest.approx(np.mean(found["input"]))


DRIVEN = [
    ({}, 0.008),
    ({"init": "orthogonal"}, 0.006),
    ({"is_tied": False}, 0.006),
    ({"source": "sine"}, 0.02),
    ({"input_size": 1}, 0.015),
    ({"bias_scale": 1.0}, 0.012),
    ({"input_scale": 3.0}, 0.02),
]


@pytest.mark.parametrize(("settings", "tolerance"), DRIVEN, ids=str)
def test_driven_nets_follow_mean_field_step_by_step(settings, tolerance):
    """Each sequence's own drive; a constant variance misses one noise feature by .03."""
    measured, curve = both(**settings)
    assert measured == pytest.approx(curve.growth, abs=tolerance)


def test_the_crossing_of_wide_driven_nets_is_that_of_the_table():
    """Unit input moves tanh's critical scale from 1 to 1.86; finite width moves it further."""
    config = config_of()
    unit = measured_unit(config, SEEDS)
    flat = unit._replace(drive=np.ones((100, 20)))
    curve = mean_field_curve(config, flat, [1.8556])
    assert curve.limit[0] == pytest.approx(0.0, abs=2e-4)  # the nets' own sigma_w is .999
    assert curve.growth[0] < -0.005


SILENT = {"input_scale": 0.0, "h_init": "random"}


def test_untied_nets_in_silence_lie_within_004_of_theory_with_its_finite_width():
    measured, curve = both(scales=(0.5, 2.0, 3.0), **SILENT, is_tied=False)
    assert measured == pytest.approx(curve.growth, abs=0.009)  # 20 nets of 32 units: se .003


def test_tied_nets_in_silence_have_their_documented_bias():
    """Where h -> 0 powers of one W add up: log10 rho / g = .0288 at H = 32."""
    measured, curve = both(scales=(0.5, 0.8), **SILENT)
    assert measured - curve.limit == pytest.approx(np.full(2, 0.0288), abs=0.012)
    assert (measured > curve.growth + 0.015).all()
    near, predicted = both(scales=(1.5,), **SILENT)
    assert -0.03 < near[0] - predicted.growth[0] < 0.0  # still a limit cycle in some nets


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "gru"},
        {"cell": "lstm"},
        {"init": "identity"},
        {"hidden_size": 15},
        {"steps": 1},
        {"activation": "relu", "source": "silence"},
    ],
)
def test_no_mean_field_where_none_holds(settings):
    config = config_of(**settings)
    assert mean_field_curve(config, measured_unit(config, range(2)), SCALES) is None


def test_no_number_where_w_is_0_or_two_units_carry_the_gradient():
    curve = both(scales=(0.0, 1.0, 100.0), hidden_size=16)[1]
    assert np.isnan(curve.growth).tolist() == [True, False, True]
    assert np.isnan(curve.limit).tolist() == [True, False, False]


GATED = [
    ("gru", {}, 0.5),
    ("lstm", {}, 0.5),
    ("lstm", {"forget_bias": 1.0}, 1 / (1 + math.exp(-1.0))),
    ("lstm", {"init": "keras", "input_scale": 0.5}, 1 / (1 + math.exp(-1.0))),
]


@pytest.mark.parametrize(("cell", "settings", "keep"), GATED)
def test_a_gated_cell_at_rest_has_its_own_line(cell, settings, keep):
    config = config_of(**{"cell": cell, "init": "pytorch"} | settings)
    unit = measured_unit(config, SEEDS)
    curve = at_rest_curve(config, unit, [0.5, 1.0, 8.0])
    expected = np.log10(keep + unit.sigma_w * np.array([0.5, 1.0]) / 4)
    assert curve.growth[:2] == pytest.approx(expected)
    assert np.isnan(curve.growth[2]) == (keep + 2.0 * unit.sigma_w > 1.0)
    assert mean_field_curve(config, unit, [1.0]) is None


def test_a_gated_cell_at_rest_is_measured_near_its_line():
    for cell in ("gru", "lstm"):
        config = config_of(cell=cell, init="pytorch", input_size=1)
        curve = at_rest_curve(config, measured_unit(config, SEEDS), [1.0])
        found = weight_sweep(config, scales=[1.0])
        assert found.mean == pytest.approx(curve.growth, abs=0.008)


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "rnn"},
        {"cell": "gru", "bias_scale": 0.5},
        {"cell": "lstm", "init": "chrono"},
        {"cell": "gru", "init": "pytorch", "input_scale": 5.0},
        {"cell": "gru", "init": "pytorch", "h_init": "random"},
    ],
)
def test_no_line_where_a_cell_is_not_at_rest(settings):
    config = config_of(**settings)
    assert at_rest_curve(config, measured_unit(config, range(2)), SCALES) is None
