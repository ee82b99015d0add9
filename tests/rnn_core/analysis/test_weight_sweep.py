"""Growth against weight scale: each net against slow loops, the whole against closed forms."""

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.weight_sweep import (
    NETS,
    SCALES,
    WeightSweep,
    joined,
    reduced,
    weight_sweep,
)
from rnn_core.experiment import draw, loss_of
from tests.reference import slow_bptt, slow_log10_norms, slow_verdict

SMALL = {"steps": 30, "hidden_size": 6, "batch_size": 2, "input_size": 3}


def sweep_of(growth):
    growth = np.array(growth, dtype=float)
    return WeightSweep(rc.ExperimentConfig(), np.arange(growth.shape[1], dtype=float), growth)


def slow_growth(config):
    drawn, h_loss = draw(config), np.zeros((config.steps, config.batch_size, config.hidden_size))
    loss = loss_of(config, config.steps)(h_loss)
    (h_init, *rest) = drawn.h_init[0]
    more = {"c_init": rest[0]} if rest else {}
    run = slow_bptt(
        drawn.network.state_dict(),
        np.array(drawn.x),
        loss.d_h,
        cell=config.cell,
        activation=config.activation,
        h_init=h_init,
        **more,
    )
    return slow_verdict(slow_log10_norms(run.d_h)).growth_per_step


@pytest.mark.parametrize("cell", [{}, {"activation": "sigmoid"}, {"cell": "gru"}, {"cell": "lstm"}])
def test_every_net_grows_as_slow_loops_say(cell):
    config = rc.ExperimentConfig(**SMALL, **cell, init="pytorch", weight_scale=3.0, seed=77)
    found = weight_sweep(config, scales=[0.5, 2.0, 4.0], seeds=[0, 5])
    for row, seed in zip(found.growth, (0, 5), strict=True):
        for value, scale in zip(row, (0.5, 2.0, 4.0), strict=True):
            one = rc.ExperimentConfig(
                **SMALL, **cell, init="pytorch", weight_scale=scale, seed=seed
            )
            assert value == pytest.approx(slow_growth(one), abs=1e-10)


def test_an_orthogonal_linear_net_crosses_at_1_exactly():
    config = rc.ExperimentConfig(init="orthogonal", activation="identity")
    found = weight_sweep(config, seeds=range(3))
    assert found.scales.tolist() == list(SCALES)
    np.testing.assert_allclose(
        found.growth[:, 1:], np.tile(np.log10(SCALES[1:]), (3, 1)), atol=1e-12
    )
    assert np.isnan(found.growth[:, 0]).all()  # with W = 0 the gradient is exactly 0
    (crossing,) = found.crossings
    assert crossing.place == pytest.approx(1.0, abs=0.05)
    assert crossing.is_upward


def test_seed_and_scale_of_the_run_do_not_matter_and_large_runs_are_reduced():
    big = rc.ExperimentConfig(steps=1000, hidden_size=512, batch_size=3, seed=9, weight_scale=4.0)
    small = reduced(big)
    assert (small.steps, small.hidden_size, small.batch_size) == (100, 32, 2)
    assert reduced(rc.ExperimentConfig(is_tied=False)).steps == 100
    assert small == reduced(rc.ExperimentConfig(steps=100, hidden_size=32, seed=3))
    tiny = reduced(rc.ExperimentConfig(steps=7, hidden_size=3, batch_size=1, truncate=2))
    assert (tiny.steps, tiny.hidden_size, tiny.batch_size, tiny.truncate) == (7, 3, 1, None)


def test_it_is_made_of_20_nets_and_41_scales_and_can_be_made_in_parts():
    assert (NETS, len(SCALES), SCALES[0], SCALES[-1]) == (20, 41, 0.0, 4.0)
    config = rc.ExperimentConfig(**SMALL)
    whole = weight_sweep(config, scales=[1.0, 2.0], seeds=range(5))
    parts = [weight_sweep(config, scales=[1.0, 2.0], seeds=seeds) for seeds in ([0, 1, 2], [3, 4])]
    np.testing.assert_array_equal(joined(parts).growth, whole.growth)


def test_with_one_step_there_is_no_growth():
    found = weight_sweep(rc.ExperimentConfig(**SMALL | {"steps": 1}))
    assert found.growth.shape == (20, 41)
    assert np.isnan(found.mean).all()
    assert found.crossings == ()


def test_means_and_quantiles_leave_out_nets_without_a_growth():
    found = sweep_of([[-1.0, np.nan, np.nan], [-3.0, 2.0, np.nan], [-2.0, 4.0, 1.0]])
    np.testing.assert_allclose(found.mean, [-2.0, 3.0, np.nan])
    np.testing.assert_allclose(found.quantile(0.5), [-2.0, 3.0, np.nan])
    np.testing.assert_allclose(found.quantile(0.0), [-3.0, 2.0, np.nan])


@pytest.mark.parametrize("level", [0.0, 0.1, 0.37, 0.5, 0.9, 1.0])
def test_a_quantile_lies_between_the_nets_that_have_a_growth(rng, level):
    """Beside NumPy's of those alone, whatever place among the nets the others have."""
    growth = rng.normal(size=(20, 21))
    for column in range(21):
        growth[rng.permutation(20)[:column], column] = np.nan
    found = sweep_of(growth).quantile(level)
    expected = [np.quantile(column[np.isfinite(column)], level) for column in growth.T[:11]]
    np.testing.assert_allclose(found[:11], expected, rtol=1e-13, atol=1e-13)
    assert np.isnan(found[11:]).all()


def test_the_band_crosses_where_its_edges_do():
    found = sweep_of([[-2.0, -1.0, 1.0], [-2.0, 1.0, 3.0]])
    low, high = found.band_crossings(0.0, 1.0)
    assert (low, high) == (pytest.approx(2 / 3), pytest.approx(1.5))
    assert sweep_of([[-2.0, -1.0]]).band_crossings() is None


@pytest.mark.parametrize("empty", [{"scales": []}, {"seeds": []}])
def test_nothing_to_measure_is_refused(empty):
    with pytest.raises(rc.ConfigError, match=r"^scales, seeds: expected at least one of each"):
        weight_sweep(rc.ExperimentConfig(), **empty)
