"""The largest singular values, against hundreds of decimal digits and closed forms."""

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.leading import DECADES, leading_singular_values
from tests.reference.slow_jacobian import exact_singular_values, slow_jacobian, tape_of_one
from tests.rnn_core.random_networks import random_case

LAGS = [1, 2, 5, 10, 20, 50]


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_values_within_ten_decades_are_those_of_400_digits(rng, cell, scale):
    case = random_case(rng, cell, T=51, H=4, scale=scale)
    init = {f"{name}_init": value[1] for name, value in case.init.items()}
    layer, tape = tape_of_one(case.state, case.x[:, 1], cell=cell, activation="tanh", **init)
    jacobians = [slow_jacobian(layer, step) for step in tape]
    expected = np.array(exact_singular_values(jacobians, LAGS))
    found = leading_singular_values(case.record(), LAGS, sequence=1)
    assert found.lags.tolist() == LAGS
    for logs, exact, resolved in zip(found.log10_values, expected, found.resolved, strict=True):
        assert resolved >= 1
        assert logs[:resolved] == pytest.approx(exact[:resolved], abs=1e-4)
        assert (exact[: resolved - 1] > exact[0] - DECADES - 1e-3).all()
        assert (exact[resolved:] < exact[0] - DECADES + 1e-3).all()
    was_left_out = (found.resolved < expected.shape[1]).any()
    assert was_left_out == (np.ptp(expected, axis=1) > DECADES).any()
    assert was_left_out or cell == "gru"


def test_beyond_float64_an_orthogonal_net_keeps_its_scale():
    config = rc.ExperimentConfig(
        init="orthogonal", activation="identity", weight_scale=0.01, steps=301, hidden_size=5
    )
    found = leading_singular_values(rc.run(config), [300])
    assert found.log10_values == pytest.approx(np.full((1, 5), -600.0), abs=1e-9)
    assert found.resolved.tolist() == [5]


def test_without_weights_every_value_is_exactly_0():
    found = leading_singular_values(rc.run(rc.ExperimentConfig(weight_scale=0.0, steps=4)), [1, 3])
    assert np.isneginf(found.log10_values).all()
    assert found.resolved.tolist() == [0, 0]


def test_there_is_nothing_to_measure_at_one_step():
    assert leading_singular_values(rc.run(rc.ExperimentConfig(steps=1))) is None


@pytest.mark.parametrize("lags", [[0], [4], [1.5], []])
def test_lags_that_the_run_does_not_have_are_refused(lags):
    rec = rc.run(rc.ExperimentConfig(steps=4))
    with pytest.raises(rc.ConfigError, match=r"^lags: expected steps from 1 to 3, got "):
        leading_singular_values(rec, lags)


def test_the_usual_lags_go_as_far_as_the_run():
    rec = rc.run(rc.ExperimentConfig(steps=30, hidden_size=4))
    assert leading_singular_values(rec).lags.tolist() == [1, 2, 5, 10, 20]
