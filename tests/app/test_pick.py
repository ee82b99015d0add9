"""A point picked in a panel: what the figure declares, and what the browser says of it."""

import math

import pytest

from app.components.picked import point
from app.figures import pick

SCALE = pick.Side("x2", "weight scale", 0.0, 4.0, 0.1)
BIAS = pick.Side("y3", "bias", 0.0, 2.0, 0.05)


def test_a_panel_names_its_axes_and_starts_at_the_run():
    declared = pick.panel("phase", "Phase diagram", SCALE, BIAS, (1.5, 0.25))
    assert declared["x"] == {
        "axis": "x2",
        "name": "weight scale",
        "low": 0.0,
        "high": 4.0,
        "step": 0.1,
    }
    assert (declared["name"], declared["y"]["axis"], declared["at"]) == ("phase", "y3", [1.5, 0.25])


def test_a_run_beyond_the_panel_starts_at_its_edge():
    assert pick.panel("phase", "", SCALE, BIAS, (100.0, -1.0))["at"] == [4.0, 0.0]


def test_a_picked_point_is_a_name_and_two_numbers():
    assert point({"panel": "cliff", "x": 5, "y": -2.5}) == ("cliff", 5.0, -2.5)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "phase",
        [],
        {"panel": "phase", "x": 1.0},
        {"panel": 3, "x": 1.0, "y": 1.0},
        {"panel": "phase", "x": "1", "y": 1.0},
        {"panel": "phase", "x": math.nan, "y": 1.0},
        {"panel": "phase", "x": 1.0, "y": math.inf},
        {"panel": "phase", "x": None, "y": 1.0},
    ],
)
def test_what_no_picture_sends_picks_nothing(said):
    assert point(said) is None
