"""The picture of a run, read from its data: what stands where, and what never moves."""

import math
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

import rnn_core as rc
from app.figures import theme
from app.figures.gradient_flow import drawing
from tests.reference import slow_bptt, slow_ledger, slow_log10_norms, slow_pascanu_bound

SMALL = {"steps": 30, "batch_size": 4, "input_size": 3, "hidden_size": 6}


def gradient_flow(rec, **options):
    """Draw with Plotly's check of every name and value."""
    return go.Figure(drawing(rec, **options))


def run(**settings):
    return rc.run(rc.ExperimentConfig(**SMALL | settings))


def slow(rec):
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[rec.last_loss_step] = rec.layers[0].d_h[rec.last_loss_step]
    network = rec.network
    return slow_bptt(
        network.state_dict(),
        np.array(rec.x),
        d_loss,
        cell=network.cell,
        activation=network.activation,
    )


def on(fig, axis):
    """Return the traces of one panel: y hidden states, y2 gradients, y3 sizes, y4 shares."""
    return [trace for trace in fig.data if trace.yaxis == axis]


def notes(fig):
    return " | ".join(note.text for note in fig.layout.annotations)


def curve(fig, axis, says):
    found = [trace for trace in on(fig, axis) if says in (trace.hovertemplate or "")]
    assert len(found) == 1, [trace.hovertemplate for trace in on(fig, axis)]
    return found[0]


def sizes(fig):
    """Return the curve of this run's sizes: the one whose hover names nobody else."""
    return curve(fig, "y3", "<br>%{customdata[0]")


def test_four_panels_share_one_axis_of_time():
    fig = gradient_flow(run())
    assert {trace.xaxis for trace in fig.data} == {"x"}
    assert {trace.yaxis for trace in fig.data} == {"y", "y2", "y3", "y4"}
    assert tuple(fig.layout.xaxis.range) == (0.5, 30.5)


def test_hidden_states_are_units_by_steps_of_one_sequence():
    rec = run()
    (trace,) = on(gradient_flow(rec, sequence=2), "y")
    assert trace.z == pytest.approx(slow(rec).h[:, 2].T, abs=1e-7)
    assert (trace.zmin, trace.zmax) == (-1, 1)
    assert list(trace.x) == [step - 0.5 for step in range(1, 32)]


def test_a_sequence_that_is_not_there_gives_the_last_one_and_the_title_says_which():
    fig = gradient_flow(run(), sequence=40)
    assert "sequence 4 of 4" in notes(fig)
    assert on(fig, "y")[0].z == pytest.approx(slow(run()).h[:, 3].T, abs=1e-7)


def test_gradients_are_log10_of_every_unit_and_hover_has_the_true_value():
    rec = run()
    (trace,) = on(gradient_flow(rec, sequence=1), "y2")
    expected = np.abs(slow(rec).d_h[:, 1].T)
    assert trace.z == pytest.approx(np.log10(expected), abs=1e-5)
    shown = trace.text * 10.0**trace.customdata
    assert shown == pytest.approx(expected, rel=0.05)
    assert ((trace.text >= 1.0) & (trace.text < 10.0)).all()


def test_the_curve_is_the_mean_of_the_logs_with_its_band():
    rec = run()
    logs = slow_log10_norms(slow(rec).d_h)
    fig = gradient_flow(rec)
    assert sizes(fig).y == pytest.approx(logs.mean(axis=1), abs=1e-5)
    low, high = [trace for trace in on(fig, "y3") if trace.hoverinfo == "skip"]
    assert low.y == pytest.approx(np.quantile(logs, 0.1, axis=1), abs=1e-5)
    assert high.y == pytest.approx(np.quantile(logs, 0.9, axis=1), abs=1e-5)
    assert "10–90 % of the 4 sequences of this one net" in notes(fig)


def test_one_sequence_has_no_band():
    fig = gradient_flow(run(batch_size=1))
    assert not [trace for trace in on(fig, "y3") if trace.hoverinfo == "skip"]
    assert "10–90 %" not in notes(fig)


def test_pascanus_bound_is_drawn_where_it_is_one():
    rec = run()
    bound = slow_pascanu_bound(
        rec.network.state_dict()["weight_hh_l0"], "tanh", slow_log10_norms(slow(rec).d_h)
    )
    trace = curve(gradient_flow(rec), "y3", "Pascanu")
    assert trace.y == pytest.approx(bound.mean(axis=1), abs=1e-5)
    assert "Pascanu" not in notes(gradient_flow(run(loss_at="every")))
    assert "Pascanu" not in notes(gradient_flow(run(cell="gru")))


def test_floors_stand_at_the_norm_of_a_vector_of_smallest_numbers():
    """2^-24 and 2^-149 are the smallest float16 and float32, 2^-126 bfloat16's smallest normal."""
    fig = gradient_flow(run(steps=200))
    half = 0.5 * math.log10(6)
    lines = {shape.y0 for shape in fig.layout.shapes if shape.yref == "y3"}
    expected = [math.log10(x) + half for x in (65504.0, 2.0**-24, 2.0**-126, 2.0**-149)]
    assert sorted(lines) == pytest.approx(sorted(expected))
    for name in ("float16 min", "float16 max", "bfloat16 min", "float32 min"):
        assert name in notes(fig)


