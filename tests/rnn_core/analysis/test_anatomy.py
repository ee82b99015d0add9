"""One step opened: its numbers against the equations written out by hand."""

import math

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.anatomy import anatomy

SIZES = {"steps": 12, "batch_size": 3, "input_size": 2, "hidden_size": 5, "bias_scale": 0.3}


def run(**settings):
    return rc.run(rc.ExperimentConfig(**SIZES | settings))


def sigmoid(a):
    return 1.0 / (1.0 + math.exp(-a))


def weights(rec):
    return {name.removesuffix("_l0"): np.array(w) for name, w in rec.network.state_dict().items()}


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "identity"])
def test_a_unit_of_a_vanilla_step_is_its_equation(activation):
    rec = run(activation=activation, weight_scale=0.8)
    found, w = anatomy(rec, 7, sequence=1, unit=3), weights(rec)
    h = np.zeros(5)
    function = {
        "tanh": math.tanh,
        "sigmoid": sigmoid,
        "relu": lambda a: max(a, 0.0),
        "identity": lambda a: a,
    }[activation]
    for t in range(8):
        before, x = h, rec.x[t, 1]
        a = w["weight_hh"] @ h + w["weight_ih"] @ x + w["bias_ih"] + w["bias_hh"]
        h = np.array([function(one) for one in a])
    unit = found.unit
    assert unit.h_before == pytest.approx(before[3])
    assert unit.a["h"] == pytest.approx(a[3])
    assert unit.h == unit.values["h"] == pytest.approx(h[3])
    assert unit.from_state["h"] == pytest.approx(w["weight_hh"][3] @ before)
    assert unit.from_input["h"] == pytest.approx(w["weight_ih"][3] @ x)
    assert unit.bias["h"] == pytest.approx(w["bias_ih"][3] + w["bias_hh"][3])
    nudge = 1e-6
    slope = (function(a[3] + nudge) - function(a[3] - nudge)) / (2 * nudge)
    assert unit.slopes["h"] == pytest.approx(slope, rel=1e-6)
    assert list(found.x) == pytest.approx(list(x))


@pytest.mark.parametrize("loss_at", ["last", "every"])
def test_the_growth_of_a_vanilla_step_is_what_slopes_weights_and_loss_did(loss_at):
    rec = run(loss_at=loss_at)
    found, w = anatomy(rec, 7, sequence=2), weights(rec)
    d, before = rec.layers[0].d_h[7, 2], rec.layers[0].d_h[6, 2]
    through = d / np.cosh(rec.layers[0].a[7, 2]) ** 2
    carried = w["weight_hh"].T @ through
    norm = np.linalg.norm
    assert found.log10_arriving == pytest.approx(math.log10(norm(d)))
    assert found.log10_leaving == pytest.approx(math.log10(norm(before)))
    assert found.by_slope == pytest.approx(math.log10(norm(through) / norm(d)))
    assert found.by_weight == pytest.approx(math.log10(norm(carried) / norm(through)))
    if loss_at == "last":
        assert found.by_loss is None
    else:
        assert found.by_loss == pytest.approx(math.log10(norm(before) / norm(carried)))
    assert found.unit.log10_arriving == pytest.approx(math.log10(abs(d[0])))
    assert found.shares is None


def test_a_unit_of_an_lstm_step_is_its_equations():
    rec = run(cell="lstm", init="pytorch")
    unit, layer = anatomy(rec, 4, sequence=1, unit=2).unit, rec.layers[0]
    w = weights(rec)
    for k, gate in enumerate("ifgo"):
        row = k * 5 + 2
        a = w["weight_hh"][row] @ layer.h[3, 1] + w["weight_ih"][row] @ rec.x[4, 1]
        a += w["bias_ih"][row] + w["bias_hh"][row]
        value = math.tanh(a) if gate == "g" else sigmoid(a)
        slope = 1.0 - value**2 if gate == "g" else value * (1.0 - value)
        assert unit.a[gate] == pytest.approx(a)
        assert unit.values[gate] == pytest.approx(value)
        assert unit.slopes[gate] == pytest.approx(slope)
        parts = unit.from_state[gate] + unit.from_input[gate] + unit.bias[gate]
        assert parts == pytest.approx(a)
    c = unit.values["f"] * layer.c[3, 1, 2] + unit.values["i"] * unit.values["g"]
    assert unit.c_before == pytest.approx(layer.c[3, 1, 2])
    assert unit.c == pytest.approx(c)
    assert unit.h == pytest.approx(unit.values["o"] * math.tanh(c))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_paths_of_a_gated_step_supply_the_whole(cell):
    found = anatomy(run(cell=cell, init="pytorch"), 6)
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.by_slope is None
    assert found.by_weight is None


def test_a_gru_has_no_sum_of_parts():
    found = anatomy(run(cell="gru"), 6).unit
    assert (found.from_state, found.from_input, found.bias) == (None, None, None)
    assert found.h == pytest.approx(
        (1 - found.values["z"]) * found.values["n"] + found.values["z"] * found.h_before
    )


def test_the_first_step_leads_into_the_initial_state():
    rec = run(h_init="random")
    found = anatomy(rec, 0)
    assert found.log10_leaving == pytest.approx(
        math.log10(np.linalg.norm(rec.d_init[0].d_h[0])), rel=1e-9
    )
    assert found.log10_leaving == pytest.approx(
        found.log10_arriving + found.by_slope + found.by_weight
    )


def test_a_cut_passes_nothing_on():
    rec = run(truncate=4)
    assert anatomy(rec, 8).is_cut
    assert anatomy(rec, 8).log10_leaving == -math.inf
    assert not anatomy(rec, 9).is_cut
    assert not anatomy(rec, 0).is_cut


def test_an_untied_net_uses_the_weights_of_the_step():
    rec = run(is_tied=False)
    unit = anatomy(rec, 5, unit=1).unit
    parts = unit.from_state["h"] + unit.from_input["h"] + unit.bias["h"]
    assert parts == pytest.approx(unit.a["h"])


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({"step": 12}, "step: expected 0 to 11, got 12"),
        ({"step": -1}, "step: expected 0 to 11, got -1"),
        ({"step": 1, "sequence": 3}, "sequence: expected 0 to 2, got 3"),
        ({"step": 1, "unit": 5}, "unit: expected 0 to 4, got 5"),
    ],
)
def test_a_place_that_is_not_there_is_refused(place, sentence):
    with pytest.raises(rc.ConfigError) as refusal:
        anatomy(run(), **place)
    assert str(refusal.value) == sentence
