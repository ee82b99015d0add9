"""Everything that `record` refuses, word for word."""

import re

import numpy as np
import pytest

import rnn_core as rc
from tests.rnn_core.random_networks import last_step, random_case, vanilla

X = np.zeros((5, 2, 3))
LOSS = last_step(np.ones(4))


def net(cell="rnn"):
    case = random_case(np.random.default_rng(0), cell, T=2, D=3)
    return rc.Network.from_state_dict(case.state, cell=cell)


def refused(error, message, **changed):
    given = {"net": net(), "x": X, "loss": LOSS} | changed
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        rc.record(given.pop("net"), given.pop("x"), given.pop("loss"), **given)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((7, 3, 4)), "x: expected (T, B, D=3), got (7, 3, 4)"),
        (np.zeros((7, 3)), "x: expected (T, B, D=3), got (7, 3)"),
        (np.zeros(3), "x: expected (T, B, D=3), got (3,)"),
        (1.0, "x: expected (T, B, D=3), got ()"),
        (None, "x: expected (T, B, D=3), got values of type object"),
        ("text", "x: expected (T, B, D=3), got values of type <U4"),
        (
            np.zeros((2, 2, 3), dtype=complex),
            "x: expected (T, B, D=3), got values of type complex128",
        ),
        ([[1], [1, 2]], "x: expected (T, B, D=3), got [[1], [1, 2]]"),
        (np.zeros((0, 2, 3)), "x: expected at least one step and one sequence, got (0, 2, 3)"),
        (np.zeros((2, 0, 3)), "x: expected at least one step and one sequence, got (2, 0, 3)"),
        (np.full((1, 1, 3), np.nan), "x: expected finite numbers, got nan at (0, 0, 0)"),
        (np.array([[[0, 1, -np.inf]]]), "x: expected finite numbers, got -inf at (0, 0, 2)"),
    ],
    ids=range(12),
)
def test_input_that_does_not_fit_is_refused(x, message):
    refused(rc.ShapeError, message, x=x)


@pytest.mark.parametrize(
    ("cell", "h_init", "message"),
    [
        ("rnn", np.zeros((2, 5)), "h_init: expected (B=2, H=4), got (2, 5)"),
        ("rnn", np.zeros(4), "h_init: expected (B=2, H=4), got (4,)"),
        ("gru", np.full((2, 4), np.nan), "h_init: expected finite numbers, got nan at (0, 0)"),
        ("rnn", "zero", "h_init: expected (B=2, H=4), got values of type <U4"),
        ("rnn", (np.zeros((2, 4)),) * 2, "h_init: expected h, got 2 arrays"),
        ("lstm", np.zeros((2, 4)), "h_init: expected h and c, got 1 arrays"),
        ("lstm", (np.zeros((2, 4)), np.zeros((4, 2))), "c_init: expected (B=2, H=4), got (4, 2)"),
        ("lstm", (np.zeros((3, 4)), np.zeros((2, 4))), "h_init: expected (B=2, H=4), got (3, 4)"),
    ],
    ids=range(8),
)
def test_initial_state_that_does_not_fit_is_refused(cell, h_init, message):
    refused(rc.ShapeError, message, net=net(cell), h_init=h_init)


@pytest.mark.parametrize("truncate", [0, -1, 6, 2.0, "2", True, False, np.nan, [1]], ids=repr)
def test_truncation_that_does_not_fit_is_refused(truncate):
    refused(
        rc.ConfigError, f"truncate: expected None or 1 to 5, got {truncate!r}", truncate=truncate
    )


def test_truncation_may_be_a_number_of_numpy():
    """As every setting of a config may."""
    one, other = (rc.record(net(), X, LOSS, truncate=t) for t in (2, np.int64(2)))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("dtype", ["float16", "", None, np.float64, 64], ids=repr)
def test_unknown_dtype_is_refused(dtype):
    refused(rc.ConfigError, f"dtype: expected one of float64, float32, got {dtype!r}", dtype=dtype)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "loss: expected (value, d_h) or a LossResult, got None"),
        (1.0, "loss: expected (value, d_h) or a LossResult, got 1.0"),
        ((1.0,), "loss: expected (value, d_h) or a LossResult, got (1.0,)"),
        ([1.0, 2.0], "loss: expected (value, d_h) or a LossResult, got [1.0, 2.0]"),
        ((0.0, np.zeros((5, 2, 3))), "d_h: expected (T=5, B=2, H=4), got (5, 2, 3)"),
        ((0.0, 1.0), "d_h: expected (T=5, B=2, H=4), got ()"),
        ((0.0, None), "d_h: expected (T=5, B=2, H=4), got values of type object"),
        ((0.0, np.full((5, 2, 4), np.inf)), "d_h: expected finite numbers, got inf at (0, 0, 0)"),
        ((1, 2, 3, 4), "loss: expected (value, d_h) or a LossResult, got (1, 2, 3, 4)"),
        (("a", np.zeros((5, 2, 4))), "value: expected a number, got 'a'"),
        ((None, np.zeros((5, 2, 4))), "value: expected a number, got None"),
    ],
    ids=range(11),
)
def test_answer_of_a_loss_that_does_not_fit_is_refused(answer, message):
    refused(rc.ShapeError, message, loss=lambda _: answer)


