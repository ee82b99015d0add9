"""What the page of saturation says, against slow loops; its presets with 21 seeds."""

import re
from collections import Counter

import numpy as np
import pytest

import rnn_core as rc
from app.presets import SATURATION
from app.sentences import claim as plain_claim
from app.sentences import saturation as says
from rnn_core.analysis.saturation import saturation
from tests.reference import slow_bptt, slow_log10_norms, slow_verdict
from tests.reference.slow_terms import slow_tug_of_war

SMALL = {"steps": 40, "batch_size": 2, "input_size": 3, "hidden_size": 6, "init": "orthogonal"}
SEEDS = range(21)
ENOUGH = 18  # of the 20 other seeds
BY_NAME = {preset.name: preset for choice in SATURATION for preset in choice.presets}


def run(**settings):
    rec = rc.run(rc.ExperimentConfig(**SMALL | settings))
    return rec, saturation(rec)


class Slow:
    """The same run by loops that share no code with the engine."""

    def __init__(self, rec):
        activation, state, x = rec.network.activation, rec.network.state_dict(), np.array(rec.x)
        d_loss = np.zeros(rec.layers[0].h.shape)
        d_loss[-1] = rec.layers[0].d_h[-1]
        again = slow_bptt(state, x, d_loss, cell="rnn", activation=activation)
        init = np.zeros(d_loss.shape[1:])
        tug = slow_tug_of_war(state, x, d_loss, activation=activation, h_init=init)
        self.verdict = slow_verdict(slow_log10_norms(again.d_h))
        self.share = 100 * np.mean(np.abs(again.h[1:]) > 0.9)
        self.weight = tug.by_weight[1:].sum(axis=0).mean()
        self.slope = tug.by_slope[1:].sum(axis=0).mean()
        steps = len(x)
        self.own = np.sqrt(np.mean(np.square(again.h[:-1] @ state["weight_hh_l0"].T)))
        self.per_step = (self.weight / (steps - 1), self.slope / (steps - 1))


def test_a_saturated_run_that_explodes_is_called_a_surprise():
    rec, found = run(weight_scale=10.0, hidden_size=24, batch_size=1)
    slow = Slow(rec)
    assert slow.verdict.decades > 2
    assert says.claim(rec, found) == (
        f"{slow.share:.0f} % of the units are saturated, yet from step 40 back to step 1 the "
        f"gradient grows to 10^{slow.verdict.decades:.1f} times its size: "
        f"W multiplies it by 10^{slow.weight:.0f}, φ′ by 10^{slow.slope:.0f}."
    )
    assert says.notice(rec, found).startswith("Saturated units let next to nothing through")
    assert f"W_hh h gives {slow.own:.1f} of the pre-activation" in says.notice(rec, found)


def test_a_saturated_run_that_vanishes_is_no_surprise():
    rec, found = run(weight_scale=2.0, input_scale=10.0)
    slow = Slow(rec)
    assert slow.verdict.decades < -10
    assert says.claim(rec, found) == (
        f"{slow.share:.0f} % of the units are saturated, and from step 40 back to step 1 the "
        f"gradient shrinks to 10^{slow.verdict.decades:.0f} of its size: "
        f"W multiplies it by 10^{slow.weight:.0f}, φ′ by 10^{slow.slope:.0f}."
    )
    assert "The input drives the units" in says.notice(rec, found)
    assert "W is too weak" in says.notice(rec, found)


@pytest.mark.parametrize(("sequences", "scale"), [(8, 1.0), (8, 3.0), (1, 0.1), (1, 100.0)])
def test_where_no_step_is_crossed_the_unit_is_counted_over_sequences(sequences, scale):
    rec, found = run(steps=1, hidden_size=1, batch_size=sequences, input_scale=scale)
    state = rec.network.state_dict()
    bias = state["bias_ih_l0"] + state["bias_hh_l0"]
    h = np.tanh(np.array(rec.x)[0] @ state["weight_ih_l0"].T + bias)
    count = int((np.abs(h) > 0.9).sum())
    expected = f"The one unit is saturated at step 1 in {count} of 8 sequences."
    if sequences == 1:
        assert count == (scale > 1)
        expected = f"The one unit is {'' if count else 'not '}saturated at step 1."
    assert says.claim(rec, found).startswith(expected)


