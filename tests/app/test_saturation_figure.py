"""The picture of saturation, read from its data."""

import numpy as np
import plotly.graph_objects as go
import pytest

import rnn_core as rc
from app.figures.saturation import drawing
from rnn_core.analysis.saturation import saturation
from tests.reference import slow_bptt
from tests.reference.slow_terms import slow_tug_of_war

SMALL = {"steps": 30, "batch_size": 4, "input_size": 3, "hidden_size": 6, "input_scale": 2.0}


def run(**settings):
    return rc.run(rc.ExperimentConfig(**SMALL | settings))


def slow(rec):
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    return slow_bptt(
        rec.network.state_dict(),
        np.array(rec.x),
        d_loss,
        cell="rnn",
        activation=rec.network.activation,
    )


def drawn(rec, **options):
    return go.Figure(drawing(rec, saturation(rec), **options))


def on(fig, axis):
    return [trace for trace in fig.data if trace.yaxis == axis]


def notes(fig):
    return " | ".join(note.text for note in fig.layout.annotations)


def curve(fig, name):
    (found,) = [t for t in on(fig, "y4") if (t.meta or {}).get("name") == f"{name} ×"]
    return found.y


def test_four_panels_share_the_axis_of_time_and_a_column_has_its_own():
    fig = drawn(run())
    assert {t.yaxis for t in fig.data if t.xaxis == "x"} == {"y", "y2", "y3", "y4"}
    assert {t.yaxis for t in fig.data if t.xaxis == "x2"} == {"y5", "y6"}
    assert tuple(fig.layout.xaxis.range) == (0.5, 30.5)
    assert fig.layout.xaxis2.domain[1] < fig.layout.xaxis.domain[0]


def test_slopes_are_those_of_tanh_at_every_unit():
    rec = run()
    (trace,) = on(drawn(rec, sequence=2), "y")
    h = slow(rec).h[:, 2].T
    assert 10.0**trace.z == pytest.approx(1 - h**2, rel=1e-4)
    assert (trace.zmin, trace.zmax) == (-4, 0)


def test_a_relu_at_zero_has_its_own_colour():
    rec = run(activation="relu")
    slopes, zeros = on(drawn(rec), "y")
    a = slow(rec).a[:, 0].T
    assert np.array_equal(zeros.z == 1.0, a <= 0.0)
    assert np.array_equal(slopes.z == 0.0, a > 0.0)
    assert "exactly 0" in notes(drawn(rec))
    assert "share of units at 0" in notes(drawn(rec))


def test_gradients_are_drawn_below_on_the_same_steps():
    rec = run()
    trace = on(drawn(rec, sequence=1), "y2")[0]
    assert trace.z == pytest.approx(np.log10(np.abs(slow(rec).d_h[:, 1].T)), abs=1e-5)
    assert np.array_equal(trace.x, on(drawn(rec), "y")[0].x)


def test_the_share_is_of_all_units_and_sequences():
    rec = run()
    (trace,) = on(drawn(rec), "y3")
    assert trace.y == pytest.approx((np.abs(slow(rec).h) > 0.9).mean(axis=(1, 2)), abs=1e-6)


@pytest.mark.parametrize("loss_at", ["last", "every"])
def test_the_tug_of_war_is_the_mean_of_slow_pulls(loss_at):
    rec = run(loss_at=loss_at)
    own = np.zeros(rec.layers[0].h.shape)
    own[:] = rec.loss_function(rec.layers[0].h)[1]
    tug = slow_tug_of_war(
        rec.network.state_dict(),
        np.array(rec.x),
        own,
        activation="tanh",
        h_init=np.zeros(own.shape[1:]),
    )
    fig = drawn(rec)
    assert curve(fig, "W") == pytest.approx(tug.by_weight.mean(axis=1), abs=1e-5)
    assert curve(fig, "φ′") == pytest.approx(tug.by_slope.mean(axis=1), abs=1e-5)
    total = tug.by_weight + tug.by_slope + tug.by_loss
    assert curve(fig, "together") == pytest.approx(total.mean(axis=1), abs=1e-5)
    if loss_at == "every":
        assert curve(fig, "new loss") == pytest.approx(tug.by_loss.mean(axis=1), abs=1e-5)
    else:
        assert "new loss" not in notes(fig)


