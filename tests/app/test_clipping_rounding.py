"""What the page of clipping says where the wall multiplies rounding, against slow loops."""

import re

import numpy as np
import pytest

from app.clipped import run_of
from app.sentences import clipping as says
from tests.app.slow_cliff import slow_descent
from tests.app.test_clipping_figure import settings


def disturbed(found, threshold, mode):
    """Return loops from the start and from starts moved by 10^-13, as far as the page goes."""
    (w, b), rate = found.start, found.learning_rate
    return [
        slow_descent(w + by, b, threshold=threshold, mode=mode, steps=found.steps, rate=rate)
        for by in (0.0, 1e-13, -1e-13)
    ]


ROUNDING = "ends where rounding decides"


@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_an_end_that_rounding_decides_is_not_stated_in_digits(threshold):
    run = run_of(settings(clip="value", threshold=threshold))
    ends = [f"{rows[-1][2]:.1e}" for rows in disturbed(run.descents, threshold, "value")]
    assert len(set(ends)) > 1
    assert says.claim(run).endswith(f"; clipped by value at {threshold:g}, it {ROUNDING}.")


def test_a_fate_that_rounding_decides_is_no_fate():
    run = run_of(settings(start_b=-3.0))
    ends = [rows[-1][2] for rows in disturbed(run.descents, None, "norm")]
    assert max(ends) > 0.0899
    assert min(ends) < 0.06
    claim, notice = says.claim(run), says.notice(run)
    assert claim.startswith(f"Unclipped, the descent {ROUNDING}; clipped")
    assert notice.startswith("From a start moved by 10^-13 the unclipped descent ends elsewhere")
    assert not re.search("stuck|throws|not lost", claim + notice)
    assert not any("0.49" in one.look for one in says.beliefs(run))
    assert re.search(r"\*\* after \d+ updates in this run, is", says.equation(run))


def test_a_path_that_rounding_scatters_is_not_said_to_be_safe():
    changes = {"unit_steps": 10, "start_w": 5.32, "start_b": -2.82, "threshold": 10.0}
    run = run_of(settings(**changes))
    ends = {f"{rows[-1][2]:.1e}" for rows in disturbed(run.descents, None, "norm")}
    assert len(ends) > 1
    assert says.claim(run).endswith(f"{ROUNDING}.")
    assert "not lost" not in says.notice(run)


def test_a_throw_after_an_update_that_rounding_decides_is_not_certain():
    """With 50 maps three of three are thrown, at different updates; from 3e-14 on one arrives."""
    run = run_of(settings(unit_steps=50))
    paths = disturbed(run.descents, None, "norm")
    last = {max(k for k, row in enumerate(rows) if row[2] <= rows[0][2]) for rows in paths}
    assert len(last) > 1
    assert max(last) < 225
    claim = says.claim(run)
    assert claim.startswith(f"Unclipped, the descent {ROUNDING};")
    assert "thrown" not in claim + says.notice(run)


def test_how_many_updates_are_clipped_is_said_of_this_run_where_rounding_decides_it():
    run = run_of(settings())
    counts = {
        sum(row[3] >= 1.0 for row in rows[:-1]) for rows in disturbed(run.descents, 1.0, "norm")
    }
    assert len(counts) > 1
    assert "were clipped in this run, rounding decides which" in says.notice(run)
    sure = run_of(settings(learning_rate=10.0, threshold=0.05))
    assert re.search(r"Of 300 updates \d+ were clipped[.;] ", says.notice(sure))
    assert "in this run" not in says.notice(sure) + says.equation(sure)


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_what_throws_a_clipped_descent_is_what_clipping_left(mode):
    run = run_of(settings(threshold=20.0, clip=mode))
    rows = slow_descent(5.0, -2.5, threshold=20.0, mode=mode)
    left = np.hypot(rows[44][0] - rows[43][0], rows[44][1] - rows[43][1]) / 0.1
    assert left < 20.0 * 2**0.5 + 1e-9 < rows[43][3]
    one, other = says.claim(run).split("; ")
    assert one.endswith("the descent is thrown after 43 updates to error 0.090")
    assert re.search(rf"at 20, it is thrown after 43 updates to error {rows[-1][2]:.3f}\.$", other)
    said = f"Clipped from {rows[43][3]:.0f} to {left:.0f}, the gradient is still enough to throw it"
    assert said in says.notice(run)
    assert "bounds the step" not in says.notice(run)


def test_what_is_stuck_is_not_called_thrown():
    run = run_of(settings(start_w=4.1, start_b=-2.9, learning_rate=1.0))
    rows = slow_descent(4.1, -2.9, threshold=None, rate=1.0)
    norm = np.log10(rows[-1][3])
    assert f"the descent is stuck at error 0.090, where the gradient is 10^{norm:.1f};" in (
        says.claim(run)
    )
    assert f"and where the descent is stuck it is 10^{norm:.1f}: the exp" in says.notice(run)
    look = next(one.look for one in says.beliefs(run) if "0.49" in one.look)
    assert f"after the explosion the descent is stuck where the gradient is 10^{norm:.1f}" in look
    assert "throws" not in says.notice(run) + look