def test_a_sigmoid_vanishes_without_saturation():
    rec, found = run(activation="sigmoid", input_scale=0.3)
    assert says.claim(rec, found).startswith("0 % of the units are saturated, yet from step 40")
    assert says.notice(rec, found).startswith("It takes no saturation to vanish")


def test_the_equation_has_the_mean_pull_of_each_side():
    rec, found = run(weight_scale=1.3)
    weight, slope = Slow(rec).per_step
    text = says.equation(found)
    for part in (f"$W$ **+{weight:.3f}**", f"$\\phi'$ **−{-slope:.3f}**", "39 times"):
        assert part in text
    assert f"together **−{-(weight + slope):.3f}**" in text


def test_two_steps_are_crossed_one_time():
    rec = rc.run(rc.ExperimentConfig(steps=2, hidden_size=8, batch_size=2))
    text = says.equation(saturation(rec))
    assert re.search(r"together \*\*\S+\*\* \(× \S+\), 1 time\.$", text), text


def test_linear_units_never_saturate_and_their_slope_does_nothing():
    """An orthogonal linear net of scale 1/2: every step halves the gradient, exactly."""
    rec, found = run(activation="identity", weight_scale=0.5)
    assert says.claim(rec, found) == (
        "A linear unit never saturates, and from step 40 back to step 1 the gradient shrinks to "
        "10^-12 of its size: W multiplies it by 10^-12, φ′ by 1.0."
    )
    assert "W alone decides, × 0.500 per step" in says.notice(rec, found)
    assert "$\\phi'$ **0.000**" in says.equation(found)


def test_dead_relus_are_counted():
    rec, found = run(activation="relu", bias_scale=2.0, input_scale=0.1, hidden_size=16)
    dead = int((rec.layers[0].h[1:] == 0).all(axis=(0, 1)).sum())
    assert dead > 1
    assert f"{dead} of 16 units are dead (at 0 at every step)" in says.notice(rec, found)
    assert f"{dead} of 16 units are dead" in says.beliefs(rec, found)[0].look


@pytest.mark.parametrize(
    "settings",
    [
        {"loss_at": "every"},
        {"truncate": 6},
        {"steps": 5},
        {"steps": 1},
        {"weight_scale": 0.0},
        {"source": "text"},
        {"activation": "relu", "hidden_size": 1, "seed": 3},
        {"activation": "identity", "weight_scale": 100, "steps": 400},
    ],
)
def test_where_the_pulls_do_not_sum_to_the_verdict_the_claim_is_the_plain_one(settings):
    rec, found = run(**settings)
    assert says.claim(rec, found).endswith(plain_claim(rec))
    text = f"{says.notice(rec, found)} {says.equation(found)} {says.beliefs(rec, found)}"
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_a_run_without_states_says_so_and_nothing_else():
    rec, found = run(activation="identity", weight_scale=100, input_scale=100, steps=400)
    gone = says.claim(rec, None)
    assert gone == plain_claim(rec)
    assert found is not None
    assert says.beliefs(rec, None) == ()


