"""Where narrow types lose the gradient: the slow simulation, PyTorch's roundings, closed forms."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis import precision
from rnn_core.analysis.precision import (
    ALL_IN_P,
    RANGE_ONLY,
    TYPES,
    lost_precision,
    narrow_log10_norms,
)
from tests.reference import FORMATS, reference_tables, rounding_golden, slow_range_only
from tests.rnn_core.random_networks import CELL_IDS, CELLS, last_step, random_case, vanilla


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_rounding_equals_pytorch(kind):
    table = rounding_golden()
    with np.errstate(over="ignore"):
        ours = TYPES[kind].round(table["value"].astype(np.float32)).astype(float)
    assert np.array_equal(ours, table[kind])
    assert np.array_equal(np.signbit(ours), np.signbit(table[kind]))


def test_rounding_to_float16_is_a_cast_at_every_number_and_between_any_two():
    """Each float16, the middle to the next, its neighbours, and what lies beyond the largest."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.unique(every[np.isfinite(every)])
    middle = (finite[1:] + finite[:-1]) / 2
    up, down = np.float32(np.inf), np.float32(-np.inf)
    beyond = np.array([65519.996, 65520, 2**17, 3e38, np.inf], np.float32)
    tiny = np.array([2**-25, 1.5 * 2**-25, 2**-149, 0.0], np.float32)
    cases = [finite, middle, np.nextafter(middle, up), np.nextafter(middle, down), beyond, tiny]
    values = np.concatenate([*cases, *(-case for case in cases), every[np.isnan(every)]])
    with np.errstate(all="ignore"):
        expected = values.astype(np.float16).astype(np.float32)
        ours = TYPES["float16"].round(values)
    assert np.array_equal(ours, expected, equal_nan=True)
    is_number = ~np.isnan(values)
    assert np.array_equal(np.signbit(ours)[is_number], np.signbit(expected)[is_number])


@pytest.mark.parametrize("kind", list(FORMATS))
def test_limits_are_those_of_the_format(kind):
    ours, form = TYPES[kind], FORMATS[kind]
    assert ours.smallest_normal == form.smallest_normal
    assert ours.smallest_subnormal == 2.0**form.lowest
    assert ours.largest == form.largest


def linear_unit(w, T):
    return rc.record(
        vanilla(np.array([[w]]), "identity"), np.zeros((T, 1, 1)), last_step(np.ones(1))
    )


@pytest.mark.parametrize("w", [0.25, 0.5])
@pytest.mark.parametrize("kind", list(FORMATS))
def test_power_of_two_is_subnormal_and_zero_where_reference_json_says(kind, w):
    expected = reference_tables()["float_underflow_T"]["by_rho"][str(w)][kind]
    found = lost_precision(linear_unit(w, 160))[kind]
    assert [found.first_subnormal, found.first_zero] == expected
    assert found.lost_lag == found.first_zero
    assert found.first_nonfinite is None


@pytest.mark.parametrize("kind", list(FORMATS))
def test_power_of_two_overflows_where_reference_json_says(kind):
    expected = reference_tables()["float_underflow_T"]["by_rho"]["4"][kind]
    found = lost_precision(linear_unit(4.0, 70))[kind]
    assert [found.first_nonfinite] == expected
    assert found.lost_lag == found.first_nonfinite


@pytest.mark.parametrize(
    ("sizes", "lost"),
    [
        ([0.71], None),  # stored as 1: 41 % off
        ([0.64], 0),  # 56 % off
        ([0.71, 0.71, 0.64], None),
        ([0.71, 0.64, 0.64], 0),
        ([0.71, 0.64], None),  # the median lies between: 49 %
    ],
)
def test_lost_is_more_than_half_wrong_in_the_median_sequence(sizes, lost):
    """Gradients of a few tenths of the smallest float16, kept as they are by w = 1."""
    v = 2.0**-24 * np.array(sizes)[:, None]
    net = vanilla(np.array([[1.0]]), "identity")
    rec = rc.record(net, np.zeros((5, len(sizes), 1)), last_step(v))
    assert lost_precision(rec)["float16"].lost_lag == lost


@pytest.mark.parametrize("w", [0.5, 4.0])
def test_a_brief_look_ends_soon_after_the_gradient_is_lost(w):
    rec = linear_unit(w, 400)
    whole, brief = lost_precision(rec), lost_precision(rec, is_brief=True)
    for kind in FORMATS:
        assert whole[kind].lost_lag is not None
        assert brief[kind].lost_lag == whole[kind].lost_lag
        assert brief[kind].first_nonfinite == whole[kind].first_nonfinite


def test_a_brief_look_does_not_go_back_to_the_first_step(monkeypatch):
    asked = []
    gradients = precision._gradients

    def counted(*args):
        for d_h in gradients(*args):
            asked.append(1)
            yield d_h

    monkeypatch.setattr(precision, "_gradients", counted)
    rec = linear_unit(2.0, 2000)
    found = lost_precision(rec, types=("float16",), is_brief=True)["float16"]
    assert found.first_nonfinite == 16
    assert 16 < len(asked) < 60


