"""What clipping does to a gradient: PyTorch's table, Pascanu's rule, closed forms at any size."""

import doctest
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.analysis import clipping as module
from rnn_core.analysis.clipping import PASCANU, PYTORCH, clip_by_norm, clip_by_value, steps_after
from rnn_core.gradients import WeightGradient
from tests.reference import reference_tables
from tests.rnn_core.random_networks import last_step, random_orthogonal, vanilla

ROWS = reference_tables()["clip_grad_norm_cases"]["rows"]


def numbers(values):
    return np.array([float(value) for value in np.atleast_1d(values)])


def test_examples_are_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 7


@pytest.mark.parametrize(("gradient", "max_norm", "returned", "clipped"), ROWS, ids=str)
def test_pytorch_s_rule_gives_its_table(gradient, max_norm, returned, clipped):
    found = clip_by_norm({"w": numbers(gradient)}, max_norm)
    expected = numbers(returned)[0]
    log10 = -math.inf if expected == 0 else float(np.log10(expected))
    assert found.log10_norm_before == pytest.approx(log10, abs=1e-15, nan_ok=True)
    ours = found.gradients["w"]
    assert ours == pytest.approx(numbers(clipped), abs=1e-12, rel=0, nan_ok=True)


@pytest.mark.parametrize(
    ("gradient", "clipped"),
    [
        ([3, 4], [0.6, 0.8]),
        ([0.6, 0.8], [0.6, 0.8]),
        ([0.66, 0.88], [0.6, 0.8]),
        ([0.3, 0.4], [0.3, 0.4]),
        ([0, 0], [0, 0]),
        ([math.inf, 1], [math.nan, 0]),
        ([-math.inf, 1], [math.nan, 0]),
        ([math.nan, 1], [math.nan, 1]),
    ],
)
def test_pascanu_s_rule_has_no_epsilon(gradient, clipped):
    ours = clip_by_norm({"w": numbers(gradient)}, 1.0, rule=PASCANU).gradients["w"]
    assert ours == pytest.approx(numbers(clipped), abs=1e-15, rel=0, nan_ok=True)


@given(
    seed=st.integers(0, 2**32 - 1),
    power=st.integers(-300, 300),
    threshold=st.floats(1e-5, 1e5),
    rule=st.sampled_from([PYTORCH, PASCANU]),
)
@settings(max_examples=200, deadline=None)
def test_plain_arithmetic_where_it_reaches(seed, power, threshold, rule):
    """One norm over all parameters, by hypot, which neither overflows nor underflows."""
    rng = np.random.default_rng(seed)
    given_ = {"w": rng.normal(size=(3, 2)) * 2.0**power, "b": rng.normal(size=4) * 2.0**power}
    norm = math.hypot(*given_["w"].ravel(), *given_["b"])
    if rule == PYTORCH:
        factor = min(1.0, threshold / (norm + 1e-6))
    else:
        factor = threshold / norm if norm >= threshold else 1.0
    found = clip_by_norm(given_, threshold, rule=rule)
    assert found.log10_norm_before == pytest.approx(math.log10(norm), abs=1e-11)
    assert found.log10_factor == pytest.approx(math.log10(factor), abs=1e-11)
    for name, gradient in given_.items():
        assert found.gradients[name] == pytest.approx(gradient * factor, rel=1e-12, abs=0)
    assert found.cosine == pytest.approx(1.0, abs=1e-14)
    assert found.angle < 1e-13


@pytest.mark.parametrize("decades", [500, 5000])
def test_gradient_beyond_float64_is_brought_to_the_threshold(rng, decades):
    """w^T at w = 10: its direction is exact, where float64 has inf and a framework nan."""
    net = vanilla(10.0 * random_orthogonal(rng, 3), "tanh")
    rec = rc.record(net, np.zeros((decades, 2, 1)), last_step(np.ones(3)))  # h = 0: phi' = 1
    one = {
        "h": WeightGradient(
            rec.layers[0].total.scaled("d_h").mantissa[0],
            int(rec.layers[0].total.scaled("d_h").exponent[0, 0]),
        )
    }
    found = clip_by_norm(one, 2.0, rule=PASCANU)
    expected = decades - 1 + math.log10(math.sqrt(6))
    assert found.log10_norm_before == pytest.approx(expected, rel=1e-13)
    assert found.log10_norm_after == pytest.approx(math.log10(2), abs=1e-12)
    assert found.log10_factor == pytest.approx(math.log10(2) - expected, rel=1e-13)
    assert np.linalg.norm(found.gradients["h"]) == pytest.approx(2.0, rel=1e-14)
    assert found.cosine == pytest.approx(1.0, abs=1e-14)


