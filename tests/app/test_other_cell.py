"""The same settings with another cell: nothing that only one cell has goes along."""

import pytest

import rnn_core as rc
from app import address
from app.other_cell import with_cell

LSTM = {"cell": "lstm", "forget_bias": 2.0, "steps": 9, "seed": 3, "init": "chrono"}
RNN = {"activation": "relu", "is_tied": False, "weight_scale": 2.0, "init": "orthogonal"}


def settings(**changes):
    return dict(address.DEFAULTS) | changes


def test_the_cell_of_the_settings_keeps_all_of_them():
    assert with_cell(settings(**LSTM), "lstm") == rc.ExperimentConfig(**LSTM)
    assert with_cell(settings(**RNN), "rnn") == rc.ExperimentConfig(**RNN)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_gates_stay_with_the_lstm(cell):
    expected = rc.ExperimentConfig(cell=cell, steps=9, seed=3, init="glorot")
    assert with_cell(settings(**LSTM), cell) == expected


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_an_activation_stays_with_the_plain_net(cell):
    expected = rc.ExperimentConfig(cell=cell, weight_scale=2.0, init="orthogonal")
    assert with_cell(settings(**RNN), cell) == expected
