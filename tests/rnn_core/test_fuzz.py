"""Whatever comes in: two documented errors, no warning of NumPy, nan only after an overflow.

Warnings are errors in this suite (pyproject.toml), so a silent overflow is a failure here.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rnn_core as rc
from rnn_core.analysis.precision import lost_precision
from rnn_core.config import FIELDS
from tests.rnn_core.random_networks import CELLS, ROWS, last_step

QUIET = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def outcome(call):
    """Return what a call gives, or the sentence with which it refuses; no other error passes."""
    try:
        return call(), None
    except (rc.ConfigError, rc.ShapeError) as error:
        return None, str(error)


def everything_is_read(rec):
    """Touch every documented number; return those in which nan would be a lie."""
    found = {
        "verdict": [
            v
            for v in (rec.verdict.decades, rec.verdict.growth_per_step, rec.verdict.half_life)
            if v is not None
        ]
    }
    for k, layer in enumerate(rec.layers):
        arrays = {"h": layer.h, "a": layer.a, "d_a": layer.d_a, **layer.gates}
        found |= {f"{name} of {k}": array for name, array in arrays.items()}
        for kind, gradient in (
            (f"total of {k}", layer.total),
            (f"from_last of {k}", layer.from_last),
            (f"init of {k}", rec.d_init[k]),
        ):
            for name in gradient.values:
                found[f"{kind} {name}"] = getattr(gradient, name)
                found[f"{kind} log10_abs {name}"] = gradient.log10_abs(name)
                found[f"{kind} log10_norms {name}"] = gradient.log10_norms(name)
                found[f"{kind} log10_norm {name}"] = gradient.log10_norm(name)
    found |= {f"gradient {name}": g for name, g in rec.gradients.items()}
    found |= {f"log10 {name}": [size] for name, size in rec.log10_gradient_norm.items()}
    if rec.ledger is not None:
        found |= {"shares": rec.ledger.shares, "sizes": rec.ledger.log10_sizes}
    frame = rec.to_frame().drop(columns=["share_weight_hh", "direction"], errors="ignore")
    found |= {column: frame[column].to_numpy() for column in frame}
    lost_precision(rec)
    assert len(rec.fingerprint) == 12
    return found


def assert_no_lie(rec):
    numbers = everything_is_read(rec)
    if rec.overflow is not None and rec.overflow_left_nan:
        assert np.isnan(rec.loss)
        return
    for name, values in numbers.items():
        assert not np.isnan(values).any(), name
    for layer in rec.layers:
        for gradient in (layer.total, *rec.d_init):
            logs, plain = gradient.log10_abs("d_h"), gradient.d_h
            assert not np.isposinf(logs).any()
            far = gradient.is_far_below("d_h")
            limits = np.finfo(plain.dtype)
            in_range = np.isfinite(plain) & (np.abs(plain) > 1e8 * limits.tiny) & ~far
            exact = np.log10(np.abs(plain[in_range].astype(np.float64)))
            digits = 1e-9 if plain.dtype == np.float64 else 1e-5
            assert logs[in_range] == pytest.approx(exact, abs=digits)
            assert (logs[(plain == 0) & ~far] < np.log10(limits.smallest_subnormal) + 1).all()
            assert (logs[np.isinf(plain)] > np.log10(limits.max) - 1).all()


def test_nan_and_missing_numbers_would_be_noticed():
    """The judge itself: a nan in one array fails it."""
    rec = rc.run(rc.ExperimentConfig(steps=3))
    assert_no_lie(rec)
    layer = rec.layers[0]
    layer.total.values["d_h"].mantissa.setflags(write=True)
    layer.total.values["d_h"].mantissa[1, 0, 0] = np.nan
    with pytest.raises((AssertionError, RuntimeWarning)):
        assert_no_lie(rec)


CONFIGS = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(FIELDS["cell"].options),
        "activation": st.sampled_from(FIELDS["activation"].options),
        "steps": st.integers(1, 60) | st.sampled_from([300, 700]),
        "batch_size": st.integers(1, 5),
        "input_size": st.integers(1, 5),
        "hidden_size": st.integers(1, 20),
        "init": st.sampled_from(FIELDS["init"].options),
        "weight_scale": st.floats(0, 100) | st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 3.0, 100.0]),
        "input_scale": st.floats(0, 100) | st.sampled_from([0.0, 5e-324, 1e-200, 1.0, 100.0]),
        "bias_scale": st.sampled_from([0.0, 1e-310, 0.5, 10.0]),
        "forget_bias": st.none() | st.floats(-10, 10),
        "source": st.sampled_from(FIELDS["source"].options),
        "text": st.text(min_size=0, max_size=40),
        "h_init": st.sampled_from(FIELDS["h_init"].options),
        "loss_at": st.sampled_from(FIELDS["loss_at"].options),
        "truncate": st.none() | st.integers(1, 70),
        "is_tied": st.booleans(),
        "layers": st.integers(1, 3),
        "is_bidirectional": st.booleans(),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def agreeing(values):
    """Change those of the values that mean nothing together: else one config in thirty runs."""
    cell = values["cell"]
    found = dict(values)
    if cell != "rnn":
        found |= {"activation": "tanh", "is_tied": True}
    if cell != "lstm":
        found |= {
            "forget_bias": None,
            "init": "keras" if values["init"] == "chrono" else values["init"],
        }
    if found["layers"] > 1 or found["is_bidirectional"]:
        found["is_tied"] = True
    if found["is_bidirectional"] or (found["truncate"] or 0) > found["steps"]:
        found["truncate"] = None
    return found


@given(CONFIGS | CONFIGS.map(agreeing) | CONFIGS.map(agreeing) | CONFIGS.map(agreeing))
@QUIET
def test_every_config_is_refused_or_runs(settings_):
    config, refusal = outcome(lambda: rc.ExperimentConfig(**settings_))
    if refusal is not None:
        name, _, rest = refusal.partition(": expected ")
        assert name in FIELDS
        assert ", got " in rest
        return
    assert_no_lie(rc.run(config))


@given(
    st.dictionaries(
        st.sampled_from(list(FIELDS)),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(),
            st.binary(),
            st.lists(st.integers()),
            st.complex_numbers(),
            st.just(object()),
            hnp.arrays(st.sampled_from([np.float64, np.int8]), st.sampled_from([(), (1,), (2, 2)])),
        ),
        max_size=3,
    )
)
@QUIET
def test_values_of_any_type_are_refused_or_allowed(values):
    config, refusal = outcome(lambda: rc.ExperimentConfig(**values))
    if refusal is not None:
        assert ": expected " in refusal
        assert len(refusal) < 300
        return
    for name, value in values.items():
        assert getattr(config, name) is value


LARGEST_WEIGHT, LARGEST_STATE = 1e200, 1e100
"""One step multiplies by a weight times a slope, of a gated cell times a state as well: beyond
10^428 or below 10^-428 it is more than a sweep that looks at every single step can follow."""

EXTREMES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    5e-324,
    -2.2e-308,
    1e-200,
    1e-30,
    20.0,
    -400.0,
    1e30,
    1e154,
    1e200,
    -1e300,
    1.7e308,
]


def numbers(shape, largest=np.inf):
    sizes = st.sampled_from([size for size in EXTREMES if abs(size) <= largest])
    wild = hnp.arrays(np.float64, shape, elements=sizes)
    mild = hnp.arrays(np.float64, shape, elements=st.floats(-1, 1))
    mixed = st.tuples(mild, sizes).map(lambda pair: pair[0] * pair[1])
    return wild | mild | mixed


@st.composite
def recorded(draw):
    cell, activation = draw(st.sampled_from(CELLS))
    T, B, D, H = (draw(st.integers(1, top)) for top in (9, 3, 2, 3))
    rows = ROWS[cell] * H
    is_untied = cell == "rnn" and draw(st.booleans())
    state = {
        "weight_ih_l0": draw(numbers((rows, D))),
        "weight_hh_l0": draw(numbers((T, rows, H) if is_untied else (rows, H), LARGEST_WEIGHT)),
    }
    if draw(st.booleans()):
        state |= {name: draw(numbers((rows,))) for name in ("bias_ih_l0", "bias_hh_l0")}
    init = tuple(draw(numbers((B, H), LARGEST_STATE)) for _ in range(2 if cell == "lstm" else 1))
    d_h = draw(numbers((T, B, H)))
    truncate = draw(st.none() | st.integers(1, T))
    net = rc.Network.from_state_dict(state, cell=cell, activation=activation)
    for name, array in net.state_dict().items():
        assert np.array_equal(array, state[name])
    return rc.record(
        net,
        draw(numbers((T, B, D))),
        lambda _: (0.0, d_h),
        h_init=init if len(init) > 1 else init[0],
        truncate=truncate,
        dtype=draw(st.sampled_from(["float64", "float64", "float32"])),
    )


@given(recorded())
@settings(QUIET, max_examples=300)
def test_finite_arrays_of_any_size_are_recorded(rec):
    assert_no_lie(rec)


@given(
    w=hnp.arrays(
        np.float64,
        st.integers(1, 30).map(lambda T: (T, 1, 1)),
        elements=st.sampled_from(
            [size for size in EXTREMES if 1e-100 < abs(size) <= LARGEST_WEIGHT]
        ),
    ),
    x=st.sampled_from(EXTREMES),
    activation=st.sampled_from(["tanh", "sigmoid"]),
)
@QUIET
def test_gradient_of_one_unit_is_never_exactly_zero(w, x, activation):
    """No weight and no slope is 0, and one unit has nothing to cancel with."""
    state = {"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": w}
    net = rc.Network.from_state_dict(state, cell="rnn", activation=activation)
    rec = rc.record(net, np.full((len(w), 2, 1), x), last_step(np.ones(1)))
    assert np.isfinite(rec.layers[0].log10_norms("d_h")).all()
    assert np.isfinite(rec.layers[0].log10_abs("d_h")).all()
    assert np.isfinite(rec.d_init[0].log10_norms("d_h")).all()


ANY_VALUE = st.one_of(
    st.none(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=3),
    hnp.arrays(
        st.sampled_from([np.float64, np.int64, np.bool_, np.complex128, np.float16]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    ),
)


@given(
    state=st.dictionaries(
        st.sampled_from(
            ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
        )
        | st.integers(0, 3),
        ANY_VALUE,
        max_size=5,
    ),
    cell=st.sampled_from(["rnn", "gru", "lstm", "", None]),
)
@QUIET
def test_any_state_dict_is_refused_or_is_a_network(state, cell):
    net, refusal = outcome(lambda: rc.Network.from_state_dict(state, cell=cell))
    if refusal is not None:
        assert ": expected " in refusal
        return
    for name, array in net.state_dict().items():
        assert np.array_equal(array, np.asarray(state[name], dtype=float))


@given(x=ANY_VALUE, h_init=ANY_VALUE, d_h=ANY_VALUE, truncate=ANY_VALUE)
@QUIET
def test_any_arguments_of_record_are_refused_or_recorded(x, h_init, d_h, truncate):
    state = {"weight_ih_l0": np.ones((2, 1)), "weight_hh_l0": np.eye(2)}
    net = rc.Network.from_state_dict(state, cell="rnn")
    rec, refusal = outcome(
        lambda: rc.record(net, x, lambda _: (0.0, d_h), h_init=h_init, truncate=truncate)
    )
    if refusal is not None:
        assert ": expected " in refusal
        return
    assert_no_lie(rec)
