"""Twenty nets of one recipe, against twenty runs; what a page says of them and draws."""

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from app import address, nets
from app.figures.gradient_flow import drawing
from app.sentences.nets import notes, over_nets
from app.views import gating, gradient_flow, saturation
from tests.app.test_views import opened, parcel, shown_text

SMALL = {"steps": 30, "hidden_size": 8, "batch_size": 3, "input_size": 2}


def runs(**settings):
    """Return the 20 runs, one by one, of two sequences each."""
    few = {"batch_size": min(settings["batch_size"], 2)}
    first = settings.pop("seed", 0)
    return [rc.run(rc.ExperimentConfig(**settings | few, seed=first + k)) for k in range(20)]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_nets_are_those_of_the_seeds_that_follow(cell):
    settings = SMALL | {"cell": cell, "seed": 5}
    found, each = nets.nets(rc.ExperimentConfig(**settings)), runs(**settings)
    assert (found.seed, found.sequences) == (5, 2)
    for k, rec in enumerate(each):
        expected = rec.layers[0].log10_norms("d_h").mean(axis=1)
        assert found.log10_norms[:, k] == pytest.approx(expected, abs=1e-10)
        assert found.decades[k] == pytest.approx(expected[0] - expected[-1], abs=1e-10)


def log10(word):
    """Read a factor as a reader does: 0.042 or 10^-3.4."""
    return float(word[3:]) if word.startswith("10^") else math.log10(float(word))


def test_a_sentence_counts_fates_and_names_the_middle():
    each = runs(**SMALL, weight_scale=1.6)
    decades = [rec.verdict.decades for rec in each]
    counts = Counter(rec.verdict.regime for rec in each)
    said = over_nets(nets.nets(rc.ExperimentConfig(**SMALL, weight_scale=1.6)))
    assert set(counts) == {"vanishing", "stable"}
    which = r"\(the band; seeds from 0 on, 2 sequences each\)"
    start = f"Of 20 nets {which} {counts['vanishing']} vanish, {counts['stable']} hold: "
    factors = re.fullmatch(
        rf"{start}dL/dh × (\S+) in the middle one, (\S+) to (\S+) in the middle 80 %\.", said
    )
    for word, level in zip(factors.groups(), (0.5, 0.1, 0.9), strict=True):
        assert log10(word) == pytest.approx(np.quantile(decades, level), abs=0.06)


def test_nets_of_exact_zeros_have_a_sentence():
    dead = nets.nets(rc.ExperimentConfig(**SMALL, weight_scale=0.0))
    assert over_nets(dead) == (
        "Of 20 nets (the band; seeds from 0 on, 2 sequences each) all vanish: "
        "dL/dh at step 1 is exactly 0."
    )


def test_exact_zeros_count_among_the_nets():
    """Three ReLUs: in 12 of 20 nets all are 0 at some step, so the middle net's gradient is 0."""
    settings = {"activation": "relu", "init": "gaussian", "hidden_size": 3, "steps": 40}
    each = [rec.layers[0].d_h[0] for rec in runs(**settings, batch_size=8)]
    sizes = sorted(
        np.mean([np.log10(one) for one in np.linalg.norm(d_h, axis=1) if one > 0.0])
        if d_h.any()
        else -math.inf
        for d_h in each
    )
    zeros = sizes.count(-math.inf)
    assert zeros == 12
    said = over_nets(nets.nets(rc.ExperimentConfig(**settings)))
    high = re.search(
        r"dL/dh exactly 0 in the middle one, 0 to (\S+) in the middle 80 %; (\d+) are exactly 0 "
        r"and left out of the band\.$",
        said,
    )
    # 0.9 of the way from the 1st to the 20th: 0.1 beyond the 18th; the loss begins with 10^0
    assert log10(high[1]) == pytest.approx(0.9 * sizes[17] + 0.1 * sizes[18], abs=0.06)
    assert int(high[2]) == zeros


