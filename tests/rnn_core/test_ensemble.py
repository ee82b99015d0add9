"""Members of an ensemble are the runs themselves, however many are computed at once."""

import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from distributed import Client, LocalCluster

import rnn_core as rc
from rnn_core import ensemble
from rnn_core.ensemble import run_ensemble, sweep

SMALL = rc.ExperimentConfig(steps=30, batch_size=3, hidden_size=7, input_size=2)


def one_by_one(config):
    """The size of the last loss step's gradient, from the run of one config alone."""
    rec = rc.run(config)
    steps = rec.last_loss_step + 1 if rec.layers else 0
    norms = np.full((config.steps, config.batch_size), np.nan)
    if rec.layers:
        norms[:steps] = rec.layers[0].from_last.log10_norms("d_h")[:steps]
    return norms, steps, rec.verdict


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"cell": "gru", "init": "pytorch"},
        {"cell": "lstm", "init": "keras"},
        {"cell": "lstm", "forget_bias": 2.0, "bias_scale": 0.4},
        {"activation": "relu", "init": "identity"},
        {"activation": "identity"},
        {"loss_at": "every"},
        {"h_init": "random", "source": "silence"},
        {"truncate": 7},
        {"is_tied": False},
        {"is_tied": False, "init": "orthogonal", "bias_scale": 0.3},
        {"is_tied": False, "init": "identity", "activation": "relu"},
        {"is_tied": False, "truncate": 7, "h_init": "random"},
        {"is_tied": False, "steps": 1},
        {"layers": 2},
        {"is_bidirectional": True, "cell": "gru"},
        {"steps": 1},
    ],
    ids=str,
)
def test_every_member_is_its_own_run(changed):
    configs = [
        replace(SMALL, **changed, weight_scale=scale, seed=seed)
        for scale in (0.3, 1.0, 2.5)
        for seed in (0, 1, 5)
    ]
    found = run_ensemble(configs)
    for k, config in enumerate(configs):
        norms, steps, verdict = one_by_one(config)
        assert found.log10_norms[k] == pytest.approx(norms, rel=1e-9, abs=1e-9, nan_ok=True)
        assert found.steps[k] == steps
        assert found.verdict(k).regime == verdict.regime
        assert found.verdict(k).growth_per_step == pytest.approx(verdict.growth_per_step, abs=1e-9)


def test_untied_nets_are_run_as_a_batch_and_have_the_same_numbers(monkeypatch):
    """At scale 4 a difference in the last digit of a state is multiplied by 10^10 over 50 steps."""
    page = rc.ExperimentConfig(is_tied=False, steps=50, batch_size=2, hidden_size=32)
    configs = [replace(page, weight_scale=k, seed=s) for s in range(3) for k in (0.0, 1.0, 4.0)]
    expected = [rc.run(config).layers[0].log10_norms("d_h") for config in configs]
    monkeypatch.setattr(ensemble, "run", lambda _: pytest.fail("a net was run by itself"))
    found = run_ensemble(configs).log10_norms
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=0.0, abs=1e-13)


def test_weights_of_untied_nets_bound_a_batch(monkeypatch):
    """They have T x H^2 weights each, more than states: 9 x 30 x 7^2 entries are 9 nets."""
    sizes = []
    stacked = ensemble._stacked

    def seen(members, drawn):
        params = stacked(members, drawn)
        sizes.append(params.weight_hh.shape)
        return params

    monkeypatch.setattr(ensemble, "_stacked", seen)
    monkeypatch.setattr(ensemble, "CHUNK", 9 * 30 * 7**2)
    run_ensemble([replace(SMALL, is_tied=False, weight_scale=k / 10) for k in range(20)])
    assert sizes == [(30, 7, 7, 7), (30, 7, 7, 7), (30, 6, 7, 7)]


