"""What the page of clipping says of the net: true where nothing is cut, shared or there at all."""

import numpy as np
import pytest

from app.clipped import run_of
from app.sentences import clipping as says
from app.sentences.clipping_net import net_words
from app.views import clipping
from tests.app.test_clipping_figure import settings, slow_gradients
from tests.app.test_views import opened, shown_text
from tests.reference import slow_ledger


def words(run):
    return net_words(run.recording, run.net, run.settings["threshold"])


def looks(run):
    return [one.look for one in says.beliefs(run)]


def test_what_is_small_in_every_entry_is_not_cut_by_value():
    run = run_of(settings(threshold=2.5, hidden_size=8))
    gradients = slow_gradients(run.recording).gradients.values()
    flat = np.concatenate([one.ravel() for one in gradients])
    assert np.abs(flat).max() < 2.5 < np.linalg.norm(flat)
    assert f"; by value nothing is cut: none of its {len(flat)} numbers exceeds 2.5. " in words(run)
    assert not any("by value" in one for one in looks(run))


def test_a_first_step_from_a_state_of_0_adds_nothing():
    run = run_of(settings(steps=2, threshold=0.01))
    terms = slow_gradients(run.recording).step_gradients["weight_hh_l0"]
    assert not terms[0].any()
    assert "Step 1, from a state of 0, adds nothing to dL/dW_hh, as before: " in words(run)
    random = run_of(settings(steps=2, threshold=0.01, h_init="random"))
    assert "The first half of the steps holds " in words(random)


def test_a_linear_net_whose_steps_have_equal_parts_is_no_explosion_that_keeps_its_direction():
    """What its gradient grows by on the way back, its state has grown by on the way forward."""
    changes = {"activation": "identity", "weight_scale": 3.0, "steps": 60, "threshold": 0.01}
    run = run_of(settings(**changes, init="orthogonal"))
    assert run.recording.verdict.regime == "exploding"
    shares = run.recording.ledger.shares
    assert abs(shares[-10:].sum()) < 0.3
    assert shares[:30].sum() < 0.75
    assert not any("keeps its direction" in one for one in looks(run))
    tanh = run_of(
        settings(**changes | {"activation": "tanh", "hidden_size": 24}, init="orthogonal")
    )
    slow = slow_ledger(slow_gradients(tanh.recording).step_gradients["weight_hh_l0"]).share
    assert slow[:30].sum() > 0.75
    assert any("keeps its direction" in one for one in looks(tanh))


def test_what_a_block_cuts_off_has_not_vanished():
    changes = {"weight_scale": 0.5, "steps": 60}
    assert any("what had vanished" in one for one in looks(run_of(settings(**changes))))
    assert not any("vanished" in one for one in looks(run_of(settings(**changes, truncate=5))))


@pytest.mark.parametrize("scale", [100.0, 1e30 ** (1 / 15)])
def test_a_net_that_overflows_says_so(scale):
    changes = {"activation": "identity", "input_scale": 100.0, "steps": 300}
    run = run_of(settings(**changes, weight_scale=scale))
    step = run.recording.overflow.step + 1
    assert step < 300
    assert words(run).startswith(f"The hidden state overflows at step {step}. The gradient of ")
    assert "overflow" not in words(run_of(settings()))


def test_the_net_is_named_with_its_words_and_under_a_finger():
    query = {"steps": "30", "hidden_size": "6", "batch_size": "2", "input_size": "3"}
    named = "6 tanh units, Gaussian weights × 1, 30 steps of noise input in 3 features × 1. One net"
    assert named in shown_text(opened("clipping", **query))
    picture = clipping.net_picture(settings(weight_scale=2.5))
    assert "6 tanh units, Gaussian weights × 2.5, 30 steps" in picture.says[".net-protocol"]


def test_what_had_to_be_changed_for_a_net_is_said_of_the_net():
    page = opened("clipping", steps="4000")
    changed = "A run this long shows 4 of its 8 sequences."
    assert shown_text(page).count(changed) == 1
    assert f"4 sequences. {changed}" in shown_text(page)
    assert changed not in clipping.picture(settings(steps=4000, hidden_size=64)).says[".protocol"]
