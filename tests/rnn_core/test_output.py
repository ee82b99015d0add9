"""The output layer and its losses: finite differences, plain formulas, logits of any size."""

import math
import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.output import chosen_steps
from tests.rnn_core.deep_networks import central_slope, random_deep
from tests.rnn_core.random_networks import relative_difference

T, B, H, K = 5, 3, 4, 2
LOSSES = [rc.BinaryCrossEntropy, rc.CrossEntropy, rc.SquaredError]
AT = {
    "last": [T - 1],
    "every": [0, 1, 2, 3, 4],
    "two": [1, 3],
    "flags": [0, 3],
}


def layer(rng, outputs=K, size=H):
    return rc.OutputLayer(rng.normal(size=(outputs, size)), rng.normal(size=outputs))


def targets_for(rng, kind, shape=(T, B), outputs=K):
    if kind is rc.CrossEntropy:
        return rng.integers(0, outputs, size=shape)
    drawn = rng.normal(size=(*shape, outputs))
    return (drawn > 0).astype(float) if kind is rc.BinaryCrossEntropy else drawn


def at_of(name):
    if name == "two":
        return [1, 3]
    return np.isin(np.arange(T), AT["flags"]) if name == "flags" else name


def plain_step(kind, logits, target):
    """One step's loss of one sequence, as a textbook writes it."""
    if kind is rc.SquaredError:
        return sum((y - t) ** 2 for y, t in zip(logits, target, strict=True)) / 2
    if kind is rc.CrossEntropy:
        return -math.log(math.exp(logits[target]) / sum(math.exp(y) for y in logits))
    total = 0.0
    for y, t in zip(logits, target, strict=True):
        s = 1 / (1 + math.exp(-y))
        total += -t * math.log(s) - (1 - t) * math.log(1 - s)
    return total


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("kind", LOSSES)
def test_value_is_the_textbook_formula_with_the_stated_reduction(rng, kind, at):
    out, targets, h = layer(rng), targets_for(rng, kind), rng.normal(size=(T, B, H))
    loss = kind(out, targets, at_of(at))
    expected, by_step = 0.0, np.zeros((T, B))
    for b in range(B):
        for t in AT[at]:
            logits = [
                sum(out.weight_hy[k, j] * h[t, b, j] for j in range(H)) + out.bias_y[k]
                for k in range(K)
            ]
            by_step[t, b] = plain_step(kind, logits, targets[t, b])
            expected += by_step[t, b] / (len(AT[at]) if kind is rc.CrossEntropy else 1)
    assert loss(h).value == pytest.approx(expected, rel=1e-13)
    assert loss.per_step(h) == pytest.approx(by_step, rel=1e-12, abs=0)
    has_loss = loss(h).d_h.any(axis=(1, 2))
    assert np.flatnonzero(has_loss).tolist() == AT[at]