def test_tied_and_untied_nets_may_be_asked_for_together():
    configs = [
        replace(SMALL, is_tied=is_tied, seed=k) for k in range(2) for is_tied in (True, False)
    ]
    found = run_ensemble(configs)
    for k, config in enumerate(configs):
        assert found.log10_norms[k] == pytest.approx(one_by_one(config)[0], rel=1e-9, abs=1e-9)


def test_text_is_judged_at_the_step_that_it_asks_about():
    text = "The writer of the books is"
    configs = [rc.ExperimentConfig(source="text", text=text, seed=seed) for seed in range(3)]
    configs = [replace(config, steps=26, batch_size=1) for config in configs]
    found = run_ensemble(configs)
    assert found.steps.tolist() == [24, 24, 24]
    assert np.isnan(found.log10_norms[:, 24:]).all()
    for k, config in enumerate(configs):
        assert found.log10_norms[k] == pytest.approx(one_by_one(config)[0], abs=1e-9, nan_ok=True)


def test_text_whose_loss_has_no_gradient_is_zero_in_every_member():
    configs = [
        rc.ExperimentConfig(source="text", text="aaaa", steps=4, batch_size=1, seed=seed)
        for seed in range(3)
    ]
    found = run_ensemble(configs)
    assert np.isneginf(found.log10_norms).all()
    assert found.steps.tolist() == [rc.run(config).last_loss_step + 1 for config in configs]


def test_member_that_overflows_leaves_the_others_alone():
    linear = replace(SMALL, activation="identity", steps=900, hidden_size=4)
    configs = [replace(linear, weight_scale=scale) for scale in (0.9, 8.0, 1.0)]
    found = run_ensemble(configs)
    steps = [one_by_one(config)[1] for config in configs]
    assert found.steps.tolist() == steps
    assert 0 < steps[1] < 900
    assert steps[0] == steps[2] == 900
    assert np.isfinite(found.log10_norms[[0, 2]]).all()
    assert np.isnan(found.log10_norms[1, steps[1] :]).all()
    assert found.verdict(1).regime == "exploding"


def test_order_of_members_is_the_callers():
    configs = [replace(SMALL, seed=seed) for seed in (3, 0, 3, 2)]
    found = run_ensemble(configs)
    assert found.configs == tuple(configs)
    assert np.array_equal(found.log10_norms[0], found.log10_norms[2])
    assert not np.array_equal(found.log10_norms[0], found.log10_norms[1])


@pytest.mark.parametrize("limit", [1, 2000, 10**9])
def test_size_of_a_batch_changes_nothing(monkeypatch, limit):
    configs = [replace(SMALL, seed=seed, weight_scale=1.5) for seed in range(6)]
    whole = run_ensemble(configs).log10_norms
    monkeypatch.setattr(ensemble, "CHUNK", limit)
    assert run_ensemble(configs).log10_norms == pytest.approx(whole, rel=1e-11, abs=1e-11)


def test_sweep_has_the_shape_of_its_axes():
    found = sweep(SMALL, {"weight_scale": [0.5, 1.0, 2.0], "seed": range(2)})
    assert found.shape == (3, 2)
    rates = found.growth_per_step()
    for i, scale in enumerate((0.5, 1.0, 2.0)):
        for j in range(2):
            alone = rc.run(replace(SMALL, weight_scale=scale, seed=j)).verdict.growth_per_step
            assert rates[i, j] == pytest.approx(alone, abs=1e-10)


def test_quantiles_are_of_nets_or_of_sequences():
    found = run_ensemble([replace(SMALL, seed=seed) for seed in range(5)])
    means = sorted(found.log10_norms[:, 0].mean(axis=1))
    of_nets = found.quantiles((0.0, 0.5, 1.0))
    assert of_nets[:, 0] == pytest.approx([means[0], means[2], means[4]])
    every = found.log10_norms[:, 0].ravel()
    of_sequences = found.quantiles((0.0, 1.0), over="sequences")
    assert of_sequences[:, 0] == pytest.approx([every.min(), every.max()])
    message = "over: expected nets or sequences, got 'steps'"
    with pytest.raises(rc.ConfigError, match=f"^{message}$"):
        found.quantiles(over="steps")


