"""Training against PyTorch's own runs, and against a slow loop with slow gradients."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.optimizers import SGD, Adam
from rnn_core.output import OutputLayer
from rnn_core.tasks import Task, adding
from rnn_core.training import Clip, Model, Update, model_of, train, training
from tests.reference import slow_bptt

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "training.npz")
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hy", "bias_y")
CASES = {
    "sgd": (SGD(0.1), None),
    "sgd_by_norm": (SGD(0.1), Clip(0.3)),
    "sgd_by_value": (SGD(0.1), Clip(0.05, "value")),
    "momentum_by_norm": (SGD(0.05, momentum=0.9), Clip(0.5)),
    "adam": (Adam(0.02), None),
    "adam_by_norm": (Adam(0.02), Clip(0.3)),
}
SMALL = {"init": "orthogonal", "input_size": 2, "hidden_size": 5, "steps": 9}


def golden_start():
    state = {name: GOLDEN[f"start/{name}"] for name in NAMES}
    network = rc.Network.from_state_dict({n: state[n] for n in NAMES[:4]}, cell="rnn")
    task = Task("golden", GOLDEN["x"], GOLDEN["targets"], 1.0)
    return Model(network, OutputLayer(state["weight_hy"], state["bias_y"])), task


@pytest.mark.parametrize("case", CASES)
def test_every_loss_and_norm_is_that_of_pytorch(case):
    model, task = golden_start()
    optimizer, clip = CASES[case]
    found = training(list(train(model, task, optimizer=optimizer, clip=clip, updates=12)))
    assert found.loss == pytest.approx(GOLDEN[f"{case}/loss"], rel=1e-11)
    assert 10**found.log10_norm == pytest.approx(GOLDEN[f"{case}/norm"], rel=1e-11)
    assert found.overflow is None
    assert found.updates == 12


def slow_training(config, task, rate, threshold, mode, updates):
    """Return (loss, norm, clipped norm, norm of dL/dW_hh) per entry, from loops and by hand."""
    model = model_of(config)
    p = {name: array.copy() for name, array in model.parameters.items()}
    x, rows = np.array(task.x), []
    batch = x.shape[1]
    for _ in range(updates + 1):
        state = {name: p[name] for name in NAMES[:4]}
        held = {}

        def d_loss(h, p=p, held=held):
            error = h[-1] @ p["weight_hy"].T + p["bias_y"] - task.targets
            held["loss"] = sum(float(e) ** 2 for e in error.ravel()) / batch
            held["weight_hy"] = 2 / batch * error.T @ h[-1]
            held["bias_y"] = 2 / batch * error.sum(axis=0)
            own = np.zeros(h.shape)
            own[-1] = 2 / batch * error @ p["weight_hy"]
            return own

        run = slow_bptt(state, x, d_loss, cell="rnn", activation=config.activation)
        g = {name: held[name] if name in held else run.gradients[name] for name in NAMES}
        norm = sum(float(v) ** 2 for one in g.values() for v in one.ravel()) ** 0.5
        if threshold is None:
            after = g
        elif mode == "norm":
            after = {n: one * min(1.0, threshold / norm) for n, one in g.items()}
        else:
            after = {n: np.minimum(np.maximum(one, -threshold), threshold) for n, one in g.items()}
        clipped = sum(float(v) ** 2 for one in after.values() for v in one.ravel()) ** 0.5
        rows.append((held["loss"], norm, clipped, np.linalg.norm(g["weight_hh_l0"])))
        p = {name: p[name] - rate * after[name] for name in NAMES}
    return np.array(rows).T


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize(("threshold", "mode"), [(None, "norm"), (0.2, "norm"), (0.05, "value")])
def test_every_entry_is_that_of_a_slow_loop(activation, threshold, mode):
    config = rc.ExperimentConfig(activation=activation, seed=2, bias_scale=0.3, **SMALL)
    task = adding(steps=9, batch_size=3, seed=2)
    clip = None if threshold is None else Clip(threshold, mode)
    found = training(list(train(model_of(config), task, clip=clip, updates=6)))
    loss, norm, clipped, recurrent = slow_training(config, task, 0.1, threshold, mode, 6)
    assert found.loss == pytest.approx(loss, rel=1e-10)
    assert 10**found.log10_norm == pytest.approx(norm, rel=1e-10)
    assert 10**found.log10_clipped == pytest.approx(clipped, rel=1e-10)
    assert 10**found.log10_recurrent == pytest.approx(recurrent, rel=1e-10)
    assert found.is_clipped.tolist() == [c < n for c, n in zip(clipped, norm, strict=True)]
    assert found.is_clipped.any() == (threshold is not None)


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_the_readout_has_the_length_asked_for(scale):
    model = model_of(rc.ExperimentConfig(**SMALL), readout_scale=scale)
    assert np.linalg.norm(model.output.weight_hy) == pytest.approx(scale, rel=1e-14)
    assert model.output.weight_hy.shape == (1, 5)
    assert (model.output.bias_y == 0).all()


def test_saturated_units_are_counted():
    config = rc.ExperimentConfig(seed=1, weight_scale=3.0, input_scale=3.0, **SMALL)
    task = adding(steps=9, batch_size=3, seed=1)
    first = next(train(model_of(config), task))
    net = model_of(config).network
    h, count = np.zeros((3, 5)), 0
    for t in range(9):
        a = task.x[t] @ net.params.weight_ih.T + h @ net.params.weight_hh.T
        h = np.tanh(a + net.params.bias_ih + net.params.bias_hh)
        count += int((np.abs(h) > 0.9).sum())
    assert 0 < count < 9 * 3 * 5
    assert first.saturated_share == pytest.approx(count / (9 * 3 * 5))


EXPLODING = {
    "init": "orthogonal",
    "weight_scale": 1.3,
    "input_size": 2,
    "hidden_size": 16,
    "steps": 40,
}


def test_an_unclipped_run_dies_where_its_loss_leaves_float32():
    config = rc.ExperimentConfig(seed=0, **EXPLODING)
    task = adding(steps=40, seed=0)
    found = training(list(train(model_of(config), task, optimizer=SGD(0.3), updates=300)))
    assert found.overflow == found.updates < 300
    assert found.loss[-1] > 3.4e38
    assert (found.loss[:-1] < 3.5e38).all()
    assert np.isnan([found.log10_norm[-1], found.saturated_share[-1]]).all()
    assert found.dies_at == max(k for k in range(found.updates) if found.loss[k] <= found.loss[0])
    assert found.saturated_share[-2] > 0.9


def test_a_linear_run_dies_of_its_states_without_a_warning():
    """|W| grows until a state is beyond float64; the loss is then no number."""
    config = rc.ExperimentConfig(activation="identity", weight_scale=1.5, **SMALL)
    task = adding(steps=9, batch_size=3)
    found = training(list(train(model_of(config), task, optimizer=SGD(1e3), updates=50)))
    assert found.overflow == found.updates < 50
    assert found.dies_at is not None


def test_an_overflow_at_the_start_is_an_entry_too():
    config = rc.ExperimentConfig(
        activation="identity", weight_scale=100.0, **SMALL | {"steps": 400}
    )
    found = training(list(train(model_of(config), adding(steps=400, batch_size=2), updates=5)))
    assert (found.updates, found.overflow, found.dies_at) == (0, 0, 0)


def test_a_run_can_be_left_at_any_entry():
    config = rc.ExperimentConfig(**SMALL)
    run = train(model_of(config), adding(steps=9, batch_size=3), updates=100)
    some = training(list(islice(run, 7)))
    run.close()
    whole = training(list(train(model_of(config), adding(steps=9, batch_size=3), updates=100)))
    assert some.updates == 6
    assert np.array_equal(some.loss, whole.loss[:7])
    assert whole.updates == 100


def of(losses):
    return training([Update(k, one, 0.0, 0.0, 0.0, 0.0, False) for k, one in enumerate(losses)])


@pytest.mark.parametrize(
    ("losses", "dies_at"),
    [
        ([1.0, 0.5, 0.2, 0.1, 0.05], None),
        ([1.0, 0.5, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0], 1),
        ([1.0, 9.0, 9.0, 9.0, 9.0], 0),
        ([1.0, 9.0, 9.0, 9.0, 1.0], None),  # it came back
        ([1.0], None),
    ],
)
def test_a_run_that_never_comes_back_is_dead(losses, dies_at):
    assert of(losses).dies_at == dies_at


def test_arrays_are_closed_for_writing():
    found = of([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        found.loss[0] = 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clip(0), "threshold: expected a positive number, got 0"),
        (lambda: Clip(float("inf")), "threshold: expected a positive number, got inf"),
        (lambda: Clip(1.0, "both"), "mode: expected one of norm, value, got 'both'"),
        (
            lambda: next(train(*golden_start(), updates=-1)),
            "updates: expected 0 to 100000, got -1",
        ),
        (lambda: training([]), "entries: expected at least one, got none"),
        (
            lambda: model_of(rc.ExperimentConfig(), readout_scale=-1.0),
            "readout_scale: expected 0 to 100, got -1.0",
        ),
        (
            lambda: model_of(rc.ExperimentConfig(is_tied=False)),
            "is_tied: expected True for training, got False",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(make, message):
    with pytest.raises(rc.ConfigError) as error:
        make()
    assert str(error.value) == message
