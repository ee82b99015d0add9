"""What the page of clipping says, in every case, against slow loops."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from app import address, clipping_tables
from app.clipped import run_of
from app.presets import CLIPPING
from app.sentences import clipping as says
from app.sentences.clipping_net import net_words
from rnn_core.theory.descent import descend
from tests.app.slow_cliff import slow_clipped, slow_descent
from tests.app.test_clipping_figure import SMALL, settings, slow_gradients
from tests.reference import slow_bptt, slow_ledger

BY_KEY = {preset.key: preset for choice in CLIPPING for preset in choice.presets}
SEEDS = range(21)


def said(**changes):
    return says.claim(run_of(settings(**changes)))


def test_at_the_defaults_the_clipped_descent_survives_and_the_unclipped_does_not():
    rows = slow_descent(5.0, -2.5, threshold=None)
    below = [k for k, row in enumerate(rows) if row[2] <= rows[0][2]]
    clipped = slow_descent(5.0, -2.5, threshold=1.0)
    assert below[-1] == 43
    assert min(row[2] for row in rows[44:]) > 0.0899
    assert max(row[2] for row in clipped[271:]) < 0.002
    error, norm, end = rows[-1][2], rows[43][3], np.log10(rows[-1][3])
    assert said() == (
        f"Unclipped, the descent is thrown after 43 updates by a gradient of {norm:.0f} to error "
        f"{error:.3f}, gradient 10^{end:.0f}; clipped by norm at 1, it arrives below an error "
        "of 0.002."
    )


CASES = {
    "both thrown": (
        {"threshold": 20.0},
        r"^This clipping is no protection: unclipped, .* is thrown .* it is thrown ",
    ),
    "one step": (
        {"unit_steps": 1},
        r"^With one step of time there is no wall: nothing is clipped, and the descent arrives ",
    ),
    "both arrive": (
        {"start_w": 4.5, "start_b": -2.0, "threshold": 0.1},
        r"^Neither is thrown: unclipped, the descent arrives .* it arrives ",
    ),
    "never clipped": (
        {"start_w": 4.1, "start_b": -2.0, "threshold": 10.0},
        r"^No gradient on the way reaches the threshold of 10: clipped or not, the descent arrives",
    ),
    "stuck": (
        {"start_w": 4.1, "start_b": -2.9, "learning_rate": 1.0},
        r"^Unclipped, the descent is stuck at error 0\.090, where the gradient is .* it ",
    ),
    "where rounding decides": (
        {"clip": "value"},
        r"clipped by value at 1, it ends where rounding decides\.$",
    ),
    "under way": (
        {"threshold": 0.05},
        r"clipped by norm at 0\.05, it is under way at error 0\.0072\.$",
    ),
    "rate too large": (
        {"learning_rate": 100.0},
        r"^No gradient on the way .* is thrown at once by a gradient of 0\.13 to error 0\.49",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_claim_differs_by_what_becomes_of_both(case):
    changes, pattern = CASES[case]
    run = run_of(settings(**changes))
    assert re.search(pattern, says.claim(run)), says.claim(run)
    text = " ".join([says.claim(run), says.notice(run), says.equation(run), says.alt_text(run)])
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_clipping_that_throws_what_would_have_arrived_does_harm():
    """No setting of 1,600 drawn does this; were there one, the page would have words for it."""
    run = run_of(settings())
    found = run.descents
    swapped = replace(
        found,
        unclipped=found.clipped,
        beside_unclipped=found.beside_clipped,
        clipped=found.unclipped,
        beside_clipped=found.beside_unclipped,
        threshold=30.0,
    )
    clipped_once = replace(found.unclipped, is_clipped=found.unclipped.gradient_norm > 30.0)
    object.__setattr__(
        run, "descents", replace(swapped, clipped=clipped_once, beside_clipped=(clipped_once,) * 2)
    )
    assert says.claim(run) == (
        "Here clipping does harm: unclipped, the descent arrives below an error of 0.002; clipped "
        "by norm at 30, it is thrown after 43 updates to error 0.090."
    )


def test_a_path_beyond_all_numbers_has_a_sentence():
    """No control goes there; the engine does, and the page would have words for it."""
    path = descend(start=(6.0, 0.5 - 6 * 0.6224593312018546), learning_rate=1e90, threshold=None)
    far = descend(
        start=(6.0, 0.5 - 6 * 0.6224593312018546), learning_rate=1e90, threshold=None, steps=200
    )
    assert (path.fate, far.fate) == ("thrown", "overflow")
    run = run_of(settings())
    moved = replace(run.descents, unclipped=far, beside_unclipped=(far, far))
    object.__setattr__(run, "descents", moved)
    text = f"{says.claim(run)} {says.notice(run)} {says.alt_text(run)}"
    assert text.startswith("Unclipped, the descent leaves all numbers at update 0; clipped")
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_the_equation_has_the_largest_gradient_and_what_becomes_of_it():
    rows = slow_descent(5.0, -2.5, threshold=None, updates=60)
    largest = max(row[3] for row in rows)
    text = says.equation(run_of(settings(threshold=4.0)))
    assert f"**{largest:.0f}** after 43 updates, is multiplied by **{4.0 / largest:.3f}**" in text
    text = says.equation(run_of(settings(clip="value", threshold=4.0)))
    assert "has its entries cut at **±4**" in text


def test_the_notice_counts_the_clipped_updates():
    run = run_of(settings())
    frame = clipping_tables.descents_frame(run)
    count = int((frame["clipped_gradient_norm"][:-1] >= 1.0).sum())
    assert f"Of 300 updates {count} were clipped" in says.notice(run)
    end = frame["unclipped_gradient_norm"].iloc[-1]
    said = f"at the end of the descent it is 10^{np.log10(end):.0f}: the explosion ends in vanish"
    assert said in says.notice(run)


def written(log10):
    if abs(log10) <= 2:
        value = 10.0**log10
        digits = max(1 - int(np.floor(np.log10(float(f"{value:.1e}")))), 0)
        return f"{value:.{digits}f}"
    return f"10^{log10:.{1 if abs(log10) < 9.95 else 0}f}"


@pytest.mark.parametrize(("scale", "threshold"), [(0.7, 0.05), (3.0, 0.01)])
def test_the_words_of_the_net_are_those_of_slow_loops(scale, threshold):
    run = run_of(settings(weight_scale=scale, threshold=threshold))
    slow = slow_gradients(run.recording)
    before, by_norm, by_value, angle, count = slow_clipped(slow.gradients, threshold)
    shares = slow_ledger(slow.step_gradients["weight_hh_l0"]).share
    text = net_words(run.recording, run.net, threshold)
    assert f"The gradient of this net has norm {written(np.log10(before))}." in text
    assert f"by norm makes that {written(np.log10(by_norm))} and turns it by 0°" in text
    assert f"leaves {written(np.log10(by_value))} and turns it by {angle:.2g}°" in text
    assert f"having cut {count} of 66 numbers" in text
    for name, share in (("last 10 steps hold", shares[-10:]), ("first half", shares[:15])):
        found = re.search(rf"{name} (−?)(10\^-[\d.]+|[\d.]+ %)", text)
        value = float(share.sum())
        shown = found[2]
        size = 10.0 ** float(shown[3:]) if shown.startswith("10^") else float(shown[:-2]) / 100
        assert size == pytest.approx(abs(value), rel=0.13)
        assert (found[1] == "−") == (value < 0)


def test_a_negative_share_is_explained_and_no_other():
    told = []
    for seed in range(12):
        run = run_of(settings(weight_scale=0.9, seed=seed))
        shares = slow_ledger(slow_gradients(run.recording).step_gradients["weight_hh_l0"]).share
        parts = (shares[-10:].sum(), shares[:15].sum())
        is_odd = min(parts) < 0 or max(parts) >= 1.05
        text = net_words(run.recording, run.net, 0.01)
        assert ("A part is its projection on the whole" in text) == is_odd
        assert is_odd or not re.search(r"hold −|half −|hold 1[1-9]\d %", text)
        told.append(is_odd)
    assert set(told) == {True, False}


@pytest.mark.parametrize("scale", [0.7, 1.5, 3.0])
@pytest.mark.parametrize("steps", [30, 31])
def test_the_shares_are_sums_over_the_last_ten_steps_and_the_first_half(scale, steps):
    run = run_of(settings(weight_scale=scale, steps=steps))
    shares = slow_ledger(slow_gradients(run.recording).step_gradients["weight_hh_l0"]).share
    assert run.net.last_share == pytest.approx(sum(shares[steps - 10 :]), rel=1e-9)
    assert run.net.early_share == pytest.approx(sum(shares[: steps // 2]), rel=1e-9)


def test_a_gradient_below_the_threshold_is_left_alone():
    run = run_of(settings(threshold=1e6))
    text = net_words(run.recording, run.net, 1e6)
    assert "below the threshold of 10^6: clipping leaves it alone" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weight_scale": 0.5}, "scaling up small ones cures vanishing"),
        ({"weight_scale": 4.0, "steps": 60, "hidden_size": 32}, "Clipping cures the explosion"),
    ],
)
def test_the_belief_is_that_of_the_run(changes, expected):
    run = run_of(settings(threshold=0.01) | changes)
    found = says.beliefs(run)
    assert expected in found[0].read
    shares = slow_ledger(slow_gradients(run.recording).step_gradients["weight_hh_l0"]).share
    part = shares[: len(shares) // 2].sum() if "vanishing" in expected else shares[-10:].sum()
    assert abs(part) < 0.05
    assert any("by value and by norm" in one.read for one in found)
    assert any("0.49" in one.look for one in found)


@pytest.mark.parametrize(("key", "regime"), [("explodes", "exploding"), ("vanishes", "vanishing")])
def test_the_nets_of_the_presets_do_what_their_names_say_with_any_seed(key, regime):
    """Clipped to norm 1: an explosion holds nothing near the loss, what vanished nothing far."""
    preset = BY_KEY[f"preset-{key}"]
    shares = []
    for seed in SEEDS:
        run = run_of(dict(address.DEFAULTS) | preset.chosen | {"seed": seed})
        assert run.recording.verdict.regime == regime
        assert run.net.by_norm.log10_norm_after == pytest.approx(0.0, abs=1e-12)
        ledger = run.recording.ledger.shares
        shares.append(ledger[-10:].sum() if key == "explodes" else ledger[:50].sum())
    assert max(abs(one) for one in shares) < 1e-5


def test_every_preset_of_the_cliff_says_what_its_name_says():
    expected = {
        "Clipped survives": r"^Unclipped, the descent is thrown .* it arrives",
        "Threshold 20 is none": r"^This clipping is no protection",
        "No wall at T = 1": r"there is no wall",
        "explodes": r"^Unclipped, the descent is thrown .* it arrives",
        "vanishes": r"^Unclipped, the descent is thrown .* it arrives",
    }
    assert [preset.name for preset in BY_KEY.values()] == list(expected)
    for preset in BY_KEY.values():
        claim = says.claim(run_of(dict(address.DEFAULTS) | SMALL | preset.page))
        assert re.search(expected[preset.name], claim)
    assert len(BY_KEY) == 5
    assert BY_KEY["preset-explodes"].config(seed=3) == rc.ExperimentConfig(
        init="orthogonal", weight_scale=3.0, steps=100, seed=3
    )


def losses_own_gradients(rec):
    """Return what each step's own loss adds to dL/dh_t: all that does not come from step t + 1."""
    h, d_h = rec.layers[0].h, rec.layers[0].d_h
    from_later = (d_h[1:] * (1.0 - h[1:] ** 2)) @ rec.network.state_dict()["weight_hh_l0"]
    return d_h - np.concatenate([from_later, np.zeros_like(d_h[:1])])


@pytest.mark.parametrize(("loss_at", "is_said"), [("last", True), ("every", False)])
def test_steps_with_a_loss_of_their_own_have_not_vanished(loss_at, is_said):
    changes = {"steps": 100, "init": "orthogonal", "weight_scale": 0.7, "hidden_size": 16}
    rec = run_of(settings(**changes, loss_at=loss_at)).recording
    slow = slow_bptt(
        rec.network.state_dict(),
        np.array(rec.x),
        losses_own_gradients(rec),
        cell="rnn",
        activation="tanh",
    )
    early = slow_ledger(slow.step_gradients["weight_hh_l0"]).share[:50].sum()
    assert rec.verdict.decades < -2.0
    assert (abs(early) < 0.01) == is_said
    assert (early > 0.4) != is_said
    beliefs = says.beliefs(run_of(settings(**changes, loss_at=loss_at)))
    assert any("what had vanished is still" in one.look for one in beliefs) == is_said
