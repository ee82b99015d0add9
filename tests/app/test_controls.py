"""The table of controls agrees with the table of fields."""

from dataclasses import fields

import pytest

from app import address
from app.control_table import CONTROLS, NUMBERS
from app.widgets import Choice, Line, Menu, Number, Slider, Switch
from rnn_core import ExperimentConfig
from rnn_core.config import FIELDS

SLIDERS = {name: c.widget for name, c in CONTROLS.items() if isinstance(c.widget, Slider)}
CHOICES = {name: c.widget for name, c in CONTROLS.items() if isinstance(c.widget, Choice)}


def test_every_field_of_a_run_that_a_page_shows_has_a_control():
    names = {field.name for field in fields(ExperimentConfig)}
    assert names - {"layers", "is_bidirectional"} <= set(CONTROLS)


def test_every_control_moves_a_setting():
    assert set(CONTROLS) <= set(address.DEFAULTS)


@pytest.mark.parametrize("name", SLIDERS)
def test_a_slider_offers_allowed_values_only(name):
    slider = SLIDERS[name]
    allowed = FIELDS[name] if name in FIELDS else address.PAGE_FIELDS[name].allowed
    for end in (slider.low, slider.high, slider.low + slider.step):
        assert allowed.accepts(slider.read(end))
        assert slider.read(end) == end


@pytest.mark.parametrize("name", sorted(set(CHOICES) & set(FIELDS)))
def test_a_choice_offers_every_option_of_its_field(name):
    """A word that the engine learns must not be missing from the page."""
    names = list(CHOICES[name].names)
    assert all(FIELDS[name].accepts(word) for word in names)
    assert names == list(getattr(FIELDS[name], "options", (True, False)))


@pytest.mark.parametrize("name", ["steps", "seed", "truncate"])
def test_a_number_reaches_every_allowed_value(name):
    number = {**CONTROLS, **NUMBERS}[name].widget
    assert (number.low, number.high) == (FIELDS[name].low, FIELDS[name].high)


@pytest.mark.parametrize(
    ("widget", "moved", "asked"),
    [
        (Slider(0.0, 4.0, 0.01, 2), 1.5200000000000002, 1.52),
        (Slider(0.0, 4.0, 0.01, 2), 1e9, 4.0),
        (Slider(0.0, 4.0, 0.01, 2), -1.0, 0.0),
        (Slider(1, 1000, 1, 0), 7.0, 7),
        (Number(1, 64), 65, 64),
        (Number(1, 64), 0, 1),
        (Number(1, 64), 3.7, 3.7),  # refused, with a sentence
        (Switch({False: "no", True: "yes"}, first=1.0), True, 1.0),
        (Switch({False: "no", True: "yes"}, first=1.0), False, None),
        (Menu({"a": "A"}), "a", "a"),
        (Line(1000), "text", "text"),
    ],
)
def test_a_control_asks_for_a_value_within_its_bounds(widget, moved, asked):
    """The browser keeps to the bounds, a client of one's own does not."""
    read = widget.read(moved)
    assert read == asked
    assert type(read) is type(asked)


@pytest.mark.parametrize(
    ("widget", "value", "stands"),
    [
        (Slider(0.0, 4.0, 0.01, 2), 100.0, 4.0),
        (Slider(0.0, 4.0, 0.01, 2), 1.234, 1.234),
        (Slider(1, 1000, 1, 0), 10_000, 1000),
        (Switch({False: "no", True: "yes"}, first=1.0), None, False),
        (Switch({False: "no", True: "yes"}, first=1.0), 0.0, True),
    ],
)
def test_a_control_stands_as_near_to_the_setting_as_it_can(widget, value, stands):
    assert widget.shown(value) == stands
