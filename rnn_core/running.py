"""Record a run: forward through all steps and layers, the loss, and one sweep back per layer."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from rnn_core.allowed import is_real, is_whole
from rnn_core.analysis import verdict
from rnn_core.arrays import Array, finite_array, is_array_of_rank, read_only
from rnn_core.cells import State, Tape
from rnn_core.errors import ConfigError, ShapeError, quoted, shown
from rnn_core.gradients import StateGradient, WeightGradient
from rnn_core.layers import Arriving, SweptLayer, handed_down, output_of, sweep_layer
from rnn_core.losses import Loss, LossResult
from rnn_core.network import Network
from rnn_core.overflow import find_overflow, recording_with_nan
from rnn_core.recording import Recording

_DTYPES = ("float64", "float32")


def record(
    net: Network,
    x: Array,
    loss: Loss,
    *,
    h_init: Array | State | None = None,
    truncate: int | None = None,
    dtype: str = "float64",
) -> Recording:
    """Run a network on an input and record every step, forward and back.

    Memory: arrays (T, B, H) for every layer and direction, 7 of a vanilla cell, 14 of a GRU, 18 of
    an LSTM, and up to 7 more where several steps have a loss.

    Parameters
    ----------
    x : (T, B, D).
    loss : called with the top layer's states (T, B, H), both directions side by side (T, B, 2H)
        in a bidirectional net; returns (L, dL/dh), each step's own gradient without what flows
        back from later ones, or a `LossResult`.
    h_init : the state before the first step, (B, H), or (h, c) for an LSTM; (N, B, H) each where
        there are N layers and directions, in PyTorch's order. Zeros if None.
    truncate : steps per block of truncated BPTT; the first block starts at the first step.
    dtype : "float64" or "float32", of states and gradients.

    Raises
    ------
    ShapeError, ConfigError : "<name>: expected <what>, got <value>". Overflow is no error: from
        its step on arrays are nan, the loss is not called, and `overflow` says where it was.
    """
    if not isinstance(net, Network):
        raise ConfigError(f"net: expected a Network, got {quoted(net)}")
    if not callable(loss):
        raise ConfigError(f"loss: expected a function of the hidden states, got {quoted(loss)}")
    net, inputs = prepared(net, "x", x, dtype)
    _check_truncation(net, inputs.shape[0], truncate)
    init = initial_states(net, inputs.shape[1], h_init, dtype)
    tapes = forward(net, inputs, init)
    overflow = find_overflow(net, tapes)
    if overflow is not None:
        return recording_with_nan(net, inputs, tapes, overflow, loss, truncate)
    return backward(net, inputs, tapes, loss, truncate)


def prepared(net: Network, name: str, x: object, dtype: str) -> tuple[Network, Array]:
    """Return the net and its inputs (T, B, D) in the float type asked for.

    Raises
    ------
    ConfigError, ShapeError : "dtype: expected ..." or "<name>: expected ...".
    """
    if dtype not in _DTYPES:
        raise ConfigError(f"dtype: expected one of {', '.join(_DTYPES)}, got {quoted(dtype)}")
    expected = f"(T, B, D={net.input_size})"
    inputs = finite_array(name, x, expected, (None, None, net.input_size))
    with np.errstate(over="ignore", under="ignore"):  # beyond float32 it is inf, an overflow
        inputs = inputs.astype(dtype, copy=False)
    if 0 in inputs.shape:
        raise ShapeError(f"{name}: expected at least one step and one sequence, got {inputs.shape}")
    for params in net.stack:
        if not params.is_tied and len(params.weight_hh) != len(inputs):
            raise ShapeError(
                f"{name}: expected T={len(params.weight_hh)} steps, as many as weight_hh_l0 has, "
                f"got {len(inputs)}"
            )
    return (net if dtype == "float64" else net.astype(dtype)), inputs


def forward(net: Network, x: Array, init: tuple[State, ...]) -> tuple[Tape, ...]:
    """Run all layers and directions over all steps; a reverse one's tape is in its own order."""
    tapes: list[Tape] = []
    directions = 2 if net.is_bidirectional else 1
    for layer in range(net.layers):
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            order = slice(None, None, -1 if direction else None)
            tape = net.recurrence.forward(net.stack[index], x[order], init[index], net.skip)
            for array in tape.arrays():
                read_only(array)
            tapes.append(tape)
            outputs.append(tape.states[0][1:][order])
        x = output_of(net, outputs, x)
    return tuple(tapes)


def top_output(net: Network, x: Array, tapes: tuple[Tape, ...]) -> Array:
    """Return the top layer's output in the order of time, (T, B, H) or (T, B, 2H)."""
    directions = 2 if net.is_bidirectional else 1
    for layer in range(net.layers):
        pair = tapes[layer * directions : (layer + 1) * directions]
        x = output_of(net, [t.states[0][1:][:: -1 if d else 1] for d, t in enumerate(pair)], x)
    return x