def test_untied_network_runs_as_many_steps_as_it_has_matrices():
    refused(
        rc.ShapeError,
        "x: expected T=3 steps, as many as weight_hh_l0 has, got 5",
        net=vanilla(np.zeros((3, 4, 4)), "tanh", inputs=3),
    )


@pytest.mark.parametrize("bad", [None, {}, "rnn"], ids=repr)
def test_what_is_no_network_is_refused(bad):
    refused(rc.ConfigError, f"net: expected a Network, got {bad!r}", net=bad)


def test_what_cannot_be_called_is_no_loss():
    refused(rc.ConfigError, "loss: expected a function of the hidden states, got 3.0", loss=3.0)


def test_error_of_a_callers_loss_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        rc.record(net(), X, lambda h: (1 / 0, h))


def test_both_errors_are_value_errors():
    assert issubclass(rc.ConfigError, ValueError)
    assert issubclass(rc.ShapeError, ValueError)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_float32_is_float64_up_to_its_rounding(cell):
    case = random_case(np.random.default_rng(1), cell, T=20)
    wide, narrow = case.record(), case.record(dtype="float32")
    assert narrow.layers[0].h.dtype == np.float32
    assert narrow.layers[0].d_h == pytest.approx(wide.layers[0].d_h, rel=1e-3, abs=1e-5)
    assert not np.array_equal(narrow.layers[0].h, wide.layers[0].h)
    sizes = narrow.layers[0].log10_norms("d_h")
    assert sizes == pytest.approx(wide.layers[0].log10_norms("d_h"), abs=1e-4)


def test_float32_gradient_goes_beyond_the_range_of_float32():
    rec = rc.record(
        vanilla(np.array([[0.1]]), "identity"),
        np.zeros((200, 1, 1)),
        last_step(np.ones(1)),
        dtype="float32",
    )
    expected = -np.arange(200.0)[::-1]
    assert rec.layers[0].log10_norms("d_h")[:, 0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", ["weight_hh_l0", "weight_ih_l0"])
def test_weights_beyond_float32_overflow_at_once_and_warn_of_nothing(name):
    state = {"weight_ih_l0": np.eye(2), "weight_hh_l0": np.eye(2)} | {name: np.full((2, 2), 1e39)}
    net = rc.Network.from_state_dict(state, cell="rnn", activation="identity")
    x = np.ones((3, 1, 2))
    rec = rc.record(net, x, last_step(np.ones(2)), dtype="float32")
    assert rec.overflow.step == 0
    assert rc.record(net, x, last_step(np.ones(2))).overflow is None


def test_input_beyond_float32_overflows_at_its_step():
    net = rc.Network.from_state_dict(
        {"weight_ih_l0": np.eye(1), "weight_hh_l0": np.eye(1)}, cell="rnn", activation="identity"
    )
    x = np.array([1.0, 1.0, 1e39]).reshape(3, 1, 1)
    assert rc.record(net, x, last_step(np.ones(1)), dtype="float32").overflow.step == 2


def test_weights_and_inputs_beyond_float32_are_an_overflow_where_saturation_hides_them():
    """tanh(inf) = 1 is finite, and its gradient 0 times inf is not."""
    ones = np.ones((3, 1, 1))
    net, plain = (
        rc.Network.from_state_dict(
            {"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": np.full((1, 1), size)}, cell="rnn"
        )
        for size in (1e39, 1.0)
    )
    one = np.ones((1, 1))
    options = {"loss": last_step(np.ones(1)), "dtype": "float32"}
    hidden = rc.record(net, ones, h_init=one, **options)
    assert hidden.overflow == rc.Overflow(step=0, layer=0, direction="forward", sequence=0)
    assert np.isnan(hidden.layers[0].h).all()
    x = np.array([1.0, 1e39, 1.0]).reshape(3, 1, 1)
    assert rc.record(plain, x, **options).overflow.step == 1
    assert rc.record(plain, ones, h_init=1e39 * one, **options).overflow.step == 0
    assert rc.record(net, x, options["loss"], h_init=1e39 * one).overflow is None


@pytest.mark.parametrize("kind", ["last", "every"])
@pytest.mark.parametrize("size", [1e250, 1e39, 1e-39, 1e-250])
def test_loss_gradient_beyond_float32_is_swept_in_float32_all_the_same(rng, size, kind):
    case = random_case(rng, "gru", T=9, kind=kind)
    net = rc.Network.from_state_dict(case.state, cell="gru")

    def loss(h):
        value, d_h = case.loss(h)
        return value, size * d_h

    narrow, wide = (rc.record(net, case.x, loss, dtype=d) for d in ("float32", "float64"))
    for ours, theirs in (
        (narrow.layers[0].total, wide.layers[0].total),
        (narrow.layers[0].from_last, wide.layers[0].from_last),
        (narrow.d_init[0], wide.d_init[0]),
    ):
        assert ours.scaled("d_h").mantissa.dtype == np.float32
        assert ours.log10_norms("d_h") == pytest.approx(theirs.log10_norms("d_h"), abs=1e-4)
    for name, norm in wide.log10_gradient_norm.items():
        assert narrow.log10_gradient_norm[name] == pytest.approx(norm, abs=1e-4)
