"""Powers of ten on axes, in hovers and in sentences."""

import numpy as np
import pytest

from app.figures.decades import domain, tick_text, ticks, written
from app.sentences.numerals import factor, number, part, power
from app.sentences.typeset import for_figure, for_html, for_markdown


@pytest.mark.parametrize(
    ("value", "mantissa", "exponent"),
    [(3.2e-12, 3.2, -12), (9.97e-12, 1.0, -11), (1.0, 1.0, 0), (6.5e300, 6.5, 300)],
)
def test_a_hover_shows_the_true_value(value, mantissa, exponent):
    found = written(np.log10(np.array([value])))
    assert found.mantissa[0] == pytest.approx(mantissa)
    assert found.exponent[0] == exponent


def test_a_hover_reaches_beyond_float64_and_has_nothing_for_zero():
    found = written(np.array([-6989.3, -np.inf]))
    assert found.mantissa[0] == pytest.approx(5.0)
    assert found.exponent[0] == -6990
    assert np.isnan(found.mantissa[1])


@pytest.mark.parametrize("steps", [1, 2, 26, 200, 1000, 10_000])
def test_a_domain_has_room_for_pytorchs_default_nets(steps):
    """They fall by at most 0.231 decades per step (vanilla, one or eight noise features)."""
    shown = domain(steps)
    assert shown.low <= -0.23 * (steps - 1)
    assert shown.high > 0
    places, texts = ticks(shown)
    assert 3 <= len(places) <= 7
    assert texts[places.index(0.0)] == "1"
    assert all(shown.has(place) for place in places)


def test_ticks_are_powers_of_ten():
    assert tick_text(-40.0) == "10<sup>−40</sup>"


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (power, -37.2, "10^-37"),
        (power, -5.71, "10^-5.7"),
        (power, -9.96, "10^-10"),
        (number, 0.0416, "0.042"),
        (number, 0.996, "1.0"),
        (number, 99.6, "100"),
        (number, 4213.0, "4,200"),
        (number, 1e-200, "10^-200"),
        (number, 0.0, "0"),
        (factor, -1.38, "0.042"),
        (factor, -15.5, "10^-16"),
        (factor, 400.0, "10^400"),
        (part, -1.38, "4.2 %"),
        (part, -0.001, "100 %"),
        (part, 0.3, "2.0"),
    ],
)
def test_numbers_have_the_digits_that_count(function, value, text):
    assert function(value) == text


def test_powers_are_set_as_formulas_and_still_copied_with_their_caret():
    sentence = "shrinks to 10^-3.6. W_hh <b>"
    html = for_html(sentence)
    assert html.endswith("<sup>−3.6</sup>. W<sub>hh</sub> &lt;b&gt;")
    assert ">^</span>" in html
    assert for_figure(sentence) == "shrinks to 10<sup>−3.6</sup>. W<sub>hh</sub> &lt;b&gt;"
    assert for_markdown("× **10^-53**") == "× **$10^{-53}$**"
