"""What is often read of weight scales, and what the page sets beside it."""

import numpy as np
import pytest

from app.sentences.weight_beliefs import beliefs
from tests.app.test_weight_scale_sentences import known, with_mean


def test_beliefs_are_bound_to_this_run_s_numbers():
    rec, found = known(weight_scale=1.6)
    W = rec.network.state_dict()["weight_hh_l0"]
    looks = {belief.read: belief.look for belief in beliefs(rec, found)}
    radius = np.abs(np.linalg.eigvals(W)).max()
    assert (
        f"radius {radius:.2f}" in looks["“A spectral radius above 1 explodes, below 1 vanishes.”"]
    )
    assert (
        f"it is {np.linalg.norm(W, 2):.2f}" in looks["“A largest singular value above 1 explodes.”"]
    )
    top = f"{found.sweep.growth[:, -1].mean():+.3f}"
    assert top in looks["“tanh′ is at most 1, so tanh cannot explode.”"]
    means = {(one.init, one.activation): np.mean(one.growth) for one in found.schemes}
    said = looks["“Orthogonal (or Xavier) initialisation keeps the gradient.”"]
    for name in (("orthogonal", "tanh"), ("gaussian", "tanh")):
        assert f"{means[name]:+.3f}".replace("-", "−") in said
    assert f"{means['he', 'relu']:+.3f}".replace("-", "−") in looks["“ReLU fixes it.”"]


def test_a_sigmoid_is_promised_to_vanish_by_the_bound():
    rec, found = known(activation="sigmoid")
    looks = " ".join(belief.look for belief in beliefs(rec, found))
    assert "sure to vanish" in looks
    assert "a sigmoid’s slope, 1/4 at most, takes more than W gives" in looks


def looks_of(**settings):
    return {belief.read: belief.look for belief in beliefs(*known(**settings))}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({}, "“A largest singular value of 1 keeps the gradient.”"),
        (
            {"activation": "sigmoid", "weight_scale": 4.0},
            "“A largest singular value above 1 explodes.”",
        ),
        ({"source": "silence"}, "“A largest singular value of 1 keeps the gradient.”"),
    ],
)
def test_a_slope_times_singular_value_of_1_can_never_grow_whatever_its_last_bit(
    settings, read, seed
):
    look = looks_of(**{"init": "orthogonal", "seed": seed} | settings)[read]
    assert "times the steepest slope 1.00: it can never grow" in look


def test_a_belief_about_singular_values_is_one_about_this_one():
    assert "sure to vanish" in looks_of(init="orthogonal", weight_scale=0.9)[
        "“A largest singular value below 1 vanishes.”"
    ]  # fmt: skip
    assert "allowed to explode" in looks_of(init="orthogonal", weight_scale=1.1)[
        "“A largest singular value above 1 explodes.”"
    ]  # fmt: skip


def test_that_a_net_does_not_explode_promises_nothing_of_other_inputs():
    rec, found = known()
    told = beliefs(rec, with_mean(found, np.linspace(-1.0, -0.1, 41)))
    look = {one.read: one.look for one in told}["“tanh′ is at most 1, so tanh cannot explode.”"]
    assert look.startswith("at weight scale 4 the mean growth of 20 nets is −0.100: here it does ")
    assert "input" not in look
