"""What the page of weight scale says where runs differ: words, and the numbers in them."""

import re
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from app import weight_scales
from app.figures.weight_scale import drawing
from app.sentences import weight_scale as says
from app.sentences.weight_beliefs import beliefs
from rnn_core.analysis.weight_sweep import SCALES, WeightSweep

SMALL = {"steps": 24, "hidden_size": 18, "batch_size": 2}


def known(**settings):
    config = rc.ExperimentConfig(**SMALL | settings)
    rec = rc.run(config)
    while weight_scales.measure_more(config, rec):
        pass
    return rec, weight_scales.found(config, rec)


def with_mean(found, mean):
    """Return what would be known if all nets had this growth."""
    sweep = WeightSweep(found.sweep.config, np.array(SCALES), np.tile(mean, (20, 1)))
    return found._replace(sweep=sweep)


CLAIMS = [
    (
        {},
        r"^The average step back divides the gradient by 1\.\d\d: over 23 steps it shrinks to ",
    ),
    (
        {"init": "orthogonal", "weight_scale": 1.9},
        r"^The average step back \w+ the gradient .*: over 23 steps it (holds|arrives) with ",
    ),
    (
        {"init": "orthogonal", "weight_scale": 4.0, "steps": 60},
        r"^The average step back multiplies the gradient by 1\.\d\d: over 59 steps it grows ",
    ),
    ({"steps": 1}, r"^The loss is at step 1: its gradient has no step to go back to\.$"),
    ({"steps": 5}, r"^Over 4 steps back the gradient is multiplied by 0\.\d+\."),
    ({"weight_scale": 0.0}, r"^The gradient is exactly 0 from step 23 back in all 2 sequences\."),
    (
        {"activation": "identity", "weight_scale": 9.0, "steps": 500},
        r"^The hidden state overflows at step \d+\. From step \d+ back to step 1 the gradient",
    ),
    ({"activation": "sigmoid"}, r"No weight scale up to 4 is right: the mean of 20 nets vanishes"),
    (
        {"init": "orthogonal", "source": "silence"},
        r"leaves the gradient as it is.*right weight scale is 1\.00, as radius 1 has",
    ),
    (
        {"activation": "relu", "source": "silence"},
        r"In most of 20 nets the gradient is exactly 0 at every weight scale up to 4\.$",
    ),
]


@pytest.mark.parametrize(("settings", "words"), CLAIMS, ids=lambda one: str(one)[:40])
def test_the_claim_is_that_of_the_run_and_of_the_nets(settings, words):
    claim = says.claim(*known(**settings))
    assert re.search(words, claim), claim


def test_a_step_near_1_has_the_digits_that_many_steps_multiply():
    """The page's own preset: 199 steps of × 1.00 would leave the gradient where it is."""
    rec, found = known(steps=200, hidden_size=64, batch_size=8, init="orthogonal", weight_scale=1.9)
    norms = np.log10(np.linalg.norm(rec.layers[0].d_h, axis=2)).mean(axis=1)
    decades, growth = norms[0] - norms[-1], (norms[0] - norms[-1 - 10]) / (199 - 10)
    assert 0.2 < decades < 0.4
    assert 0.0005 < growth < 0.004
    claim = says.claim(rec, found)
    word = f"{10 ** (decades / 199):.3f}"
    assert f"The average step back multiplies the gradient by {word}: over 199" in claim
    radius, norm = beliefs(rec, found)[:2]
    assert f"each step back multiplies the gradient by {10**growth:.3f};" in radius.look
    assert norm.look.endswith(f"measured is × {10**growth:.3f} per step")


def test_the_right_size_names_the_nets_that_it_was_measured_on():
    """The run has more units and steps than the nets: its own right size may be another."""
    claim = says.claim(*known(steps=130, hidden_size=40, init="orthogonal"))
    assert re.search(r"not 1 \(20 nets, H 32, T 100: 1\.\d\d to \d\.\d\d\)\.", claim), claim


def test_several_crossings_are_no_one_right_size():
    rec, found = known()
    mean = np.full(41, -1.0)
    mean[10:15] = mean[20:] = 1.0
    claim = says.claim(rec, with_mean(found, mean))
    assert "There is no one right weight scale: between 0.9 and 1.9 the mean" in claim
    assert "changes sign 3 times." in claim


def test_growth_that_only_falls_or_never_ends_is_said():
    rec, found = known()
    falls = says.claim(rec, with_mean(found, np.linspace(1.0, -1.0, 41)))
    assert "Larger weights do not help" in falls
    grows = says.claim(rec, with_mean(found, np.full(41, 0.5)))
    assert "explodes at every one measured" in grows


