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
from rnn_core.check import gradient_check
from rnn_core.ensemble import run_ensemble
from rnn_core.theory.bounds import pascanu
from rnn_core.theory.prediction import of_recording
from tests.rnn_core.deep_networks import KINDS
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
    pascanu,
    of_recording,
    gradient_check,
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


@QUIET
@given(st.data())
def test_influence_of_pairs_of_any_weights(data):
    """Rows of a decoder, columns of an encoder of other weights, lengths and inputs."""
    kinds = [data.draw(st.sampled_from(KINDS))]
    encoder = data.draw(nets(kinds=kinds, directions=[False]))
    decoder = data.draw(
        nets(kinds=kinds, directions=[False], layers=encoder.layers, size=encoder.hidden_size)
    )
    x, y = (data.draw(numbers((3, 2, net.input_size))) for net in (encoder, decoder))
    d_y = data.draw(numbers((3, 2, decoder.hidden_size)))
    pair = rc.record_pair(encoder, decoder, x, y, lambda _: (0.0, d_y))
    for layer in range(encoder.layers):
        found, refusal = outcome(lambda k=layer: influence(pair, layer=k))
        assert refusal is None or ": expected " in refusal
        if found is not None and pair.encoder.overflow is None:
            assert not np.isnan(found.log10_norms).any()
            assert not np.isnan(found.log10_state_norms).any()


@QUIET
@given(CONFIGS.map(agreeing), st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True))
def test_ensembles_of_any_config(values, seeds):
    values = {**values, "steps": min(values["steps"], 20), "truncate": None}
    try:
        members = [rc.ExperimentConfig(**{**values, "seed": seed}) for seed in seeds]
        found = run_ensemble(members)
    except rc.ConfigError:
        return
    for over in ("nets", "sequences"):
        assert found.quantiles(over=over).shape == (3, found.log10_norms.shape[1])
    for k in range(len(seeds)):
        assert not np.isnan(found.log10_norms[k, : found.steps[k]]).any()
        assert np.isnan(found.log10_norms[k, found.steps[k] :]).all()
        found.verdict(k)
    assert len(found.growth_per_step()) == len(seeds)


@pytest.mark.parametrize("w", [1e200, -1e200, 5e-324, 0.0])
def test_one_unit_and_one_step_have_every_analysis(w):
    state = {"weight_ih_l0": np.array([[w]]), "weight_hh_l0": np.array([[w]])}
    net = rc.Network.from_state_dict(state, cell="rnn")
    assert_nothing_is_nan(rc.record(net, np.ones((1, 1, 1)), lambda h: (0.0, np.ones_like(h))))