@pytest.mark.parametrize(
    "settings",
    [{"weight_scale": 10.0, "hidden_size": 24}, {"weight_scale": 2.0, "input_scale": 10.0}, {}],
)
def test_beliefs_are_answered_with_the_numbers_of_the_run(settings):
    rec, found = run(**settings)
    slow = Slow(rec)
    saturation_kills, slope_bounds, radius = says.beliefs(rec, found, 1.25)
    lead = f"{slow.share:.0f} % of the units are saturated"
    end = f"{written(slow.verdict.decades)} ({fate(slow.verdict.decades)})"
    assert saturation_kills.look.startswith(lead)
    assert f"multiplied by {end}:" in saturation_kills.look
    pulls = f"φ′ multiplies it by {written(slow.slope)}, W by {written(slow.weight)}"
    assert f"{pulls}, both by {end}" in slope_bounds.look
    assert radius.look.startswith("this W_hh has radius 1.25; it gives × ")
    assert f"{10 ** sum(slow.per_step):.3g} per step, and in all × {end}" in radius.look
    assert says.beliefs(rec, found) == (saturation_kills, slope_bounds)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"activation": "relu", "weight_scale": 0.5}, "it vanishes"),
        ({"activation": "relu", "weight_scale": 4.0, "hidden_size": 24}, "it explodes"),
        ({"weight_scale": 1.9, "hidden_size": 24, "steps": 20}, "it holds"),
        ({"activation": "sigmoid"}, "it vanishes"),
    ],
)
def test_every_answer_ends_in_what_became_of_the_gradient(settings, named):
    rec, found = run(**settings)
    decades = Slow(rec).verdict.decades
    assert fate(decades) == named
    for belief in says.beliefs(rec, found, 1.0):
        assert f"({named})" in belief.look


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        ({"hidden_size": 1, "seed": 0}, "the gradient is exactly 0 in all 2 sequences"),
        ({"hidden_size": 1, "seed": 0, "batch_size": 1}, "the gradient is exactly 0 there"),
        ({"source": "silence"}, "the gradient is exactly 0 in all 2 sequences"),
        (
            {"hidden_size": 1, "seed": 0, "loss_at": "every"},
            "the gradient of the last loss is exactly 0 in all 2 sequences",
        ),
    ],
)
def test_relus_that_let_nothing_back_end_the_belief_in_them(settings, end):
    """One switch away from dead ReLUs: no product can be told, but what arrives can."""
    rec, found = run(activation="relu", **settings)
    h = rec.layers[0].h
    assert not (rec.layers[0].from_last.log10_norms("d_h")[0] > -np.inf).any()
    (belief,) = says.beliefs(rec, found, 1.0)
    assert belief.read.startswith("“ReLU has slope 1")
    assert belief.look.endswith(f"passes one that is at 0, so {end}")
    dead = int((h[1:] == 0).all(axis=(0, 1)).sum())
    counted = {0: "no unit is dead", h.shape[-1]: "all units are dead"}.get(dead, f"{dead} of")
    assert counted in belief.look


@pytest.mark.parametrize("settings", [{"weight_scale": 0.0}, {"truncate": 6}, {"steps": 1}])
def test_a_gradient_that_relus_did_not_end_is_not_put_down_to_them(settings):
    assert says.beliefs(*run(activation="relu", **settings), 1.0) == ()


def test_what_loses_more_than_nine_tenths_arrives_and_does_not_hold():
    rec, found = run(hidden_size=24, steps=12, weight_scale=1.2)
    assert -2 < Slow(rec).verdict.decades < -1
    for belief in says.beliefs(rec, found, 1.0):
        assert "(it arrives)" in belief.look


def test_sequences_without_a_gradient_are_told_apart():
    rec, found = run(activation="relu", hidden_size=2, batch_size=8, seed=0)
    zeros = int((rec.layers[0].d_h[0] == 0).all(axis=-1).sum())
    assert 0 < zeros < 8
    for belief in says.beliefs(rec, found, 1.0):
        assert f"in {8 - zeros} of 8 sequences; 0 in the rest)" in belief.look


def test_a_short_run_and_one_with_many_losses_have_no_regime():
    for settings in ({"steps": 5}, {"loss_at": "every"}):
        for belief in says.beliefs(*run(**settings), 1.0):
            assert not re.search("it (vanishes|holds|explodes)", belief.look)
    assert says.beliefs(*run(steps=1), 1.0) == ()


def fate(decades):
    return "it vanishes" if decades < -2 else "it explodes" if decades > 2 else "it holds"