def test_nets_that_overflow_are_counted_apart():
    """A gradient over 512 steps is no measure of one over 530: where float64 ends is no finding."""
    settings = SMALL | {"activation": "identity", "hidden_size": 4, "weight_scale": 3.3}
    settings["steps"] = 530
    each = runs(**settings)
    lost = [rec for rec in each if rec.overflow is not None]
    sizes = [rec.layers[0].log10_norms("d_h") for rec in each if rec.overflow is None]
    decades = [(one[0] - one[-1]).mean() for one in sizes]
    assert 0 < len(lost) < 10
    said = over_nets(nets.nets(rc.ExperimentConfig(**settings)))
    found = re.search(
        r"each\) (\d+) explode, (\d+) overflows? before the loss: dL/dh × (\S+) in the middle one "
        r"of the other (\d+), (\S+) to (\S+) in the middle 80 %\.$",
        said,
    )
    assert [int(found[k]) for k in (1, 2, 4)] == [len(decades), len(lost), len(decades)]
    for word, level in zip(found.group(3, 5, 6), (0.5, 0.1, 0.9), strict=True):
        assert log10(word) == pytest.approx(np.quantile(decades, level), abs=0.6)


def test_where_all_overflow_no_factor_is_given():
    large = SMALL | {"activation": "identity", "weight_scale": 100.0, "steps": 300}
    assert over_nets(nets.nets(rc.ExperimentConfig(**large))) == (
        "Of 20 nets (the band; seeds from 0 on, 2 sequences each) all overflow before the loss."
    )


def test_a_text_is_asked_before_its_end_and_has_not_overflowed():
    """The 24th of 26 steps has the loss: that is no overflow."""
    for loss_at in ("last", "every"):
        config = rc.ExperimentConfig(
            source="text", activation="relu", init="he", hidden_size=8, loss_at=loss_at
        )
        assert "overflow" not in over_nets(nets.nets(config))
        # 10 of its 26 characters: the question is then one of "The writer"
        first = replace(config, steps=10)
        assert "overflow" not in over_nets(nets.nets(first))


def test_a_cut_is_not_called_vanishing():
    found = nets.nets(rc.ExperimentConfig(**SMALL, truncate=7))
    assert notes(dict(address.DEFAULTS) | {"truncate": 7}, found) == [
        (
            "The band is over 20 nets (seeds from 0 on, 2 sequences each): "
            "backpropagation is cut in all of them."
        )
    ]
    whole = nets.nets(rc.ExperimentConfig(**SMALL, truncate=30))
    assert notes(dict(address.DEFAULTS) | {"truncate": 30}, whole) == [over_nets(whole)]


def test_what_would_take_too_long_is_not_run():
    large = rc.ExperimentConfig(cell="lstm", steps=1000, hidden_size=512, batch_size=2)
    settings = dict(address.DEFAULTS) | {"nets": "20"}
    assert nets.asked(settings, large) is None
    assert notes(settings, None) == ["20 nets like this would take too long: one is shown."]
    assert notes(address.DEFAULTS, None) == []
    assert nets.asked(settings, rc.ExperimentConfig(is_tied=False)) is None


def test_the_band_is_that_of_the_nets():
    rec = rc.run(rc.ExperimentConfig(**SMALL))
    each = [one.layers[0].log10_norms("d_h").mean(axis=1) for one in runs(**SMALL)]
    found = drawing(rec, nets=nets.nets(rec.config).log10_norms)
    low, high = (trace["y"] for trace in found["data"] if trace.get("line", {}).get("width") == 0)
    for edge, level in ((low, 0.1), (high, 0.9)):
        assert edge == pytest.approx(np.quantile(each, level, axis=0), abs=1e-5)
    titles = " ".join(note["text"] for note in found["layout"]["annotations"])
    assert "10–90 % of 20 nets" in titles
    assert "sequences" not in titles.split("share")[0].split("size |")[1]


THREE_RELUS = {"activation": "relu", "hidden_size": 3, "steps": 40}
"""Their gradient arrives at step 1 as exactly 0 in 12 of the 20 nets."""


def zeros_at_step_1(**settings):
    return sum(not rec.layers[0].d_h[0].any() for rec in runs(**settings, batch_size=2))


