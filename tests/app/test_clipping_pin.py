"""A pinned run on the page of clipping: drawn as slow loops have it, told, restored and let go."""

import base64
import json
import math
import re
from urllib.parse import urlencode

import numpy as np
import pytest

from app import address
from app.clipped import run_of
from app.components.parcel import payload
from app.figures.theme import PALETTE
from app.sentences import clipping as says
from app.sentences.clipping_net import net_words
from app.views import clipping, gating, gradient_flow, saturation, weight_scale
from tests.app.slow_cliff import slow_clipped, slow_descent
from tests.app.test_clipping_figure import SMALL, settings, slow_gradients
from tests.app.test_clipping_page import parcels
from tests.app.test_views import opened, shown_text

LINK = {name: str(one) for name, one in SMALL.items()}
NAMES = ("A, unclipped", "A, clipped")


def with_a(a, **changes):
    """Return settings of the page beside a run A that differs from the default by `a`."""
    return settings(**changes, a=address.pinned_of(settings(**a)))


def drawn(a, **changes):
    return clipping.picture(with_a(a, **changes)).fig


def traces(fig, name):
    """Return the path, the error and the gradient norm of a descent, in this order."""
    found = {t["yaxis"]: t for t in fig["data"] if t["name"] == name}
    return [found[axis] for axis in ("y", "y2", "y3")]


def texts(fig):
    return [note["text"] for note in fig["layout"]["annotations"]]


def heard(text):
    """Return what a page says, without the caret that is there for those who copy it."""
    return text.replace("^", "")


@pytest.mark.parametrize(
    ("a", "loop"),
    [
        ({"threshold": 0.5}, {"threshold": 0.5}),
        ({"clip": "value", "threshold": 0.2}, {"threshold": 0.2, "mode": "value"}),
        (
            {"start_w": 4.7, "start_b": -2.3, "unit_steps": 40, "learning_rate": 0.05},
            {"w": 4.7, "b": -2.3, "steps": 40, "rate": 0.05, "threshold": 1.0},
        ),
    ],
)
def test_the_descents_of_a_are_those_of_a_slow_loop_and_the_run_keeps_its_own(a, loop):
    loop = {"w": 5.0, "b": -2.5} | loop
    fig, alone = drawn(a, threshold=3.0), clipping.picture(settings(threshold=3.0)).fig
    limits = {"A, clipped": loop.pop("threshold"), "A, unclipped": None}
    for name, limit in limits.items():
        if name == "A, unclipped" and "unit_steps" not in a:
            continue  # that of the run, drawn once
        rows = np.array(slow_descent(**loop, threshold=limit, updates=40)).T
        path, loss, norm = traces(fig, name)
        assert path["x"][:41] == pytest.approx(rows[0], abs=1e-6)
        assert path["y"][:41] == pytest.approx(rows[1], abs=1e-6)
        assert loss["y"][:38] == pytest.approx(np.log10(rows[2])[:38], abs=1e-5)
        assert norm["y"][:38] == pytest.approx(np.log10(rows[3])[:38], abs=1e-5)
    for name in ("unclipped", "clipped"):
        for ours, same in zip(traces(fig, name), traces(alone, name), strict=True):
            assert np.array_equal(ours["y"], same["y"], equal_nan=True)


def test_a_is_told_apart_by_colour_and_dash_and_lies_below():
    fig = drawn({"start_b": -2.4}, threshold=3.0)
    names = [trace["name"] for trace in fig["data"]]
    for name in NAMES:
        for trace in traces(fig, name):
            assert trace["line"]["dash"] in ("dash", "dot")
            assert trace["line"]["color"] in ("var(--lab-a)", "var(--lab-a-bright)")
    for name in ("unclipped", "clipped"):
        for trace in traces(fig, name):
            assert trace["line"]["dash"] == "solid"
            assert trace["line"]["color"] not in ("var(--lab-a)", "var(--lab-a-bright)")
        assert max(names.index(one) for one in NAMES) < names.index(name)
    colours = {PALETTE[f"--lab-{name}"] for name in ("run", "clipped", "a")}
    assert len(colours) == 3
    (legend,) = [one for one in texts(fig) if one.startswith("<b>error E</b>   ")]
    plain = re.sub(r"<[^>]+>", "", legend)
    assert plain == "error E   — unclipped   — clipped   - - A, unclipped   ··· A, clipped"