def test_nothing_is_said_of_a_right_size_before_all_nets_are_measured():
    config = rc.ExperimentConfig(**SMALL, input_size=5)
    rec = rc.run(config)
    weight_scales.measure_more(config, rec)
    found = weight_scales.found(config, rec)
    assert "right weight scale" not in says.claim(rec, found)
    assert "10 of 20 so far" in says.band(found)


def nets_at_0(found):
    """Count, by weight scale, nets whose gradient arrives as exactly 0 in every sequence."""
    small = found.sweep.config
    runs = [
        [rc.run(replace(small, weight_scale=scale, seed=seed)) for seed in range(20)]
        for scale in SCALES
    ]
    return [sum(not one.layers[0].d_h[0].any() for one in row) for row in runs]


def test_nets_at_exactly_0_are_said_to_be_left_out_of_the_band():
    """Three ReLUs: most nets die, and a band over three of twenty would look like all."""
    rec, found = known(activation="relu", hidden_size=3, steps=12)
    zeros = nets_at_0(found)
    assert zeros[0] == 20
    most = max(zeros[1:])
    assert 10 < most < 20
    said = says.band(found)
    assert said.endswith(
        f" Left out of the band, exactly 0: all 20 nets at weight scale 0, up to {most} of 20 nets "
        "at larger ones; nothing is drawn where those are more than half."
    )
    drawn = [bool(np.isfinite(mean)) for mean in found.sweep.mean]
    assert drawn == [count <= 10 for count in zeros]
    titles = [note["text"] for note in drawing(rec, found)["layout"]["annotations"]]
    assert any("10–90 % of those not at 0" in text for text in titles)


def test_only_nets_at_exactly_0_are_said_to_be_left_out():
    rec, found = known()
    said = " Left out of the band, exactly 0: all 20 nets at weight scale 0."
    assert says.band(found).endswith(said)
    titles = [note["text"] for note in drawing(rec, found)["layout"]["annotations"]]
    assert any(text.endswith("10–90 %") or "10–90 %   " in text for text in titles)
    assert "Left out" not in says.band(known(cell="gru", init="pytorch")[1])
    dead = says.band(known(activation="relu", source="silence")[1])
    assert dead.endswith(" There is no band: all 20 nets are exactly 0 at every weight scale.")


@pytest.mark.parametrize(
    "settings", [{"steps": 1}, {"source": "text", "text": "ab"}, {"source": "text", "text": "a"}]
)
def test_no_net_is_called_0_where_the_loss_is_at_step_1(settings):
    """There is no step to go back to, so no growth, and nothing vanished."""
    rec, found = known(**settings)
    assert (rec.last_loss_step, np.isnan(found.sweep.growth).all()) == (0, True)
    assert "exactly 0" not in says.claim(rec, found) + says.band(found)


def test_the_equation_multiplies_to_what_it_says():
    rec, found = known(weight_scale=1.6)
    text = says.equation(rec, found)
    sigma_w, phi, product = (
        float(re.search(pattern, text)[1])
        for pattern in (r"\$ = ([\d.]+) times", r"of \$\\phi'\$ of ([\d.]+)", r"gives × ([\d.]+)")
    )
    state = rec.network.state_dict()["weight_hh_l0"]
    assert sigma_w == pytest.approx(np.linalg.norm(state) / np.sqrt(18), rel=6e-3)
    assert sigma_w * phi == pytest.approx(product, rel=1e-2)
    measured = f"{rec.verdict.growth_per_step:+.3f}".replace("-", "−")
    assert f"measured **{measured}**" in text


@pytest.mark.parametrize(("cell", "keep"), [("gru", 0.5), ("lstm", 0.5)])
def test_a_gated_cell_has_the_line_of_a_cell_at_rest(cell, keep):
    rec, found = known(cell=cell, init="pytorch", input_size=1, weight_scale=1.5)
    size = 18
    W = rec.network.state_dict()["weight_hh_l0"][2 * size : 3 * size]
    slope = np.log10(keep + np.linalg.norm(W) / np.sqrt(size) / 4)
    assert f"**{slope:+.3f}**".replace("-", "−") in says.equation(rec, found)


def test_the_alternative_text_begins_with_the_conclusion():
    rec, found = known()
    text = says.alt_text(rec, found)
    assert text.startswith(says.claim(rec, found))
    assert "phase diagram" in text
    gated = says.alt_text(*known(cell="gru", init="pytorch"))
    assert "phase diagram" not in gated


