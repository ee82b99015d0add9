"""What is often read of gates, answered with the numbers of slow loops."""

import re

import numpy as np
import pytest

from app.sentences import gating as says
from rnn_core.analysis.roads import roads
from tests.app.test_gating import slow, three
from tests.reference import slow_log10_norms


def test_beliefs_of_an_lstm_are_answered_with_the_numbers_of_slow_loops():
    recs = three(cell="lstm", forget_bias=1.0)
    rec, ran = recs["lstm"], slow(recs["lstm"])
    read = {one.read: one.look for one in says.beliefs(recs, rec, roads(rec))}
    of_h = slow_log10_norms(ran.d_h).mean(axis=1)
    growth = (of_h[0] - of_h[-1 - 5]) / (len(of_h) - 1 - 5)
    assert read["“An LSTM remembers by default.”"] == (
        f"the mean forget gate is {ran.gates['f'].mean():.2f}, and each step back multiplies the "
        f"gradient by {10**growth:.3f}"
    )
    of_c = slow_log10_norms(ran.d_c).mean(axis=1)
    both = re.fullmatch(
        r"at step 1 \|∂L/∂c\| is (\S+) and \|∂L/∂h\| is (\S+): "
        r"only c has a line on which it may stay",
        read["“c and h are one memory, with one gradient.”"],
    )
    for word, expected in zip(both.groups(), (of_c[0], of_h[0]), strict=True):
        value = float(word[3:]) if word.startswith("10^") else np.log10(float(word))
        assert value == pytest.approx(expected, abs=0.06)


def test_the_convention_of_a_gru_is_said_with_its_numbers():
    recs = three(cell="gru")
    keeps = slow(recs["gru"]).gates["z"].mean()
    look = says.beliefs(recs, recs["gru"], roads(recs["gru"]))[-1].look
    assert "z = 1 keeps: h = (1 − z) n + z h" in look
    assert f"with z {keeps:.2f} on average; the course’s Γ_u is 1 − z, {1 - keeps:.2f}" in look
