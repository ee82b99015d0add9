"""What a network reads: unit variance, silence, an impulse, one-hot characters."""

import numpy as np
import pytest

import rnn_core as rc


def read(source, **settings):
    settings = {"steps": 1000, "batch_size": 4, "input_size": 6, "seed": 3} | settings
    return rc.run(rc.ExperimentConfig(source=source, hidden_size=2, **settings)).x


def test_noise_is_standard_normal_and_independent():
    x = read("noise")
    assert x.shape == (1000, 4, 6)
    assert x.mean() == pytest.approx(0.0, abs=4 / np.sqrt(x.size))
    assert x.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * x.size))
    assert (np.abs(x) < 1).mean() == pytest.approx(0.6827, abs=0.02)
    rows = x.reshape(1000, -1).T
    off = np.corrcoef(rows)[~np.eye(24, dtype=bool)]
    assert np.abs(off).max() < 5 / np.sqrt(1000)
    assert abs(np.corrcoef(x[1:].ravel(), x[:-1].ravel())[0, 1]) < 5 / np.sqrt(x.size)


def test_impulse_is_the_first_step_of_the_noise_and_then_silence():
    noise, impulse = read("noise"), read("impulse")
    assert np.array_equal(impulse[0], noise[0])
    assert not impulse[1:].any()


def test_sine_has_unit_variance_over_its_period_and_a_phase_of_its_own():
    x = read("sine", steps=500)
    assert (x[:25] ** 2).mean(axis=0) == pytest.approx(1.0, rel=1e-12)
    assert x[25:] == pytest.approx(x[:-25], abs=1e-12)
    assert len(np.unique(np.round(x[0], 9))) == 24


def test_silence_is_zero():
    assert not read("silence").any()


def test_text_is_one_hot_over_its_own_characters():
    text = "a bab ç"
    x = rc.run(rc.ExperimentConfig(source="text", text=text, hidden_size=2, batch_size=5)).x
    assert x.shape == (7, 1, 4)
    assert np.array_equal(x.sum(axis=2), np.ones((7, 1)))
    letters = " abç"
    assert "".join(letters[k] for k in x[:, 0].argmax(axis=1)) == text


def test_steps_cut_the_text():
    x = rc.run(rc.ExperimentConfig(source="text", text="abcabc", steps=4, hidden_size=2)).x
    assert x.shape == (4, 1, 3)