def test_parameters_of_very_different_sizes_have_one_norm():
    gradients = {
        "a": WeightGradient(np.array([3.0]), 5000),
        "b": WeightGradient(np.array([4.0]), 5000),
        "c": WeightGradient(np.array([1.0]), -5000),
    }
    found = clip_by_norm(gradients, 1.0)
    log10_2 = math.log10(2)
    assert found.log10_norm_before == pytest.approx(math.log10(5) + 5000 * log10_2, rel=1e-14)
    assert found.gradients["a"] == pytest.approx([0.6], rel=1e-14)
    assert found.gradients["b"] == pytest.approx([0.8], rel=1e-14)
    assert found.gradients["c"].tolist() == [0.0]
    exact = found.exact["c"].log10_norm()
    assert exact == pytest.approx(-math.log10(5) - 10_000 * log10_2, rel=1e-13)


@pytest.mark.parametrize("rule", [PYTORCH, PASCANU])
def test_vanished_gradient_is_left_where_it_is(rule):
    gradients = {"w": WeightGradient(np.array([1.0, -2.0]), -30_000)}
    found = clip_by_norm(gradients, 1.0, rule=rule)
    assert found.log10_factor == 0.0
    assert found.clipped_entries == 0
    assert found.exact["w"].exponent == -30_000
    assert found.log10_norm_after == found.log10_norm_before


def test_zero_gradient_has_no_direction():
    found = clip_by_norm({"w": np.zeros(3)}, 1.0)
    assert found.cosine is None
    assert found.angle is None
    assert found.log10_norm_after == -math.inf


def test_infinite_gradient_has_no_direction_and_a_factor_of_zero():
    found = clip_by_norm({"w": np.array([math.inf, 1.0])}, 1.0)
    assert found.log10_factor == -math.inf
    assert found.log10_norm_before == math.inf
    assert math.isnan(found.log10_norm_after)
    assert found.cosine is None
    assert math.isnan(clip_by_norm({"w": np.array([math.nan])}, 1.0).log10_factor)
    assert clip_by_norm({"w": np.array([math.nan])}, 1.0, rule=PASCANU).log10_factor == 0.0


@pytest.mark.parametrize(
    ("gradient", "limit", "after", "changed"),
    [
        ([30.0, 0.4], 1.0, [1.0, 0.4], 1),
        ([-30.0, 40.0], 1.0, [-1.0, 1.0], 2),
        ([0.5, -0.4], 1.0, [0.5, -0.4], 0),
        ([math.inf, -math.inf], 2.0, [2.0, -2.0], 2),
        ([math.nan, 3.0], 2.0, [math.nan, 2.0], 1),
    ],
)
def test_clipping_by_value_cuts_every_entry(gradient, limit, after, changed):
    found = clip_by_value({"w": np.array(gradient)}, limit)
    assert found.gradients["w"] == pytest.approx(after, abs=0, nan_ok=True)
    assert found.clipped_entries == changed
    assert found.entries == 2
    assert found.log10_factor is None


def test_clipping_by_value_turns_the_direction_by_the_angle_between():
    """(1, tan) cut to (1/2, 1/2): the angle is 45 degrees less that of the gradient."""
    for degrees in (0.001, 10.0, 44.9, 45.0):
        gradient = np.array([1.0, math.tan(math.radians(degrees))])
        found = clip_by_value({"w": gradient}, 1e-9)
        assert found.angle == pytest.approx(45.0 - degrees, abs=1e-11)
        assert found.cosine == pytest.approx(math.cos(math.radians(45.0 - degrees)), abs=1e-13)


