"""What every scheme draws, measured: spread, limits, orthogonality, biases."""

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.config import FIELDS
from rnn_core.experiment import draw
from tests.reference import reference_tables

SCHEMES = FIELDS["init"].options
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
PAIRS = [(init, cell) for init in SCHEMES for cell in GATES if (init != "chrono" or cell == "lstm")]
H, D = 96, 24


def weights(cell, init, **settings):
    config = rc.ExperimentConfig(
        cell=cell, init=init, hidden_size=H, input_size=D, steps=1, seed=5, **settings
    )
    return draw(config).network.state_dict()


def blocks(matrix, cell):
    return matrix.reshape(GATES[cell], H, -1)


def assert_uniform(values, limit):
    """Uniform in +-limit: the spread, the ends, and as many entries in each quarter."""
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.99 * limit
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=5 / np.sqrt(values.size))
    counts = np.histogram(values, bins=4, range=(-limit, limit))[0] / values.size
    assert counts == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / values.size))


def assert_normal(values, std):
    assert values.mean() == pytest.approx(0.0, abs=5 * std / np.sqrt(values.size))
    assert values.std() == pytest.approx(std, rel=5 / np.sqrt(2 * values.size))
    within = (np.abs(values) < std).mean()
    assert within == pytest.approx(0.6827, abs=5 * np.sqrt(0.217 / values.size))


def assert_orthogonal(matrix):
    """Orthonormal columns, each row of a square one too."""
    assert matrix.T @ matrix == pytest.approx(np.eye(matrix.shape[1]), abs=1e-13)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("init", ["gaussian", "orthogonal", "identity"])
def test_input_weights_give_a_unit_variance_drive(init, cell):
    state = weights(cell, init)
    assert_normal(state["weight_ih_l0"], 1 / np.sqrt(D))
    assert not state["bias_ih_l0"].any()
    assert not state["bias_hh_l0"].any()


@pytest.mark.parametrize("cell", GATES)
def test_gaussian_recurrent_weights_have_variance_one_over_h(cell):
    for block in blocks(weights(cell, "gaussian")["weight_hh_l0"], cell):
        assert_normal(block, 1 / np.sqrt(H))


@pytest.mark.parametrize("cell", GATES)
def test_orthogonal_gives_every_gate_an_orthogonal_matrix_of_its_own(cell):
    found = blocks(weights(cell, "orthogonal")["weight_hh_l0"], cell)
    for block in found:
        assert_orthogonal(block)
        assert_orthogonal(block.T)
    assert len({block.tobytes() for block in found}) == GATES[cell]


def test_orthogonal_matrices_are_uniform_and_not_biased_by_the_sign_of_qr():
    """A plain QR fixes the sign of R's diagonal and pushes the trace away from 0."""
    traces = [
        np.trace(
            draw(
                rc.ExperimentConfig(init="orthogonal", hidden_size=8, steps=1, seed=seed)
            ).network.state_dict()["weight_hh_l0"]
        )
        for seed in range(300)
    ]
    assert np.mean(traces) == pytest.approx(0.0, abs=3 / np.sqrt(300))
    assert np.std(traces) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("cell", GATES)
def test_identity_gives_every_gate_the_identity(cell):
    for block in blocks(weights(cell, "identity")["weight_hh_l0"], cell):
        assert np.array_equal(block, np.eye(H))


@pytest.mark.parametrize("cell", GATES)
def test_pytorch_draws_everything_uniform_biases_too(cell):
    state = weights(cell, "pytorch")
    for name in ("weight_ih_l0", "weight_hh_l0"):
        for block in blocks(state[name], cell):
            assert_uniform(block, 1 / np.sqrt(H))
    for name in ("bias_ih_l0", "bias_hh_l0"):
        assert np.abs(state[name]).max() <= 1 / np.sqrt(H)
        assert state[name].std() == pytest.approx(1 / np.sqrt(3 * H), rel=0.2)
        assert len(set(state[name])) == GATES[cell] * H
    assert not np.array_equal(state["bias_ih_l0"], state["bias_hh_l0"])


@pytest.mark.parametrize("cell", GATES)
def test_keras_draws_over_the_whole_kernel(cell):
    """Glorot and orthogonal see all gates at once: a gate's block is not orthogonal."""
    gates = GATES[cell]
    state = weights(cell, "keras")
    assert_uniform(state["weight_ih_l0"], np.sqrt(6 / (D + gates * H)))
    assert_orthogonal(state["weight_hh_l0"])
    assert not state["bias_hh_l0"].any()
    forget = np.zeros(gates * H)
    if cell == "lstm":
        forget[H : 2 * H] = 1.0
    assert np.array_equal(state["bias_ih_l0"], forget)


