"""Record a run: forward through all steps, the loss, one sweep back, and what follows from it."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from rnn_core.activations import RESOLVED
from rnn_core.analysis import verdict
from rnn_core.arrays import Array, finite_array, read_only
from rnn_core.bptt import Adjoint, sweep
from rnn_core.cells import State, Tape
from rnn_core.errors import ConfigError, ShapeError, quoted
from rnn_core.gradients import (
    GateGradient,
    StateGradient,
    Structure,
    state_gradients,
    weight_gradients,
)
from rnn_core.losses import Loss, LossResult
from rnn_core.network import Network
from rnn_core.overflow import find_overflow, recording_with_nan
from rnn_core.recording import LayerRecording, Recording
from rnn_core.scaled import Scaled

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

    Parameters
    ----------
    x : (T, B, D).
    loss : called with the hidden states (T, B, H); returns (L, dL/dh (T, B, H)), each step's own
        gradient without what flows back from later ones, or a `LossResult`.
    h_init : the state before the first step, (B, H), or (h, c) for an LSTM; zeros if None.
    truncate : steps per block of truncated BPTT; the first block starts at the first step.
    dtype : "float64" or "float32", of states and gradients.

    Raises
    ------
    ShapeError, ConfigError : "<name>: expected <what>, got <value>". Overflow is no error: from
        its step on arrays are nan, the loss is not called, and `overflow` says where it was.
    """
    if dtype not in _DTYPES:
        raise ConfigError(f"dtype: expected one of {', '.join(_DTYPES)}, got {quoted(dtype)}")
    inputs = finite_array(
        "x", x, f"(T, B, D={net.input_size})", (None, None, net.input_size)
    ).astype(dtype)
    if 0 in inputs.shape:
        raise ShapeError(f"x: expected at least one step and one sequence, got {inputs.shape}")
    _check_steps(net, inputs.shape[0], truncate)
    init = _initial_state(net, inputs.shape[1], h_init, dtype)
    if dtype != "float64":
        net = replace(net, params=net.params.mapped(lambda weight: weight.astype(dtype)))
    tape = forward(net, inputs, init)
    overflow = find_overflow(tape)
    if overflow is not None:
        return recording_with_nan(net, tape, overflow, loss, truncate)
    return backward(net, tape, loss, truncate)


def forward(net: Network, x: Array, init: State) -> Tape:
    """Run the cell over all steps; read-only."""
    tape = net.maps_of.forward(net.params, x, init)
    for array in (tape.x, tape.a, *tape.states, *tape.parts.values()):
        read_only(array)
    return tape


def backward(net: Network, tape: Tape, loss: Loss, truncate: int | None = None) -> Recording:
    """Sweep the gradient of `loss` back over a finite tape, and measure."""
    h = tape.states[0][1:]
    result = _called(loss, h)
    maps = net.maps_of.linearize(net.params, tape)
    local = result.d_h.astype(h.dtype)
    with_loss = np.flatnonzero(local.reshape(tape.steps, -1).any(axis=1))
    last = int(with_loss[-1]) if with_loss.size else tape.steps - 1
    has_bounds = bool((np.abs(tape.a) > RESOLVED).any())

    def swept(d_loss: Array, adjoint: Adjoint) -> tuple[StateGradient, StateGradient]:
        return state_gradients(adjoint, maps, Structure(maps, d_loss, truncate, has_bounds))

    if with_loss.size > 1:  # the last step's own gradient travels beside the whole one
        last_alone = np.zeros_like(local)
        last_alone[last] = local[last]
        both = sweep(maps, Scaled.plain(np.stack([local, last_alone], 1)), truncate=truncate)
        adjoint = both.part(0)
        total, at_init = swept(local, adjoint)
        from_last, _ = swept(last_alone, both.part(1))
    else:
        adjoint = sweep(maps, Scaled.plain(local), truncate=truncate)
        total, at_init = swept(local, adjoint)
        from_last = total
    gate = GateGradient.of(adjoint, maps)
    layer = LayerRecording(net, net.params, tape, maps, gate, total, from_last)
    of_weights = {f"{k}_l0": g for k, g in weight_gradients(net.params, tape, gate).items()}
    gradients = {name: g.to_float() for name, g in of_weights.items()}
    gradients |= {name: np.asarray(g) for name, g in result.gradients.items()}
    for array in gradients.values():
        read_only(array)
    return Recording(
        network=net,
        x=tape.x,
        steps=tape.steps,
        loss=result.value,
        loss_function=loss,
        loss_steps=int(with_loss.size),
        last_loss_step=last,
        layers=(layer,),
        d_init=(at_init,),
        weight_gradients=MappingProxyType(of_weights),
        gradients=MappingProxyType(gradients),
        log10_gradient_norm=MappingProxyType({n: g.log10_norm() for n, g in of_weights.items()}),
        verdict=verdict.measure(from_last.log10_norms("d_h")[: last + 1]),
        overflow=None,
        truncate=truncate,
    )


def _called(loss: Loss, h: Array) -> LossResult:
    steps, batch, size = h.shape
    answer = loss(h)
    if not isinstance(answer, tuple) or len(answer) < 2:
        raise ShapeError(f"loss: expected (value, d_h) or a LossResult, got {quoted(answer)}")
    result = answer if isinstance(answer, LossResult) else LossResult(*answer)
    expected = f"(T={steps}, B={batch}, H={size})"
    d_h = finite_array("d_h", result.d_h, expected, (steps, batch, size))
    return LossResult(float(result.value), d_h, result.gradients)


def _check_steps(net: Network, steps: int, truncate: int | None) -> None:
    if truncate is not None and not (isinstance(truncate, int) and 1 <= truncate <= steps):
        raise ConfigError(f"truncate: expected None or 1 to {steps}, got {quoted(truncate)}")
    if not net.params.is_tied and net.params.weight_hh.shape[0] != steps:
        have = net.params.weight_hh.shape[0]
        raise ShapeError(f"x: expected T={have} steps, as many as weight_hh_l0 has, got {steps}")


def _initial_state(net: Network, batch: int, given: object, dtype: str) -> State:
    names = net.maps_of.states
    size = net.hidden_size
    if given is None:
        return tuple(np.zeros((batch, size), dtype=dtype) for _ in names)
    parts = given if isinstance(given, tuple) else (given,)
    if len(parts) != len(names):
        expected = " and ".join(names)
        raise ShapeError(f"h_init: expected {expected}, got {len(parts)} arrays")
    expected = f"(B={batch}, H={size})"
    return tuple(
        finite_array(f"{name}_init", part, expected, (batch, size)).astype(dtype)
        for name, part in zip(names, parts, strict=True)
    )
