"""The picture of gating: cells, gates and roads against slow loops, colours, ticks, domains."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from app.figures.gating import drawing
from rnn_core.analysis.roads import roads
from tests.app.test_gating import slow, three
from tests.reference import slow_log10_norms
from tests.reference.slow_terms import slow_paths


@pytest.mark.parametrize(("cell", "panels"), [("lstm", 5), ("gru", 4)])
def test_the_picture_has_cells_gates_and_paths_on_one_axis(cell, panels):
    recs = three(cell=cell)
    rec, again = recs[cell], slow(recs[cell])
    fig = go.Figure(drawing(recs, cell, roads(rec), sequence=1))
    axes = ["y", *(f"y{k}" for k in range(2, panels + 1))]
    assert sorted({trace.yaxis for trace in fig.data}) == sorted(axes)
    assert {trace.xaxis for trace in fig.data} == {"x"}
    gates = [trace for trace in fig.data if trace.type == "heatmap"]
    for trace in gates:
        assert trace.z == pytest.approx(again.gates[trace.meta["name"]][:, 1].T, abs=1e-6)
        assert (trace.zmin, trace.zmax) == (0, 1)
    assert [t.meta["name"] for t in gates] == (["i", "f", "o"] if cell == "lstm" else ["r", "z"])


def test_the_curves_are_means_of_slow_sizes():
    recs = three(cell="lstm")
    fig = go.Figure(drawing(recs, "lstm", roads(recs["lstm"])))
    drawn = {trace.meta["name"]: trace.y for trace in fig.data if trace.yaxis == "y"}
    for cell, rec in recs.items():
        expected = slow_log10_norms(slow(rec).d_h).mean(axis=1)
        assert drawn[cell.upper()] == pytest.approx(expected, abs=1e-5)
    of_c = slow_log10_norms(slow(recs["lstm"]).d_c).mean(axis=1)
    assert drawn["|∂L/∂c|"] == pytest.approx(of_c, abs=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_every_path_beside_the_whole_is_that_of_slow_loops(cell):
    recs = three(cell=cell)
    rec = recs[cell]
    own = np.zeros(rec.layers[0].h.shape)
    own[-1] = rec.layers[0].d_h[-1]
    zeros = np.zeros(own.shape[1:])
    parts = slow_paths(
        rec.network.state_dict(),
        np.array(rec.x),
        own,
        cell=cell,
        h_init=zeros,
        c_init=zeros if cell == "lstm" else None,
    )
    fig = go.Figure(drawing(recs, cell, roads(rec)))
    last = "y5" if cell == "lstm" else "y4"
    drawn = {trace.meta["name"]: trace.y for trace in fig.data if trace.yaxis == last}
    names = {"never left the line": "line", "candidate g": "g", "candidate n": "n"}
    whole = slow_log10_norms(sum(part for name, part in parts.items() if name != "whole"))
    assert len(drawn) == len([name for name in parts if name != "whole"])
    for title, curve in drawn.items():
        name = title.removesuffix(" ÷ whole")
        assert name != title
        ratio = slow_log10_norms(parts[names.get(name, name)]) - whole
        expected = ratio.mean(axis=1)
        finite = np.isfinite(expected)
        assert np.array_equal(np.isfinite(curve), finite)
        assert curve[finite] == pytest.approx(expected[finite], abs=1e-5)


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_the_product_of_keeping_gates_stands_beside_the_cells(cell, gate):
    recs = three(cell=cell)
    again = slow(recs[cell])
    fig = go.Figure(drawing(recs, cell, roads(recs[cell])))
    drawn = {trace.meta["name"]: trace.y for trace in fig.data if trace.yaxis == "y"}
    at_loss = slow_log10_norms((again.d_c if cell == "lstm" else again.d_h)[-1:])[0]
    for t in (0, 3):
        product = np.prod(again.gates[gate][t + 1 :], axis=0)
        along = 0.5 * np.log10(np.mean(np.square(product), axis=1))
        assert drawn[f"∏ {gate}"][t] == pytest.approx((along + at_loss).mean(), abs=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_roads_have_a_colour_and_a_mark_each_and_none_of_a_cell(cell):
    recs = three(cell=cell)
    fig = go.Figure(drawing(recs, cell, roads(recs[cell])))
    last = "y5" if cell == "lstm" else "y4"
    roads_drawn = [trace for trace in fig.data if trace.yaxis == last]
    colours = {trace.line.color for trace in roads_drawn}
    assert len(colours) == len({trace.marker.symbol for trace in roads_drawn}) == len(roads_drawn)
    others = {t.line.color for t in fig.data if t.yaxis == "y" and t.line.dash == "solid"}
    assert len(others) == 3
    products = {t.line.color for t in fig.data if (t.meta or {}).get("name", "").startswith("∏")}
    assert len(products) == 1
    assert not colours & (others | products)
    (legend,) = [n.text for n in fig.layout.annotations if "by first exit" in n.text]
    for trace in roads_drawn:
        name = trace.meta["name"].removesuffix(" ÷ whole")
        assert re.search(rf"color:{re.escape(trace.line.color)}\"><b>.</b></span> {name}", legend)


def test_a_road_below_the_panel_is_named_with_its_ratio():
    recs = three(cell="lstm", steps=90, hidden_size=16, weight_scale=6.0)
    fig = go.Figure(drawing(recs, "lstm", roads(recs["lstm"])))
    (line,) = [t for t in fig.data if (t.meta or {}).get("name") == "never left the line ÷ whole"]
    assert -9.95 > line.y[0] < fig.layout.yaxis5.range[0] == -4
    texts = [n.text for n in fig.layout.annotations if n.yref == "y5"]
    says_it = f"↓ never left the line ÷ whole: 10<sup>−{-line.y[0]:.0f}</sup> at step 1"
    assert any(says_it in text for text in texts)


@pytest.mark.parametrize("steps", [6, 30, 100, 400, 2000])
def test_the_axis_of_cells_has_ticks_above_1(steps):
    recs = three(cell="lstm", steps=steps, hidden_size=2, batch_size=1, weight_scale=2.0)
    places = go.Figure(drawing(recs, "lstm", roads(recs["lstm"]))).layout.yaxis.tickvals
    assert max(places) > 0 > min(places)
    assert 3 <= len(places) <= 8


def test_the_domains_do_not_move_with_the_weights():
    ranges = []
    for scale in (0.1, 1.0, 8.0):
        recs = three(cell="lstm", weight_scale=scale)
        layout = go.Figure(drawing(recs, "lstm", roads(recs["lstm"]))).layout.to_plotly_json()
        ranges.append({k: tuple(v["range"]) for k, v in layout.items() if k.startswith("yaxis")})
    assert ranges[0] == ranges[1] == ranges[2]
