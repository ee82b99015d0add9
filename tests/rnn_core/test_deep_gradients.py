"""Every gradient of networks of any depth and direction equals the slope of forward passes."""

import numpy as np
import pytest

import rnn_core as rc
from tests.rnn_core.deep_networks import (
    KIND_IDS,
    KINDS,
    central_slope,
    random_deep,
    slow_states,
    width_of,
)

NETS = [(layers, both) for layers in (1, 2, 3) for both in (False, True)]
NET_IDS = [f"{layers}{'bi' if both else ''}" for layers, both in NETS]


def linear_loss(rng, case, at="every"):
    """The sum of v_t . y_t: any gradient of the output that a loss may ask for."""
    width = case.network.output_size
    v = rng.normal(size=(*case.x.shape[:2], width))
    if at == "last":
        v[:-1] = 0.0
    return lambda y: (float(np.sum(v * y)), v)


def squared_loss(rng, case):
    target = rng.normal(size=(*case.x.shape[:2], case.network.output_size))
    return lambda y: (0.5 * float(np.sum((y - target) ** 2)), y - target)


def logit_loss(rng, case, kind):
    steps, batch = case.x.shape[:2]
    layer = rc.OutputLayer(rng.normal(size=(3, case.network.output_size)), rng.normal(size=3))
    targets = rng.integers(0, 2, size=(steps, batch) if kind is rc.CrossEntropy else (batch, 3))
    return kind(layer, targets, at=sorted({0, steps // 2, steps - 1}))


def value_of(loss, y):
    return loss(y)[0]


LOSSES = {
    "last": lambda rng, case: linear_loss(rng, case, "last"),
    "every": linear_loss,
    "squared": squared_loss,
    "binary": lambda rng, case: logit_loss(rng, case, rc.BinaryCrossEntropy),
    "classes": lambda rng, case: logit_loss(rng, case, rc.CrossEntropy),
    "numbers": lambda rng, case: logit_loss(rng, case, rc.SquaredError),
}


def assert_slopes_agree(rng, case, loss, output=None, **options):
    """One random direction per parameter and initial state; forward passes alone give the slope."""
    output = output or (lambda moved: moved.output())
    gradients = case.gradients_of(case.record(loss, **options))
    assert set(gradients) == set(case.movable)
    judged = 0
    for name, array in case.movable.items():
        assert gradients[name].shape == array.shape, name
        along = rng.normal(size=array.shape)
        slope = central_slope(
            lambda s, n=name, v=along: value_of(loss, output(case.moved(n, s * v))),
            width_of(case),
        )
        found = float(np.sum(gradients[name] * along))
        assert found == pytest.approx(slope, rel=1e-6, abs=2e-10), name
        judged += abs(slope) > 1e-3
    assert judged > len(case.movable) / 2, "these directions judge too little"


@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize(("layers", "both"), NETS, ids=NET_IDS)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_gradient_equals_the_measured_slope(rng, kind, layers, both, T):
    """At T=1 too, where off-by-ones hide; B, D, H differ, so that a transposed axis cannot pass."""
    case = random_deep(rng, kind, layers=layers, both=both, T=T)
    assert_slopes_agree(rng, case, linear_loss(rng, case))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("layers", "both", "T"),
    [(1, False, 1), (1, True, 2), (2, False, 7), (2, True, 4), (3, False, 2), (3, True, 7)],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_loss_reaches_every_parameter(rng, kind, layers, both, T, name):
    case = random_deep(rng, kind, layers=layers, both=both, T=T)
    assert_slopes_agree(rng, case, LOSSES[name](rng, case))


@pytest.mark.parametrize("skip", [None, (3, 0.4)], ids=["", "skip"])
@pytest.mark.parametrize(("layers", "both"), [(2, False), (3, False), (3, True)], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_residual_connections_between_layers(rng, kind, layers, both, skip):
    """D = 4 = H: the first layer adds its input too, where the sizes agree; 8 = 2H of both."""
    case = random_deep(
        rng, kind, layers=layers, both=both, D=8 if both else 4, is_residual=True, skip=skip
    )
    assert_slopes_agree(rng, case, linear_loss(rng, case))


@pytest.mark.parametrize("steps", [2, 3, 6, 7, 9])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, False), (2, True)], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_connections_in_time(rng, kind, layers, both, steps):
    """From the initial state (7 of T = 7) to one that is never reached (9)."""
    case = random_deep(rng, kind, layers=layers, both=both, skip=(steps, -0.7))
    assert_slopes_agree(rng, case, linear_loss(rng, case))


@pytest.mark.parametrize("skip", [None, (2, 0.6)], ids=["", "skip"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("truncate", [1, 3, 7])
@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_truncated_gradient_is_the_slope_with_block_starts_held(rng, kind, truncate, layers, skip):
    """What crosses a border keeps its recorded value in a slow forward pass; all layers alike."""
    case = random_deep(rng, kind, layers=layers, B=1, T=7, skip=skip)
    held = slow_states(case)[0] | {"init": case.init}
    loss = linear_loss(rng, case)
    assert_slopes_agree(
        rng,
        case,
        loss,
        output=lambda moved: slow_states(moved, truncate, held)[1],
        truncate=truncate,
    )


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_net_without_biases(rng, kind):
    case = random_deep(rng, kind, layers=2, both=True, has_biases=False, T=4)
    assert not any("bias" in name for name in case.record(linear_loss(rng, case)).gradients)
    assert_slopes_agree(rng, case, linear_loss(rng, case))
