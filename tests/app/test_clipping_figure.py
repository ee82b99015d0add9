"""The picture of the cliff: map, wall and paths are where closed form and slow loops put them."""

import json
import math

import numpy as np
import pytest

from app import address
from app.clipped import run_of
from app.components.parcel import payload
from app.figures import cliff, clipped_net
from app.figures.cliff_map import surface
from app.views import clipping
from tests.app.slow_cliff import error_and_slopes, slow_clipped, slow_descent
from tests.reference import slow_bptt, slow_ledger

TABLE = [  # w, b, E, dE/dw, dE/db over 50 steps, computed with 60 digits
    (5, -2.5, 0.0240888688134, 0.0863116694771, 0.100925017637),
    (5, -2.6, 0.0120952113678, 0.119458680388, 0.147601808157),
    (5, -2, 0.0555854941196, 0.0379183435046, 0.0405211913919),
    (4, -2, 0.0167366329382, -1.04452940537, -1.78790415424),
]
NEAR_THE_WALL = [
    (5, -2.6122, 0.00419902570886, 32.2127995282, 51.6627333991),
    (5, -2.6123, 0.00856303541343, -542.31511821, -871.286149708),
    (5, -2.6124, 0.322411843146, -437.049804386, -703.221413262),
]
SMALL = {"steps": 30, "batch_size": 2, "input_size": 3, "hidden_size": 6}


def settings(**changes):
    return dict(address.DEFAULTS) | SMALL | changes


def drawn(**changes):
    asked = settings(**changes)
    return cliff.drawing(run_of(asked).descents)


def traces(picture, name, axis):
    found = [t for t in picture["data"] if t["name"] == name and t.get("yaxis", "y") == axis]
    return found[-1]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}, {row[1]}")
def test_the_map_agrees_with_60_digits(row):
    """As drawn in float32, and in float64 before it travels."""
    w, b, error, _, _ = row
    picture = drawn(unit_steps=50)
    contour = picture["data"][0]
    column = round((w - contour["x0"]) / contour["dx"])
    line = round((b - contour["y0"]) / contour["dy"])
    assert contour["x0"] + column * contour["dx"] == pytest.approx(w, abs=1e-12)
    assert contour["y0"] + line * contour["dy"] == pytest.approx(b, abs=1e-12)
    assert surface(50)[line, column] == pytest.approx(error, rel=1e-9)
    assert contour["z"][line, column] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("row", TABLE + NEAR_THE_WALL, ids=lambda row: f"{row[0]}, {row[1]}")
def test_error_and_gradient_of_a_start_agree_with_60_digits(row):
    w, b, error, d_w, d_b = row
    picture = drawn(unit_steps=50, start_w=float(w), start_b=float(b), learning_rate=0.001)
    loss, norm = (traces(picture, "unclipped", axis) for axis in ("y2", "y3"))
    assert loss["customdata"][0] == pytest.approx(error, rel=1e-6)
    assert norm["customdata"][0] == pytest.approx(math.hypot(d_w, d_b), rel=1e-6)
    path = traces(picture, "unclipped", "y")
    assert path["x"][0] == w
    assert path["y"][0] == b
    assert (w - path["x"][1]) / 0.001 == pytest.approx(d_w, rel=1e-9, abs=1e-11)
    assert (b - path["y"][1]) / 0.001 == pytest.approx(d_b, rel=1e-9, abs=1e-11)
    found = run_of(settings(unit_steps=50, start_w=float(w), start_b=float(b))).descents.unclipped
    assert found.loss[0] == pytest.approx(error, rel=1e-9)
    assert found.gradient_norm[0] == pytest.approx(math.hypot(d_w, d_b), rel=1e-9)


def test_the_map_is_that_of_a_slow_loop():
    contour = drawn(unit_steps=23)["data"][0]
    for line, column in ((0, 0), (110, 160), (40, 77), (63, 12)):
        w = contour["x0"] + column * contour["dx"]
        b = contour["y0"] + line * contour["dy"]
        expected = error_and_slopes(w, b, 23)[0]
        assert contour["z"][line, column] == pytest.approx(expected, rel=1e-6)


def test_lines_of_equal_error_are_of_the_same_map():
    colours, lines = drawn()["data"][:2]
    assert (lines["type"], lines["contours"]["coloring"]) == ("contour", "none")
    assert (lines["x0"], lines["y0"]) == (colours["x0"], colours["y0"])
    assert lines["dx"] == pytest.approx(2 * colours["dx"])
    assert np.array_equal(lines["z"], colours["z"][::2, ::2])


