"""Many nets at once, linearized step by step, are the single runs: forward, then linearize."""

from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.cells import cell_named
from rnn_core.cells.many_nets import largest_drive
from rnn_core.magnitudes import norm_exponents
from tests.rnn_core.random_networks import CELL_IDS, CELLS, random_case

KINDS = [*((*cell, "after") for cell in CELLS), ("gru", "tanh", "before")]
KIND_IDS = [*CELL_IDS, "gru reset before"]


def nets_of(rng, cell, activation, reset, scales, **sizes):
    """Nets of one cell, each with recurrent weights of its own size, and inputs of their own."""
    cases = [random_case(rng, cell, activation, scale=scale, **sizes) for scale in scales]
    nets = [
        rc.Network.from_state_dict(case.state, cell=cell, activation=activation, reset=reset)
        for case in cases
    ]
    one = nets[0].stack[0]
    arrays = [net.stack[0].named() for net in nets]
    params = replace(one, **{name: np.stack([a[name] for a in arrays]) for name in one.named()})
    x = np.stack([case.x for case in cases], axis=1)
    init = tuple(np.stack([case.init[name] for case in cases]) for name in cases[0].init)
    return cases, nets, params, x, init


@pytest.mark.parametrize("has_biases", [True, False])
@pytest.mark.parametrize("scales", [(0.5, 1.0, 1.4), (1.0, 900.0, 1e5)], ids=["small", "huge"])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_net_has_the_states_and_gradients_of_its_own_run(rng, kind, scales, has_biases):
    """Weights of 900 or more saturate gates beyond what a slope can resolve."""
    cell, activation, reset = kind
    if activation in ("relu", "identity"):
        scales = tuple(min(scale, 3.0) for scale in scales)
    cases, nets, params, x, init = nets_of(
        rng, cell, activation, reset, scales, T=7, has_biases=has_biases
    )
    states, maps = cell_named(cell, activation, reset).run_linear(params, x, init)
    d = (np.stack([case.target[-1] for case in cases]), *(np.zeros_like(s) for s in init[1:]))
    for t in range(6, -1, -1):
        d = maps.vjp_step(t, d)
    for n, (case, net) in enumerate(zip(cases, nets, strict=True)):
        last = np.zeros_like(case.target)
        last[-1] = case.target[-1]
        given = tuple(case.init.values())
        rec = rc.record(
            net,
            case.x,
            lambda h, last=last: (float(np.sum(h * last)), last),
            h_init=given if len(given) > 1 else given[0],
        )
        layer = rec.layers[0]
        alone = (layer.h, layer.c) if cell == "lstm" else (layer.h,)
        for ours, theirs in zip(states, alone, strict=True):
            assert ours[1:, n] == pytest.approx(theirs, rel=1e-12, abs=1e-14)
        for name, ours in zip(("d_h", "d_c"), d, strict=False):
            theirs = getattr(rec.d_init[0], name)
            assert ours[n] == pytest.approx(theirs, rel=1e-9, abs=1e-11 * np.abs(theirs).max())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_no_pre_activation_is_beyond_the_bound_of_the_drive(rng, cell):
    """Only below that bound may a slope go without its own bounds."""
    cases, nets, params, x, init = nets_of(rng, cell, "tanh", "after", (0.1, 3.0, 40.0), T=30, B=8)
    bound = largest_drive(params, x, init[0])
    largest = 0.0
    for case, net in zip(cases, nets, strict=True):
        given = tuple(case.init.values())
        h_init = given if len(given) > 1 else given[0]
        rec = rc.record(net, case.x, case.loss, h_init=h_init)
        largest = max(largest, float(np.abs(rec.layers[0].a).max()))
    assert 0.3 * bound < largest <= bound


@pytest.mark.parametrize("power", [0, 400, -400])
def test_exponent_of_a_norm_bounds_it_within_a_factor_of_two(rng, power):
    one, other = (np.ldexp(rng.normal(size=(50, 5)), power) for _ in range(2))
    found = norm_exponents(one, other)
    norm = np.linalg.norm(np.concatenate([one, other], axis=1), axis=1)
    assert (norm < np.ldexp(1.0, found)).all()
    assert (norm >= np.ldexp(0.5, found)).all()


@pytest.mark.parametrize("odd", [0.0, np.nan, np.inf, 1e-170, 1e170])
def test_norm_that_a_square_cannot_hold_has_no_exponent(rng, odd):
    vectors = rng.normal(size=(4, 3))
    vectors[2] = odd
    with np.errstate(over="ignore", under="ignore"):
        assert norm_exponents(vectors) is None
