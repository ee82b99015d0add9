"""Slopes at PyTorch's default initialisation, against a table computed with PyTorch's autograd.

One sequence, T = 100, a last-step loss, 30 seeds; least squares over lags 20 to 80. The engine's
seeds draw other networks than the table's, so two means of 30 are compared:
|mean - reference| < 3 sd sqrt(2 / 30), sd the spread over seeds.

One-hot text is 101 random characters of an alphabet of 27 without a blank: the question of such a
text is its last character, asked after 100 steps, and its loss the next-character loss.
"""

import numpy as np
import pytest

import rnn_core as rc
from tests.reference import slow_least_squares_slope

SEEDS = 30
ALPHABET = list("abcdefghijklmnopqrstuvwxyz_")
NETS = {
    "RNN": {"cell": "rnn"},
    "GRU": {"cell": "gru"},
    "LSTM": {"cell": "lstm"},
    "LSTM, forget bias 1": {"cell": "lstm", "forget_bias": 1.0},
}
SPREAD = {"RNN": {128: 0.015, 32: 0.03}}
SPREAD |= {name: {128: 0.005, 32: 0.01} for name in ("GRU", "LSTM", "LSTM, forget bias 1")}
SLOPES = {  # (H = 128, H = 32) for each net
    "1 noise feature": {
        "RNN": (-0.231, -0.239),
        "GRU": (-0.192, -0.196),
        "LSTM": (-0.194, -0.194),
        "LSTM, forget bias 1": (-0.063, -0.069),
    },
    "8 noise features": {
        "RNN": (-0.234, -0.259),
        "GRU": (-0.194, -0.195),
        "LSTM": (-0.195, -0.196),
        "LSTM, forget bias 1": (-0.065, -0.076),
    },
    "one-hot text": {
        "RNN": (-0.231, -0.228),
        "GRU": (-0.193, -0.191),
        "LSTM": (-0.193, -0.192),
        "LSTM, forget bias 1": (-0.062, -0.069),
    },
    "64 noise features": {
        "RNN": (-0.291, -0.389),
        "GRU": (-0.203, -0.216),
        "LSTM": (-0.207, -0.228),
        "LSTM, forget bias 1": (-0.078, -0.108),
    },
}


def settings_of(source, seed):
    if source == "one-hot text":
        letters = np.random.default_rng(seed).choice(ALPHABET, 101)
        return {"source": "text", "text": "".join(letters), "steps": 101}
    return {"input_size": int(source.split()[0]), "batch_size": 1, "steps": 100}


@pytest.mark.parametrize("hidden_size", [128, 32])
@pytest.mark.parametrize("net", list(NETS))
@pytest.mark.parametrize("source", list(SLOPES))
def test_slope_at_pytorch_s_default_is_that_of_the_table(source, net, hidden_size):
    slopes = []
    for seed in range(SEEDS):
        rec = rc.run(
            rc.ExperimentConfig(
                **NETS[net],
                **settings_of(source, seed),
                init="pytorch",
                hidden_size=hidden_size,
                seed=seed,
            )
        )
        norms = rec.layers[0].log10_norms("d_h")[: rec.last_loss_step + 1]
        assert norms.shape == (100, 1)
        slopes.append(slow_least_squares_slope(norms, 20, 80))
    expected = SLOPES[source][net][0 if hidden_size == 128 else 1]
    spread = SPREAD[net][hidden_size]
    assert np.mean(slopes) == pytest.approx(expected, abs=3 * spread * np.sqrt(2 / SEEDS))
    assert 0.5 < np.std(slopes, ddof=1) / spread < 2.0