def test_where_a_has_the_same_descent_it_is_drawn_once_and_said():
    fig = drawn({}, threshold=3.0)
    names = [trace["name"] for trace in fig["data"]]
    assert "A, unclipped" not in names
    assert "A, clipped" in names
    (legend,) = [one for one in texts(fig) if one.startswith("<b>error E</b>   ")]
    assert "unclipped (A too)" in legend
    assert "A, clipped" in legend
    every = [trace["name"] for trace in drawn({"seed": 3})["data"]]
    assert not set(NAMES) & set(every)


def test_without_a_pinned_run_nothing_is_said_of_one():
    fig = clipping.picture(settings()).fig
    assert not any("A" in re.findall(r"\bA\b", one) for one in texts(fig))
    assert not any("A," in trace["name"] for trace in fig["data"])
    assert "Pinned" not in clipping.picture(settings()).alt


def test_the_start_of_a_and_its_map_are_named_where_they_are_others():
    fig = drawn({"start_w": 4.6, "unit_steps": 20})
    (star,) = [trace for trace in fig["data"] if trace["name"] == "start of A"]
    assert (star["x"], star["y"]) == ([4.6], [-2.5])
    assert any("start of A, over T = 20" in one for one in texts(fig))
    fig = drawn({"threshold": 7.0})
    assert not any(trace["name"] == "start of A" for trace in fig["data"])
    assert not any("start of A" in one for one in texts(fig))


def test_a_path_of_a_that_left_the_map_is_named():
    rows = slow_descent(5.0, -2.4, threshold=None, updates=60)
    assert f"A, unclipped: ends outside, at ({rows[-1][0]:.1f}, {rows[-1][1]:.1f})" in texts(
        drawn({"start_b": -2.4})
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "between"), [(1.0, 2.0, 22), (2.0, 1.0, -22), (0.05, 20.0, None)]
)
def test_both_thresholds_have_a_line_and_a_name_that_can_be_read(ours, theirs, between):
    fig = drawn({"threshold": theirs}, threshold=ours)
    lines = {shape["line"]["color"]: shape["y0"] for shape in fig["layout"]["shapes"]}
    assert lines == {
        "var(--st-text-color)": pytest.approx(math.log10(ours)),
        "var(--lab-a)": pytest.approx(math.log10(theirs)),
    }
    notes = {note["text"]: note for note in fig["layout"]["annotations"]}
    a = notes[f"A: {theirs:g}"]
    assert a.get("yshift") == between
    assert a["y"] == pytest.approx(math.log10(theirs if between is None else ours))


def test_a_threshold_of_an_entry_is_named_so_and_a_says_where_it_clips_otherwise():
    by_value = {"clip": "value", "threshold": 2.0}
    notes = texts(drawn(by_value, threshold=2.0))
    assert "threshold 2" in notes
    assert "A: 2, by value" in notes
    fig = drawn({"threshold": 1.0}, **by_value)
    notes = {note["text"]: note for note in fig["layout"]["annotations"]}
    assert notes["A: 1, by norm"]["yshift"] == -33  # below two lines
    assert "threshold 2<br>of an entry" in notes
    assert not any(one.startswith("A: ") for one in texts(drawn(by_value, **by_value)))


def test_the_axes_have_room_for_the_longer_unit_and_stay_under_a_finger():
    ranges = [
        {k: tuple(v["range"]) for k, v in drawn(a, **b)["layout"].items() if "axis" in k}
        for a, b in (
            ({"unit_steps": 100}, {"threshold": 0.05}),
            ({"unit_steps": 100}, {"threshold": 20.0}),
            ({}, {"unit_steps": 100}),
        )
    ]
    assert ranges[0] == ranges[1] == ranges[2]
    assert ranges[0]["yaxis3"][1] == 12.0  # 0.12 decades a step