@pytest.mark.parametrize("view", [gradient_flow, saturation, gating])
def test_the_key_of_the_band_counts_the_nets_that_it_leaves_out(view):
    """A band over 8 nets of 20 looks like one over all of them: nets at 0 have no place on it."""
    name = view.__name__.split(".")[-1]
    zeros = zeros_at_step_1(**THREE_RELUS)
    assert zeros == 12
    page = opened(name, nets="20", **{key: str(value) for key, value in THREE_RELUS.items()})
    notes = [note["text"] for note in parcel(page)["figure"]["layout"]["annotations"]]
    keys = [text for text in notes if "10–90 % of 20 nets" in text]
    assert len(keys) == 1
    said = "RNN 12" if view is gating else "12"
    assert f"10–90 % of 20 nets (left out, 0 at step 1: {said})" in keys[0]
    if view is not gating:  # whose sentence is about the LSTM's nets
        assert "12 are exactly 0 and left out of the band." in shown_text(page)


@pytest.mark.parametrize("view", [gradient_flow, saturation, gating])
def test_where_no_net_is_left_out_nothing_is_said_of_it(view):
    name = view.__name__.split(".")[-1]
    page = opened(name, nets="20", **{key: str(value) for key, value in SMALL.items()})
    notes = " ".join(note["text"] for note in parcel(page)["figure"]["layout"]["annotations"])
    assert "10–90 % of 20 nets" in notes
    assert "left out" not in notes + shown_text(page)


def test_each_cell_has_its_own_nets_at_0():
    """Without recurrent weights dL/dh of an RNN and an LSTM stops at once; a GRU keeps by z."""
    page = opened("gating", nets="20", weight_scale="0", steps="12", hidden_size="4")
    notes = " ".join(note["text"] for note in parcel(page)["figure"]["layout"]["annotations"])
    assert "bands: 10–90 % of 20 nets (left out, 0 at step 1: RNN 20, LSTM 20)" in notes


@pytest.mark.parametrize("view", [gradient_flow, saturation, gating])
def test_a_page_shows_one_net_or_twenty(view):
    name = view.__name__.split(".")[-1]
    query = {name: str(value) for name, value in SMALL.items()}
    one, many = opened(name, **query), opened(name, nets="20", **query)
    config = view.LESSON.run(dict(address.DEFAULTS) | SMALL).recording.config
    said = over_nets(nets.nets(config))
    assert said.replace("^", "") in shown_text(many).replace("^", "")
    assert "20 nets" not in shown_text(one)
    more = len(parcel(many)["figure"]["data"]) - len(parcel(one)["figure"]["data"])
    assert more == {"gradient_flow": 0, "saturation": 2, "gating": 6}[name]


def test_a_picture_under_a_finger_is_of_one_net():
    settings = dict(address.DEFAULTS) | SMALL | {"nets": "20"}
    for view in (gradient_flow, saturation, gating):
        found = view.picture(settings)
        assert "nets=" not in found.run
        assert "20 nets" not in found.says[".protocol"]


def test_nets_whose_loss_has_no_gradient_are_not_said_to_vanish():
    """With one kind of character there is nothing to choose, whatever the weights."""
    page = opened("gradient_flow", nets="20", source="text", text="aaaa", hidden_size="4")
    assert "In none of 20 nets (seeds from 0 on, 1 sequence each) has the loss a" in shown_text(
        page
    )
    assert "vanish" not in shown_text(page).split("What to notice")[0]


def test_halfway_between_a_zero_and_a_number_is_no_number():
    """Ten nets at 0, ten at 10^3: no average of logs stands between them."""
    decades = np.repeat([-np.inf, 3.0], 10)
    found = nets.Nets(
        decades[None], decades, {"vanishing": 10, "exploding": 10}, np.full(20, True), 0, 2
    )
    assert over_nets(found).endswith(
        " dL/dh exactly 0 in the middle one, 0 to 10^3.0 in the middle 80 %; 10 are exactly 0 and "
        "left out of the band."
    )