@pytest.mark.parametrize(
    ("cell", "row"),
    [*zip(GATES, reference_tables()["keras_orthogonal_blocks"]["rows"], strict=True)],
    ids=list(GATES),
)
def test_a_keras_gate_has_the_singular_values_of_reference_json(cell, row):
    _, gates, rms, smax, _ = row
    assert gates == GATES[cell]
    state = draw(
        rc.ExperimentConfig(cell=cell, init="keras", hidden_size=256, steps=1, seed=1)
    ).network.state_dict()
    for block in state["weight_hh_l0"].reshape(gates, 256, 256):
        values = np.linalg.svd(block, compute_uv=False)
        assert np.sqrt(np.mean(values**2)) == pytest.approx(rms, rel=0.02)
        assert values[0] == pytest.approx(smax, rel=0.02)


@pytest.mark.parametrize("cell", GATES)
def test_glorot_draws_every_gate_by_itself(cell):
    state = weights(cell, "glorot")
    for block in blocks(state["weight_ih_l0"], cell):
        assert_uniform(block, np.sqrt(6 / (D + H)))
    for block in blocks(state["weight_hh_l0"], cell):
        assert_uniform(block, np.sqrt(6 / (2 * H)))
    assert not state["bias_ih_l0"].any()


@pytest.mark.parametrize(("init", "cell"), PAIRS)
def test_scales_multiply_what_the_scheme_draws(init, cell):
    one, scaled = weights(cell, init), weights(cell, init, weight_scale=2.5, input_scale=0.3)
    assert np.array_equal(scaled["weight_hh_l0"], 2.5 * one["weight_hh_l0"])
    assert np.array_equal(scaled["weight_ih_l0"], 0.3 * one["weight_ih_l0"])
    assert np.array_equal(scaled["bias_ih_l0"], one["bias_ih_l0"])
    assert np.array_equal(scaled["bias_hh_l0"], one["bias_hh_l0"])


@pytest.mark.parametrize(("init", "cell"), PAIRS)
def test_bias_scale_adds_gaussian_noise_to_what_the_scheme_draws(init, cell):
    plain, noisy = weights(cell, init), weights(cell, init, bias_scale=0.4)
    added = noisy["bias_ih_l0"] + noisy["bias_hh_l0"] - plain["bias_ih_l0"] - plain["bias_hh_l0"]
    assert_normal(added, 0.4)
    twice = weights(cell, init, bias_scale=0.8)
    assert twice["bias_ih_l0"] - plain["bias_ih_l0"] == pytest.approx(2 * added, abs=1e-15)


@pytest.mark.parametrize("bias_scale", [0.0, 0.7])
@pytest.mark.parametrize("init", SCHEMES)
def test_forget_bias_is_set_and_not_added(init, bias_scale):
    """bias_ih to the number, bias_hh to 0: PyTorch would add them."""
    free = weights("lstm", init, bias_scale=bias_scale)
    held = weights("lstm", init, bias_scale=bias_scale, forget_bias=2.5)
    assert np.array_equal(held["bias_ih_l0"][H : 2 * H], np.full(H, 2.5))
    assert np.array_equal(held["bias_hh_l0"][H : 2 * H], np.zeros(H))
    for name in ("bias_ih_l0", "bias_hh_l0"):
        rest = np.r_[0:H, 2 * H : 4 * H]
        assert np.array_equal(held[name][rest], free[name][rest])


def test_forget_bias_of_zero_is_a_number_and_not_unset():
    assert not weights("lstm", "keras", forget_bias=0.0)["bias_ih_l0"].any()


@pytest.mark.parametrize("init", [init for init, cell in PAIRS if cell == "rnn"])
def test_untied_matrices_are_drawn_as_the_scheme_draws_one(init):
    config = rc.ExperimentConfig(init=init, hidden_size=32, steps=40, is_tied=False, seed=2)
    matrices = draw(config).network.state_dict()["weight_hh_l0"]
    assert matrices.shape == (40, 32, 32)
    tied = draw(rc.ExperimentConfig(init=init, hidden_size=32, steps=40, seed=2))
    tied = tied.network.state_dict()["weight_hh_l0"]
    assert matrices.std() == pytest.approx(tied.std(), rel=0.1)
    if init in ("orthogonal", "keras"):
        for matrix in matrices:
            assert_orthogonal(matrix)
    if init == "identity":
        assert np.array_equal(matrices, np.tile(np.eye(32), (40, 1, 1)))
    if init in ("pytorch", "glorot"):
        assert_uniform(matrices, 1 / np.sqrt(32) if init == "pytorch" else np.sqrt(6 / 64))


@pytest.mark.parametrize("cell", GATES)
def test_he_has_twice_the_variance_for_both_fans(cell):
    state = weights(cell, "he")
    assert_normal(state["weight_ih_l0"], np.sqrt(2 / D))
    for block in blocks(state["weight_hh_l0"], cell):
        assert_normal(block, np.sqrt(2 / H))
    assert not state["bias_ih_l0"].any()
    assert not state["bias_hh_l0"].any()


FIRST_BIASES = [3.8746346850719933, 3.6692292056907596, 3.6283400717684944]
"""Of seed 0 and T = 50, written down before T_max was a setting."""


def chrono(steps, size=500, **settings):
    config = rc.ExperimentConfig(
        cell="lstm", init="chrono", hidden_size=size, input_size=D, steps=steps, **settings
    )
    return draw(config).network.state_dict()