def test_a_stays_while_the_threshold_is_dragged():
    """The picture under a finger is asked for by the query of the page with the new value in it."""
    a = address.write_one(address.pinned_of(settings(threshold=0.5)))
    for value in ("0.05", "2.5", "20"):
        asked = {**{k: [v] for k, v in LINK.items()}, "a": [a], "threshold": [value]}
        under_way, complaints = address.read(asked, address.DEFAULTS)
        assert complaints == ()
        picture = clipping.picture(under_way)
        rows = np.array(slow_descent(5.0, -2.5, threshold=0.5, updates=40)).T
        assert traces(picture.fig, "A, clipped")[0]["x"][:41] == pytest.approx(rows[0], abs=1e-6)
        assert "<h1" not in picture.says[".claim"]
        assert len(payload(picture, key="clipping", is_coarse=True)) < 200_000
        net = clipping.net_picture(under_way)
        assert "A clipped" in [trace.get("name") for trace in net.fig["data"]]


def test_the_words_for_who_does_not_see_the_picture_tell_of_a():
    picture = clipping.picture(with_a({"threshold": 20.0}))
    own, theirs = (says.claim(run_of(settings(threshold=one))) for one in (1.0, 20.0))
    assert picture.alt.startswith(own)
    assert picture.alt.endswith(f"Pinned run A. {theirs}")
    net = clipping.net_picture(with_a({"weight_scale": 3.0}, threshold=0.1))
    run = run_of(settings(weight_scale=3.0))
    assert net.alt.endswith(f"Pinned run A. {net_words(run.recording, run.net, 1.0)}")


@pytest.mark.parametrize("clip", ["norm", "value"])
def test_the_net_of_a_is_that_of_a_slow_loop(clip):
    """Another net, at another threshold, in the same axes; its terms end at the same loss."""
    a = {"weight_scale": 2.0, "steps": 24, "threshold": 0.05, "clip": clip}
    fig = clipping.net_picture(with_a(a, threshold=0.5)).fig
    slow = slow_gradients(run_of(settings(**a)).recording)
    before, by_norm, by_value, _, _ = slow_clipped(slow.gradients, 0.05)
    shown = {trace["name"]: trace for trace in fig["data"] if "name" in trace}
    for name, expected in (("before", before), ("by norm", by_norm), ("by value", by_value)):
        marks = shown[f"A, {name}"]
        assert 10.0 ** marks["customdata"][0] == pytest.approx(expected, rel=1e-5)
        assert marks["marker"]["size"] > shown[name]["marker"]["size"]
        low, high = fig["layout"]["xaxis2"]["range"]
        assert ((low <= marks["x"]) & (marks["x"] <= high)).all()
        outside = [not 10**low <= 10.0**one <= 10**high for one in marks["customdata"]]
        assert [one.startswith("triangle") for one in marks["marker"]["symbol"]] == outside
    terms = slow.step_gradients["weight_hh_l0"]
    sizes = np.array([np.log10(np.linalg.norm(one)) for one in terms[1:]])
    for name, by in (("A before", 0.0), ("A clipped", np.log10(0.05 / before))):
        y = shown[name]["y"]
        assert len(y) == 30
        assert np.isnan(y[:7]).all()
        assert y[7:] == pytest.approx(sizes + by, abs=1e-4)
    title = next(one for one in texts(fig) if "size of each step" in one)
    assert "A before" in title
    assert "A clipped" in title


@pytest.mark.parametrize(
    "a",
    [
        {"steps": 1},
        {"hidden_size": 1, "weight_scale": 0.0},
        {"activation": "relu", "input_scale": 0.0, "weight_scale": 0.0},  # no gradient at all
        {"activation": "identity", "weight_scale": 100.0, "input_scale": 100.0, "steps": 300},
        {"cell": "lstm", "steps": 12},
        {"is_tied": False},
        {"source": "text"},
        {"unit_steps": 1, "learning_rate": 100.0},
        {"unit_steps": 200, "clip": "value", "threshold": 1e-6},
    ],
)
@pytest.mark.parametrize("is_a", [True, False])
def test_every_corner_can_be_pinned_or_stand_beside_a_pin(a, is_a):
    ours, theirs = ({}, a) if is_a else (a, {})
    asked = {name: str(one).lower() for name, one in (SMALL | ours).items()}
    pin = urlencode({name: str(one).lower() for name, one in (SMALL | theirs).items()})
    page = opened("clipping", **asked, a=pin)
    assert not page.warning
    assert "Pinned run A. " in shown_text(page)
    for word in ("nan", "None", "inf "):
        assert word not in shown_text(page)


