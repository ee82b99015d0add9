"""What travels to the browser for one picture."""

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest

import app.figures.theme  # noqa: F401 - registers the template
from app.components import plotly_js
from app.components.parcel import Picture, payload

KINDS = {"i1": np.int8, "i2": np.int16, "f4": np.float32, "f8": np.float64}


def parcel(figure, **rest):
    picture = Picture(figure, run="steps=9#abc", alt='log\n"slope" Δ', says={".claim": "a<b>"})
    return json.loads(payload(picture, key="k", **rest))


def trace(figure, **rest):
    return parcel(figure, **rest)["figure"]["data"][0]


def opened(part):
    """Read an array as the browser does."""
    stored = np.frombuffer(base64.b64decode(part["bdata"]), KINDS[part["dtype"]])
    if "shape" in part:
        stored = stored.reshape([int(n) for n in part["shape"].split(",")])
    if "scale" not in part:
        return stored
    gap = np.iinfo(stored.dtype).min
    return np.where(stored == gap, np.nan, stored * part["scale"] + part["offset"])


def heatmap(z, reads, low, high):
    return {
        "data": [
            {
                "type": "heatmap",
                "z": np.array(z, dtype=np.float32),
                "zmin": low,
                "zmax": high,
                "hovertemplate": "%{z}",
                "text": np.ones(3),
                "meta": {"reads": reads, "name": "h"},
            }
        ],
        "layout": {},
    }


def test_a_parcel_says_what_it_is():
    found = parcel(go.Figure(), step=7)
    assert found["run"] == "steps=9#abc"
    assert found["alt"] == 'log\n"slope" Δ'
    assert found["says"] == {".claim": "a<b>"}
    assert (found["key"], found["step"], found["coarse"]) == ("k", 7, False)
    assert found["src"] == plotly_js.PATH


def test_arrays_travel_as_typed_arrays():
    """A list of 128 x 200 numbers is 509 kB and 22 ms, its float32 array 181 kB and 1.5 ms."""
    values = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    sent = trace(go.Figure(go.Heatmap(z=values)))["z"]
    assert (sent["dtype"], sent["shape"]) == ("f4", "2, 3")
    assert np.array_equal(opened(sent), values)


def test_a_hole_in_a_list_travels_as_a_hole():
    """nan and inf are no JSON numbers: the browser could not read the parcel."""
    figure = {"data": [{"y": [1.0, float("nan"), None, float("inf")]}], "layout": {}}
    assert trace(figure)["y"] == [1.0, None, None, None]
    drawn = go.Figure(go.Scatter(y=[1.0, np.nan, None, np.inf]))
    assert trace(drawn)["y"] == [1.0, None, None, None]


def test_colours_stay_variables_for_the_browser_to_look_up():
    figure = go.Figure(go.Scatter(y=[1], line_color="var(--st-text-color)"))
    assert trace(figure)["line"]["color"] == "var(--st-text-color)"


@pytest.mark.parametrize("is_coarse", [False, True])
def test_the_template_of_a_drawing_travels_with_it(is_coarse):
    figure = {"data": [], "layout": {"template": "gradient_flow_lab"}}
    found = parcel(figure, is_coarse=is_coarse)["figure"]["layout"]["template"]
    assert found["layout"]["meta"]["palette"]["--lab-run"] == ["#b5400a", "#ff9b52"]


def test_states_keep_four_decimals_and_their_gaps():
    z = [[0.0, 0.53214, -1.0], [np.nan, 0.99999, 1.0]]
    sent = trace(heatmap(z, "state", -1.0, 1.0))["z"]
    assert sent["dtype"] == "i2"
    assert opened(sent) == pytest.approx(np.array(z), abs=2e-5, nan_ok=True)


def test_gradients_that_the_cursor_reads_are_not_rounded():
    z = np.array([[-37.123456, 3.25], [np.nan, -7239.5]], dtype=np.float32)
    assert np.array_equal(opened(trace(heatmap(z, "log10", -46, 24))["z"]), z, equal_nan=True)


@pytest.mark.parametrize(("reads", "low", "high"), [("state", -1, 1), ("log10", -46, 24)])
def test_a_picture_of_a_drag_is_a_byte_a_cell_and_errs_by_less_than_a_colour(reads, low, high):
    inside = np.linspace(low, high, 300).reshape(3, 100)
    sent = trace(heatmap(inside, reads, low, high), is_coarse=True)["z"]
    assert sent["dtype"] == "i1"
    assert np.abs(opened(sent) - inside).max() <= (high - low) / 256 / 1.9
    beyond = trace(heatmap([[low - 80.0, high + 80.0, np.nan]], reads, low, high), is_coarse=True)
    assert opened(beyond["z"])[0] == pytest.approx([low, high, np.nan], nan_ok=True)


def test_a_picture_of_a_drag_has_no_more_cells_than_a_screen_shows():
    """Cell (r, c) that is sent covers its own place of those it stands for, on either axis."""
    z = np.arange(160 * 1001, dtype=np.float64).reshape(160, 1001)
    whole = heatmap(z, "state", 0.0, z.max())
    whole["data"][0] |= {"x": np.arange(1002, dtype=np.float32) + 0.5, "y0": 1, "dy": 1}
    sent = trace(whole, is_coarse=True)
    shown, x = opened(sent["z"]), opened(sent["x"])
    assert shown.shape == (54, 334)
    assert np.abs(shown - z[::3, ::3]).max() <= z.max() / 250
    assert (sent["y0"], sent["dy"]) == (2.0, 3)
    assert np.array_equal(x, 0.5 + 3 * np.arange(335))
    assert opened(trace(whole)["z"]).shape == z.shape


def test_what_the_cursor_reads_needs_no_hover_of_its_own():
    found = parcel(heatmap([[1.0]], "state", -1, 1))["figure"]
    assert not {"text", "customdata", "hovertemplate"} & set(found["data"][0])
    assert found["layout"]["hovermode"] is False
    plain = parcel(go.Figure(go.Scatter(y=[1], hovertemplate="%{y}")))["figure"]
    assert plain["data"][0]["hovertemplate"] == "%{y}"
    assert "hovermode" not in plain["layout"]


def test_packing_leaves_the_drawing_as_it_was():
    figure = heatmap([[1.0]], "state", -1, 1)
    parcel(figure, is_coarse=True)
    assert set(figure["data"][0]) >= {"text", "hovertemplate"}
    assert isinstance(figure["data"][0]["z"], np.ndarray)