def test_floors_out_of_view_are_not_drawn():
    fig = gradient_flow(run(steps=5))
    assert not [shape for shape in fig.layout.shapes if shape.yref == "y3"]


@pytest.mark.parametrize("steps", [200, 500, 1000, 10_000])
def test_labels_of_floors_do_not_touch(steps):
    """A label in large type needs a seventh of the panel for each of its lines."""
    rec = run(steps=steps, batch_size=1)
    low, high = gradient_flow(rec).layout.yaxis3.range
    beside = [n for n in gradient_flow(rec).layout.annotations if n.yref == "y3" and n.x == 1.0]
    labels = sorted((n.y, n.text.count("<br>") + 1) for n in beside if n.xanchor == "left")
    for (y, lines), (above, more) in pairwise(labels):
        assert above - y >= 0.14 * (high - low) * (lines + more) / 2


def test_shares_and_their_running_total_are_the_ledgers():
    rec = run()
    share = slow_ledger(slow(rec).step_gradients["weight_hh_l0"]).share
    fig = gradient_flow(rec)
    assert curve(fig, "y4", "its share").y == pytest.approx(share, abs=1e-6)
    total = curve(fig, "y4", "from step %{x} to the loss").y
    assert total == pytest.approx(np.cumsum(share[::-1])[::-1], abs=1e-6)
    assert total[0] == pytest.approx(1.0, abs=1e-6)


def test_what_is_dragged_moves_no_axis_and_no_colour():
    def frame(fig):
        axes = [fig.layout[name].range for name in ("xaxis", "yaxis", "yaxis2", "yaxis3", "yaxis4")]
        return axes, [(t.zmin, t.zmax, t.colorscale) for t in fig.data if t.type == "heatmap"][:2]

    expected = frame(gradient_flow(run(weight_scale=1.0)))
    for scale in (0.0, 0.01, 3.0, 40.0):
        assert frame(gradient_flow(run(weight_scale=scale))) == expected


def test_an_overflow_leaves_the_axis_of_time_where_it_was():
    settings = {"activation": "identity", "init": "orthogonal", "steps": 900}
    whole = gradient_flow(run(**settings))
    cut_run = run(**settings, weight_scale=3.0)
    cut = gradient_flow(cut_run)
    assert tuple(cut.layout.xaxis.range) == tuple(whole.layout.xaxis.range) == (0.5, 900.5)
    step = cut_run.overflow.step + 1
    assert f"the state overflows at step {step}: no run beyond" in notes(cut)
    (area,) = [shape for shape in cut.layout.shapes if shape.type == "rect"]
    assert (area.x0, area.x1) == (step - 0.5, 900.5)


def test_the_reader_may_ask_for_more_decades():
    near, far = (gradient_flow(run(), reach=reach).layout.yaxis3.range for reach in (1.0, 4.0))
    assert far[0] < near[0]
    assert far[1] > near[1]


def test_values_beyond_the_picture_are_named_and_not_drawn_at_its_edge():
    """0.01 per step, 29 steps: 10^-58, where 30 steps have room for 7 decades."""
    rec = run(init="orthogonal", activation="identity", weight_scale=0.01)
    fig = gradient_flow(rec)
    low = fig.layout.yaxis3.range[0]
    assert low > -20
    assert "↓ 10<sup>−58</sup> at step 1, below the picture" in notes(fig)
    assert sizes(fig).y[0] == pytest.approx(-58, abs=1e-4)
    up = gradient_flow(
        run(init="orthogonal", activation="identity", weight_scale=100.0, source="silence")
    )
    assert "↑ 10<sup>58</sup> at step 1, above the picture" in notes(up)


def test_exact_zeros_have_a_colour_of_their_own_and_no_point_in_the_curve():
    fig = gradient_flow(run(weight_scale=0.0))
    values, zeros = on(fig, "y2")
    assert np.isnan(values.z[:, :-1]).all()
    assert np.isfinite(values.z[:, -1]).all()
    assert (zeros.z[:, :-1] == 1).all()
    assert np.isnan(zeros.z[:, -1]).all()
    assert "exactly 0" in zeros.hovertemplate
    assert np.isnan(sizes(fig).y[:-1]).all()
    assert "4 of 4 sequences: exactly 0 from step 29 back" in notes(fig)


def test_entries_far_below_their_steps_largest_are_not_called_zero():
    """Two units that do not mix, w = 1 and w = 0.001: 100 steps part them by 300 decades."""
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[0.0], [0.0]], "weight_hh_l0": [[1.0, 0.0], [0.0, 1e-3]]},
        cell="rnn",
        activation="identity",
    )

    def loss(h):
        d_h = np.zeros_like(h)
        d_h[-1] = 1.0
        return float(h[-1].sum()), d_h

    fig = gradient_flow(rc.record(net, np.zeros((101, 1, 1)), loss))
    values, far = on(fig, "y2")
    assert "more than 260 decades below" in far.hovertemplate
    # 86 steps back the second unit is 258 decades below the first, 87 steps back 261
    assert np.flatnonzero(far.z[1] == 1).tolist() == list(range(14))
    assert np.isfinite(values.z[1, 14:]).all()
    assert np.isfinite(values.z[0]).all()


