"""Forward overflow: found, located and recorded, never an error.

Gradients of a run whose states overflow do not exist from that step on; what remains is said.
"""

from types import MappingProxyType

import numpy as np

from rnn_core.analysis import verdict
from rnn_core.arrays import Array, read_only
from rnn_core.bptt import Adjoint
from rnn_core.cells import Tape
from rnn_core.gradients import GateGradient, Structure, state_gradients
from rnn_core.losses import Loss
from rnn_core.network import Network
from rnn_core.recording import LayerRecording, Overflow, Recording


def find_overflow(tape: Tape) -> Overflow | None:
    """Return where a state first ceased to be finite, or None."""
    finite = np.logical_and.reduce([np.isfinite(s[1:]).all(axis=-1) for s in tape.states])
    if finite.all():
        return None
    step = int((~finite.all(axis=1)).argmax())
    return Overflow(step, 0, "forward", int((~finite[step]).argmax()))


def recording_without_steps(net: Network, tape: Tape, overflow: Overflow, loss: Loss) -> Recording:
    """Return the recording of a run that overflowed at its first step: there is nothing in it."""
    return Recording(
        network=net,
        x=tape.x[:0],
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
    net: Network, tape: Tape, overflow: Overflow, loss: Loss, truncate: int | None
) -> Recording:
    """Return a recording of all steps, nan from the overflow on and in every gradient."""

    def ended(array: Array, first_bad: int) -> Array:
        copy = array.copy()
        copy[first_bad:] = np.nan
        return read_only(copy)

    at = overflow.step
    tape = Tape(
        x=tape.x,
        a=ended(tape.a, at),
        states=tuple(ended(state, at + 1) for state in tape.states),
        parts={name: ended(part, at) for name, part in tape.parts.items()},
    )
    nothing = tuple(np.full_like(state, np.nan) for state in tape.states)
    adjoint = Adjoint(nothing, np.zeros(nothing[0].shape[:-1], dtype=np.int64))
    with np.errstate(all="ignore"):
        maps = net.maps_of.linearize(net.params, tape)
        structure = Structure(maps, np.zeros_like(nothing[0][1:]), truncate, has_bounds=False)
        total, at_init = state_gradients(adjoint, maps, structure)
        gate = GateGradient.of(adjoint, maps)
    gradients = {name: np.full_like(w, np.nan) for name, w in net.state_dict().items()}
    return Recording(
        network=net,
        x=tape.x,
        steps=tape.steps,
        loss=np.nan,
        loss_function=loss,
        loss_steps=0,
        last_loss_step=tape.steps - 1,
        layers=(LayerRecording(net, net.params, tape, maps, gate, total, total),),
        d_init=(at_init,),
        weight_gradients=MappingProxyType({}),
        gradients=MappingProxyType({name: read_only(g) for name, g in gradients.items()}),
        log10_gradient_norm=MappingProxyType(dict.fromkeys(gradients, np.nan)),
        verdict=verdict.OVERFLOWN,
        overflow=overflow,
        truncate=truncate,
    )
