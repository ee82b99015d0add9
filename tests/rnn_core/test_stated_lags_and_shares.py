"""Numbers stated of the ledger, of narrow types, of saturated units and of long memory."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.jacobian import jacobian
from rnn_core.analysis.precision import lost_precision, narrow_log10_norms
from rnn_core.analysis.singular_values import singular_values
from rnn_core.ensemble import run_ensemble
from rnn_core.theory.mean_field import fixed_point
from tests.rnn_core.random_networks import last_step, vanilla


def norms_of(seeds, **settings):
    """log10 norms of nets of seeds 0, 1, ...: (nets, T, B)."""
    every = [rc.ExperimentConfig(seed=seed, **settings) for seed in range(seeds)]
    return run_ensemble(every).log10_norms


def decades_of(seeds, **settings):
    norms = norms_of(seeds, **settings)
    return norms[:, 0] - norms[:, -1]


def terms_of(rec):
    """dL/dW_hh step by step (T, H, H), from what enters and what was there."""
    layer = rec.layers[0]
    return np.einsum("tbi,tbj->tij", layer.d_a, layer.h_before)


@pytest.mark.parametrize("init", ["orthogonal", "gaussian"])
def test_norms_of_the_last_ten_terms_say_a_third_where_the_update_says_more_than_half(init):
    """Nets whose last 10 of 100 terms hold .34 of the norms hold .59 of the update in truth."""
    by_norm, in_truth, recorded = [], [], []
    for scale in (1.70, 1.72, 1.74, 1.76, 1.78):
        for seed in range(6):
            config = rc.ExperimentConfig(init=init, weight_scale=scale, steps=100, seed=seed)
            rec = rc.run(config)
            terms = terms_of(rec)
            whole = terms.sum(axis=0)
            sizes = np.linalg.norm(terms, axis=(1, 2))
            by_norm.append(sizes[-10:].sum() / sizes.sum())
            in_truth.append(np.sum(terms[-10:] * whole) / np.sum(whole**2))
            recorded.append(rec.ledger.shares[-10:].sum())
    assert recorded == pytest.approx(in_truth, abs=1e-10)
    is_third = np.abs(np.array(by_norm) - 0.34) < 0.03
    assert is_third.sum() >= 5
    assert np.array(in_truth)[is_third].mean() == pytest.approx(0.59, abs=0.04)


@pytest.mark.parametrize("init", ["orthogonal", "gaussian"])
def test_net_driven_by_one_noise_feature_shrinks_less_than_constant_variance_says(init):
    """Scale 1: -.172 per step over 40 nets, where mean field with the mean variance says -.200."""
    norms = norms_of(40, init=init, input_size=1)
    growth = (norms[:, 0] - norms[:, 189]).mean(axis=1) / 189
    error = growth.std(ddof=1) / math.sqrt(40)
    assert error < 0.003
    assert growth.mean() == pytest.approx(-0.172, abs=2 * error)
    assert fixed_point("tanh", 1.0, drive=1.0).slope < growth.mean() - 5 * error


@pytest.mark.parametrize(("start", "log10_gradient"), [(0.5, -76.8), (-0.5, -76.8), (1.0, -78.0)])
def test_latch_keeps_its_sign_and_one_in_ten_to_the_77_of_its_gradient(start, log10_gradient):
    """x <- tanh(2x), 100 times."""
    net = vanilla(np.array([[2.0]]), "tanh")
    first = np.full((1, 1), start)
    rec = rc.record(net, np.zeros((100, 1, 1)), last_step(np.ones(1)), h_init=first)
    assert np.sign(rec.layers[0].h[:, 0, 0]).tolist() == [math.copysign(1.0, start)] * 100
    found, x = 0.0, start
    for _ in range(100):
        found += math.log10(2.0 / math.cosh(2.0 * x) ** 2)
        x = math.tanh(2.0 * x)
    assert rec.d_init[0].log10_norms("d_h")[0] == pytest.approx(found, abs=1e-9)
    assert found == pytest.approx(log10_gradient, abs=0.05)


def test_narrow_types_lose_the_gradient_at_the_lags_of_one_pytorch_net():
    """Scale 1.5, H = 64, T = 1000: 96, 539 and 650, each within two spreads of eight nets."""
    nets = [rc.run(rc.ExperimentConfig(weight_scale=1.5, steps=1000, seed=s)) for s in range(8)]
    lags = [lost_precision(rec) for rec in nets]
    for kind, stated in (("float16", 96), ("bfloat16", 539), ("float32", 650)):
        found = np.array([one[kind].lost_lag for one in lags])
        assert abs(found.mean() - stated) < 2 * found.std(ddof=1), kind
        assert found.std(ddof=1) < 0.1 * stated
    zeros = np.array([one["float32"].first_zero for one in lags])
    assert abs(zeros.mean() - 716) < 2 * zeros.std(ddof=1)
    plateau = np.array([narrow_log10_norms(rec, "float16")[699:849] for rec in nets])
    is_alive = np.isfinite(plateau)  # in a few sequences the noise dies earlier
    assert is_alive.mean() > 0.7
    # the smallest float16, in 64 units
    assert plateau[is_alive].mean() == pytest.approx(-6.3, abs=0.1)
    assert math.log10(2.0**-24 * math.sqrt(64)) == pytest.approx(-6.3, abs=0.05)


@pytest.mark.parametrize(("weight", "share"), [(10.0, 0.12), (18.0, 1.0)])
def test_saturated_unit_would_read_an_exact_zero_in_some_runs(rng, weight, share):
    """Weight 10, input 3: in 12 % of runs of 100 steps some 1 - h^2 is 0; at weight 18 in all."""
    state = {"weight_ih_l0": [[3.0]], "weight_hh_l0": [[weight]]}
    net = rc.Network.from_state_dict(state, cell="rnn")
    rec = rc.record(net, rng.normal(size=(100, 2000, 1)), last_step(np.ones(1)))
    layer = rec.layers[0]
    would_be_zero = (1.0 - layer.h[1:] ** 2 == 0).any(axis=(0, 2))
    assert would_be_zero.mean() == pytest.approx(share, abs=0.025)
    assert np.isfinite(layer.log10_norms("d_h")).all()


@pytest.mark.parametrize("input_size", [1, 8])
def test_pytorchs_recurrent_weights_behind_unit_input_weights_read_another_slope(input_size):
    """-.41 per step; with PyTorch's own input weights -.23."""
    of_unit_scale = math.sqrt(3 * 64 / input_size)
    settings = {"init": "pytorch", "input_size": input_size, "steps": 100}
    norms = norms_of(12, input_scale=of_unit_scale, **settings).mean(axis=2)
    slopes = np.polyfit(np.arange(20, 81), norms[:, ::-1][:, 20:81].T, 1)[0]
    assert slopes.mean() == pytest.approx(-0.41, abs=0.015)