def test_a_run_is_pinned_told_restored_and_let_go():
    page = opened("clipping", **LINK, threshold="0.5")
    page.button(key="pin").click().run()
    page.slider(key="threshold").set_value(4.0).run()
    page.number_input(key="start_b").set_value(-2.3).run()
    pin = "steps=30&batch_size=2&input_size=3&hidden_size=6&threshold=0.5"
    assert dict(item.split("=") for item in page.query_params["a"].split("&")) == dict(
        item.split("=") for item in pin.split("&")
    )
    a = run_of(settings(threshold=0.5))
    link = {name: page.query_params[name] for name in page.query_params}
    for one in (page, opened("clipping", **link)):
        said = heard(shown_text(one))
        assert heard(f"Pinned run A. {says.claim(a)} One sigmoid unit over 51 steps") in said
        net = f"{net_words(a.recording, a.net, 0.5)} 6 tanh units, Gaussian weights × 1, 30 steps"
        assert heard(f"Pinned run A. {net}") in said
        data = parcels(one)["clipping"]["figure"]["data"]
        path = next(t for t in data if t["name"] == "A, clipped" and t["yaxis"] == "y")
        b = np.frombuffer(base64.b64decode(path["y"]["bdata"]), np.float64)
        rows = np.array(slow_descent(5.0, -2.5, threshold=0.5, updates=40)).T
        assert b[:41] == pytest.approx(rows[1], abs=1e-6)
        assert one.slider(key="threshold").value == 4.0
    page.button(key="unpin").click().run()
    assert "a" not in page.query_params
    assert "Pinned run A" not in shown_text(page)
    data = parcels(page)["clipping"]["figure"]["data"]
    assert not set(NAMES) & {trace["name"] for trace in data}


def test_a_preset_keeps_the_pinned_run():
    page = opened("clipping", **LINK, threshold="0.5")
    page.button(key="pin").click().run()
    page.button(key="preset-no-wall-at-t-1").click().run()
    assert "threshold=0.5" in page.query_params["a"]
    names = {trace["name"] for trace in parcels(page)["clipping"]["figure"]["data"]}
    assert set(NAMES) <= names


def test_a_pin_that_makes_no_sense_gets_one_sentence_and_no_run_a():
    page = opened("clipping", **LINK, a="threshold=many")
    (warning,) = page.warning
    assert warning.value.replace("\\", "") == (
        "a: expected the settings of a run, such as cell=lstm&steps=100, got 'threshold=many'"
    )
    assert "Pinned run A" not in shown_text(page)
    assert page.button(key="pin")


@pytest.mark.parametrize("view", [gradient_flow, saturation, weight_scale, gating])
def test_other_pages_ignore_what_does_not_concern_them(view):
    a = {"weight_scale": 2.0}
    of_clipping = {"threshold": 7.0, "start_w": 4.4, "unit_steps": 3, "learning_rate": 0.7}
    plain, full = (view.picture(with_a(one)) for one in (a, a | of_clipping))
    assert plain.alt == full.alt
    assert "Pinned run A. " in plain.alt
    keys = [json.loads(payload(one, key="k"))["figure"] for one in (plain, full)]
    assert keys[0] == keys[1]


def test_a_run_pinned_elsewhere_is_a_with_the_defaults_of_this_page():
    page = opened("clipping", **LINK, a="weight_scale=2.0", threshold="4")
    assert not page.warning
    assert heard(f"Pinned run A. {says.claim(run_of(settings()))}") in heard(shown_text(page))
