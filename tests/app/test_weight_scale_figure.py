"""What the panels of weight scale draw, read off the figure: no pixel, no number of their own."""

import re

import numpy as np
import pytest

import rnn_core as rc
from app import weight_scales
from app.figures.weight_scale import drawing
from app.weight_scales import found, measure_more
from rnn_core.theory.mean_field import critical_sigma_w
from tests.reference import slow_log10_norms

SMALL = {"steps": 24, "hidden_size": 18, "batch_size": 2}


def run_of(**settings):
    config = rc.ExperimentConfig(**SMALL | settings)
    rec = rc.run(config)
    while measure_more(config, rec):
        pass
    return rec, found(config, rec)


def traces_on(drawn, axis):
    return [trace for trace in drawn["data"] if trace["yaxis"] == axis]


def words(drawn):
    return " ".join(note["text"] for note in drawn["layout"]["annotations"])


@pytest.fixture(scope="module")
def usual():
    return run_of(weight_scale=1.6)


def test_marks_stand_where_radius_and_bound_are_1(usual):
    rec, known = usual
    drawn = drawing(rec, known)
    W = rec.network.state_dict()["weight_hh_l0"] / 1.6
    radius, norm = np.abs(np.linalg.eigvals(W)).max(), np.linalg.norm(W, 2)
    lines = [s["x0"] for s in drawn["layout"]["shapes"] if s["yref"] == "y domain"]
    assert sorted(lines)[:2] == pytest.approx(sorted([1 / norm, 1 / radius]))
    text = words(drawn)
    assert f"radius 1 at {1 / radius:.2f}" in text
    assert f"bound: vanishes below {1 / norm:.2f}" in text
    upward = [one.place for one in known.sweep.crossings if one.is_upward]
    assert f"measured: holds at {upward[0]:.2f}" in text


def test_with_one_step_no_band_is_named_that_is_not_there():
    drawn = drawing(*run_of(steps=1))
    (heading,) = (note for note in words(drawn).split("<b>") if note.startswith("growth per step"))
    assert "not measured: no step back" in heading
    assert "nets" not in heading
    assert not any("mean over nets" in str(trace) for trace in drawn["data"])


def test_the_bound_is_never_below_a_net(usual):
    rec, known = usual
    bound = next(trace for trace in traces_on(drawing(rec, known), "y") if "Pascanu" in str(trace))
    gamma_norm = np.linalg.norm(rec.network.state_dict()["weight_hh_l0"] / 1.6, 2)
    assert bound["y"][10] == pytest.approx(np.log10(gamma_norm), abs=1e-6)
    assert rec.verdict.growth_per_step < np.log10(1.6 * gamma_norm)


def test_band_and_mean_are_those_of_the_nets(usual):
    rec, known = usual
    low, high, mean = traces_on(drawing(rec, known), "y")[:3]
    expected = np.nanquantile(known.sweep.growth[:, 1:], [0.1, 0.9], axis=0)
    assert low["y"][1:] == pytest.approx(expected[0], abs=1e-6)
    assert high["y"][1:] == pytest.approx(expected[1], abs=1e-6)
    assert mean["y"][1:] == pytest.approx(known.sweep.growth[:, 1:].mean(axis=0), abs=1e-6)
    assert np.isnan(mean["y"][0])  # W = 0: exactly 0, and no point at a floor


def test_the_run_is_a_dot_at_its_own_growth_and_a_a_second_one(usual):
    drawn = drawing(*usual, pinned=run_of(weight_scale=2.5))
    dots = [t for t in traces_on(drawn, "y") if t["mode"] == "markers"]
    a, own = dots
    assert (own["x"], own["y"]) == ([1.6], [pytest.approx(usual[0].verdict.growth_per_step)])
    assert a["x"] == [2.5]
    assert len([t for t in traces_on(drawn, "y3") if t.get("mode") == "markers"]) == 2


@pytest.mark.parametrize(
    ("settings", "symbol"),
    [({"weight_scale": 9.0}, "triangle-right"), ({"weight_scale": 0.05}, "triangle-down")],
)
def test_a_run_outside_the_panel_is_an_arrow_with_its_numbers(settings, symbol):
    rec, known = run_of(**settings)
    drawn = drawing(rec, known)
    (dot,) = [t for t in traces_on(drawn, "y") if t["mode"] == "markers"]
    assert dot["marker"]["symbol"] == symbol
    assert f"at {settings['weight_scale']:g}, outside" in words(drawn)
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low <= dot["y"][0] <= high


def test_the_diagram_has_the_critical_line_of_the_table(usual):
    heat, line, _ = traces_on(drawing(*usual), "y3")
    at = dict(zip(line["y"].tolist(), line["x"].tolist(), strict=True))
    for bias, sigma_w in ((0.0, 1.0), (0.5, 1.54967391), (1.0, 1.85558910)):
        assert at[bias] == pytest.approx(sigma_w, abs=1e-5)
    assert critical_sigma_w("tanh", drive=4.0) == pytest.approx(at[2.0], abs=1e-5)
    z, x, y = heat["z"], heat["x"], heat["y"]
    row, column = list(y).index(1.0), int(np.abs(x - 1.85).argmin())
    assert abs(z[row, column]) < 0.01
    assert (z[row, 2:column] < 0).all()
    assert (z[row, column + 1 :] > 0).all()