@pytest.mark.parametrize(("bias", "steps"), [(4.0, 500), (5.0, 1000)])
def test_lstm_of_a_large_forget_bias_holds_and_does_not_explode(bias, steps):
    """Forget bias 4 over 500 steps: 0.0 decades, spread .8. Forget bias 5 over 1000: holds too."""
    settings = {"cell": "lstm", "init": "pytorch", "forget_bias": bias, "steps": steps}
    decades = decades_of(12, batch_size=4, **settings).mean(axis=1)
    assert (np.abs(decades) < 2.5).all()
    if bias == 4.0:
        assert decades.mean() == pytest.approx(0.0, abs=2 * 0.8 / math.sqrt(12) + 0.05)


def test_frobenius_norm_of_an_exploding_run_follows_its_largest_sequence():
    """Scale 5 and 10: 2 to 5 decades above the mean of the sequences' own."""
    above = []
    for scale in (5.0, 10.0):
        for seed in range(6):
            layer = rc.run(rc.ExperimentConfig(weight_scale=scale, seed=seed)).layers[0]
            above.append(layer.log10_norm("d_h")[0] - layer.log10_norms("d_h")[0].mean())
    assert 2.0 < np.mean(above) < 5.0


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_band_over_sequences_is_narrower_than_the_band_over_nets(cell):
    """2 to 8 times, for gated nets at PyTorch's default."""
    decades = decades_of(24, cell=cell, init="pytorch")
    ratio = decades.mean(axis=1).std(ddof=1) / decades.std(axis=1, ddof=1).mean()
    assert 2.0 < ratio < 8.0


def test_orthogonal_weights_spread_less_over_seeds_than_gaussian_ones():
    """Some half as much, which is why presets use them."""
    spreads = [
        decades_of(40, init=init).mean(axis=1).std(ddof=1) for init in ("orthogonal", "gaussian")
    ]
    assert spreads[0] / spreads[1] == pytest.approx(0.5, abs=0.15)


def test_losses_at_every_step_exceed_the_bound_of_the_last_one():
    """Orthogonal .92 over 200 steps: .92^199 = 10^-7.2 of the last step's, at the first step."""
    rec = rc.run(rc.ExperimentConfig(init="orthogonal", weight_scale=0.92, loss_at="every"))
    norms = rec.layers[0].log10_norms("d_h")
    bound = norms[-1] + 199 * math.log10(0.92)
    assert (norms[0] - bound > 6.5).all()


@pytest.mark.parametrize(("weight_scale", "stated"), [(2.0, 850), (10.0, 50)])
def test_last_digits_of_a_chaotic_run_are_read_after_some_steps(weight_scale, stated):
    """A change of 10^-15 at the start is a tenth of the state after 850 steps, or after 50."""
    found = []
    for seed in range(4):
        config = rc.ExperimentConfig(weight_scale=weight_scale, steps=1500, seed=seed, batch_size=2)
        one = rc.run(config)
        moved = rc.record(one.network, one.x, one.loss_function, h_init=np.full((2, 64), 1e-15))
        h = one.layers[0].h
        off = np.linalg.norm(moved.layers[0].h - h, axis=-1) / np.linalg.norm(h, axis=-1)
        found.append(int((off.mean(axis=1) > 0.1).argmax()))
    assert np.mean(found) == pytest.approx(stated, rel=0.25)


def test_plain_svd_of_a_product_of_fifty_jacobians_is_decades_off():
    """H = 16, PyTorch's default: the smallest value is more than 25 decades below what it reads."""
    config = rc.ExperimentConfig(init="pytorch", hidden_size=16, steps=60)
    rec = rc.run(config)
    product = np.eye(16)
    for t in range(10, 60):
        product = jacobian(rec, t) @ product
    plain = np.log10(np.linalg.svd(product, compute_uv=False))
    ours = singular_values(rec, [50]).log10_values[0]
    assert ours[0] == pytest.approx(plain[0], abs=1e-9)
    determinants = sum(np.linalg.slogdet(jacobian(rec, t))[1] for t in range(10, 60))
    assert ours.sum() == pytest.approx(determinants / math.log(10), abs=1e-8)
    assert plain[-1] - ours[-1] > 25
