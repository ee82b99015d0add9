"""What a recording is: read-only, identified by its numbers, one row per step."""

import dataclasses
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.recording import band, mean_log10
from tests.reference import slow_ledger, slow_log10_norms
from tests.rnn_core.random_networks import (
    CELL_IDS,
    CELLS,
    assert_same_to_rounding,
    last_step,
    random_case,
    vanilla,
)

CONFIGS = [
    rc.ExperimentConfig(cell=cell, steps=30, batch_size=3, hidden_size=8, loss_at=at)
    for cell in ("rnn", "gru", "lstm")
    for at in ("last", "every")
]


def arrays_of(rec):
    """Every array that a reader can reach by a documented name."""
    layer = rec.layers[0]
    found = {"x": rec.x, "h": layer.h, "h_before": layer.h_before, "a": layer.a, "d_a": layer.d_a}
    found |= {f"gate {name}": gate for name, gate in layer.gates.items()}
    for kind, gradient in (
        ("total", layer.total),
        ("from_last", layer.from_last),
        ("init", rec.d_init[0]),
    ):
        found[f"{kind} d_h"] = gradient.d_h
        if rec.network.cell == "lstm":
            found[f"{kind} d_c"] = gradient.d_c
    if rec.network.cell == "lstm":
        found["c"] = layer.c
    return found | dict(rec.gradients)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.cell}-{c.loss_at}")
def test_every_recorded_array_is_read_only(config):
    for name, array in arrays_of(rc.run(config)).items():
        assert not array.flags.writeable, name


def test_arrays_of_a_record_are_read_only_and_the_callers_are_not(rng):
    case = random_case(rng, "lstm", T=4)
    own = {name: array.copy() for name, array in case.state.items()}
    d_own = rng.normal(size=(4, 3, 4))
    net = rc.Network.from_state_dict(own, cell="lstm")
    x = case.x.copy()
    init = (case.init["h"].copy(), case.init["c"].copy())
    rec = rc.record(net, x, lambda _: (0.0, d_own), h_init=init)
    before = rec.fingerprint, rec.gradients["weight_hh_l0"].copy()
    for array in (*own.values(), x, *init, d_own):
        assert array.flags.writeable
        array[...] = 7.0
    again = rc.record(net, case.x, lambda _: (0.0, d_own * 0), h_init=tuple(case.init.values()))
    assert np.array_equal(rec.layers[0].h, again.layers[0].h)
    assert np.array_equal(rec.gradients["weight_hh_l0"], before[1])
    for name, array in arrays_of(rec).items():
        assert not array.flags.writeable, name


