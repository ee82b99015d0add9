"""The belt against the road: slow loops, closed forms, and what exact zeros leave."""

import doctest
import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import roads as module
from rnn_core.analysis.roads import roads
from tests.reference import slow_bptt

SMALL = {"steps": 25, "batch_size": 3, "input_size": 2, "hidden_size": 5, "init": "pytorch"}


def run(**settings):
    return rc.run(rc.ExperimentConfig(**SMALL | settings))


def slow(rec):
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    return slow_bptt(rec.network.state_dict(), np.array(rec.x), d_loss, cell=rec.network.cell)


def test_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_the_belt_is_the_product_of_gates_and_the_road_the_gradient(cell, gate):
    rec = run(cell=cell)
    again, found = slow(rec), roads(rec)
    on_line = again.d_c if cell == "lstm" else again.d_h
    sizes = np.log10(np.linalg.norm(on_line, axis=2))
    product = np.ones((3, 5))
    along = [product]
    for t in range(24, 0, -1):
        product = product * again.gates[gate][t]
        along.append(product)
    rms = 0.5 * np.log10(np.mean(np.square(along[::-1]), axis=2))
    assert found.decades == pytest.approx((sizes[0] - sizes[-1]).mean(), abs=1e-11)
    assert found.line_decades == pytest.approx(rms[0].mean(), abs=1e-11)
    assert found.product == pytest.approx((rms + sizes[-1]).mean(axis=1), abs=1e-11)
    assert found.missing == pytest.approx(found.decades - found.line_decades)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert found.parts[0] == "line"
    assert set(found.parts) == {"line", *again.gates}


@pytest.mark.parametrize("bias", [0.0, 1.0, 5.0])
def test_without_recurrent_weights_the_belt_is_the_only_road(bias):
    """f = sigmoid(b) at every step: 24 steps multiply by f^24, all of it along the line."""
    rec = run(cell="lstm", forget_bias=bias, weight_scale=0.0, input_scale=0.0)
    found = roads(rec)
    expected = -24 * math.log10(1 + math.exp(-bias))
    assert found.line_decades == pytest.approx(expected, abs=1e-9)
    assert found.decades == pytest.approx(expected, abs=1e-9)
    assert found.shares["line"] == pytest.approx(1.0)


@pytest.mark.parametrize(("cell", "name"), [("lstm", "g"), ("gru", "n")])
def test_at_initialisation_most_of_the_gradient_leaves_by_the_candidate(cell, name):
    """Of one net paths may cancel; over nets the candidate carries nine tenths or more."""
    found = [roads(run(cell=cell, steps=100, hidden_size=32, seed=seed)) for seed in range(9)]
    assert 0.85 < np.median([one.shares[name] for one in found]) < 1.15
    assert max(abs(one.shares["line"]) for one in found) < 1e-3
    assert all(2 < one.missing < 10 for one in found)


def test_a_cut_gradient_has_no_road():
    assert roads(run(cell="gru", truncate=6)) is None


def test_a_plain_net_is_refused():
    with pytest.raises(rc.ConfigError, match="rec: expected a gated cell, got cell=rnn"):
        roads(run())
