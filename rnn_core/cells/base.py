"""The contract of a cell: a forward pass that keeps a tape, and one linear map per step.

A cell with states s = (h,) or (h, c) and parameters theta is a function s_t = f(s_{t-1}, x_t).
`forward` runs it over all steps, `linearize` turns the tape into factors, and `vjp_step(t, d)`
carries dL/ds_t to dL/ds_{t-1}. That map is linear in `d` and broadcasts over leading axes of it;
weights may carry leading axes as well (an ensemble), or one of time (an untied net).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Protocol, cast

import numpy as np

from rnn_core.arrays import Array

State = tuple[Array, ...]
"""(h,) or (h, c), each (..., B, H); the same for gradients (d_h,) or (d_h, d_c)."""

Terms = frozenset[str]
"""The names of the terms of `vjp_step` that are switched on; None, where allowed, means all."""


@dataclass(frozen=True)
class Params:
    """The weights of one cell, under PyTorch's names and in its shapes.

    Attributes
    ----------
    weight_ih : (..., G*H, D).
    weight_hh : (..., G*H, H); with `is_tied` False the first axis is time: (T, G*H, H).
    bias_ih, bias_hh : (..., G*H), or None in a net without biases.
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array | None
    bias_hh: Array | None
    is_tied: bool = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weight_hh.shape[-1])

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes of an ensemble; () for one net."""
        return self.weight_ih.shape[:-2]

    def weight_hh_at(self, t: int) -> Array:
        """Return the recurrent weights of step t, (..., G*H, H)."""
        return self.weight_hh if self.is_tied else self.weight_hh[t]

    def named(self) -> dict[str, Array]:
        """Return the arrays that exist, by name."""
        every = {
            "weight_ih": self.weight_ih,
            "weight_hh": self.weight_hh,
            "bias_ih": self.bias_ih,
            "bias_hh": self.bias_hh,
        }
        return {name: array for name, array in every.items() if array is not None}

    def mapped(self, change: Callable[[Array], Array]) -> "Params":
        """Return the same parameters with `change` applied to every array."""
        changed = {name: change(array) for name, array in self.named().items()}
        return replace(self, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Tape:
    """What a forward pass leaves behind.

    Attributes
    ----------
    x : (T, ..., B, D).
    a : (T, ..., B, G*H), pre-activations in gate order.
    states : h (and c), each (T+1, ..., B, H): entry 0 is the state before the first step.
    parts : what a cell wants to see again, by name, each (T, ..., B, N).
    """

    x: Array
    a: Array
    states: State
    parts: dict[str, Array]

    @property
    def steps(self) -> int:
        """T."""
        return int(self.a.shape[0])

    def cut(self, steps: int) -> "Tape":
        """Return the first `steps` steps: a shorter run reads a prefix of the same input."""
        return Tape(
            x=self.x[:steps],
            a=self.a[:steps],
            states=tuple(state[: steps + 1] for state in self.states),
            parts={name: part[:steps] for name, part in self.parts.items()},
        )


class GateGradients(NamedTuple):
    """Gradients where the weights enter, for all steps at once, each (T, ..., B, G*H).

    `d_a` belongs to W_ih x + b_ih, `d_recurrent` to W_hh h + b_hh; they differ in a GRU alone,
    where the reset gate stands between the recurrent product and the pre-activation.
    """

    d_a: Array
    d_recurrent: Array


Stored = Callable[[Array], Array]
"""What storing a vector does to it: rounds it to a narrow type."""


@dataclass(frozen=True)
class StepMaps(ABC):
    """The linear maps of all steps of one run.

    One step back is: from dL/ds_t to the gradients of the recurrent products (`products`), through
    W_hh^T to dL/dh_{t-1}, and beside it along the line on which a gated cell keeps its state.

    Attributes
    ----------
    params : W_hh is a factor of every map.
    """

    params: Params
    gates: ClassVar[tuple[str, ...]]
    line_state: ClassVar[int | None]
    """Which state the line carries: 0 for h, 1 for c; None in a cell without a line."""

    @abstractmethod
    def products(
        self, t: int, d_state: State, line_out: Array | None, stored: Stored | None
    ) -> tuple[Array, Array | None]:
        """Return dL/d(recurrent products) of step t, (..., B, G, H), and what the line carries."""

    @abstractmethod
    def gate_gradients(self, d_state: State) -> GateGradients:
        """Return the gradients at the gates from those of the states, (T, ..., B, H) each."""

    @abstractmethod
    def mapped(self, change: Callable[[Array], Array]) -> "StepMaps":
        """Return the same maps with `change` applied to every factor and weight."""

    def total(self, d_state: State) -> State:
        """Return total derivatives: of c, say, with the way through its own h_t included."""
        return d_state

    def indicator(self) -> "StepMaps":
        """Return maps of the same structure whose factors are 1 where these are not 0."""
        return self.mapped(indicated)

    def vjp_step(
        self,
        t: int,
        d_state: State,
        terms: Terms | None = None,
        out: State | None = None,
        stored: Stored | None = None,
    ) -> State:
        """Carry dL/ds_t (after step t) to dL/ds_{t-1} (before it).

        Parameters
        ----------
        d_state : (d_h,) or (d_h, d_c), each (..., B, H); any leading axes.
        terms : which terms take part: "line" and the gates' names; None is all of them.
        out : arrays to write into, of the shapes of the result.
        stored : what storing a vector does to it, in a simulation of a narrow type.
        """
        line_out = None if out is None or self.line_state != 1 else out[1]
        rows, line = self.products(t, d_state, line_out, stored)
        if terms is not None:
            for k, name in enumerate(self.gates):
                if name not in terms:
                    rows[..., k, :] = 0.0
            if line is not None and "line" not in terms:
                line[...] = 0.0
        if stored is not None:
            rows = stored(rows)
        flat = rows.reshape(*rows.shape[:-2], -1)
        before = times(flat, self.params.weight_hh_at(t), out=None if out is None else out[0])
        if line is None:
            return (before,)
        if self.line_state == 0:
            before += line
            return (before,)
        return before, line


class Cell(Protocol):
    """One recurrent cell; see `rnn_core.cells` for the list."""

    name: ClassVar[str]
    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]]

    def forward(self, params: Params, x: Array, init: State) -> Tape:
        """Run all steps. x (T, ..., B, D), init each (..., B, H). Never warns, may overflow."""
        ...

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return each gate after its nonlinearity, (T, ..., B, H)."""
        ...

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the linear maps of all steps of a finite tape."""
        ...


def times(rows: Array, weight: Array, out: Array | None = None) -> Array:
    """Return rows (..., B, K) @ weight (..., K, N), as one matrix product where that is one.

    NumPy loops over the leading axes of a stack; with one common weight they are just more rows.
    """
    if weight.ndim > 2 or rows.ndim == 2:
        return cast("Array", np.matmul(rows, weight, out=out))
    flat = rows.reshape(-1, rows.shape[-1])
    shape = (*rows.shape[:-1], weight.shape[-1])
    if out is None:
        return cast("Array", flat @ weight).reshape(shape)
    if out.flags.c_contiguous:
        np.matmul(flat, weight, out=out.reshape(-1, shape[-1]))
        return out
    out[...] = (flat @ weight).reshape(shape)
    return out


def projected(params: Params, x: Array, *biases: Array | None) -> Array:
    """Return W_ih x_t + biases for all steps in one product, (T, ..., B, G*H)."""
    weight = params.weight_ih
    if weight.ndim > 2 and x.ndim == 3:
        x = x.reshape(x.shape[0], *(1,) * len(params.lead), *x.shape[1:])
    a = times(x, weight.mT)
    for bias in biases:
        if bias is not None:
            a += bias[..., None, :]
    return a


def indicated(array: Array) -> Array:
    """Return 1.0 where an entry is not 0, else 0.0."""
    flags: Array = (array != 0).astype(np.float64)
    return flags


def sequence_of_states(init: State, steps: int, like: Array) -> State:
    """Allocate h (and c) for all steps, (T+1, ..., B, H), with the initial state in place."""
    shape = (*like.shape[1:-1], init[0].shape[-1])
    states = tuple(np.empty((steps + 1, *shape), dtype=like.dtype) for _ in init)
    for state, start in zip(states, init, strict=True):
        state[0] = start
    return states


def along_time(factor: Array, d: Array) -> Array:
    """Give a factor (T, ..., B, H) the extra axes that a stack of adjoints has after time."""
    extra = d.ndim - factor.ndim
    return factor.reshape(factor.shape[0], *(1,) * extra, *factor.shape[1:]) if extra else factor
