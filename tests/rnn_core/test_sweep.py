"""The sweep is the plain recursion wherever float64 can hold it, and scales exactly beyond."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.scaled import Scaled
from tests.rnn_core.random_networks import (
    CELL_IDS,
    CELLS,
    assert_same_to_rounding,
    last_step,
    random_case,
    vanilla,
)


@pytest.mark.parametrize("activation", ["identity", "relu"])
@pytest.mark.parametrize("scale", [0.06, 0.9, 12.0])
def test_sweep_is_bit_equal_to_a_plain_loop(rng, activation, scale):
    """Over 200 decades up or down; rescaling by powers of two changes no bit.

    phi' is 0 or 1 here, so that no other formula can differ in the last bit.
    """
    T = 160 if scale != 12.0 else 200
    case = random_case(rng, "rnn", activation, T=T, B=3, H=8, kind="last")
    lift = 2.0 if activation == "relu" else 0.0
    case.state["weight_hh_l0"] = scale * np.abs(case.state["weight_hh_l0"])
    case.state["bias_ih_l0"] = case.state["bias_ih_l0"] + lift
    rec = case.record()
    layer = rec.layers[0]
    d = case.target[-1]
    for t in reversed(range(T)):
        assert np.array_equal(layer.d_h[t], d), t
        slope = (layer.a[t] > 0).astype(float) if activation == "relu" else np.ones_like(d)
        d = (slope * d) @ case.state["weight_hh_l0"]
    assert np.array_equal(rec.d_init[0].d_h, d)
    assert np.isfinite(d).all()
    assert np.abs(np.log10(np.abs(d[d != 0]).max())) > (3 if scale == 0.9 else 100)


@pytest.mark.parametrize("power", [-900, -300, 300, 900])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_loss_times_a_power_of_two_moves_every_gradient_by_it_exactly(rng, cell, power):
    case = random_case(rng, *cell, T=25, kind="every")
    net = rc.Network.from_state_dict(case.state, cell=case.cell, activation=case.activation)

    def scaled(h):
        value, d_h = case.loss(h)
        return value, np.ldexp(d_h, power)

    plain = rc.record(net, case.x, case.loss)
    moved = rc.record(net, case.x, scaled)
    for name, gradient in plain.gradients.items():
        assert np.array_equal(np.ldexp(moved.gradients[name], -power), gradient), name
    assert np.array_equal(np.ldexp(moved.layers[0].d_h, -power), plain.layers[0].d_h)


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_sequences_of_a_batch_do_not_know_of_each_other(rng, cell):
    """One of them has a loss 10^250 times the size of the others."""
    case = random_case(rng, *cell, T=40, B=4, kind="last")
    net = rc.Network.from_state_dict(case.state, cell=case.cell, activation=case.activation)
    sizes = np.array([1.0, 1e250, 1e-250, 1.0])[:, None]
    v = case.target[-1] * sizes
    together = rc.record(net, case.x, last_step(v))
    for b in range(4):
        alone = rc.record(net, case.x[:, b : b + 1], last_step(v[b]))
        ours, theirs = (r.layers[0].log10_abs("d_h")[:, k] for r, k in ((together, b), (alone, 0)))
        assert ours == pytest.approx(theirs, abs=1e-10)


@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.0, 1e6),
    cell=st.sampled_from(CELLS),
    T=st.integers(2, 90),
)
@settings(max_examples=60, deadline=None)
def test_gradient_at_a_step_is_that_of_the_rest_of_the_run(seed, scale, cell, T):
    """dL/dh_t is the initial-state gradient of the run that starts behind step t."""
    rng = np.random.default_rng(seed)
    case = random_case(rng, *cell, T=T, B=2, H=3, kind="last", scale=scale)
    rec = case.record()
    if rec.overflow is not None:
        return
    layer, t = rec.layers[0], int(rng.integers(0, T - 1))
    state = tuple(getattr(layer, name)[t] for name in case.init)
    net = rec.network
    rest = rc.record(
        net,
        case.x[t + 1 :],
        last_step(case.target[-1]),
        h_init=state if len(state) > 1 else state[0],
    )
    ours, theirs = layer.log10_norms("d_h")[t], rest.d_init[0].log10_norms("d_h")
    assert np.array_equal(np.isneginf(ours), np.isneginf(theirs))
    assert ours[np.isfinite(ours)] == pytest.approx(theirs[np.isfinite(theirs)], abs=1e-9)


def log10_of_geometric_sums(w, steps):
    """log10 of 1 + w + w^2 + ...: a loss of 1 at every step, w per step back, in time order."""
    sizes = [0.0]
    for _ in range(steps - 1):
        sizes.append(np.logaddexp(0.0, sizes[-1] + np.log(w)))
    return np.array(sizes[::-1]) / np.log(10)


def every_step(h):
    return float(h.sum()), np.ones_like(h)


@pytest.mark.parametrize("truncate", [700, 990, 1000])
def test_losses_behind_a_block_border_count_whatever_lies_beyond_it(truncate):
    """In silence: 3^700 or more on the far side of the border, 1 on the near one."""
    net = vanilla(np.array([[3.0]]), "identity")
    rec = rc.record(net, np.zeros((2000, 1, 1)), every_step, truncate=truncate)
    starts = range(0, 2000, truncate)
    expected = [log10_of_geometric_sums(3.0, min(truncate, 2000 - start)) for start in starts]
    norms = rec.layers[0].log10_norms("d_h")[:, 0]
    assert norms == pytest.approx(np.concatenate(expected), abs=1e-9)


@pytest.mark.parametrize("death", [300, 314, 331])
def test_losses_before_a_death_count_whatever_lies_behind_it(death):
    """A ReLU is dead for one step, 1,000 before the end: 10^477 behind it, 1 before it."""
    state = {"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": np.array([[3.0]])}
    net = rc.Network.from_state_dict(state, cell="rnn", activation="relu")
    x = np.full((death + 1001, 1, 1), 5e-324)  # so small that 3^1001 times as much is finite
    x[death] = -1.0
    rec = rc.record(net, x, every_step)
    assert (rec.layers[0].h[:, 0, 0] > 0).sum() == death + 1000
    expected = [log10_of_geometric_sums(3.0, death), log10_of_geometric_sums(3.0, 1001)]
    norms = rec.layers[0].log10_norms("d_h")[:, 0]
    assert norms == pytest.approx(np.concatenate(expected), abs=1e-9)


def test_last_loss_of_several_is_not_always_at_the_last_step(rng):
    """Losses at steps 2 and 5 of 9: the gradient of the last one alone starts at step 5."""
    case = random_case(rng, "gru", T=9, kind="every")
    own = np.zeros_like(case.target)
    own[[1, 4]] = case.target[[1, 4]]
    net = rc.Network.from_state_dict(case.state, cell="gru")
    alone = np.zeros_like(own)
    alone[4] = own[4]
    both = rc.record(net, case.x, lambda h: (float(np.sum(own * h)), own))
    one = rc.record(net, case.x, lambda h: (float(np.sum(alone * h)), alone))
    assert (both.last_loss_step, both.loss_steps) == (4, 2)
    assert_same_to_rounding(both.layers[0].from_last.d_h, one.layers[0].d_h)
    assert both.verdict.decades == pytest.approx(one.verdict.decades, abs=1e-12)
    assert both.verdict.regime == one.verdict.regime
    assert both.layers[0].d_h[1] == pytest.approx(own[1] + one.layers[0].d_h[1], rel=1e-12)


@pytest.mark.parametrize("T", [31, 32, 33, 70])
def test_loss_of_any_step_enters_at_that_step(T):
    """A sum of ones: 2 from the earlier of two losses back, wherever the sweep's blocks end."""
    net = vanilla(np.eye(1), "identity")
    for step in range(T - 1):
        d_h = np.zeros((T, 1, 1))
        d_h[[step, T - 1]] = 1.0
        rec = rc.record(net, np.zeros((T, 1, 1)), lambda _, d=d_h: (0.0, d))
        expected = np.where(np.arange(T) <= step, 2.0, 1.0)
        assert np.array_equal(rec.layers[0].d_h[:, 0, 0], expected), step
        assert np.array_equal(rec.layers[0].from_last.d_h[:, 0, 0], np.ones(T)), step


def test_norms_of_vectors_of_any_sizes_side_by_side():
    """Some whose squares float64 holds, and some beyond either end of it."""
    sizes = np.array([1.0, 1e-200, 1e200, 1e-300, 1e300, 0.0, 5e-324])
    rows = sizes[:, None] * np.array([1.0, -1.0, 0.0])
    for exponent in (0, 5000, -5000):
        powers = np.full(len(sizes), exponent)
        norms = Scaled(rows, powers).log10_norms()
        with np.errstate(divide="ignore"):
            expected = np.log10(sizes) + 0.5 * np.log10(2.0) + exponent * np.log10(2.0)
        assert norms == pytest.approx(expected, abs=1e-12 * max(abs(exponent), 300))
