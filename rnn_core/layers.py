"""One layer of a sweep: what reaches its output goes back through its steps and into its input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_core.activations import resolved
from rnn_core.analysis.crossing import into_input as resolved_into_input
from rnn_core.arrays import Array, BoolArray
from rnn_core.bptt import Adjoint, sweep
from rnn_core.cells import SkipInTime, Tape
from rnn_core.gradients import (
    GateFlow,
    StateGradient,
    WeightGradient,
    state_gradients,
    weight_gradients,
)
from rnn_core.magnitudes import NOTHING, WINDOWS, has_left_type, size_exponents
from rnn_core.network import Network
from rnn_core.recording import LayerRecording
from rnn_core.scaled import Scaled, added, shifted
from rnn_core.structure import Structure

Flags = Callable[[], BoolArray]


@dataclass(frozen=True)
class Arriving:
    """The gradient that reaches a layer's output, in the order of time.

    Attributes
    ----------
    value : (T, B, N); with several loss steps (T, 2, B, N): of the whole loss and, beside it, of
        its last step alone.
    linked : computes, for each of these, which entries have a path to the loss, (T, B, N).
    """

    value: Scaled
    linked: tuple[Flags, ...]

    @classmethod
    def of_loss(cls, local: Array, split_at: int | None, dtype: np.dtype[Any]) -> "Arriving":
        """Start at the top: each step's own dL/dh, in float64, to be swept in `dtype`.

        `split_at` is the last of several loss steps.
        """
        if split_at is None:
            return cls(_held(local, dtype), (lambda: local != 0,))
        last_alone = np.zeros_like(local)
        last_alone[split_at] = local[split_at]
        both = np.stack([local, last_alone], axis=1)
        return cls(_held(both, dtype), (lambda: local != 0, lambda: last_alone != 0))

    def of_direction(self, size: int, direction: int) -> "Arriving":
        """Return the part of one direction's units, in the order in which it took its steps."""
        units = slice(direction * size, (direction + 1) * size)
        order = slice(None, None, -1 if direction else None)
        value = Scaled(self.value.mantissa[order, ..., units], self.value.exponent[order])

        def part(flags: Flags) -> Flags:
            return lambda: flags()[order, ..., units]

        return Arriving(value, tuple(part(flags) for flags in self.linked))


def _held(local: Array, dtype: np.dtype[Any]) -> Scaled:
    """Return numbers in a float type, each vector on its own scale where the type may end."""
    if local.dtype == dtype:
        return Scaled.plain(local)
    size = size_exponents(local)
    by = np.where(size == NOTHING, 0, size)
    if np.abs(by).max(initial=0) <= WINDOWS[dtype].trust:
        return Scaled.plain(local.astype(dtype))
    return Scaled(shifted(local, -by[..., None]).astype(dtype), by)


@dataclass(frozen=True)
class SweptLayer:
    """One layer and direction after its sweep.

    Attributes
    ----------
    into_input : dL/dx in the order of time, computed when a layer below needs it.
    linked_steps : for each adjoint, computes at which steps anything reaches the input, (T, B).
    """

    recording: LayerRecording
    at_init: StateGradient
    of_weights: dict[str, WeightGradient]
    into_input: Callable[[], Scaled]
    linked_steps: tuple[Flags, ...]


def output_of(net: Network, outputs: list[Array], x: Array) -> Array:
    """Return what a layer hands on: its states side by side, plus its input if it is residual."""
    y = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
    if net.is_residual and x.shape[-1] == y.shape[-1]:
        with np.errstate(all="ignore"):
            y = y + x
    return y


