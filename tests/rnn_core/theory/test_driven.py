"""A driven wide net: the power law at criticality, the input's variance step by step."""

import math

import numpy as np
import pytest

from rnn_core.theory.driven import driven
from rnn_core.theory.mean_field import fixed_point
from tests.reference import reference_tables

Z = np.arange(-12.0, 12.0, 0.01)
WEIGHTS = np.exp(-0.5 * Z**2) / np.exp(-0.5 * Z**2).sum()


def test_critical_net_in_silence_follows_the_power_law():
    values = reference_tables()["critical_power_law"]["values"]
    net = driven("tanh", 1.0, 0.0, np.zeros(1001), h_square=1.0)
    assert net.q[[10, 100, 1000]] == pytest.approx(
        [values["q10"], values["q100"], values["q1000"]], abs=1e-6
    )
    assert net.growth[20:200].sum() == pytest.approx(values["g_20_200"], abs=1e-6)
    assert net.growth[100:1000].sum() == pytest.approx(values["g_100_1000"], abs=1e-6)
    assert net.q[1000] * 2000 == pytest.approx(1.0, abs=0.01)


def test_every_step_is_the_equation_written_out(rng):
    T, B, sigma_w, sigma_b = 30, 3, 1.7, 0.2
    drive, square = rng.chisquare(1, size=(T, B)), rng.uniform(size=B)
    net = driven("tanh", sigma_w, sigma_b, drive, h_square=square)
    for b in range(B):
        mean = square[b]
        for t in range(T):
            q = sigma_w**2 * mean + drive[t, b] + sigma_b**2
            u = np.tanh(math.sqrt(q) * Z)
            mean = np.sum(WEIGHTS * u**2)
            chi = sigma_w**2 * np.sum(WEIGHTS * (1 - u**2) ** 2)
            assert net.q[t, b] == pytest.approx(q, rel=1e-11)
            assert net.growth[t, b] == pytest.approx(0.5 * math.log10(chi), abs=1e-9)
    assert net.slope == pytest.approx(net.growth[1:].mean(), rel=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_constant_drive_settles_at_the_fixed_point(activation):
    settled = fixed_point(activation, 1.2, 0.1, 0.7)
    net = driven(activation, 1.2, 0.1, np.full(400, 0.7))
    assert net.q[-1] == pytest.approx(settled.q, rel=1e-10)
    assert net.growth[-1] == pytest.approx(settled.slope, abs=1e-11)


def test_fluctuating_input_shrinks_less_than_its_mean_variance():
    """One noise feature at scale 1: -.200 with the mean variance, some -.17 step by step."""
    s = np.random.default_rng(0).chisquare(1, size=(4000, 4))
    assert fixed_point("tanh", 1.0, drive=1.0).slope == pytest.approx(-0.200, abs=5e-4)
    assert driven("tanh", 1.0, 0.0, s).slope == pytest.approx(-0.170, abs=0.005)


def test_one_step_crosses_no_map():
    assert driven("tanh", 1.0, 0.0, np.zeros(1)).slope is None


def test_linear_net_keeps_its_growth_where_its_states_leave_float64():
    net = driven("identity", 100.0, 0.0, np.ones(400))
    assert net.growth == pytest.approx(np.full(400, 2.0))
    assert np.isfinite(net.q).all()


def test_zero_weights_carry_nothing():
    assert np.isneginf(driven("tanh", 0.0, 0.0, np.ones(3)).growth).all()


def test_arrays_are_closed_for_writing():
    net = driven("tanh", 1.0, 0.0, np.ones(3))
    for array in (net.q, net.chi, net.growth):
        assert not array.flags.writeable
