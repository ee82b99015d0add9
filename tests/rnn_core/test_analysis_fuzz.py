"""Every analysis, nets of any weights: two documented errors, no warning, nan only after overflow.

What is nan by definition is not looked at: clipping a gradient that left float64 (PyTorch's rule).
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_core as rc
from rnn_core.analysis import anatomy, clipping, factors, input_variance, jacobian, paths, reach
from rnn_core.analysis.influence import influence
from rnn_core.analysis.leading import leading_singular_values
from rnn_core.analysis.lyapunov import lyapunov_exponents
from rnn_core.analysis.precision import ALL_IN_P, RANGE_ONLY, lost_precision, narrow_log10_norms
from rnn_core.analysis.roads import roads
from rnn_core.analysis.saturation import saturation
from rnn_core.analysis.singular_values import singular_values
from rnn_core.analysis.term_shares import term_shares
from rnn_core.analysis.tug_of_war import tug_of_war
from tests.rnn_core.test_deep_fuzz import QUIET, nets, numbers, states
from tests.rnn_core.test_fuzz import CONFIGS, agreeing, outcome, recorded

OF_A_LAYER = [
    influence,
    jacobian.weight_spectrum,
    singular_values,
    leading_singular_values,
    lyapunov_exponents,
    paths.paths,
    paths.log10_gate_products,
    term_shares,
    tug_of_war,
]
OF_A_RUN = [
    factors.vanilla_factors,
    factors.gate_factors,
    input_variance.measured_input_variance,
    roads,
    saturation,
]


def arrays_in(value):
    """Find every array of floats in a result, however deep."""
    if isinstance(value, np.ndarray | float):
        array = np.asarray(value)
        yield from [array] if array.dtype.kind in "fc" else []
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from arrays_in(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from arrays_in(part)


def analyses_of(rec):
    """Return what every analysis says of a run; a refusal is one of the two errors."""
    last = max(rec.steps - 1, 0)
    calls = [
        lambda f=f, k=k: f(rec, layer=k) for f in OF_A_LAYER for k in range(len(rec.network.stack))
    ]
    calls += [lambda f=f: f(rec) for f in OF_A_RUN]
    calls += [lambda mode=mode: lost_precision(rec, mode=mode) for mode in (RANGE_ONLY, ALL_IN_P)]
    if rec.steps:
        calls += [
            lambda: jacobian.jacobian(rec, last // 2),
            lambda: anatomy.anatomy(rec, last),
            lambda: reach.first_reached(rec),
        ]
        clipping.clip_by_value(rec.gradients, 1.0)
        clipping.steps_after(rec, clipping.clip_by_norm(rec.gradients, 1.0))
        narrow_log10_norms(rec, "float16")
    for call in calls:
        found, refusal = outcome(call)
        assert refusal is None or ": expected " in refusal
        yield found


def assert_nothing_is_nan(rec):
    for found in analyses_of(rec):
        if rec.overflow is None:
            for array in arrays_in(found):
                assert not np.isnan(array).any(), type(found)


def test_nan_deep_in_a_result_would_be_found():
    found = tug_of_war(rc.run(rc.ExperimentConfig(steps=5)))
    bad = replace(found, by_slope=np.full(3, np.nan))
    assert any(np.isnan(array).any() for array in arrays_in({"a": (bad,)}))
    assert not any(np.isnan(array).any() for array in arrays_in({"a": (found,)}))


@QUIET
@given(CONFIGS.map(agreeing))
def test_every_analysis_of_every_config(values):
    try:
        config = rc.ExperimentConfig(
            **{**values, "steps": min(values["steps"], 20), "truncate": None}
        )
    except rc.ConfigError:
        return
    assert_nothing_is_nan(rc.run(config))


@settings(QUIET, max_examples=200)
@given(recorded())
def test_every_analysis_of_arrays_of_any_size(rec):
    assert_nothing_is_nan(rec)


@settings(QUIET, max_examples=80)
@given(st.data())
def test_every_analysis_of_deep_nets_of_any_weights(data):
    net = data.draw(nets())
    T, B = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 2))
    x, d_y = (data.draw(numbers((T, B, size))) for size in (net.input_size, net.output_size))
    h_init = data.draw(states(net, B))
    assert_nothing_is_nan(rc.record(net, x, lambda _: (0.0, d_y), h_init=h_init))


@pytest.mark.parametrize("w", [1e200, -1e200, 5e-324, 0.0])
def test_one_unit_and_one_step_have_every_analysis(w):
    state = {"weight_ih_l0": np.array([[w]]), "weight_hh_l0": np.array([[w]])}
    net = rc.Network.from_state_dict(state, cell="rnn")
    assert_nothing_is_nan(rc.record(net, np.ones((1, 1, 1)), lambda h: (0.0, np.ones_like(h))))
