"""No slider reshuffles another stream, and a longer or larger draw begins with the smaller."""

from dataclasses import replace

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.experiment import draw, loss_of

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
BASE = rc.ExperimentConfig(
    cell="lstm",
    steps=30,
    batch_size=3,
    input_size=5,
    hidden_size=20,
    h_init="random",
    seed=9,
    bias_scale=0.3,
)
INDEPENDENT = ["gaussian", "identity", "pytorch", "glorot", "he"]


def drawn(config):
    """Everything that a config draws, by name."""
    experiment = draw(config)
    found = experiment.network.state_dict() | {"x": experiment.x}
    found |= {f"init {k}": state for k, state in enumerate(experiment.h_init[0])}
    h = np.zeros((experiment.x.shape[0], 1, config.hidden_size))
    return found | {"readout": loss_of(config, experiment.x.shape[0])(h).d_h[:, 0]}


def changed_by(**change):
    before, after = drawn(BASE), drawn(replace(BASE, **change))
    return {name for name in before if not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"weight_scale": 2.0}, {"weight_hh_l0"}),
        ({"input_scale": 2.0}, {"weight_ih_l0"}),
        ({"bias_scale": 0.5}, {"bias_ih_l0"}),
        ({"forget_bias": 1.0}, {"bias_ih_l0"}),
        ({"source": "sine"}, {"x"}),
        ({"source": "impulse"}, {"x"}),
        ({"h_init": "zero"}, {"init 0", "init 1"}),
        ({"loss_at": "every"}, {"readout"}),
        ({"truncate": 4}, set()),
        ({"init": "orthogonal"}, {"weight_hh_l0"}),
        ({"init": "identity"}, {"weight_hh_l0"}),
        ({"batch_size": 4}, {"x", "init 0", "init 1"}),
        ({"input_size": 6}, {"x", "weight_ih_l0"}),
        ({"steps": 31}, {"x", "readout"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_setting_changes_its_own_draw_and_no_other(change, moved):
    assert changed_by(**change) == moved


def test_another_seed_changes_every_draw():
    before, after = drawn(BASE), drawn(replace(BASE, seed=10))
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == {"bias_hh_l0"}  # 0 in this scheme


def test_streams_of_one_seed_differ_from_each_other():
    """Weights, inputs, readout and initial state share no numbers."""
    found = drawn(replace(BASE, bias_scale=1.0, init="gaussian", input_size=20, batch_size=20))
    heads = {
        name: np.round(np.abs(array.reshape(-1, array.shape[-1])[0, :16]), 12)
        for name, array in found.items()
        if name not in ("bias_hh_l0", "readout")
    }
    heads = {name: head / head[0] for name, head in heads.items()}
    names = list(heads)
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            assert not np.allclose(heads[one], heads[other]), (one, other)


@pytest.mark.parametrize("other", [1, 7, 16, 17, 33])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("init", INDEPENDENT)
def test_weights_of_fewer_units_are_the_top_left_block_of_each_gate(init, cell, other):
    """Up to the factor that the scheme takes from H."""
    large, small = (
        draw(replace(BASE, cell=cell, init=init, hidden_size=H)).network.state_dict()
        for H in (40, other)
    )
    for name in ("weight_hh_l0", "weight_ih_l0"):
        for gate in range(GATES[cell]):
            block = large[name][gate * 40 : gate * 40 + other]
            block = block[:, :other] if name == "weight_hh_l0" else block
            ours = small[name][gate * other : (gate + 1) * other]
            factor = ours.flat[0] / block.flat[0]
            assert ours == pytest.approx(block * factor, rel=1e-12, abs=1e-300)


def test_gaussian_weights_of_fewer_units_keep_their_variance():
    one, other = (drawn(replace(BASE, cell="rnn", hidden_size=H))["weight_hh_l0"] for H in (16, 64))
    assert one == pytest.approx(2.0 * other[:16, :16], rel=1e-14)


@pytest.mark.parametrize("source", ["noise", "impulse", "sine", "silence", "text"])
@pytest.mark.parametrize("steps", [1, 2, 13])
def test_longer_input_begins_with_the_shorter(source, steps):
    text = "aabbaabbcaabbaabbaab"
    long, short = (
        drawn(replace(BASE, source=source, steps=T, text=text))["x"] for T in (20, steps)
    )
    features = short.shape[-1]
    assert np.array_equal(long[:steps, :, :features], short)


@pytest.mark.parametrize("loss_at", ["last", "every"])
def test_readout_belongs_to_the_lag(loss_at):
    long, short = (drawn(replace(BASE, steps=T, loss_at=loss_at))["readout"] for T in (20, 7))
    assert np.array_equal(long[-7:], short)
    assert np.linalg.norm(short[-1]) == pytest.approx(1.0, rel=1e-15)


def test_untied_weights_are_nested_in_steps_and_units():
    config = replace(BASE, cell="rnn", is_tied=False)
    long = drawn(config)["weight_hh_l0"]
    short = drawn(replace(config, steps=4, hidden_size=6))["weight_hh_l0"]
    assert long.shape == (30, 20, 20)
    assert short == pytest.approx(long[:4, :6, :6] * np.sqrt(20 / 6), rel=1e-14)
    assert len({matrix.tobytes() for matrix in long}) == 30


def test_more_sequences_keep_the_first_ones():
    few, many = (rc.run(replace(BASE, batch_size=b)) for b in (2, 5))
    assert few.layers[0].h == pytest.approx(many.layers[0].h[:, :2], rel=1e-12, abs=1e-15)
    assert few.layers[0].d_h == pytest.approx(many.layers[0].d_h[:, :2], rel=1e-9, abs=1e-18)