def test_recording_and_config_are_frozen():
    rec = rc.run(rc.ExperimentConfig(steps=2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        rec.loss = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        rec.config.steps = 3
    with pytest.raises(TypeError):
        rec.gradients["weight_hh_l0"] = np.zeros(1)


def test_equal_settings_have_equal_fingerprints():
    config = rc.ExperimentConfig(cell="gru", steps=40, seed=12)
    one, two = rc.run(config), rc.run(dataclasses.replace(config))
    assert one.fingerprint == two.fingerprint
    assert re.fullmatch(r"[0-9a-f]{12}", one.fingerprint)
    for name, array in arrays_of(one).items():
        assert np.array_equal(array, arrays_of(two)[name]), name


def test_every_setting_that_changes_a_number_changes_the_fingerprint():
    base = rc.ExperimentConfig(cell="rnn", steps=20, hidden_size=8, batch_size=2)
    changes = [
        {},
        {"cell": "gru"},
        {"cell": "lstm"},
        {"cell": "lstm", "forget_bias": 1.0},
        {"activation": "relu"},
        {"activation": "sigmoid"},
        {"activation": "identity"},
        {"steps": 19},
        {"batch_size": 3},
        {"input_size": 7},
        {"hidden_size": 9},
        *({"init": i} for i in ("orthogonal", "identity", "pytorch", "keras", "glorot")),
        {"weight_scale": np.nextafter(1.0, 2.0)},
        {"input_scale": 1.0001},
        {"bias_scale": 0.1},
        {"source": "impulse"},
        {"source": "sine"},
        {"source": "silence"},
        {"source": "text"},
        {"source": "text", "text": "other"},
        {"h_init": "random"},
        {"loss_at": "every"},
        {"truncate": 19},
        {"truncate": 5},
        {"is_tied": False},
        {"layers": 2},
        {"is_bidirectional": True},
        {"seed": 1},
    ]
    prints = [rc.run(dataclasses.replace(base, **change)).fingerprint for change in changes]
    assert len(set(prints)) == len(changes)


@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_gradient_of_the_last_loss_is_that_of_the_run_without_the_others(rng, cell):
    case = random_case(rng, *cell, T=12, kind="every")
    every, last = case.record(), dataclasses.replace(case, kind="last").record()
    ours, theirs = every.layers[0].from_last, last.layers[0].total
    assert_same_to_rounding(ours.d_h, theirs.d_h)
    if case.cell == "lstm":
        assert_same_to_rounding(ours.d_c, theirs.d_c)
    assert last.layers[0].from_last is last.layers[0].total
    assert not np.allclose(every.layers[0].d_h, ours.d_h)
    assert every.verdict.decades == pytest.approx(last.verdict.decades, abs=1e-12)
    assert every.verdict.regime == last.verdict.regime


def test_last_loss_of_a_configured_run_does_not_change_with_the_losses_before():
    last, every = (rc.run(rc.ExperimentConfig(loss_at=at)) for at in ("last", "every"))
    assert_same_to_rounding(every.layers[0].from_last.d_h, last.layers[0].d_h)


def test_truncation_cuts_the_last_loss_too():
    rec = rc.run(rc.ExperimentConfig(steps=20, truncate=6, loss_at="every", hidden_size=8))
    norms = rec.layers[0].from_last.log10_norms("d_h")
    assert np.isneginf(norms[:18]).all()  # blocks start at steps 0, 6, 12, 18
    assert np.isfinite(norms[18:]).all()
    assert np.isfinite(rec.layers[0].log10_norms("d_h")).all()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.cell}-{c.loss_at}")
def test_frame_has_the_numbers_of_the_recording(config):
    rec = rc.run(config)
    frame, layer = rec.to_frame(), rec.layers[0]
    expected = ["log10_d_h_mean", "log10_d_h_q10", "log10_d_h_q90"]
    expected += ["log10_d_c_mean"] if config.cell == "lstm" else []
    expected += ["share_weight_hh", "h_abs_mean", "saturated_share"]
    assert frame.columns.tolist() == expected
    assert frame.index.name == "step"
    assert frame.index.tolist() == list(range(1, 31))
    norms = slow_log10_norms(layer.d_h)
    assert frame["log10_d_h_mean"].to_numpy() == pytest.approx(norms.mean(axis=1), abs=1e-12)
    for quantile, name in ((0.1, "log10_d_h_q10"), (0.9, "log10_d_h_q90")):
        expected = np.quantile(norms, quantile, axis=1)
        assert frame[name].to_numpy() == pytest.approx(expected, abs=1e-12)
    if config.cell == "lstm":
        means = slow_log10_norms(layer.d_c).mean(axis=1)
        assert frame["log10_d_c_mean"].to_numpy() == pytest.approx(means, abs=1e-12)
    assert frame["h_abs_mean"].to_numpy() == pytest.approx(np.mean(np.abs(layer.h), axis=(1, 2)))
    assert frame["share_weight_hh"].to_numpy() == pytest.approx(rec.ledger.shares)
    if config.cell == "rnn":
        terms = np.einsum("tbi,tbj->tij", layer.d_a, layer.h_before)
        shares = slow_ledger(terms).share
        assert frame["share_weight_hh"].to_numpy() == pytest.approx(shares, abs=1e-10)


@pytest.mark.parametrize(
    ("activation", "count"),
    [
        ("tanh", lambda h: np.abs(h) > 0.9),
        ("sigmoid", lambda h: (h < 0.05) | (h > 0.95)),
        ("relu", lambda h: h == 0),
        ("identity", lambda h: np.zeros(h.shape, dtype=bool)),
    ],
)
def test_saturated_share_counts_what_the_definition_counts(activation, count):
    rec = rc.run(rc.ExperimentConfig(activation=activation, weight_scale=2.5, input_scale=3.0))
    share = count(rec.layers[0].h).mean(axis=(1, 2))
    assert rec.to_frame()["saturated_share"].to_numpy() == pytest.approx(share, abs=1e-12)
    assert (share.max() > 0.1) == (activation != "identity")


@pytest.mark.parametrize(("cell", "gates"), [("gru", "rz"), ("lstm", "ifo")])
def test_saturated_share_of_a_gated_cell_is_that_of_its_sigmoid_gates(cell, gates):
    rec = rc.run(rc.ExperimentConfig(cell=cell, weight_scale=4.0, input_scale=5.0))
    values = np.stack([rec.layers[0].gates[name] for name in gates])
    share = ((values < 0.05) | (values > 0.95)).mean(axis=(0, 2, 3))
    assert rec.to_frame()["saturated_share"].to_numpy() == pytest.approx(share, abs=1e-12)
    assert share.max() > 0.1


def test_mean_and_band_leave_exact_zeros_out():
    norms = np.array([[-np.inf, 1.0, 2.0, 6.0], [0.0, 1.0, 2.0, 3.0], [-np.inf] * 4])
    assert mean_log10(norms).tolist() == [3.0, 1.5, -np.inf]
    low, high = band(norms)
    assert low[:2] == pytest.approx([1.2, 0.3])
    assert high[:2] == pytest.approx([5.2, 2.7])
    assert np.isneginf([low[2], high[2]]).all()


def test_band_of_one_sequence_is_its_curve():
    frame = rc.run(rc.ExperimentConfig(batch_size=1, steps=15)).to_frame()
    assert frame["log10_d_h_q10"].equals(frame["log10_d_h_mean"].rename("log10_d_h_q10"))
    assert frame["log10_d_h_q90"].equals(frame["log10_d_h_mean"].rename("log10_d_h_q90"))


def test_frobenius_norm_follows_the_largest_sequence():
    """Two sequences of sizes 1 and 10^200: the mean of log10 is 100, Frobenius 200."""
    net = vanilla(np.eye(2), "identity")
    v = np.array([[1.0, 0.0], [1e200, 0.0]])
    layer = rc.record(net, np.zeros((3, 2, 1)), last_step(v)).layers[0]
    assert layer.log10_norm("d_h") == pytest.approx([200.0] * 3)
    assert mean_log10(layer.log10_norms("d_h")) == pytest.approx([100.0] * 3)


def test_weight_gradient_has_a_size_where_float64_has_none():
    """w = 0.01, T = 400: dL/db_t sums to 1.0101..; dL/dh_1 is 10^-798."""
    net = rc.Network.from_state_dict(
        {
            "weight_ih_l0": np.zeros((1, 1)),
            "weight_hh_l0": np.array([[100.0]]),
            "bias_ih_l0": np.zeros(1),
            "bias_hh_l0": np.zeros(1),
        },
        cell="rnn",
        activation="identity",
    )
    rec = rc.record(net, np.zeros((400, 1, 1)), last_step(np.ones(1)))
    assert rec.gradients["bias_hh_l0"][0] == np.inf
    expected = 798 + np.log10(1 / 0.99)
    assert rec.log10_gradient_norm["bias_hh_l0"] == pytest.approx(expected, abs=1e-10)
    assert rec.log10_gradient_norm["weight_hh_l0"] == -np.inf


@pytest.mark.parametrize("name", ["d_x", "h", "", None])
def test_unknown_gradient_is_refused_by_name(name):
    layer = rc.run(rc.ExperimentConfig(steps=2)).layers[0]
    message = f"name: expected one of d_h, got {name!r}"
    for ask in (layer.log10_abs, layer.log10_norm, layer.log10_norms):
        with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
            ask(name)


def test_cell_state_gradient_is_the_lstm_s_alone():
    layer = rc.run(rc.ExperimentConfig(cell="gru", steps=2)).layers[0]
    message = "name: expected one of d_h, got 'd_c'"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        _ = layer.d_c