def test_wide_runs_say_how_many_steps_a_column_shows():
    rec = run(steps=2501, activation="identity", init="orthogonal", weight_scale=0.99)
    fig = gradient_flow(rec)
    states, values = on(fig, "y")[0], on(fig, "y2")[0]
    h = np.array(rec.layers[0].h[:, 0])
    gradients = np.log10(np.abs(np.array(rec.layers[0].d_h[:, 0])))
    assert states.z.shape == values.z.shape == (6, 834)
    assert states.text[:, 5] == pytest.approx(h[15:18].mean(axis=0), rel=1e-9)
    assert states.text[:, -1] == pytest.approx(h[2499:].mean(axis=0), rel=1e-9)
    assert values.z[:, 5] == pytest.approx(gradients[15:18].max(axis=0), abs=1e-4)
    assert list(values.x[[0, 1, -2, -1]]) == [0.5, 3.5, 2499.5, 2501.5]
    assert "each column the mean of 3 steps" in notes(fig)
    assert "each column the largest of 3 steps" in notes(fig)


def test_ten_thousand_steps_are_light():
    """Typed arrays and at most 1,000 columns: a list of numbers would be ten times as long."""
    fig = gradient_flow(run(steps=10_000, batch_size=1, hidden_size=64))
    assert len(fig.to_json(validate=False)) < 2_600_000
    for trace in fig.to_plotly_json()["data"]:
        for name in {"x", "y", "z", "text", "customdata"} & set(trace):
            assert "bdata" in trace[name] or isinstance(trace[name], np.ndarray)


def test_a_pinned_run_has_its_own_colour_and_meets_this_one_at_the_loss():
    rec, longer = run(), run(steps=50, seed=3)
    fig = gradient_flow(rec, pinned=longer)
    theirs = slow_log10_norms(slow(longer).d_h).mean(axis=1)
    trace = curve(fig, "y3", "A: ")
    assert trace.y == pytest.approx(theirs[20:], abs=1e-5)
    assert trace.line.color == theme.colour("a") != sizes(fig).line.color
    shorter = gradient_flow(rec, pinned=run(steps=10))
    y = curve(shorter, "y3", "A: ").y
    assert np.isnan(y[:20]).all()
    assert np.isfinite(y[20:]).all()


def test_a_loss_at_every_step_has_both_curves():
    rec = run(loss_at="every")
    alone = slow_log10_norms(slow(run()).d_h).mean(axis=1)
    fig = gradient_flow(rec)
    assert curve(fig, "y3", "last loss alone").y == pytest.approx(alone, abs=1e-5)
    total = np.linalg.norm(rec.layers[0].d_h, axis=-1)
    assert curve(fig, "y3", "all losses").y == pytest.approx(np.log10(total).mean(axis=1), abs=1e-5)


def test_typed_text_stands_below_its_steps():
    fig = gradient_flow(run(source="text", text="a <b>&"))
    assert list(fig.layout.xaxis.tickvals) == [1, 2, 3, 4, 5, 6]
    assert list(fig.layout.xaxis.ticktext) == ["a", "␣", "&lt;", "b", "&gt;", "&amp;"]
    assert "loss after step 2, at the dotted line" in notes(fig)
    total = curve(fig, "y4", "from step %{x} to the loss").y
    assert np.isnan(total[2:]).all()


def test_a_long_text_has_words_that_do_not_touch():
    fig = gradient_flow(run(source="text", text="lorem ipsum dolor " * 40, steps=720))
    places, words = fig.layout.xaxis.tickvals, fig.layout.xaxis.ticktext
    assert set(words) <= {"lorem", "ipsum", "dolor"}
    assert len(words) > 5
    room = 85 / 720  # characters per step
    drawn = list(zip(places, words, strict=True))
    for (a, one), (b, other) in pairwise(drawn):
        assert (b - a) * room >= (len(one) + len(other)) / 2


def test_one_step_has_a_point_and_a_reason():
    fig = gradient_flow(run(steps=1))
    assert "with one step from a state of 0 there is no" in notes(fig)
    assert "markers" in sizes(fig).mode


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"is_tied": False}, "new at every step"), ({"source": "silence"}, "is exactly 0")],
)
def test_a_missing_ledger_has_a_reason(settings, why):
    assert why in notes(gradient_flow(run(**settings)))


def test_an_overflow_at_the_first_step_is_a_sentence():
    rec = run(activation="identity", weight_scale=100.0, h_init="random", steps=3)
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": [[1e200]], "weight_hh_l0": [[1.0]]}, cell="rnn", activation="identity"
    )
    broken = rc.record(net, np.full((3, 1, 1), 1e200), lambda h: (0.0, np.zeros_like(h)))
    assert rec.overflow is None
    assert "overflows at step 1: there is nothing to draw" in notes(gradient_flow(broken))