@pytest.mark.parametrize("steps", [3, 100, 1000])
def test_chrono_forgets_over_times_spread_evenly_up_to_the_length(steps):
    """exp(b_f) is uniform in [1, T-1], b_i = -b_f, no other bias, weights as Glorot's."""
    bias = chrono(steps)["bias_ih_l0"].reshape(4, 500)
    times = np.exp(bias[1])
    assert times.min() >= 1 - 1e-12
    assert times.max() <= steps - 1
    ends = np.linspace(1, steps - 1, 5)
    counts = np.histogram(times, bins=ends)[0] / 500
    assert counts == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / 500))
    assert np.array_equal(bias[0], -bias[1])
    assert not bias[2:].any()
    state = chrono(steps, H, seed=5)
    assert not state["bias_hh_l0"].any()
    for name in ("weight_ih_l0", "weight_hh_l0"):
        assert np.array_equal(state[name], weights("lstm", "glorot")[name])


@pytest.mark.parametrize("steps", [1, 2])
def test_chrono_has_no_time_to_forget_in_a_sequence_that_short(steps):
    assert not chrono(steps)["bias_ih_l0"].any()


def test_chrono_biases_are_nested_and_differ_by_layer_and_seed():
    small, large = (chrono(50, H)["bias_ih_l0"].reshape(4, H)[1] for H in (20, 90))
    assert np.array_equal(small, large[:20])
    deep = chrono(50, 20, layers=2)
    assert not np.array_equal(deep["bias_ih_l0"], deep["bias_ih_l1"])
    assert not np.array_equal(chrono(50, 20, seed=1)["bias_ih_l0"], deep["bias_ih_l0"])


def test_chrono_takes_the_length_of_a_text():
    typed = chrono(200, 20, source="text", text="abcabc")["bias_ih_l0"].reshape(4, 20)[1]
    assert np.exp(typed).max() <= 5
    assert np.array_equal(typed, chrono(6, 20)["bias_ih_l0"].reshape(4, 20)[1])


@pytest.mark.parametrize("steps", [1, 7, 300])
@pytest.mark.parametrize("longest", [2, 3, 50, 10_000])
def test_chrono_spreads_times_up_to_the_one_that_is_chosen(steps, longest):
    """Whatever the length of the sequence: its own generator, uniform numbers and a logarithm."""
    state = chrono(steps, 64, seed=11, chrono_steps=longest)
    rng = np.random.default_rng(np.random.SeedSequence(11, spawn_key=(2, 1, 0)))
    times = 1 + (1 + rng.uniform(-1, 1, (64, 16))[:, 0]) / 2 * (longest - 2)
    bias = state["bias_ih_l0"].reshape(4, 64)
    assert bias[1] == pytest.approx(np.log(times), abs=1e-12)
    assert np.array_equal(bias[0], -bias[1])
    assert not bias[2:].any()
    plain = chrono(steps, 64, seed=11)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_hh_l0"):
        assert np.array_equal(state[name], plain[name])


def test_times_of_chrono_cover_the_whole_range_evenly():
    bias = chrono(9, chrono_steps=400)["bias_ih_l0"].reshape(4, 500)[1]
    ranks = (np.exp(np.sort(bias)) - 1) / 398
    gap = np.abs(ranks - (np.arange(500) + 0.5) / 500).max()
    assert gap < 1.63 / np.sqrt(500)  # Kolmogorov and Smirnov, 1 %


def test_without_a_choice_chrono_takes_the_length_of_the_sequence():
    """So it was before there was a choice: links of then show what they showed."""
    for steps in (2, 50):
        chosen, plain = chrono(steps, 20, chrono_steps=steps), chrono(steps, 20)
        assert all(np.array_equal(chosen[name], plain[name]) for name in plain)
    first = chrono(50, 20)["bias_ih_l0"].reshape(4, 20)[1, :3]
    assert first == pytest.approx(FIRST_BIASES, abs=1e-12)


def test_a_moved_time_moves_every_bias_and_draws_none_anew():
    """exp(b) - 1 is the same part of the way to T_max - 1, unit by unit."""
    parts = [
        (np.exp(chrono(30, 40, chrono_steps=longest)["bias_ih_l0"][40:80]) - 1) / (longest - 2)
        for longest in (3, 77, 1000)
    ]
    assert parts[1] == pytest.approx(parts[0], abs=1e-12)
    assert parts[2] == pytest.approx(parts[0], abs=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_chrono_is_of_an_lstm_alone(cell):
    message = f"init: expected any but chrono with cell={cell}, got 'chrono'"
    with pytest.raises(rc.ConfigError, match=f"^{message}$"):
        rc.ExperimentConfig(cell=cell, init="chrono")


def test_chrono_holds_the_gradient_where_glorot_loses_it():
    """Tallec & Ollivier's claim, measured: the same net, other biases, T = 200."""
    decades = {
        init: rc.run(
            rc.ExperimentConfig(cell="lstm", init=init, steps=200, hidden_size=32, seed=3)
        ).verdict.decades
        for init in ("glorot", "chrono")
    }
    assert decades["glorot"] < -20
    assert decades["chrono"] > -8
