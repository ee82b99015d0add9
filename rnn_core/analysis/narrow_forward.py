"""A forward pass in a narrow type, and the slopes that a framework takes from its rounded states.

Everything that a framework writes to memory is rounded: weights, inputs, both products with their
biases, pre-activations, gates, states, and what lies between them in the order in which PyTorch's
cells compute it; sums within a product are float32. Slopes come from values after the nonlinearity,
tanh' = 1 - y y and sigmoid' = y (1 - y): tanh rounds to 1 for |a| > 3.47 (bfloat16), 4.51
(float16), 9.01 (float32), and then tanh' is exactly 0.

Source: the cells of torch.nn (RNN.cpp) and torch.autograd's formulas; reset before the product as
Keras computes it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from rnn_core.activations import sigmoid
from rnn_core.arrays import Array
from rnn_core.cells import Params, StepMaps
from rnn_core.cells.gru import GruMaps
from rnn_core.cells.gru_reset_before import ResetBeforeMaps
from rnn_core.cells.lstm import LstmMaps
from rnn_core.cells.vanilla import VanillaMaps
from rnn_core.recording import LayerRecording

Round = Callable[[Array], Array]

_VALUE: Final[dict[str, Callable[[Array], Array]]] = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda a: np.maximum(a, 0.0),
    "identity": lambda a: a,
}
_SLOPE: Final[dict[str, Callable[[Array], Array]]] = {
    "tanh": lambda y: 1.0 - y * y,
    "sigmoid": lambda y: y * (1.0 - y),
    "relu": lambda y: np.where(y > 0, 1.0, 0.0).astype(y.dtype),
    "identity": np.ones_like,
}


class NarrowRun(NamedTuple):
    """A forward pass in a narrow type, held as float32.

    Attributes
    ----------
    maps : the linear maps of all steps, with slopes from the rounded values.
    h : the hidden states (T, B, H).
    """

    maps: StepMaps
    h: Array


def narrow_run(layer: LayerRecording, x: Array, rounded: Round) -> NarrowRun:
    """Run a layer forward in a narrow type.

    Parameters
    ----------
    x : what the layer reads, (T, B, D), in the order in which it took its steps.
    rounded : rounds to the type; the result is float32.
    """
    params = layer.params.mapped(rounded)
    init = tuple(rounded(states[0]) for states in layer.tape.states)
    inputs = _linear(rounded(x), params.weight_ih, params.bias_ih, rounded)
    if layer.cell_name == "rnn":
        return _vanilla(layer.activation, params, inputs, init[0], rounded)
    if layer.cell_name == "lstm":
        return _lstm(params, inputs, init, rounded)
    if isinstance(layer.maps, ResetBeforeMaps):
        return _gru_reset_before(params, inputs, init[0], rounded)
    return _gru(params, inputs, init[0], rounded)


def _vanilla(name: str, params: Params, inputs: Array, h: Array, rounded: Round) -> NarrowRun:
    slope, states = (np.empty(inputs.shape, np.float32) for _ in range(2))
    for t, from_x in enumerate(inputs):
        weight = params.weight_hh if params.is_tied else params.weight_hh[t]
        a = rounded(from_x + _linear(h, weight, params.bias_hh, rounded))
        states[t] = h = _value(name, a, rounded)
        slope[t] = _SLOPE[name](h)
    return NarrowRun(VanillaMaps(params.weight_hh, params.is_tied, slope), states)


def _gru(params: Params, inputs: Array, h: Array, rounded: Round) -> NarrowRun:
    size = h.shape[-1]
    shape = (*inputs.shape[:-1], size)
    keep, candidate, states = (np.empty(shape, np.float32) for _ in range(3))
    recurrent = np.empty((*shape[:-1], 3, size), np.float32)
    for t, from_x in enumerate(inputs):
        from_h = _linear(h, params.weight_hh, params.bias_hh, rounded)
        r, z = _gates(rounded(from_x[..., : 2 * size] + from_h[..., : 2 * size]), size, rounded)
        q = from_h[..., 2 * size :]
        n = _value("tanh", rounded(from_x[..., 2 * size :] + rounded(r * q)), rounded)
        keep[t], candidate[t] = z, (1.0 - z) * _SLOPE["tanh"](n)
        recurrent[t, ..., 0, :] = candidate[t] * r
        recurrent[t, ..., 1, :] = candidate[t] * q * _SLOPE["sigmoid"](r)
        recurrent[t, ..., 2, :] = rounded(h - n) * _SLOPE["sigmoid"](z)
        states[t] = h = rounded(n + rounded(z * rounded(h - n)))
    weight = np.concatenate([params.weight_hh[2 * size :], params.weight_hh[: 2 * size]])
    return NarrowRun(GruMaps(weight, params.is_tied, keep, recurrent, candidate), states)


def _gru_reset_before(params: Params, inputs: Array, h: Array, rounded: Round) -> NarrowRun:
    size = h.shape[-1]
    shape = (*inputs.shape[:-1], size)
    states, *factors = (np.empty(shape, np.float32) for _ in range(6))
    weights, biases = params.weight_hh, params.bias_hh
    of_gates = None if biases is None else biases[: 2 * size]
    of_candidate = None if biases is None else biases[2 * size :]
    for t, from_x in enumerate(inputs):
        from_h = _linear(h, weights[: 2 * size], of_gates, rounded)
        r, z = _gates(rounded(from_x[..., : 2 * size] + from_h), size, rounded)
        q = _linear(rounded(r * h), weights[2 * size :], of_candidate, rounded)
        n = _value("tanh", rounded(from_x[..., 2 * size :] + q), rounded)
        found = (
            z,
            (1.0 - z) * _SLOPE["tanh"](n),
            rounded(h - n) * _SLOPE["sigmoid"](z),
            r,
            h * _SLOPE["sigmoid"](r),
        )
        for factor, value in zip(factors, found, strict=True):
            factor[t] = value
        states[t] = h = rounded(n + rounded(z * rounded(h - n)))
    return NarrowRun(ResetBeforeMaps(weights, params.is_tied, *factors), states)


def _lstm(params: Params, inputs: Array, init: tuple[Array, ...], rounded: Round) -> NarrowRun:
    h, c = init
    size = h.shape[-1]
    shape = (*inputs.shape[:-1], size)
    to_cell, keep, output, states = (np.empty(shape, np.float32) for _ in range(4))
    into = np.empty((*shape[:-1], 3, size), np.float32)
    for t, from_x in enumerate(inputs):
        a = rounded(from_x + _linear(h, params.weight_hh, params.bias_hh, rounded))
        i, f = _gates(a[..., : 2 * size], size, rounded)
        g = _value("tanh", a[..., 2 * size : 3 * size], rounded)
        o = _value("sigmoid", a[..., 3 * size :], rounded)
        into[t, ..., 0, :] = g * _SLOPE["sigmoid"](i)
        into[t, ..., 1, :] = c * _SLOPE["sigmoid"](f)
        into[t, ..., 2, :] = i * _SLOPE["tanh"](g)
        c = rounded(rounded(f * c) + rounded(i * g))
        seen = _value("tanh", c, rounded)
        to_cell[t], keep[t], output[t] = (
            o * _SLOPE["tanh"](seen),
            f,
            seen * _SLOPE["sigmoid"](o),
        )
        states[t] = h = rounded(o * seen)
    return NarrowRun(
        LstmMaps(params.weight_hh, params.is_tied, to_cell, keep, into, output), states
    )


def _linear(rows: Array, weight: Array, bias: Array | None, rounded: Round) -> Array:
    product = rows @ weight.T
    return rounded(product if bias is None else product + bias)


def _value(name: str, a: Array, rounded: Round) -> Array:
    """Return the function's value, rounded once."""
    return rounded(_VALUE[name](a.astype(np.float64)))


def _gates(a: Array, size: int, rounded: Round) -> tuple[Array, Array]:
    both = _value("sigmoid", a, rounded)
    return both[..., :size], both[..., size:]