def test_colours_and_axes_do_not_follow_what_is_dragged():
    one, two = (drawing(*run_of(weight_scale=scale)) for scale in (0.5, 3.0))
    for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2", "xaxis3", "yaxis3", "yaxis4"):
        assert one["layout"][axis]["range"] == two["layout"][axis]["range"]
    heats = [traces_on(drawn, "y3")[0] for drawn in (one, two)]
    assert heats[0]["zmin"] == heats[1]["zmin"] == -heats[0]["zmax"]


@pytest.mark.parametrize(
    "settings", [{"init": "identity"}, {"cell": "gru"}, {"cell": "lstm", "init": "pytorch"}]
)
def test_no_diagram_where_mean_field_does_not_hold(settings):
    drawn = drawing(*run_of(**settings))
    assert traces_on(drawn, "y3") == []
    assert "No phase diagram here" in words(drawn)
    assert drawn["layout"]["meta"]["picks"] == []


def test_eigenvalues_are_those_of_the_matrix_and_far_ones_are_counted():
    rec, known = run_of(weight_scale=4.0, init="he")
    drawn = drawing(rec, known)
    (dots,) = traces_on(drawn, "y4")
    values = np.linalg.eigvals(rec.network.state_dict()["weight_hh_l0"])
    inside = values[np.abs(values) <= 4.2]
    assert sorted(dots["x"].tolist()) == pytest.approx(sorted(inside.real), abs=1e-5)
    hidden = len(values) - len(inside)
    assert hidden > 0
    assert f"{hidden} of 18 outside" in words(drawn)
    (title,) = [n for n in drawn["layout"]["annotations"] if "eigenvalues" in n["text"]]
    norm, radius = np.linalg.norm(rec.network.state_dict()["weight_hh_l0"], 2), abs(values).max()
    shown = re.findall(r"(?:radius|</sub>) ([\d.]+)", title["text"])
    assert [float(one) for one in shown] == pytest.approx([radius, norm], rel=5e-3)
    assert (title["yanchor"], title["y"]) == ("bottom", drawn["layout"]["yaxis4"]["domain"][1])


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"hidden_size": 15}, "below 16 units"),
        ({"hidden_size": 15, "steps": 1}, "below 16 units"),
        ({"steps": 1}, "this run has no step back"),
        ({"hidden_size": 16}, None),
    ],
)
def test_the_diagram_says_where_mean_field_does_not_hold(settings, note):
    config = rc.ExperimentConfig(**SMALL | settings)
    rec = rc.run(config)
    text = words(drawing(rec, found(config, rec)))
    said = [one for one in ("below 16 units", "this run has no step back") if one in text]
    assert said == ([] if note is None else [note])


def test_the_colour_bar_says_what_it_shows_and_that_it_ends(usual):
    drawn = drawing(*usual)
    heat = traces_on(drawn, "y3")[0]
    (bar,) = [n for n in drawn["layout"]["annotations"] if n["text"] == "growth, decades per step"]
    low, high = drawn["layout"]["yaxis3"]["domain"]
    assert bar["x"] == 1.0
    assert low < bar["y"] < high
    assert heat["colorbar"]["ticktext"] == ["≤ −0.4", "0", "≥ +0.4"]
    assert heat["z"].max() > heat["zmax"] == 0.4 or heat["z"].min() < heat["zmin"] == -0.4
    assert "click to set W and bias" in words(drawn)


def test_every_line_of_the_singular_values_is_in_the_legend(usual):
    drawn = drawing(*usual)
    (legend,) = [
        n["text"] for n in drawn["layout"]["annotations"] if "singular values" in n["text"]
    ]
    for trace in traces_on(drawn, "y2"):
        colour = (trace["line"] if trace["mode"] == "lines" else trace["marker"])["color"]
        assert f"color:{colour}" in legend
    assert "</b></span> bound" in legend
    assert "50 at most" in drawn["layout"]["xaxis2"]["title"]["text"]
    rec, known = run_of(cell="gru")
    assert "</b></span> bound" not in words(drawing(rec, known))


def test_directions_are_singular_values_of_products_and_the_gradient_beside_them(usual):
    rec, known = usual
    every, largest, _rms, own = traces_on(drawing(rec, known), "y2")[:4]
    state = rec.network.state_dict()
    slopes = 1 - rec.layers[0].h[:, 0] ** 2
    product = np.eye(18)
    for lag in range(1, 6):
        product = product @ (slopes[-lag][:, None] * state["weight_hh_l0"])
        if lag in (1, 2, 5):
            values = np.log10(np.linalg.svd(product, compute_uv=False))
            place = list(largest["x"]).index(lag)
            assert largest["y"][place] == pytest.approx(values[0], abs=1e-5)
            drawn = every["y"][every["x"] == lag]
            assert drawn == pytest.approx(values[: len(drawn)], abs=1e-3)
    norms = slow_log10_norms(rec.layers[0].d_h)[::-1, 0]
    assert own["y"] == pytest.approx((norms - norms[0])[:21], abs=1e-5)


def test_while_nets_are_missing_the_title_counts_them():
    config = rc.ExperimentConfig(**SMALL | {"input_size": 3})
    rec = rc.run(config)
    assert "20 nets: when you let go" in words(drawing(rec, found(config, rec)))
    measure_more(config, rec)
    known = found(config, rec)
    assert "10 of 20 nets</b> measured (H 18, T 24)" in words(drawing(rec, known))
    assert not known.is_complete
    assert weight_scales.found(config, rec).nets == 10