def test_member_without_a_rate_is_nan_and_not_zero():
    dead = [replace(SMALL, weight_scale=0.0), SMALL]
    rates = run_ensemble(dead).growth_per_step()
    assert np.isnan(rates[0])
    assert np.isfinite(rates[1])


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([], "configs: expected at least one, got none"),
        ([SMALL, 3], "configs: expected only ExperimentConfig, got 3"),
        (
            [SMALL, replace(SMALL, hidden_size=8)],
            "hidden_size: expected one value for all configs, got 7 and 8",
        ),
        (
            [SMALL, replace(SMALL, cell="gru")],
            "cell: expected one value for all configs, got 'rnn' and 'gru'",
        ),
        (
            [replace(SMALL, source="text", text=text) for text in ("aab", "aabb")],
            "text: expected texts of equal length and alphabet size",
        ),
    ],
    ids=range(5),
)
def test_configs_that_do_not_belong_together_are_refused(configs, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        run_ensemble(configs)


@pytest.mark.parametrize("name", ["steps", "nonsense", "hidden_size"])
def test_axis_that_sets_a_size_is_refused(name):
    with pytest.raises(rc.ConfigError, match=f"^{name}: expected one of init, weight_scale"):
        sweep(SMALL, {name: [1, 2]})


@pytest.mark.parametrize("pool", ["threads", "processes", "dask"])
def test_sweep_is_taken_apart_by_any_executor(pool, monkeypatch, tmp_path):
    """Dask's executor drives a real local cluster of two worker processes."""
    configs = [replace(SMALL, seed=seed, cell="lstm") for seed in range(4)]
    alone = run_ensemble(configs).log10_norms
    monkeypatch.setattr(ensemble, "CHUNK", 1)  # one member per task
    if pool == "dask":
        with (
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address=None,
                local_directory=str(tmp_path),
            ) as cluster,
            Client(cluster) as client,
        ):
            found = run_ensemble(configs, executor=client.get_executor())
    else:
        kind = ThreadPoolExecutor(2)
        if pool == "processes":
            kind = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
        with kind as executor:
            found = run_ensemble(configs, executor=executor)
    assert found.log10_norms == pytest.approx(alone, rel=1e-11, abs=1e-11)


def test_quantiles_exist_where_every_member_has_overflown():
    """Linear nets of scale 100 end near step 154: from there on nan, and no warning."""
    found = run_ensemble(
        rc.ExperimentConfig(
            activation="identity",
            weight_scale=100.0,
            steps=400,
            hidden_size=4,
            batch_size=2,
            seed=seed,
        )
        for seed in range(3)
    )
    assert 100 < found.steps.min() < found.steps.max() < 200
    for over in ("nets", "sequences"):
        median = found.quantiles([0.5], over=over)[0]
        assert np.isfinite(median[: found.steps.max()]).all()
        assert np.isnan(median[found.steps.max() :]).all()


def test_dead_sequences_are_left_out_of_their_nets_mean():
    """ReLU: some sequences arrive as exactly 0, and a net is dead only where all of them are."""
    configs = [
        rc.ExperimentConfig(
            activation="relu",
            init="orthogonal",
            weight_scale=0.9,
            steps=60,
            hidden_size=6,
            batch_size=4,
            seed=seed,
        )
        for seed in range(6)
    ]
    found = run_ensemble(configs)
    first = [rc.run(config).layers[0].log10_norms("d_h")[0] for config in configs]
    means = [norms[np.isfinite(norms)].mean() for norms in first]
    assert sum(np.isneginf(norms).any() for norms in first) >= 3
    assert found.quantiles([0.0, 1.0])[:, 0] == pytest.approx([min(means), max(means)], rel=1e-12)
    assert np.isneginf(found.quantiles([0.0], over="sequences")[0, 0])
