"""What the page of clipping tells a reader to notice, and how much it says at once."""

import re

import numpy as np
import pytest

from app import address
from app.clipped import run_of
from app.sentences import clipping as says
from app.sentences.numerals import chosen
from app.views import clipping
from tests.app.slow_cliff import error_and_slopes, slow_descent
from tests.app.test_clipping_figure import settings

TWO_LINES = 170
"""Characters of a claim that fit above the picture of a laptop."""


def drawn_settings(count):
    """Return settings from all over the page."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        yield settings(
            start_w=round(float(rng.uniform(4.0, 5.6)), 2),
            start_b=round(float(rng.uniform(-3.0, -1.9)), 2),
            unit_steps=int(rng.choice([1, 2, 5, 20, 51, 51, 51, 80, 100])),
            learning_rate=float(rng.choice([0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 10.0])),
            threshold=float(rng.choice([0.05, 0.2, 1.0, 5.0, 15.35, 20.0])),
            clip=str(rng.choice(["norm", "value"])),
        )


def test_a_claim_stands_in_two_lines_wherever_the_reader_goes():
    for asked in drawn_settings(150):
        text = says.claim(run_of(asked))
        assert len(text) <= TWO_LINES, text
        assert not re.search(r"\b(nan|inf|None|0 updates)\b", text)


def test_every_explosion_that_is_told_of_the_wall_is_at_the_wall():
    """That is the line on which x stays at 1/2, where it repels: from a slope of 1 on."""
    s = 1.0 / (1.0 + np.exp(-0.5))
    told = {True: 0, False: 0}
    for asked in drawn_settings(150):
        run = run_of(asked)
        notice = says.notice(run)
        if "gradient explodes" not in notice or "No gradient explodes" in notice:
            continue
        path = run.descents.unclipped
        k = int(np.argmax(path.gradient_norm))
        w, b = path.w[k], path.b[k]
        is_there = w * s * (1.0 - s) >= 1.0 and abs(b - (0.5 - w * s)) < 0.06
        assert ("explodes at the wall" in notice) == is_there, asked
        assert ("explodes on the way" in notice) != is_there, asked
        told[is_there] += 1
    assert min(told.values()) > 0
    assert told[True] > 15


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "; until the first of them both descents are one."),
        ({"threshold": 20.0}, "Of 300 updates 1 was clipped; until then both descents are one."),
        ({"threshold": 0.05}, "Of 300 updates 300 were clipped. "),
    ],
)
def test_both_descents_are_one_until_the_first_is_clipped_and_no_longer(changes, said):
    """The steps after it are taken from elsewhere: they are no longer the same."""
    run = run_of(settings(**changes))
    limit = run.descents.threshold
    one, other = (np.array(slow_descent(5.0, -2.5, threshold=t, updates=60)) for t in (None, limit))
    first = int(np.flatnonzero(other[:, 3] > limit)[0])
    assert np.array_equal(one[: first + 1], other[: first + 1])
    assert not np.array_equal(one[first + 1], other[first + 1])
    assert said in says.notice(run)


@pytest.mark.parametrize("changes", [{"unit_steps": 2}, {"threshold": 1e6}, {"unit_steps": 200}])
def test_where_nothing_is_clipped_nothing_is_said_to_be_bounded(changes):
    run = run_of(settings(**changes))
    assert max(
        row[3] for row in slow_descent(5.0, -2.5, threshold=None, steps=run.descents.steps)
    ) < (run.descents.threshold)
    assert "No update is clipped: both descents are one." in says.notice(run)
    assert "bounds the step" not in says.notice(run)
    assert chosen(run.descents.threshold) in says.claim(run)


def test_a_gradient_that_has_exploded_at_the_start_has_exploded():
    """From beside the wall the first gradient is the explosion, and no rate is too large."""
    run = run_of(settings(start_b=-2.612))
    _, *g = error_and_slopes(5.0, -2.612, 51)
    assert np.hypot(*g) > 7.0
    assert says.notice(run).startswith("The gradient explodes at the wall, ")


def test_a_rate_that_is_too_large_is_said_to_be():
    run = run_of(settings(learning_rate=100.0))
    rows = slow_descent(5.0, -2.5, threshold=None, rate=100.0, updates=3)
    assert max(row[3] for row in rows) == rows[0][3]
    assert says.notice(run) == (
        f"No gradient explodes, none is ten times the first, {rows[0][3]:.2f}: a learning rate of "
        "100 is enough to lose the descent. No update is clipped: both descents are one."
    )


def test_an_explosion_after_which_the_gradient_is_as_before_does_not_end_in_vanishing():
    changes = {"start_w": 4.72, "start_b": -2.12, "unit_steps": 80}
    run = run_of(settings(**changes))
    rows = slow_descent(4.72, -2.12, threshold=None, steps=80)
    assert rows[-1][3] > 0.1 * rows[0][3]
    assert min(row[2] for row in rows[30:]) > rows[0][2]
    notice = says.notice(run)
    assert "from where that throws it the descent is not back after 300 updates." in notice
    assert "vanishing" not in notice


def test_the_equation_cuts_by_value_only_where_an_entry_is_too_large():
    """A norm above the threshold is no entry above it."""
    changes = {"start_w": 4.11, "start_b": -2.03, "unit_steps": 10, "learning_rate": 0.2}
    run = run_of(settings(**changes, threshold=0.1, clip="value"))
    _, *g = error_and_slopes(4.11, -2.03, 10)
    assert np.hypot(*g) > 0.1 > max(map(abs, g))
    assert "at the start, is left as it is." in says.equation(run)
    by_norm = says.equation(run_of(settings(**changes, threshold=0.1)))
    assert "at the start, is multiplied by **0.99**." in by_norm
    low = says.equation(run_of(settings(**changes, threshold=0.08, clip="value")))
    assert max(map(abs, g)) > 0.08
    assert "at the start, has its entries cut at **±0.08**." in low


def test_a_threshold_is_written_with_the_digits_that_it_was_given():
    for value, text in ((12.35, "12.35"), (12.4, "12.4"), (1.0, "1"), (1e-6, "10^-6")):
        run = run_of(settings(threshold=value))
        assert re.search(rf"(threshold of|by norm at) {re.escape(text)}[,:] ", says.claim(run))
        assert f"= **{text}** the" in says.equation(run)


def test_what_is_held_back_is_named_by_what_is_shown():
    alt = clipping.picture(settings(ask=1, unit_steps=40)).alt
    assert alt == (
        "What does clipping do, and what can it not do? One sigmoid unit over 40 steps, from w = "
        "5, b = −2.5, learning rate 0.1, 300 updates, float64. The answer is not shown."
    )
    assert address.DEFAULTS["ask"] == 0