def test_the_wall_is_drawn_where_it_is():
    """x stays at 1/2 there; from w = 4.2553 on it repels, and the error jumps across it."""
    wall = traces(drawn(), "wall", "y")
    assert wall["x"][0] == pytest.approx(4.25525193041, rel=1e-11)
    s = 1 / (1 + math.exp(-0.5))
    for w, b in zip(wall["x"], wall["y"], strict=True):
        assert b == pytest.approx(0.5 - 0.62245933120 * w, abs=1e-9)
        assert w * s + b == pytest.approx(0.5, abs=1e-12)
    w = 5.0
    left, right = wall["x"]
    b = wall["y"][0] + (w - left) / (right - left) * (wall["y"][1] - wall["y"][0])
    above, below = (error_and_slopes(w, b + side, 51)[0] for side in (1e-3, -1e-3))
    assert above < 0.02
    assert below > 0.3


def test_with_one_step_there_is_no_wall():
    assert "wall" not in [trace["name"] for trace in drawn(unit_steps=1)["data"]]


@pytest.mark.parametrize(
    ("changes", "threshold", "mode"),
    [({}, 1.0, "norm"), ({"clip": "value", "threshold": 0.2}, 0.2, "value")],
)
def test_paths_and_curves_are_those_of_a_slow_loop(changes, threshold, mode):
    """Up to the throw: later the wall has multiplied the last digits."""
    picture = drawn(**changes)
    for name, limit in (("unclipped", None), ("clipped", threshold)):
        rows = np.array(slow_descent(5.0, -2.5, threshold=limit, mode=mode, updates=43)).T
        path, loss, norm = (traces(picture, name, axis) for axis in ("y", "y2", "y3"))
        assert path["x"][:44] == pytest.approx(rows[0], abs=1e-6)
        assert path["y"][:44] == pytest.approx(rows[1], abs=1e-6)
        assert loss["y"][:40] == pytest.approx(np.log10(rows[2])[:40], abs=1e-5)
        assert norm["y"][:40] == pytest.approx(np.log10(rows[3])[:40], abs=1e-5)
        assert len(path["x"]) == len(loss["y"]) == 301


def test_every_walked_trace_has_an_entry_per_update():
    walked = [t for t in drawn()["data"] if "walk" in (t.get("meta") or {})]
    assert [t["meta"]["walk"] for t in walked].count("clipped") == 3
    assert {len(t["y"]) for t in walked} == {301}


def test_the_threshold_is_a_line_at_its_value():
    picture = drawn(threshold=3.5)
    (line,) = picture["layout"]["shapes"]
    assert (line["yref"], line["y0"]) == ("y3", pytest.approx(math.log10(3.5)))
    assert "threshold 3.5" in [note["text"] for note in picture["layout"]["annotations"]]


def test_a_path_that_left_the_map_is_named():
    texts = [note["text"] for note in drawn()["layout"]["annotations"]]
    rows = slow_descent(5.0, -2.5, threshold=None, updates=60)
    w, b = rows[-1][:2]
    assert f"unclipped: ends outside, at ({w:.1f}, {b:.1f})" in texts
    assert not any("clipped: ends outside" in one and "un" not in one for one in texts)


def test_the_domains_do_not_move_with_what_is_dragged():
    ranges = []
    for changes in ({}, {"threshold": 20.0}, {"learning_rate": 1.0}, {"start_w": 4.3}):
        layout = drawn(**changes)["layout"]
        ranges.append({k: tuple(v["range"]) for k, v in layout.items() if "axis" in k})
        contour = drawn(**changes)["data"][0]
        assert (contour["zmin"], contour["zmax"]) == (0.0, 0.49)
    assert all(one == ranges[0] for one in ranges)


def test_a_link_that_holds_the_answer_back_shows_the_map_alone():
    picture = clipping.picture(settings(ask=1)).fig
    assert {trace["name"] for trace in picture["data"]} == {
        "error",
        "levels",
        "casing",
        "wall",
    }


def slow_gradients(rec):
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    state = rec.network.state_dict()
    return slow_bptt(state, np.array(rec.x), d_loss, cell="rnn", activation="tanh")


@pytest.mark.parametrize("scale", [0.7, 3.0])
def test_the_norms_of_the_net_are_those_of_a_slow_loop(scale):
    run = run_of(settings(weight_scale=scale, threshold=0.05))
    slow = slow_gradients(run.recording)
    before, by_norm, by_value, _, _ = slow_clipped(slow.gradients, 0.05)
    picture = clipped_net.drawing(run.recording, run.net)
    shown = {t["name"]: t for t in picture["data"] if t["yaxis"] == "y3"}
    for name, expected in (("before", before), ("by norm", by_norm), ("by value", by_value)):
        assert 10.0 ** shown[name]["x"][0] == pytest.approx(expected, rel=1e-5)
    for k, (name, gradient) in enumerate(slow.gradients.items(), start=1):
        norm = float(np.linalg.norm(gradient))
        cut = float(np.linalg.norm(np.clip(gradient, -0.05, 0.05)))
        assert f"<b>{name}</b>" in picture["layout"]["yaxis3"]["ticktext"][k]
        assert 10.0 ** shown["before"]["x"][k] == pytest.approx(norm, rel=1e-5)
        assert 10.0 ** shown["by norm"]["x"][k] == pytest.approx(norm * 0.05 / before, rel=1e-5)
        assert 10.0 ** shown["by value"]["x"][k] == pytest.approx(cut, rel=1e-5)