def test_loss_scale_moves_every_lag():
    found = lost_precision(linear_unit(0.5, 60), loss_scale=10)["float16"]
    assert (found.first_subnormal, found.first_zero, found.lost_lag) == (25, 35, 35)


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize("scale", [0.1, 6.0])
@pytest.mark.parametrize("cell", CELLS, ids=CELL_IDS)
def test_every_lag_is_that_of_the_slow_simulation(rng, cell, scale, kind):
    T = 110
    case = random_case(rng, *cell, T=T, B=3, H=4, kind="last", scale=scale)
    if cell[1] in ("relu", "identity") and scale > 1:
        case.state["weight_hh_l0"] = case.state["weight_hh_l0"] / 3.0
    rec = case.record()
    own = np.zeros((T, 3, 4))
    own[-1] = case.target[-1]
    slow = slow_range_only(
        case.state,
        case.x,
        own,
        kind,
        cell=case.cell,
        activation=case.activation,
        h_init=case.init["h"],
        c_init=case.init.get("c"),
    )
    found = lost_precision(rec)[kind]
    assert found.first_subnormal == slow.first_subnormal
    assert found.first_nonfinite == slow.first_not_finite
    # a rounding half-way may fall either way: sums are not added in the same order
    for ours, theirs in ((found.lost_lag, slow.lost), (found.first_zero, slow.first_all_zero)):
        assert (ours is None) == (theirs is None)
        assert ours is None or abs(ours - theirs) <= 2


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gated_gradient_is_that_of_the_slow_simulation_at_every_step(rng, cell, kind):
    """Both keep what a backward pass writes to memory: of a GRU dL/da_n, then r times that."""
    case = random_case(rng, cell, T=60, B=3, H=4, kind="last")
    own = np.zeros(case.target.shape)
    own[-1] = case.target[-1]
    given = {"h_init": case.init["h"], "c_init": case.init.get("c")}
    slow = slow_range_only(case.state, case.x, own, kind, cell=cell, **given)
    sizes = np.linalg.norm(slow.d_h, axis=-1)
    ours = narrow_log10_norms(case.record(), kind)
    assert np.array_equal(np.isneginf(ours), sizes == 0)
    assert ours[sizes > 0] == pytest.approx(np.log10(sizes[sizes > 0]), abs=1e-9)


def test_gradient_is_wrong_long_before_it_is_zero():
    """Scale 1.5, H = 64, T = 1000: PyTorch's float16 loses near lag 90, and noise stays alive."""
    rec = rc.run(rc.ExperimentConfig(weight_scale=1.5, steps=1000))
    found = lost_precision(rec)
    assert 70 < found["float16"].lost_lag < 125
    assert found["float16"].first_zero is None or found["float16"].first_zero > 600
    assert found["float16"].lost_lag < found["bfloat16"].lost_lag < found["float32"].lost_lag
    assert found["float16"].first_subnormal < found["float16"].lost_lag


def test_nothing_is_lost_where_the_gradient_holds():
    rec = rc.run(rc.ExperimentConfig(init="orthogonal", weight_scale=1.9, seed=1))
    for found in lost_precision(rec).values():
        assert found.first_zero is None
        assert found.first_nonfinite is None
    assert lost_precision(rec)["float32"].lost_lag is None


def test_precision_is_that_of_the_last_loss_alone():
    """With a loss at every step the near losses would hide the loss of the far ones."""
    last, every = (
        lost_precision(rc.run(rc.ExperimentConfig(init="pytorch", loss_at=at)))
        for at in ("last", "every")
    )
    assert dict(last) == dict(every)
    assert last["float16"].lost_lag is not None


def test_run_without_steps_loses_nothing():
    rec = rc.run(
        rc.ExperimentConfig(
            activation="identity", weight_scale=100.0, input_scale=100.0, h_init="random", steps=3
        )
    )
    assert set(lost_precision(rec)) == set(FORMATS)
    net = vanilla(np.array([[1e300]]), "identity")
    gone = rc.record(net, np.zeros((3, 1, 1)), last_step(np.ones(1)), h_init=np.full((1, 1), 1e300))
    assert dict(lost_precision(gone)) == {}


def test_only_the_named_types_are_simulated_in_their_order(monkeypatch):
    def refuse(_):
        raise AssertionError("simulated without being asked for")

    kinds = {**TYPES, "float32": replace(TYPES["float32"], round=refuse)}
    monkeypatch.setattr(precision, "TYPES", kinds)
    found = lost_precision(linear_unit(0.5, 30), types=("bfloat16", "float16"))
    assert list(found) == ["bfloat16", "float16"]
    assert (found["float16"].first_subnormal, found["float16"].first_zero) == (15, 25)
    assert dict(lost_precision(linear_unit(0.5, 30), types=())) == {}
    with pytest.raises(AssertionError, match="simulated without being asked for"):
        lost_precision(linear_unit(0.5, 30))


@pytest.mark.parametrize("types", [("float64",), ("float16", "half")])
def test_types_are_named_from_the_list(types):
    expected = f"types: expected names from float16, bfloat16, float32, got '{types[-1]}'"
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(expected)}$"):
        lost_precision(linear_unit(0.5, 3), types=types)


@pytest.mark.parametrize("mode", [RANGE_ONLY, ALL_IN_P])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_nothing_passes_the_start_of_a_block(cell, mode):
    """T = 20 in blocks of 6: the last block is steps 18 and 19; before it all is exactly 0."""
    config = rc.ExperimentConfig(cell=cell, steps=20, hidden_size=8, truncate=6, init="pytorch")
    rec = rc.run(config)
    whole = rc.run(replace(config, truncate=None))
    for kind in FORMATS:
        norms = narrow_log10_norms(rec, kind, mode=mode)
        assert np.isneginf(norms[:18]).all()
        assert np.isfinite(norms[18:]).all()
        assert np.array_equal(norms[18:], narrow_log10_norms(whole, kind, mode=mode)[18:])
        assert lost_precision(rec, mode=mode)[kind].first_zero == 2