def sweep_layer(
    net: Network,
    index: int,
    tape: Tape,
    arriving: Arriving,
    truncate: int | None,
    d_end: StateGradient | None,
) -> SweptLayer:
    """Carry what reaches the output of layer and direction `index` back through its steps."""
    params, cell = net.stack[index], net.recurrence
    direction = index % 2 if net.is_bidirectional else 0
    order = slice(None, None, -1 if direction else None)
    own = arriving.of_direction(net.hidden_size, direction)
    with np.errstate(all="ignore"):  # gates of |a| > 709 saturate: their slopes are bounds
        maps = cell.linearize(params, tape)
    is_split = len(own.linked) > 1
    ends = None if d_end is None else tuple(d_end.values.values())
    if ends is not None and is_split:  # what comes from outside belongs to the whole loss
        ends = tuple(
            Scaled(
                np.stack([end.mantissa, np.zeros_like(end.mantissa)]),
                np.stack([end.exponent, end.exponent]),
            )
            for end in ends
        )
    both = sweep(maps, own.value, d_end=ends, truncate=truncate, skip=net.skip)
    adjoints = (both.part(0), both.part(1)) if is_split else (both,)

    def has_bounds() -> bool:
        lost_before = d_end is not None and d_end.may_underflow()
        return lost_before or bool((np.abs(tape.a) > resolved(tape.a.dtype)).any())

    found: list[tuple[StateGradient, StateGradient]] = []
    linked: list[Flags] = []
    for k, (adjoint, flags) in enumerate(zip(adjoints, own.linked, strict=True)):
        end = d_end if k == 0 else None
        structure = Structure(maps, flags, truncate, net.skip, None if end is None else end.reached)
        value = own.value.mantissa[:, k] if is_split else own.value.mantissa

        def may_be_lost(one: Adjoint = adjoint, value: Array = value) -> bool:
            return has_bounds() or _has_lost_arrivals(one, value, net.skip)

        found.append(state_gradients(adjoint, maps, structure, may_be_lost))
        linked.append(lambda one=structure: one.of_steps()["d_h"].any(axis=-1)[order])  # type: ignore[misc]
    (total, at_init), (from_last, _) = found[0], found[-1]
    flow = GateFlow(maps, tape, adjoints[0])
    if direction:
        total, from_last = total.reversed_in_time(), from_last.reversed_in_time()

    def into_input() -> Scaled:
        with np.errstate(all="ignore"):
            d_x = GateFlow(maps, tape, both).into_inputs(params)
            has_left = has_left_type(d_x.mantissa) & (both.size[1:] != NOTHING)
        if has_left.any():
            far = resolved_into_input(maps, params.weight_ih, both)
            d_x = Scaled(far.mantissa.astype(d_x.mantissa.dtype), far.exponent)
        return Scaled(d_x.mantissa[order], d_x.exponent[order])

    return SweptLayer(
        recording=LayerRecording(
            cell_name=net.cell,
            activation=net.activation,
            params=params,
            tape=tape,
            maps=maps,
            flow=flow,
            total=total,
            from_last=from_last if is_split else total,
            is_reverse=bool(direction),
        ),
        at_init=at_init,
        of_weights=weight_gradients(cell, params, flow),
        into_input=into_input,
        linked_steps=tuple(linked),
    )


def _has_lost_arrivals(adjoint: Adjoint, value: Array, skip: SkipInTime | None) -> bool:
    """Tell whether something that entered at a step, or jumped to it, reads 0 there."""
    d_h = adjoint.states[0]
    is_lost = bool(((value != 0) & (d_h[1:] == 0)).any())
    if skip is not None and skip.scale:
        is_lost |= bool(((d_h[skip.steps :] != 0) & (d_h[: -skip.steps] == 0)).any())
    return is_lost


def handed_down(net: Network, arriving: Arriving, layer: list[SweptLayer]) -> Arriving:
    """Return what reaches the output of the layer below: through the inputs, and past them."""
    value = layer[0].into_input()
    for other in layer[1:]:
        value = added(value, other.into_input())
    if net.is_residual and value.mantissa.shape == arriving.value.mantissa.shape:
        value = added(value, arriving.value)
    width = value.mantissa.shape[-1]

    def linked(adjoint: int) -> Flags:
        def flags() -> BoolArray:
            steps = np.logical_or.reduce([one.linked_steps[adjoint]() for one in layer])
            return np.repeat(steps[..., None], width, axis=-1)

        return flags

    return Arriving(value, tuple(linked(k) for k in range(len(arriving.linked))))
