"""What a page records, and what it refuses."""

import pytest

from app import engine
from rnn_core import ConfigError, ExperimentConfig


@pytest.mark.parametrize(
    ("asked", "batch_size"),
    [
        ({"steps": 1000, "batch_size": 16}, 16),  # exactly the limit
        ({"steps": 2000, "batch_size": 8}, 8),
        ({"steps": 2000, "batch_size": 64}, 8),
        ({"steps": 10_000}, 1),
        ({"steps": 10_000, "hidden_size": 102}, 1),
    ],
)
def test_a_long_run_has_as_many_sequences_as_fit(asked, batch_size):
    config, note = engine.fitted(ExperimentConfig(**asked))
    assert config == ExperimentConfig(**asked | {"batch_size": batch_size})
    asked_for = asked.get("batch_size", 8)
    assert note == (
        None
        if batch_size == asked_for
        else f"A run this long shows {batch_size} of its {asked_for} sequences."
    )


@pytest.mark.parametrize(
    ("asked", "product"),
    [
        ({"steps": 1000, "batch_size": 17}, "1000 x 17 x 64 = 1,088,000"),
        ({"steps": 10_000, "hidden_size": 103}, "10000 x 8 x 103 = 8,240,000"),
    ],
)
def test_a_run_that_is_too_large_is_refused(asked, product):
    with pytest.raises(ConfigError) as refusal:
        engine.fitted(ExperimentConfig(**asked))
    assert str(refusal.value) == (
        f"steps x batch_size x hidden_size: expected at most 1,024,000, got {product}"
    )


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"layers": 2}, "layers: expected 1 on a page, got 2"),
        ({"is_bidirectional": True}, "is_bidirectional: expected False on a page, got True"),
    ],
)
def test_a_run_that_a_page_cannot_draw_is_refused(asked, sentence):
    """The pictures show one layer: to draw a part of a deep net as the whole would be wrong."""
    with pytest.raises(ConfigError) as refusal:
        engine.fitted(ExperimentConfig(**asked))
    assert str(refusal.value) == sentence


def test_equal_settings_are_recorded_once():
    first = engine.recording(ExperimentConfig(steps=20, seed=4))
    again = engine.recording(ExperimentConfig(steps=20, seed=4))
    assert first.recording is again.recording
    assert engine.recording(ExperimentConfig(steps=20, seed=5)).recording is not first.recording


def test_the_cache_forgets_old_runs_by_their_bytes():
    """16 numbers for each of 1000 x 16 x 64 are 131 MB: more than is kept beside another run."""
    small = engine.recording(ExperimentConfig(steps=5, seed=100)).recording
    assert engine.recording(ExperimentConfig(steps=5, seed=100)).recording is small
    engine.recording(ExperimentConfig(cell="lstm", steps=1000, batch_size=16))
    assert engine.recording(ExperimentConfig(steps=5, seed=100)).recording is not small


def test_narrow_floats_are_simulated_once_for_all_readers():
    first = engine.precision(ExperimentConfig(steps=20, seed=4))
    assert engine.precision(ExperimentConfig(steps=20, seed=4)) is first
    assert engine.precision(ExperimentConfig(steps=20, seed=5)) is not first
