"""Settings that are legal one by one and not together."""

import re

import pytest

import rnn_core as rc
from tests.rnn_core.test_config import refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cell": "gru", "activation": "relu"},
            "activation: expected tanh with cell=gru, got 'relu'",
        ),
        (
            {"cell": "lstm", "activation": "identity"},
            "activation: expected tanh with cell=lstm, got 'identity'",
        ),
        ({"forget_bias": 1.0}, "forget_bias: expected None with cell=rnn, got 1.0"),
        ({"cell": "gru", "forget_bias": 0}, "forget_bias: expected None with cell=gru, got 0"),
        ({"chrono_steps": 50}, "chrono_steps: expected None with init=gaussian, got 50"),
        (
            {"cell": "lstm", "init": "keras", "chrono_steps": 50},
            "chrono_steps: expected None with init=keras, got 50",
        ),
        ({"cell": "lstm", "is_tied": False}, "is_tied: expected True with cell=lstm, got False"),
        ({"cell": "gru", "is_tied": False}, "is_tied: expected True with cell=gru, got False"),
        ({"steps": 5, "truncate": 6}, "truncate: expected None or 1 to steps=5, got 6"),
        (
            {"is_tied": False, "layers": 2},
            "is_tied: expected True with several layers or directions, got False",
        ),
        (
            {"is_tied": False, "is_bidirectional": True},
            "is_tied: expected True with several layers or directions, got False",
        ),
        (
            {"is_bidirectional": True, "truncate": 5},
            "truncate: expected None with is_bidirectional=True, got 5",
        ),
    ],
)
def test_settings_that_mean_nothing_together_are_refused(settings, message):
    refused(message, **settings)


TOO_LARGE = "steps x batch_size x hidden_size: expected at most 5,120,000, got "


TOO_DEEP = TOO_LARGE.replace("hidden_size:", "hidden_size x layers x directions:")


TOO_MANY_WEIGHTS = "steps x hidden_size^2: expected at most 33,554,432 with is_tied=False, got "


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"steps": 10_000, "batch_size": 64, "hidden_size": 512},
            TOO_LARGE + "10000 x 64 x 512 = 327,680,000",
        ),
        (
            {"steps": 10_000, "batch_size": 1, "layers": 5, "is_bidirectional": True},
            TOO_DEEP + "10000 x 1 x 64 x 5 x 2 = 6,400,000",
        ),
        (
            {"steps": 10_000, "batch_size": 3, "hidden_size": 171},
            TOO_LARGE + "10000 x 3 x 171 = 5,130,000",
        ),
        (
            {"steps": 10_000, "batch_size": 1, "hidden_size": 512, "is_tied": False},
            TOO_MANY_WEIGHTS + "10000 x 512^2 = 2,621,440,000",
        ),
    ],
)
def test_legal_sizes_that_are_fatal_together_are_refused_by_run(settings, message):
    with pytest.raises(rc.ConfigError, match=f"^{re.escape(message)}$"):
        rc.run(rc.ExperimentConfig(**settings))
