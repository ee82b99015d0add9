"""Forward overflow: found, located and recorded, never an error.

Gradients of a run whose states overflow do not exist from that step on; what remains is said.
"""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from rnn_core.analysis import verdict
from rnn_core.arrays import Array, BoolArray, all_finite, read_only
from rnn_core.bptt import Adjoint
from rnn_core.cells import Params, Tape
from rnn_core.gradients import GateFlow, state_gradients
from rnn_core.losses import Loss
from rnn_core.network import Network
from rnn_core.recording import LayerRecording, Overflow, Recording
from rnn_core.structure import Structure


def find_overflow(net: Network, tapes: tuple[Tape, ...]) -> Overflow | None:
    """Return where a state first ceased to be finite, in the lowest layer, or None.

    What a step reads counts as well: a rectifier or a saturated unit would hide that it is inf. And
    so do weights that float32 cannot hold.
    """
    for index, (params, tape) in enumerate(zip(net.stack, tapes, strict=True)):
        if _holds(params) and all(all_finite(part) for part in (tape.joined, *tape.states[1:])):
            continue
        finite = _finite_steps(params, tape)
        step = int((~finite.all(axis=1)).argmax())
        directions = 2 if net.is_bidirectional else 1
        direction = "reverse" if index % directions else "forward"
        sequence = int((~finite[step]).argmax())
        return Overflow(step, index // directions, direction, sequence)
    return None


def _holds(params: Params) -> bool:
    """Tell whether all weights are finite: float64 weights always are."""
    is_wide = params.weight_hh.dtype == np.float64
    return is_wide or all(all_finite(array) for array in params.named().values())


def _finite_steps(params: Params, tape: Tape) -> BoolArray:
    """Tell for each step and sequence whether its inputs and the state after it are finite."""
    read = [tape.joined[:-1], *(state[:-1] for state in tape.states[1:])]
    flags: BoolArray = np.logical_and.reduce(
        [np.isfinite(part).all(axis=-1) for part in (*read, *(s[1:] for s in tape.states))]
    )
    return flags if _holds(params) else np.zeros_like(flags)


def recording_without_steps(net: Network, x: Array, overflow: Overflow, loss: Loss) -> Recording:
    """Return the recording of a run that overflowed at its first step: there is nothing in it."""
    return Recording(
        network=net,
        x=x[:0],
        steps=0,
        loss=np.nan,
        loss_function=loss,
        loss_steps=0,
        last_loss_step=0,
        layers=(),
        d_init=(),
        weight_gradients=MappingProxyType({}),
        gradients=MappingProxyType({}),
        log10_gradient_norm=MappingProxyType({}),
        verdict=verdict.OVERFLOWN,
        overflow=overflow,
        truncate=None,
    )


def recording_with_nan(
    net: Network,
    x: Array,
    tapes: tuple[Tape, ...],
    overflow: Overflow,
    loss: Loss,
    truncate: int | None,
) -> Recording:
    """Return a recording of all steps, nan from the overflow on and in every gradient."""
    layers, inits = [], []
    for index, tape in enumerate(tapes):
        finite = _finite_steps(net.stack[index], tape).all(axis=1)
        ended = _ended(tape, tape.steps if finite.all() else int((~finite).argmax()))
        nothing = tuple(np.full_like(state, np.nan) for state in tape.states)
        exponents = np.zeros(nothing[0].shape[:-1], dtype=np.int64)
        adjoint = Adjoint(nothing, exponents, exponents)
        with np.errstate(all="ignore"):
            maps = net.recurrence.linearize(net.stack[index], ended)
            no_loss = np.zeros(nothing[0][1:].shape, dtype=bool)
            structure = Structure(maps, lambda flags=no_loss: flags, truncate, net.skip)  # type: ignore[misc]
            total, at_init = state_gradients(adjoint, maps, structure, lambda: False)
        is_reverse = net.is_bidirectional and bool(index % 2)
        flow = GateFlow(maps, ended, adjoint)
        layers.append(
            LayerRecording(
                cell_name=net.cell,
                activation=net.activation,
                params=net.stack[index],
                tape=ended,
                maps=maps,
                flow=flow,
                total=total,
                from_last=total,
                is_reverse=is_reverse,
            )
        )
        inits.append(at_init)
    gradients = {name: np.full_like(weight, np.nan) for name, weight in net.state_dict().items()}
    return Recording(
        network=net,
        x=x,
        steps=len(x),
        loss=np.nan,
        loss_function=loss,
        loss_steps=0,
        last_loss_step=len(x) - 1,
        layers=tuple(layers),
        d_init=tuple(inits),
        weight_gradients=MappingProxyType({}),
        gradients=MappingProxyType({name: read_only(g) for name, g in gradients.items()}),
        log10_gradient_norm=MappingProxyType(dict.fromkeys(gradients, np.nan)),
        verdict=verdict.OVERFLOWN,
        overflow=overflow,
        truncate=truncate,
    )


def _ended(tape: Tape, steps: int) -> Tape:
    """Return a copy of the tape with nan from step `steps` on."""
    size = tape.states[0].shape[-1]
    joined, products = tape.joined.copy(), tape.products.copy()
    joined[steps + 1 :, ..., :size] = np.nan
    products[steps:] = np.nan
    others = [state.copy() for state in tape.states[1:]]
    for state in others:
        state[steps + 1 :] = np.nan
    states = (joined[..., :size], *others)
    a = products[..., products.shape[-1] - tape.a.shape[-1] :]
    for array in (joined, products, a, *states):
        read_only(array)
    return replace(tape, joined=joined, products=products, states=states, a=a)
