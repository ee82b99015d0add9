"""What the presets of weight scale say, at their own seed and at 20 others."""

import re

import pytest

import rnn_core as rc
from app import weight_scales
from app.presets import WEIGHT_SCALE
from app.sentences import weight_scale as says

SEEDS = range(21)
PRESETS = {preset.name: preset for choice in WEIGHT_SCALE for preset in choice.presets}
RIGHT = r"This input’s right weight scale is 1\.9\d, not 1"
EXPECTED = {
    "1 vanishes": ("vanishing", r"divides the gradient by 1\.[56]\d*.*shrinks", RIGHT, (-43, -35)),
    "1.9 is right": ("stable", r"it holds(?: with|, arriving) ", RIGHT, (-1.3, 1.9)),
    "3 explodes": ("exploding", r"multiplies the gradient by 1\.2\d*.*grows", RIGHT, (18, 23)),
    "1 is right": (
        "stable",
        r"leaves the gradient as it is.*holds",
        r"is 1\.00, as radius 1 has it \(20 nets, H 32, T 100\)\.",
        (-1e-9, 1e-9),
    ),
    "4 is too small": (
        "vanishing",
        r"divides the gradient by 1\.[5-9]\d*.*shrinks",
        r"No weight scale up to 4 is right: the mean of 20 nets vanishes at every one",
        (-55, -35),
    ),
}


def found_for(config, rec):
    while weight_scales.measure_more(config, rec):
        pass
    return weight_scales.found(config, rec)


def test_every_preset_is_tested():
    assert list(PRESETS) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_shows_what_its_name_says_with_any_seed(name):
    regime, fate, size, (low, high) = EXPECTED[name]
    for seed in SEEDS:
        config = PRESETS[name].config(seed)
        rec = rc.run(config)
        claim = says.claim(rec, found_for(config, rec))
        assert rec.verdict.regime == regime, seed
        assert re.search(fate, claim), claim
        assert re.search(size, claim), claim
        assert low < rec.verdict.decades < high, seed