def written(log10):
    if abs(log10) <= 2:
        return f"{10**log10:#.2g}"
    digits = 1 if abs(log10) < 9.95 else 0
    return f"10^{log10:.{digits}f}"


def test_the_alt_text_begins_with_the_conclusion():
    rec, found = run()
    assert says.alt_text(rec, found).startswith(says.claim(rec, found))


GROWS = r"yet .* the gradient grows to 10\^[\d.]+ times its size: W multiplies it by 10\^99,"
SHRINKS = r"the gradient shrinks to 10\^-[\d.]+ of its size: W multiplies it by "
EXPECTED = {
    "1 unit": ("vanishing", rf"^The one unit .* and .*{SHRINKS}10\^99,", (-720, -660), (0.98, 1)),
    "32 units": ("exploding", rf"^8\d % .*{GROWS}", (14, 31), (0.85, 0.91)),
    "its own weights": ("exploding", rf"^8\d % .*{GROWS}", (14, 31), (0.85, 0.91)),
    "its inputs": ("vanishing", rf"^8\d % .* and .*{SHRINKS}10\^47,", (-40, -20), (0.84, 0.91)),
    "hardly saturated": ("vanishing", rf"saturated, yet .*{SHRINKS}1\.0,", (-70, -65), (0, 0.03)),
    "dead ReLUs": (
        "vanishing",
        rf"ReLU outputs are 0, and .*{SHRINKS}1\.0,",
        (-25, -5),
        (0.2, 0.8),
    ),
}
"""Regime, words, decades and share of saturated units."""


def test_every_preset_is_tested():
    assert list(BY_NAME) == list(EXPECTED)
    keys = [preset.key for preset in BY_NAME.values()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_shows_what_its_name_says_with_any_seed(name):
    regime, words, (low, high), (few, many) = EXPECTED[name]
    runs = [rc.run(BY_NAME[name].config(seed)) for seed in SEEDS]
    said = [re.search(words, says.claim(one, saturation(one))) is not None for one in runs]
    assert runs[0].verdict.regime == regime
    assert said[0], says.claim(runs[0], saturation(runs[0]))
    assert Counter(one.verdict.regime for one in runs[1:])[regime] >= ENOUGH
    assert sum(said[1:]) >= ENOUGH, [says.claim(one, saturation(one)) for one in runs]
    assert sum(low < one.verdict.decades < high for one in runs) >= ENOUGH + 1
    share = [one.layers[0].is_saturated[1:].mean() for one in runs]
    assert sum(few <= one <= many for one in share) >= ENOUGH + 1


def test_dead_relus_are_dead_with_any_seed():
    runs = [rc.run(BY_NAME["dead ReLUs"].config(seed)) for seed in SEEDS]
    dead = [int((one.layers[0].h[1:] == 0).all(axis=(0, 1)).sum()) for one in runs]
    assert min(dead) >= 1


def test_a_switch_changes_one_thing():
    one, many = (dict(BY_NAME[name].settings) for name in ("1 unit", "32 units"))
    assert {name for name in one if one[name] != many[name]} == {"hidden_size"}
    own, read = (BY_NAME[name].config() for name in ("its own weights", "its inputs"))
    assert own.hidden_size == read.hidden_size
    assert (own.input_scale, read.input_scale) == (1.0, 10.0)


@pytest.mark.parametrize(("scale", "gives"), [(0.5, False), (3.0, True)])
def test_a_slope_is_set_against_what_w_gives(scale, gives):
    rec, found = run(weight_scale=scale)
    assert (Slow(rec).weight > 0) == gives
    look = {one.read: one.look for one in says.beliefs(rec, found)}[
        "“The slope is at most 1, so the gradient cannot explode.”"
    ]
    assert look.endswith("only their product counts" if gives else "above shows one that explodes")
    assert "32 units" in BY_NAME


def test_a_linear_net_answers_nothing_about_saturation():
    read = [one.read for one in says.beliefs(*run(activation="identity", weight_scale=0.5))]
    assert read == ["“The slope is at most 1, so the gradient cannot explode.”"]