@pytest.mark.parametrize("kind", LOSSES)
def test_sequences_may_end_at_their_own_steps(rng, kind):
    """Flags per sequence: the mean over time is each sequence's own, and one may have none."""
    out, targets, h = layer(rng), targets_for(rng, kind), rng.normal(size=(T, B, H))
    flags = np.zeros((T, B), dtype=bool)
    flags[:2, 0], flags[4, 1] = True, True
    whole = kind(out, targets, flags)(h)
    first = kind(out, targets[:2, :1], "every")(h[:2, :1])
    second = kind(out, targets[:, 1:2], "last")(h[:, 1:2])
    assert whole.value == pytest.approx(first.value + second.value, rel=1e-14)
    assert whole.d_h[:2, 0] == pytest.approx(first.d_h[:, 0], rel=1e-14)
    assert not whole.d_h[:, 2].any()
    for name in ("weight_hy", "bias_y"):
        both = first.gradients[name] + second.gradients[name]
        assert whole.gradients[name] == pytest.approx(both, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("kind", LOSSES)
def test_targets_without_time_are_the_same_at_every_step(rng, kind):
    out, h = layer(rng), rng.normal(size=(T, B, H))
    targets = targets_for(rng, kind, (B,))
    repeated = np.repeat(targets[None], T, axis=0)
    assert kind(out, targets)(h).value == kind(out, repeated)(h).value


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("cell", [("rnn", "tanh", "after"), ("lstm", "tanh", "after")])
@pytest.mark.parametrize("kind", LOSSES)
def test_every_gradient_equals_the_measured_slope(rng, kind, cell, at):
    """Of the network and of the output layer, which `record` gives by name."""
    case = random_deep(rng, cell, T=T, B=B, H=H)
    out, targets = layer(rng), targets_for(rng, kind)

    def loss_of(weight, bias):
        return kind(rc.OutputLayer(weight, bias), targets, at_of(at))

    rec = case.record(loss_of(out.weight_hy, out.bias_y))
    assert list(rec.gradients) == [*case.state, "weight_hy", "bias_y"]
    gradients = case.gradients_of(rec)
    for name, array in case.movable.items():
        along = rng.normal(size=array.shape)
        slope = central_slope(
            lambda s, n=name, v=along: (
                loss_of(out.weight_hy, out.bias_y)(case.moved(n, s * v).output()).value
            ),
            1e-3,
        )
        assert np.sum(gradients[name] * along) == pytest.approx(slope, rel=1e-6, abs=1e-9), name
    y = case.output()
    parts = {"weight_hy": out.weight_hy, "bias_y": out.bias_y}
    for name, array in parts.items():
        along = rng.normal(size=array.shape)
        slope = central_slope(
            lambda s, n=name, v=along: loss_of(*(parts | {n: parts[n] + s * v}).values())(y).value,
            1e-3,
        )
        assert abs(slope) > 1e-4
        assert np.sum(rec.gradients[name] * along) == pytest.approx(slope, rel=1e-6), name
        norm = math.log10(np.sqrt(np.sum(rec.gradients[name] ** 2)))
        assert rec.log10_gradient_norm[name] == pytest.approx(norm, abs=1e-12)


def one_unit(logit):
    """States whose logit is `logit`, and the layer that reads them."""
    return np.full((1, 1, 1), logit), rc.OutputLayer(np.ones((1, 1)), np.zeros(1))


@pytest.mark.parametrize(
    ("logit", "target", "value", "slope"),
    [
        (1e300, 1.0, 0.0, 0.0),
        (1e300, 0.0, 1e300, 1.0),
        (-1e300, 1.0, 1e300, -1.0),
        (-1e300, 0.0, 0.0, 0.0),
        (1.7e308, 0.0, 1.7e308, 1.0),
        (700.0, 1.0, math.exp(-700), -math.exp(-700)),  # 1 - sigmoid would be 0
        (-700.0, 0.0, math.exp(-700), math.exp(-700)),
        (40.0, 1.0, math.exp(-40), -math.exp(-40)),
        (0.0, 0.5, math.log(2), 0.0),
    ],
)
def test_binary_cross_entropy_keeps_its_digits_at_any_size(logit, target, value, slope):
    h, out = one_unit(logit)
    result = rc.BinaryCrossEntropy(out, np.full((1, 1), target))(h)
    assert result.value == pytest.approx(value, rel=1e-13, abs=0)
    assert result.d_h.item() == pytest.approx(slope, rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("logits", "value", "slopes"),
    [
        ([1e300, 0.0, 0.0], 0.0, [0.0, 0.0, 0.0]),
        ([-1e300, 1e300, 0.0], 2e300, [-1.0, 1.0, 0.0]),
        ([-1e300, 0.0, -1e300], 1e300, [-1.0, 1.0, 0.0]),
        ([1e300, 1e300, 1e300], math.log(3), [-2 / 3, 1 / 3, 1 / 3]),
        ([40.0, 0.0, 0.0], 2 * math.exp(-40), [-2 * math.exp(-40), math.exp(-40), math.exp(-40)]),
        (
            [700.0, 0.0, 0.0],
            2 * math.exp(-700),
            [-2 * math.exp(-700), math.exp(-700), math.exp(-700)],
        ),
        ([-800.0, 0.0, -800.0], 800.0, [-1.0, 1.0, 0.0]),
    ],
)
def test_cross_entropy_keeps_its_digits_at_any_size(logits, value, slopes):
    out = rc.OutputLayer(np.array(logits)[:, None], np.zeros(3))
    result = rc.CrossEntropy(out, np.array([0]))(np.ones((1, 1, 1)))
    assert result.value == pytest.approx(value, rel=1e-13, abs=0)
    assert result.gradients["bias_y"] == pytest.approx(np.array(slopes), rel=1e-13, abs=0)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_beyond_float64_is_infinite_and_warns_of_nothing(kind):
    """Logits of 10^400 count as the largest number; the value may be inf, the slope is not."""
    out = rc.OutputLayer(np.array([[1e200], [-1e200]]), np.zeros(2))
    targets = np.array([1]) if kind is rc.CrossEntropy else np.array([[0.0, 1.0]])
    result = kind(out, targets)(np.full((2, 1, 1), 1e200))
    assert result.value == math.inf
    assert not np.isnan(result.d_h).any()


def test_layer_reads_both_directions_of_a_bidirectional_net(rng):
    case = random_deep(rng, ("gru", "tanh", "after"), both=True, T=T)
    rec = case.record(rc.SquaredError(layer(rng, K, 2 * H), np.zeros((B, K)), "last"))
    assert rec.gradients["weight_hy"].shape == (K, 2 * H)
    assert not rec.layers[1].d_h[0].any()  # the reverse half, at the last step, saw one input
    assert rec.layers[1].d_h[-1].any()


def test_single_precision_states_are_read_as_they_are(rng):
    case = random_deep(rng, ("rnn", "tanh", "after"), T=T)
    loss = rc.CrossEntropy(layer(rng), targets_for(rng, rc.CrossEntropy))
    double, single = case.record(loss), case.record(loss, dtype="float32")
    assert (
        0 < relative_difference(single.gradients["weight_hy"], double.gradients["weight_hy"]) < 1e-5
    )


@pytest.mark.parametrize("kind", LOSSES)
def test_every_loss_states_its_reduction(kind):
    assert "steps" in kind.reduction
    assert ("averaged" in kind.reduction) == (kind is rc.CrossEntropy)


def refused(error, message, call):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def test_arrays_that_do_not_fit_are_refused(rng):
    out, h = layer(rng), rng.normal(size=(T, B, H))
    good = np.zeros((T, B, K))
    words = f"(T={T}, B={B}, K={K}) or (B={B}, K={K})"
    bce, ce, se = LOSSES
    for error, message, call in [
        (
            rc.ShapeError,
            "weight_hy: expected (K, H), got (3,)",
            lambda: rc.OutputLayer(h[0, 0, :3], h),
        ),
        (
            rc.ShapeError,
            "weight_hy: expected (K, H), got (0, 3)",
            lambda: rc.OutputLayer(np.ones((0, 3)), np.ones(0)),
        ),
        (
            rc.ShapeError,
            "bias_y: expected (K=2,), got (3,)",
            lambda: rc.OutputLayer(np.ones((2, 3)), np.ones(3)),
        ),
        (
            rc.ShapeError,
            "bias_y: expected finite numbers, got nan at (0,)",
            lambda: rc.OutputLayer(np.ones((1, 3)), [np.nan]),
        ),
        (
            rc.ShapeError,
            "weight_hy: expected (K, H=7), got (2, 4)",
            lambda: se(out, good)(np.ones((T, B, 7))),
        ),
        (
            rc.ShapeError,
            f"targets: expected {words}, got (5, 3, 1)",
            lambda: se(out, good[..., :1])(h),
        ),
        (rc.ShapeError, f"targets: expected {words}, got (5,)", lambda: bce(out, good[:, 0, 0])(h)),
        (rc.ShapeError, "targets: expected 0 to 1, got -0.5", lambda: bce(out, good - 0.5)(h)),
        (
            rc.ShapeError,
            "targets: expected whole numbers from 0 to 1, got 2",
            lambda: ce(out, np.full((T, B), 2))(h),
        ),
        (
            rc.ShapeError,
            "targets: expected whole numbers from 0 to 1, got 0.5",
            lambda: ce(out, np.full(B, 0.5))(h),
        ),
        (
            rc.ShapeError,
            "targets: expected whole numbers from 0 to 1, got -1",
            lambda: ce(out, np.full(B, -1))(h),
        ),
        (
            rc.ShapeError,
            f"targets: expected (T={T}, B={B}) or (B={B},), got (3, 5)",
            lambda: ce(out, good[..., 0].T)(h),
        ),
    ]:
        refused(error, message, call)


@pytest.mark.parametrize(
    "at",
    [
        "first",
        [],
        [T],
        [-1],
        [0.5],
        [True],
        None,
        3,
        {1},
        "every ",
        np.ones(4, bool),
        np.ones((3, T), bool),
    ],
    ids=repr,
)
def test_steps_that_do_not_exist_are_refused(at):
    words = f"last, every, steps from 0 to {T - 1}, or flags ({T},) or ({T}, {B})"
    shown = at.shape if isinstance(at, np.ndarray) else repr(at)
    refused(rc.ConfigError, f"at: expected {words}, got {shown}", lambda: chosen_steps(at, T, B))


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (
            {"weight_hy": np.array([1.0, np.inf])},
            "weight_hy: expected finite numbers, got inf at (1,)",
        ),
        ({"weight_hy": "much"}, "weight_hy: expected an array, got values of type <U4"),
        (
            {"weight_hh_l0": np.ones(1)},
            "weight_hh_l0: expected a name that is not the network's own",
        ),
        ({3: np.ones(1)}, "3: expected a name that is not the network's own"),
        (None, "gradients: expected arrays by name, got None"),
    ],
)
def test_gradients_of_a_loss_that_are_none_are_refused(rng, gradients, message):
    case = random_deep(rng, ("rnn", "tanh", "after"))
    with pytest.raises(rc.ShapeError, match=f"^{re.escape(message)}$"):
        case.record(lambda h: rc.LossResult(0.0, np.zeros(h.shape), gradients))


def test_output_gradient_beyond_float64_is_refused_by_name(rng):
    """An identity net of states 1e200: y^2 is beyond float64, and so is y h."""
    case = random_deep(rng, ("rnn", "identity", "after"), T=1, B=1)
    case.init["h_l0"] = np.full((1, 4), 1e200)
    loss = rc.SquaredError(layer(rng), np.zeros((1, K)))
    with pytest.raises(rc.ShapeError, match=r"^weight_hy: expected finite numbers, got -?inf at"):
        case.record(loss)