def backward(
    net: Network,
    x: Array,
    tapes: tuple[Tape, ...],
    loss: Loss,
    truncate: int | None = None,
    d_end: tuple[StateGradient, ...] | None = None,
) -> Recording:
    """Sweep the gradient of `loss` back over finite tapes, layer by layer, and measure.

    `d_end`, one per layer and direction, is what reaches the last states from outside.
    """
    y = top_output(net, x, tapes)
    result = _called(loss, y, net)
    with_loss = np.flatnonzero(result.d_h.reshape(len(y), -1).any(axis=1))
    last = int(with_loss[-1]) if with_loss.size else len(y) - 1
    split_at = last if with_loss.size > 1 else None
    arriving = Arriving.of_loss(result.d_h, split_at, y.dtype)
    swept: list[SweptLayer] = []
    directions = 2 if net.is_bidirectional else 1
    for layer in reversed(range(net.layers)):
        indices = range(layer * directions, (layer + 1) * directions)
        here = [
            sweep_layer(net, k, tapes[k], arriving, truncate, None if d_end is None else d_end[k])
            for k in indices
        ]
        swept = here + swept
        if layer:
            arriving = handed_down(net, arriving, here)
    of_weights = {
        f"{kind}{suffix}": gradient
        for suffix, one in zip(net.suffixes, swept, strict=True)
        for kind, gradient in one.of_weights.items()
    }
    for name, gradient in result.gradients.items():
        of_weights[name] = WeightGradient(gradient, 0)
    gradients = {name: gradient.to_float() for name, gradient in of_weights.items()}
    for array in gradients.values():
        read_only(array)
    layers = tuple(one.recording for one in swept)
    return Recording(
        network=net,
        x=read_only(x),
        steps=len(y),
        loss=result.value,
        loss_function=loss,
        loss_steps=int(with_loss.size),
        last_loss_step=last,
        layers=layers,
        d_init=tuple(one.at_init for one in swept),
        weight_gradients=MappingProxyType(of_weights),
        gradients=MappingProxyType(gradients),
        log10_gradient_norm=MappingProxyType({n: g.log10_norm() for n, g in of_weights.items()}),
        verdict=verdict.measure(layers[0].from_last.log10_norms("d_h")[: last + 1]),
        overflow=None,
        truncate=truncate,
    )


def _called(loss: Loss, y: Array, net: Network) -> LossResult:
    steps, batch, size = y.shape
    with np.errstate(over="ignore", invalid="ignore"):  # states may be near the end of float64
        answer = loss(y)
    if not isinstance(answer, tuple) or not (len(answer) == 2 or isinstance(answer, LossResult)):
        raise ShapeError(f"loss: expected (value, d_h) or a LossResult, got {quoted(answer)}")
    result = answer if isinstance(answer, LossResult) else LossResult(*answer)
    if np.ndim(result.value) != 0 or not is_real(result.value):
        raise ShapeError(f"value: expected a number, got {quoted(result.value)}")
    expected = f"(T={steps}, B={batch}, H={size})"
    d_h = finite_array("d_h", result.d_h, expected, (steps, batch, size), may_share=True)
    if not isinstance(result.gradients, Mapping):
        raise ShapeError(f"gradients: expected arrays by name, got {quoted(result.gradients)}")
    taken = frozenset(net.state_dict() if result.gradients else ())
    gradients = {}
    for name, gradient in result.gradients.items():
        if name in taken or not isinstance(name, str):
            raise ShapeError(f"{shown(name)}: expected a name that is not the network's own")
        shape = np.shape(gradient) if isinstance(gradient, np.ndarray) else ()
        gradients[name] = finite_array(shown(name), gradient, "an array", shape)
    return LossResult(float(result.value), d_h, gradients)


def _check_truncation(net: Network, steps: int, truncate: int | None) -> None:
    if truncate is not None:
        if not (is_whole(truncate) and 1 <= truncate <= steps):
            raise ConfigError(f"truncate: expected None or 1 to {steps}, got {quoted(truncate)}")
        if net.is_bidirectional:
            raise ConfigError(f"truncate: expected None in a bidirectional net, got {truncate}")


def initial_states(net: Network, batch: int, given: object, dtype: str) -> tuple[State, ...]:
    """Return (h,) or (h, c) for every layer and direction."""
    names, size, count = net.recurrence.states, net.hidden_size, len(net.stack)
    if given is None:
        zeros = np.zeros((batch, size), dtype=dtype)
        return tuple(tuple(zeros for _ in names) for _ in range(count))
    parts = given if isinstance(given, tuple) else (given,)
    if len(parts) != len(names):
        raise ShapeError(f"h_init: expected {' and '.join(names)}, got {len(parts)} arrays")
    checked = []
    for name, part in zip(names, parts, strict=True):
        if count == 1 and is_array_of_rank(part, 2):
            expected = f"(B={batch}, H={size})"  # short for (1, B, H)
            array = finite_array(f"{name}_init", part, expected, (batch, size))[None]
        else:
            expected = (
                f"(B={batch}, H={size})" if count == 1 else f"(N={count}, B={batch}, H={size})"
            )
            array = finite_array(f"{name}_init", part, expected, (count, batch, size))
        with np.errstate(over="ignore", under="ignore"):
            checked.append(array.astype(dtype))
    return tuple(tuple(array[k] for array in checked) for k in range(count))
