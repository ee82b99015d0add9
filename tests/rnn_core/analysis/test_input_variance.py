"""How strongly each scheme lets the input drive a run, measured and expected."""

from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.analysis.input_variance import input_variance_per_step, measured_input_variance
from rnn_core.analysis.jacobian import weight_spectrum
from rnn_core.config import FIELDS
from tests.rnn_core.random_networks import vanilla

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
SCHEMES = FIELDS["init"].options
PAIRS = [(init, cell) for init in SCHEMES for cell in GATES if (init != "chrono" or cell == "lstm")]
H, D = 96, 24
EXPECTED_VARIANCE = {
    "gaussian": lambda _: 1.0,
    "orthogonal": lambda _: 1.0,
    "identity": lambda _: 1.0,
    "pytorch": lambda _: D / (3 * H),
    "keras": lambda gates: 2 * D / (D + gates * H),
    "glorot": lambda _: 2 * D / (D + H),
    "chrono": lambda _: 2 * D / (D + H),
    "he": lambda _: 2.0,
}


@pytest.mark.parametrize(("init", "cell"), PAIRS)
def test_measured_input_variance_is_what_the_scheme_gives(init, cell):
    config = rc.ExperimentConfig(
        cell=cell, init=init, hidden_size=H, input_size=D, steps=60, batch_size=16, input_scale=3.0
    )
    rec = rc.run(config)
    expected = 9.0 * EXPECTED_VARIANCE[init](GATES[cell])
    assert measured_input_variance(rec) == pytest.approx(expected, rel=0.15)
    weight = rec.network.state_dict()["weight_ih_l0"]
    squares = [np.mean([[(w @ x) ** 2 for w in weight] for x in step]) for step in rec.x[:3]]
    assert input_variance_per_step(rec)[:3] == pytest.approx(squares, rel=1e-12)
    assert input_variance_per_step(rec).shape == (60,)


@pytest.mark.parametrize(
    ("weight", "x", "expected"),
    [
        (1e150, 3.0, 9e300),
        (1e-150, 3.0, 9e-300),
        (1e150, 1e150, np.inf),
        (1e-150, 1e-150, 0.0),
        (1e-200, 1e250, 1e100),
        (1e-300, 1e300, 1.0),
        (0.0, 1.0, 0.0),
    ],
)
def test_input_variance_of_any_size(weight, x, expected):
    """Exact wherever float64 reaches, though the drive's own terms may not; never nan."""
    state = {"weight_ih_l0": weight * np.array([[1.0, -2.0]]), "weight_hh_l0": np.zeros((1, 1))}
    net = rc.Network.from_state_dict(state, cell="rnn")
    rec = rc.record(net, np.full((2, 1, 2), x), lambda h: (0.0, 0 * h))
    assert measured_input_variance(rec) == pytest.approx(expected, rel=1e-14, abs=0)


def test_recording_without_steps_has_no_input_variance():
    rec = replace(rc.run(rc.ExperimentConfig(steps=2)), x=np.zeros((0, 8, 8)), steps=0, layers=())
    assert measured_input_variance(rec) is None


def test_what_float32_cannot_hold_is_no_warning():
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.array([[1e300], [0.0]]), "weight_hh_l0": np.eye(2)}, cell="rnn"
    )
    rec = rc.record(
        net, np.full((3, 1, 1), 1e200), lambda _: pytest.fail("overflown"), dtype="float32"
    )
    assert not np.isfinite(measured_input_variance(rec))
    spectrum = weight_spectrum(
        rc.record(
            vanilla(np.diag([1e300, 1.0]), "tanh"),
            np.ones((3, 1, 1)),
            lambda _: pytest.fail("overflown"),
            dtype="float32",
        )
    )["a"]
    assert np.isnan(spectrum.singular_values).all()
    assert np.isnan(spectrum.spectral_radius)