def test_clipping_by_value_of_a_gradient_beyond_float64():
    gradients = {
        "w": WeightGradient(np.array([1.0, -(2.0**-20)]), 2000),
        "b": WeightGradient(np.array([2.0]), -2000),
    }
    found = clip_by_value(gradients, 1.0)
    assert found.gradients["w"].tolist() == [1.0, -1.0]
    assert found.exact["b"].exponent == -2000
    assert found.angle == pytest.approx(45.0, abs=1e-4)
    assert found.log10_norm_before == pytest.approx(2000 * math.log10(2), rel=1e-12)


@pytest.mark.parametrize("limit", [1e-300, 1e300])
def test_float32_gradients_take_limits_beyond_their_range(limit):
    found = clip_by_value({"w": WeightGradient(np.array([3.0, -4.0], dtype=np.float32), 0)}, limit)
    expected = np.clip([3.0, -4.0], -limit, limit)
    assert found.gradients["w"].tolist() == expected.tolist()


def test_norm_clipping_leaves_every_share_and_moves_every_size():
    rec = rc.run(rc.ExperimentConfig(weight_scale=3.0, steps=100, seed=2))
    clipped = clip_by_norm(rec.weight_gradients, 1.0)
    left = steps_after(rec, clipped)
    assert clipped.log10_factor < -5
    assert left.shares.sum() == pytest.approx(1.0)
    assert np.array_equal(left.shares, rec.ledger.shares)
    # G_t times the factor, summed as the shares say, is the clipped gradient of weight_hh
    last = rec.layers[0]
    term = last.d_a[-1].T @ last.h_before[-1]
    expected = math.log10(np.linalg.norm(term)) + clipped.log10_factor
    assert left.log10_after[-1] == pytest.approx(expected, abs=1e-9)
    assert left.log10_before[-1] == pytest.approx(expected - clipped.log10_factor, abs=1e-9)


def test_exploded_gradient_keeps_its_direction_when_it_is_clipped():
    """Scale 3, T = 100: nothing from the last 10 steps, nearly all from the first 10."""
    near, far = [], []
    for seed in range(5):
        rec = rc.run(rc.ExperimentConfig(init="orthogonal", weight_scale=3.0, steps=100, seed=seed))
        shares = steps_after(rec, clip_by_norm(rec.weight_gradients, 1.0)).shares
        near.append(abs(shares[-10:].sum()))
        far.append(shares[:10].sum())
    assert np.median(near) < 1e-6
    assert np.median(far) > 0.85


def test_clipping_by_value_leaves_no_terms_and_silence_has_none():
    rec = rc.run(rc.ExperimentConfig(weight_scale=3.0, steps=30))
    assert steps_after(rec, clip_by_value(rec.weight_gradients, 0.1)) is None
    silent = rc.run(rc.ExperimentConfig(source="silence", steps=30))
    assert steps_after(silent, clip_by_norm(silent.weight_gradients, 1.0)) is None


def test_given_arrays_are_left_alone():
    given_ = np.array([3.0, 4.0])
    clip_by_norm({"w": given_}, 1.0)
    clip_by_value({"w": given_}, 1.0)
    assert given_.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: clip_by_norm(g, 0.0), "max_norm: expected a positive number, got 0.0"),
        (lambda g: clip_by_norm(g, math.nan), "max_norm: expected a positive number, got nan"),
        (lambda g: clip_by_norm(g, "1"), "max_norm: expected a positive number, got '1'"),
        (lambda g: clip_by_value(g, -1), "limit: expected a positive number, got -1"),
        (lambda g: clip_by_value(g, math.inf), "limit: expected a positive number, got inf"),
        (
            lambda g: clip_by_norm(g, 1.0, rule="keras"),
            "rule: expected one of pytorch, pascanu, got 'keras'",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(call, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        call({"w": np.ones(2)})


@pytest.mark.parametrize("bad", [{}, [1.0], None])
def test_nothing_to_clip_is_refused(bad):
    message = f"gradients: expected at least one array by name, got {bad!r}"
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}$"):
            clip(bad, 1.0)
