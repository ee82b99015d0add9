"""A preset's name and sentence must survive a re-roll: its own seed and 20 others."""

import re
from collections import Counter

import pytest

import rnn_core as rc
from app.presets import PRESETS
from app.sentences import claim

SEEDS = range(21)
ENOUGH = 18  # of the 20 other seeds

VANISHING = r"the gradient shrinks to 10\^-\d+ of its size: it halves every [\d.]+ steps"
EXPLODING = r"the gradient grows to 10\^[\d.]+ times its size: it doubles every [\d.]+ steps"
HOLDING = (
    r"the gradient holds(, arriving [\d.]+ times as large| with ([\d.]+ times|\d+ % of) its size)"
)

EXPECTED = {
    "Vanishes": ("vanishing", VANISHING, (-43, -35)),
    "Holds": ("stable", HOLDING, (-1.3, 1.9)),
    "Explodes": ("exploding", EXPLODING, (18, 23)),
    "Radius 1.5 vanishes": ("vanishing", VANISHING, (-16, -9)),
    "Weak input explodes": ("exploding", EXPLODING, (4, 7)),
    "Sigmoid dies": ("vanishing", VANISHING, (-55, -35)),
    "GRU vanishes": ("vanishing", VANISHING, (-46, -33)),
    "LSTM vanishes": ("vanishing", VANISHING, (-48, -32)),
    "Forget bias 1": ("vanishing", VANISHING, (-18, -12)),
    "Holds 500 steps": ("stable", HOLDING, (-2.0, 2.0)),
    "The writer": ("vanishing", r"From ‘is’ back to ‘writer’, 14 steps, .* 10\^-\d", (-7, -4)),
}
"""Regime, words and decades; the decades of the table of reference, with four times its spread."""


def test_every_preset_is_tested():
    assert [preset.name for preset in PRESETS] == list(EXPECTED)
    assert len(PRESETS) >= 8


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_shows_what_its_name_says_with_any_seed(preset):
    regime, words, (low, high) = EXPECTED[preset.name]
    runs = [rc.run(preset.config(seed)) for seed in SEEDS]
    says = [re.search(words, claim(run)) is not None for run in runs]
    assert runs[0].verdict.regime == regime
    assert says[0], claim(runs[0])
    assert Counter(run.verdict.regime for run in runs[1:])[regime] >= ENOUGH
    assert sum(says[1:]) >= ENOUGH, [claim(run) for run in runs]
    assert sum(low < run.verdict.decades < high for run in runs) >= ENOUGH + 1


def test_the_two_presets_of_radius_15_differ_in_their_input_alone():
    by_name = {preset.name: dict(preset.settings) for preset in PRESETS}
    weak = by_name["Weak input explodes"]
    assert weak.pop("input_scale") < 1
    assert weak == by_name["Radius 1.5 vanishes"]


def test_a_preset_knows_its_own_run_whatever_the_seed():
    vanishes, holds = PRESETS[:2]
    assert vanishes.is_run_by(vanishes.config(7))
    assert not vanishes.is_run_by(holds.config(7))


def test_keys_are_names_that_a_style_sheet_can_hold():
    keys = [preset.key for preset in PRESETS]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"preset-[a-z0-9-]+", key) for key in keys)
