"""The pinned step in equations: the numbers of the run, in the notation that was asked for."""

import re

import numpy as np
import pytest

import rnn_core as rc
from app.sentences.anatomy import anatomy_lines
from rnn_core.analysis.anatomy import anatomy
from tests.app.test_views import opened

SMALL = {"steps": 15, "hidden_size": 4, "input_size": 3, "batch_size": 2}


def lines(step, unit=2, notation="ours", **settings):
    rec = rc.run(rc.ExperimentConfig(**SMALL | settings))
    found = anatomy(rec, step - 1, sequence=1, unit=unit - 1)
    return rec, "\n".join(anatomy_lines(rec, found, unit=unit, notation=notation))


def bold(text):
    numbers = re.findall(r"\*\*([\d.]+)\*\*", text.replace("−", ""))
    return [float(number) for number in numbers]


def test_a_vanilla_step_has_its_numbers():
    rec, text = lines(9)
    layer = rec.layers[0]
    a, h = layer.a[8, 1, 1], layer.h[8, 1, 1]
    d, before = layer.d_h[8, 1], layer.d_h[7, 1]
    through = d / np.cosh(layer.a[8, 1]) ** 2
    norm = np.linalg.norm
    expected = [
        abs(a),
        abs(h),
        1.0 - h**2,
        norm(d),
        norm(through) / norm(d),
        norm(before) / norm(through),
        norm(before),
    ]
    assert bold(text) == pytest.approx(expected, rel=6e-3)
    assert text.startswith("**Step 9 forward, unit 2.**")


@pytest.mark.parametrize(
    ("cell", "ours", "course"),
    [
        ("rnn", ["W_{hh}", "h_{t-1}", "a_t"], ["W_{aa}", "W_{ax}", "a^{<t-1>}"]),
        ("lstm", ["f_t", "g_t"], [r"\Gamma_f", r"\tilde c^{<t>}"]),
        ("gru", ["z_t", "n_t"], [r"\Gamma_u", r"\Gamma_r"]),
    ],
)
def test_the_notation_is_a_choice_and_the_numbers_stay(cell, ours, course):
    (_, one), (_, other) = (lines(9, cell=cell, notation=name) for name in ("ours", "course"))
    assert all(symbol in one and symbol not in other for symbol in ours)
    assert all(symbol in other and symbol not in one for symbol in course)
    assert bold(one) == bold(other)


def test_the_update_gate_of_a_gru_is_turned_round_in_the_course():
    """Gamma_u = 1 updates, z = 1 keeps."""
    rec, text = lines(9, cell="gru", notation="course")
    z = rec.layers[0].gates["z"][8, 1, 1]
    stated = float(re.search(r"\$\\Gamma_u\$ = ([\d.]+)", text)[1])
    assert stated == pytest.approx(1.0 - z, rel=6e-3)


def test_a_cut_is_called_one():
    assert "cut here, nothing leaves" in lines(9, truncate=8)[1]


def test_where_no_gradient_arrives_it_says_so():
    assert "exactly 0" in lines(3, weight_scale=0.0)[1]


def test_the_page_opens_the_pinned_step():
    page = opened(steps="20", hidden_size="6", t="7", unit="3", notation="course")
    text = "\n".join(one.value for one in page.markdown)
    assert "Step 7 forward, unit 3." in text
    assert "W_{aa}" in text
    assert "Step 7" not in "\n".join(one.value for one in opened(steps="20").markdown)


@pytest.mark.parametrize(
    "query", [{"steps": "1", "t": "1"}, {"t": "9", "steps": "5", "unit": "99"}]
)
def test_a_pinned_place_outside_the_run_is_the_nearest(query):
    text = "\n".join(one.value for one in opened(hidden_size="6", **query).markdown)
    assert f"Step {query['steps']} forward" in text


def test_a_share_that_rounds_to_nothing_has_no_sign():
    """The 20th of 50 steps: one path takes away less than 0.05 %."""
    rec = rc.run(rc.ExperimentConfig(cell="gru", init="keras", steps=50))
    found = anatomy(rec, 19, sequence=0, unit=0)
    assert any(-0.0005 < share < 0.0 for share in found.shares.values())
    text = "\n".join(anatomy_lines(rec, found, unit=1, notation="course"))
    assert "**less than 0.1 %**" in text
    assert "0.0 %" not in text.replace("10.0 %", "")