@pytest.mark.parametrize(("scale", "symbol"), [(0.7, "triangle-left"), (3.0, "triangle-right")])
def test_a_norm_outside_the_axis_is_an_arrow_at_its_edge(scale, symbol):
    wide = {"init": "orthogonal", "hidden_size": 24, "steps": 120}
    run = run_of(settings(weight_scale=scale, threshold=0.005, **wide))
    slow = slow_gradients(run.recording)
    picture = clipped_net.drawing(run.recording, run.net)
    low, high = picture["layout"]["xaxis2"]["range"]
    assert (low, high) == (-2, 4)
    norms = [slow_clipped(slow.gradients, 0.005)[0]]
    norms += [float(np.linalg.norm(one)) for one in slow.gradients.values()]
    outside = [k for k, norm in enumerate(norms) if not 0.01 <= norm <= 1e4]
    shown = {t["name"]: t for t in picture["data"] if t["yaxis"] == "y3"}
    drawn = shown.get("before, outside", {"y": []})
    assert [round(y + 0.24) for y in drawn["y"]] == outside
    every = [t for name, t in shown.items() if name.endswith(", outside")]
    assert symbol in {one for t in every for one in t["marker"]["symbol"]}
    for trace in every:
        for x, log10 in zip(trace["x"], trace["customdata"], strict=True):
            assert x == (low if log10 < low else high)


def test_the_three_markers_of_a_row_do_not_lie_on_each_other():
    run = run_of(settings(threshold=20.0))
    picture = clipped_net.drawing(run.recording, run.net)
    rows = [t["y"] for t in picture["data"] if t["yaxis"] == "y3" and "outside" not in t["name"]]
    assert len(rows) == 3
    for row in zip(*rows, strict=True):
        first, second, third = sorted(row)
        assert min(second - first, third - second) > 0.2
        assert third - first < 0.5


def test_terms_fall_together_and_shares_stay():
    run = run_of(settings(weight_scale=3.0, threshold=0.01))
    slow = slow_gradients(run.recording)
    terms = slow.step_gradients["weight_hh_l0"]
    before, *_ = slow_clipped(slow.gradients, 0.01)
    ledger = slow_ledger(terms)
    picture = clipped_net.drawing(run.recording, run.net)
    sizes = {t["meta"]["name"]: t["y"] for t in picture["data"] if t["yaxis"] == "y"}
    expected = np.array([np.log10(np.linalg.norm(one)) for one in terms[1:]])
    assert sizes["before"][1:] == pytest.approx(expected, abs=1e-4)
    assert sizes["clipped"][1:] == pytest.approx(expected + np.log10(0.01 / before), abs=1e-4)
    share = next(t["y"] for t in picture["data"] if (t.get("meta") or {}).get("name") == "share")
    assert share == pytest.approx(ledger.share, abs=1e-6)


def test_a_net_without_a_gradient_gets_a_sentence():
    run = run_of(settings(activation="relu", input_scale=0.0, weight_scale=0.0))
    assert run.net is None
    texts = [n["text"] for n in clipped_net.drawing(run.recording, None)["layout"]["annotations"]]
    assert texts == ["The gradient of every parameter is exactly 0: there is nothing to clip."]


def test_a_picture_of_a_drag_is_small():
    parcel = payload(clipping.picture(settings()), key="clipping", is_coarse=True)
    assert len(parcel) < 200_000
    assert json.loads(parcel)["figure"]["layout"]["meta"]["picks"][0]["name"] == "start"


@pytest.mark.parametrize("reach", ["0.25", "1", "4", "32"])
def test_the_decades_of_the_net_reach_as_far_as_the_reader_asks(reach):
    """T = 30: 0.27 decades a step down and 0.17 up for a term; 2 down and 4 up for a norm."""
    layout = clipping.net_picture(settings(reach=reach)).fig["layout"]
    by = float(reach)
    terms = [-max(math.ceil(30 * 0.27 * by), 4), max(math.ceil(30 * 0.17 * by), 4)]
    assert layout["yaxis"]["range"] == terms
    low, high = layout["xaxis2"]["range"]
    assert (low, high) == (-2 * max(by, 1), 4 * max(by, 1))
    usual = clipping.net_picture(settings(reach="1")).fig["layout"]
    assert (layout["yaxis"]["range"] == usual["yaxis"]["range"]) == (reach == "1")