def test_the_run_may_be_of_any_seed_and_scale_without_a_new_sweep():
    rec, found = known()
    config = replace(rec.config, seed=9, weight_scale=3.0)
    other = weight_scales.found(config, rc.run(config))
    assert other.is_complete
    assert np.array_equal(other.sweep.growth, found.sweep.growth, equal_nan=True)


@pytest.mark.parametrize(
    "settings", [{"activation": "relu", "init": "he"}, {"init": "pytorch", "source": "silence"}]
)
def test_the_rule_of_radius_1_is_the_one_of_this_matrix(settings):
    rec, found = known(**settings)
    radius = np.abs(np.linalg.eigvals(rec.network.state_dict()["weight_hh_l0"])).max()
    rule = f"{1 / radius:.2f}" if radius > 1.005 else f"{1 / radius:.1f}"
    claim = says.claim(rec, found)
    assert f", not the {rule} of the rule of radius 1 (20 nets" in claim
    assert f"the rule of radius 1 puts the border at {rule};" in says.notice(rec, found)


def test_where_the_border_is_that_of_the_rule_the_claim_says_so():
    rec, found = known(activation="identity", init="pytorch")
    radius = np.abs(np.linalg.eigvals(rec.network.state_dict()["weight_hh_l0"])).max()
    mean = np.where(np.array(SCALES) < 1 / radius, -1.0, 1.0)
    assert ", as radius 1 has it" in says.claim(rec, with_mean(found, mean))


@pytest.mark.parametrize("settings", [{"cell": "lstm", "init": "keras"}, {"is_tied": False}])
def test_without_one_matrix_there_is_no_rule_to_agree_with(settings):
    rec, found = known(**settings)
    assert "rule of radius" not in says.claim(rec, with_mean(found, np.linspace(-1.0, 3.0, 41)))


def test_where_most_nets_are_exactly_0_the_others_are_not_said_to_be_all():
    """Three ReLUs: below some scale most nets are dead, above it those that live explode."""
    rec, found = known(activation="relu", hidden_size=3, steps=40)
    zeros = np.array(nets_at_0(found))
    grown = np.array(
        [
            np.mean([one for one in column if np.isfinite(one)]) if dead <= 10 else np.nan
            for column, dead in zip(found.sweep.growth.T, zeros, strict=True)
        ]
    )
    assert np.isnan(grown[1:]).any()
    assert (grown[np.isfinite(grown)] > 0).all()
    claim = says.claim(rec, found)
    assert claim.endswith(
        "No weight scale is right: at some most of 20 nets are exactly 0, and at the others the "
        "mean of those that are not explodes."
    )


@pytest.mark.parametrize("has_line", [True, False])
def test_a_dashed_line_is_spoken_of_where_there_is_one(has_line):
    rec, found = known(hidden_size=18 if has_line else 8)
    assert (found.curve is not None) == has_line
    told = " ".join(says.asides(rec, found))
    assert "The phase diagram is that of infinitely many units under a constant drive" in told
    assert ("the dashed line of the first panel follows this input" in told) == has_line


@pytest.mark.parametrize(
    ("settings", "is_said"), [({"truncate": 7}, True), ({"loss_at": "every"}, True), ({}, False)]
)
def test_nets_that_are_measured_otherwise_than_the_run_are_said_to_be(settings, is_said):
    rec, found = known(**settings)
    assert (found.sweep.config.truncate, found.sweep.config.loss_at) == (None, "last")
    said = "The band’s nets have one loss, at the last step, and it goes back uncut."
    assert (said in says.asides(rec, found)) == is_said


def test_a_sigmoid_that_explodes_at_the_end_of_the_slider_is_said_to():
    rec, found = known(activation="sigmoid")
    looks = {one.read: one.look for one in beliefs(rec, with_mean(found, np.full(41, 0.2)))}
    assert looks["“Large weights explode.”"].endswith("is +0.200: it explodes")


def test_dead_nets_are_told_beside_the_growth_of_those_that_live():
    rec, found = known(hidden_size=2, steps=40)
    dead = {one.init: one.dead for one in found.schemes if one.activation == "relu"}
    assert dead["orthogonal"] > 0
    look = {one.read: one.look for one in beliefs(rec, found)}["“ReLU fixes it.”"]
    counts = [int(one) for one in re.findall(r"\((\d+) of 20 nets exactly 0\)", look)]
    assert counts == [count for count in (dead["orthogonal"], dead["he"]) if count]