def test_the_histogram_holds_this_run_and_names_what_lies_beyond():
    rec = run(input_scale=10.0)
    a = slow(rec).a[1:].ravel()
    (bars,) = on(drawn(rec), "y6")
    for x, y in zip(bars.x, bars.y, strict=True):
        inside = (a >= x - bars.width / 2) & (a < x + bars.width / 2)
        assert y == pytest.approx(inside.mean(), abs=2 / a.size)
    inside = (np.abs(a) < 15).mean()
    assert 0.5 < inside < 1.0
    assert bars.y.sum() == pytest.approx(inside, abs=1e-6)
    named = drawn(rec).layout.xaxis2
    assert tuple(named.range) == (-15, 15)
    assert named.title.text == f"a; beyond ±15: {100 * (1 - inside):.2g} %"


@pytest.mark.parametrize(
    "settings",
    [
        {"weight_scale": 10.0, "hidden_size": 1},
        {"weight_scale": 10.0, "hidden_size": 32},
        {"weight_scale": 3.0, "hidden_size": 32, "input_scale": 10.0},
    ],
)
def test_the_histogram_holds_most_of_every_saturated_preset(settings):
    rec = rc.run(rc.ExperimentConfig(init="orthogonal", steps=100, **settings))
    W, h, x = rec.network.state_dict(), rec.layers[0].h, np.array(rec.x)
    a = h[:-1] @ W["weight_hh_l0"].T + x[1:] @ W["weight_ih_l0"].T  # of recorded states: chaos
    (bars,) = on(drawn(rec), "y6")
    assert bars.y.sum() == pytest.approx((np.abs(a) < 15).mean(), abs=2 / a.size)
    assert bars.y.sum() > 0.75


def test_a_bar_that_is_cut_off_is_named_and_nothing_outside_is_not():
    fig = drawn(run(weight_scale=0.0, input_scale=0.0))
    (bars,) = on(fig, "y6")
    assert bars.y.max() == 1.0
    assert "↑ tallest bar: 100 %" in notes(fig)
    assert fig.layout.xaxis2.title.text == "a"


@pytest.mark.parametrize(
    ("activation", "phi", "slope"),
    [
        ("tanh", np.tanh, lambda a: 1 - np.tanh(a) ** 2),
        ("sigmoid", lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
        ("relu", lambda a: np.maximum(a, 0), lambda a: 1.0 * (a > 0)),
        ("identity", lambda a: a, np.ones_like),
    ],
)
def test_the_activation_and_its_slope_are_drawn(activation, phi, slope):
    one, other = on(drawn(run(activation=activation)), "y5")
    assert one.y == pytest.approx(phi(one.x), abs=1e-6)
    assert other.y == pytest.approx(slope(other.x), abs=1e-6)


def test_the_domains_do_not_move_with_the_weights_or_the_input():
    ranges = []
    for settings in ({"weight_scale": 0.1}, {"weight_scale": 10.0}, {"input_scale": 10.0}):
        layout = drawn(run(**settings)).layout.to_plotly_json()
        axes = [name for name in layout if name.startswith(("xaxis", "yaxis"))]
        ranges.append({name: tuple(layout[name]["range"]) for name in axes})
        assert [(t.zmin, t.zmax) for t in drawn(run(**settings)).data if t.type == "heatmap"] == [
            (-4, 0),
            (-7, 4),
        ]
    assert ranges[0] == ranges[1] == ranges[2]


def test_a_pull_beyond_the_panel_is_named_and_no_point_is_drawn_at_the_edge():
    rec = run(hidden_size=1, init="orthogonal", weight_scale=10.0)
    fig = drawn(rec)
    mean = curve(fig, "φ′")[1:].mean()
    assert mean < -3
    assert f"↓ φ′: 10<sup>−{-mean:.1f}</sup> per step" in notes(fig)


def test_a_pinned_run_is_drawn_from_its_loss():
    rec, other = run(), run(weight_scale=2.0, steps=12)
    fig = drawn(rec, pinned=(other, saturation(other)))
    (a,) = [t for t in on(fig, "y4") if t.line.dash == "dash"]
    assert np.isnan(a.y[:18]).all()
    assert a.y[18:] == pytest.approx(saturation(other).tug.total.mean(axis=1), abs=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{"steps": 1}, {"weight_scale": 0.0}, {"truncate": 4}, {"steps": 1500, "batch_size": 1}],
)
def test_every_corner_has_a_picture(settings):
    fig = drawn(run(**settings))
    assert len(on(fig, "y4")) == 3
    assert on(fig, "y")[0].z.shape[1] == min(settings.get("steps", 30), 750)


def test_without_states_there_is_a_sentence():
    rec = run(activation="identity", weight_scale=100, input_scale=100, steps=400)
    assert "no run beyond" in notes(drawn(rec))
    assert "nothing to draw" in notes(go.Figure(drawing(rec, None)))
