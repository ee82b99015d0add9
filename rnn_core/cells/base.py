"""The contract of a cell: a forward pass that keeps a tape, and one linear map per step.

A cell with states s = (h,) or (h, c) and parameters theta is a function s_t = f(s_{t-1}, x_t).
`forward` runs it over all steps, `linearize` turns the tape into factors, and `vjp_step(t, d)`
carries dL/ds_t to dL/ds_{t-1}. That map is linear in `d` and broadcasts over leading axes of it;
weights may carry leading axes as well (an ensemble), or one of time (an untied net).

Both products of a step are one: W_hh h + W_ih x + b = [W_hh | W_ih | b] [h; x; 1], the "simplified
notation" of courses. A tape keeps [h_{t-1}; x_t; 1] side by side, so that the sum over steps of
the weight gradients is one product as well.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Protocol, cast

import numpy as np

from rnn_core.arrays import Array
from rnn_core.cells.params import Params

State = tuple[Array, ...]
"""(h,) or (h, c), each (..., B, H); the same for gradients (d_h,) or (d_h, d_c)."""

Terms = frozenset[str]
"""The names of the terms of `vjp_step` that are switched on; None, where allowed, means all."""

LINE: Final[Terms] = frozenset({"line"})
"""The line on which a gated cell keeps its state, and nothing else."""

Stored = Callable[[Array], Array]
"""What storing a vector does to it: rounds it to a narrow type."""

Product = Callable[[Array, Array, Array], object]
"""Writes rows @ weight into its third argument."""

CHUNK: Final = 65_536
"""Entries of a chunk of steps that is worked on at once: what stays in a core's cache."""


@dataclass(frozen=True)
class Tape:
    """What a forward pass leaves behind, in the order in which the steps were taken.

    Attributes
    ----------
    joined : [h_{t-1}; x_t; 1] of every step and, last, [h_T; ., 1], (T+1, ..., B, H+D+1).
    products : what the weights made of them, (T, ..., B, K).
    states : h (and c), each (T+1, ..., B, H): entry 0 is the state before the first step.
    a : pre-activations in gate order, (T, ..., B, G*H).
    """

    joined: Array
    products: Array
    states: State
    a: Array

    @property
    def steps(self) -> int:
        """T."""
        return len(self.products)

    @property
    def x(self) -> Array:
        """The inputs (T, ..., B, D)."""
        return self.joined[:-1, ..., self.states[0].shape[-1] : -1]

    def recurrent_terms(self, rows: Array, steps: slice) -> tuple[Array, Array]:
        """Return (d, y), (n, ..., B', G*H) and (n, ..., B', H): dL/dW_hh is the sum of d^T y.

        `rows` are dL/d(recurrent products) of some steps; B' is B, or a multiple of it in a cell
        whose gates do not all read the same vector.
        """
        return rows, self.states[0][:-1][steps]

    def chunks(self) -> Iterator[slice]:
        """Cut the steps into pieces that are worked on at once."""
        per_step = max(1, self.products[:1].size)
        length = max(1, CHUNK // per_step)
        for start in range(0, self.steps, length):
            yield slice(start, min(start + length, self.steps))

    def arrays(self) -> tuple[Array, ...]:
        """Return every array that the tape owns or shows."""
        return (self.joined, self.products, self.a, *self.states)


class Workspace(NamedTuple):
    """Arrays that a sweep lends to `vjp_step` again and again, with the views it needs of them."""

    rows: Array
    """(..., B, G, H)."""
    flat: Array
    """The same, (..., B, G*H)."""
    parts: tuple[Array, ...]
    """Views and scratch of a cell's own."""


@dataclass(frozen=True)
class StepMaps(ABC):
    """The linear maps of all steps of one run.

    One step back is: from dL/ds_t to the gradients of the recurrent products (`write_products`),
    through W_hh^T to dL/dh_{t-1}, and beside it along the line on which a gated cell keeps its
    state.

    Attributes
    ----------
    weight : the recurrent rows, (..., G*H, H) in the order of `gates`; with `is_tied` False of
        every step, (T, ..., G*H, H).
    is_tied : whether all steps share them.
    """

    weight: Array
    is_tied: bool
    gates: ClassVar[tuple[str, ...]]
    """The blocks of the recurrent products, in the order of `write_products`."""
    line_state: ClassVar[int | None]
    """Which state the line carries: 0 for h, 1 for c; None in a cell without a line."""

    @property
    def state_count(self) -> int:
        """1 for (h,), 2 for (h, c)."""
        return 2 if self.line_state == 1 else 1

    @abstractmethod
    def workspace(self, d_h: Array) -> Workspace:
        """Allocate what `vjp_step` needs for gradients of this shape and type."""

    @abstractmethod
    def write_products(
        self, t: int, d_state: State, line: Array | None, stored: Stored | None, work: Workspace
    ) -> None:
        """Write dL/d(recurrent products) of step t into `work.rows` and the line into `line`."""

    def write_line(self, t: int, d_state: State, line: Array, work: Workspace) -> None:
        """Write what `write_products` writes into `line`; what it leaves in `work` has no use."""
        self.write_products(t, d_state, line, None, work)

    @abstractmethod
    def rows(self, steps: slice, d_state: State) -> Array:
        """Return dL/d(products) of some steps, (n, ..., B, K), from the gradients after them."""

    def gate_order(self, rows: Array) -> Array:
        """Return dL/da (n, ..., B, G*H) in PyTorch's gate order, from `rows`."""
        return rows

    def recurrent(self, rows: Array) -> Array:
        """Return dL/d(recurrent products) (n, ..., B, G*H) in the order of `gates`, from `rows`."""
        return rows

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
        work: Workspace | None = None,
    ) -> State:
        """Carry dL/ds_t (after step t) to dL/ds_{t-1} (before it).

        Parameters
        ----------
        d_state : (d_h,) or (d_h, d_c), each (..., B, H); any leading axes.
        terms : which terms take part: "line" and the gates' names; None is all of them.
        out : arrays to write into, of the shapes of the result.
        stored : what storing a vector does to it, in a simulation of a narrow type.
        work : a workspace to use again.
        """
        if work is None:
            work = self.workspace(d_state[0])
        if out is None:
            out = tuple(np.empty_like(d) for d in d_state)
        line = None
        if self.line_state is not None:
            line = out[1] if self.line_state == 1 else work.parts[0]
        if line is not None and terms == LINE and stored is None:
            self.write_line(t, d_state, line, work)
            out[0][...] = 0.0  # the weights take no part
        else:
            self.write_products(t, d_state, line, stored, work)
            if terms is not None:
                for k, name in enumerate(self.gates):
                    if name not in terms:
                        work.rows[..., k, :] = 0.0
                if line is not None and "line" not in terms:
                    line[...] = 0.0
            flat = work.flat if stored is None else stored(work.flat)
            product(flat, self.weight if self.is_tied else self.weight[t], out[0])
        if self.line_state == 0:
            out[0][...] += work.parts[0]
        return out

    def vjp_steps(self, first: int, stop: int, states: Sequence[State], work: Workspace) -> None:
        """Carry gradients back through steps stop - 1 down to `first`: `vjp_step`, all terms on.

        Parameters
        ----------
        first, stop : at least one step.
        states : at place p the gradients after p steps; places `first` to stop - 1 are written.
        """
        flat, weight, place = work.flat, self.weight, self.line_state
        write, multiply = self.write_products, product_of(flat, weight, states[first][0])
        for t in range(stop - 1, first - 1, -1):
            before = states[t]
            line = None if place is None else before[1] if place else work.parts[0]
            write(t, states[t + 1], line, None, work)
            multiply(flat, weight if self.is_tied else weight[t], before[0])
            if place == 0:
                np.add(before[0], work.parts[0], before[0])


class LinearRun(NamedTuple):
    """A run of many nets of which only the states and the linear maps are kept.

    Attributes
    ----------
    states : h (and c), each (T+1, ..., B, H): entry 0 is the state before the first step.
    maps : of every step.
    """

    states: State
    maps: StepMaps


class Cell(Protocol):
    """One recurrent cell; see `rnn_core.cells` for the list."""

    name: ClassVar[str]
    gates: ClassVar[tuple[str, ...]]
    states: ClassVar[tuple[str, ...]]

    def forward(
        self, params: Params, x: Array, init: State, skip: "SkipInTime | None" = None
    ) -> Tape:
        """Run all steps. x (T, ..., B, D), init each (..., B, H). Never warns, may overflow."""
        ...

    def split(self, params: Params, gradient: Array) -> dict[str, Array]:
        """Take the gradient of the joined weights apart: gradients of the parameters, by name."""
        ...

    def gate_values(self, tape: Tape) -> dict[str, Array]:
        """Return each gate after its nonlinearity, (T, ..., B, H)."""
        ...

    def linearize(self, params: Params, tape: Tape) -> StepMaps:
        """Return the linear maps of all steps of a finite tape."""
        ...

    def run_linear(self, params: Params, x: Array, init: State) -> LinearRun:
        """Run many nets and keep the maps alone: `forward` and `linearize`, step by step.

        Parameters
        ----------
        params : with a leading axis, (N, ...); the recurrent weights of untied nets (T, N, ...).
        x : (T, N, B, D).
        init : each (N, B, H).
        """
        ...


class SkipInTime(NamedTuple):
    """h_t = cell(x_t, h_{t-1}) + scale * h_{t-steps}, from the step on where that state exists."""

    steps: int
    scale: float


def product_of(rows: Array, weight: Array, out: Array) -> Product:
    """Return `product` for arrays like these, or what it comes to without looking at each again.

    Parameters
    ----------
    weight : (..., K, N), or such a matrix per step of an untied net, (T, K, N).
    """
    is_one_product = rows.ndim == 2 and weight.ndim <= 3 and out.flags.c_contiguous
    return np.ndarray.dot if is_one_product else product


def product(rows: Array, weight: Array, out: Array) -> Array:
    """Write rows (..., B, K) @ weight (..., K, N) into `out`, as one matrix product if it is one.

    NumPy loops over the leading axes of a stack; with one common weight they are just more rows.
    """
    if rows.ndim == 2 and weight.ndim == 2:
        if out.flags.c_contiguous:
            return np.dot(rows, weight, out)
    elif weight.ndim == 2 and out.flags.c_contiguous:
        np.dot(rows.reshape(-1, rows.shape[-1]), weight, out.reshape(-1, out.shape[-1]))
        return out
    return cast("Array", np.matmul(rows, weight, out=out))


def indicated(array: Array) -> Array:
    """Return 1.0 where an entry is not 0, else 0.0."""
    flags: Array = (array != 0).astype(np.float64)
    return flags


def joined_rows(params: Params, x: Array, init: State) -> Array:
    """Allocate [h_{t-1}; x_t; 1] for all steps, with inputs, ones and h_init in place."""
    steps, size = x.shape[0], params.hidden_size
    lead = params.lead if x.ndim == 3 else ()
    if lead:
        x = x.reshape(steps, *(1,) * len(lead), *x.shape[1:])
    shape = np.broadcast_shapes(x.shape[1:-1], init[0].shape[:-1], (*lead, 1))
    rows = np.empty((steps + 1, *shape, size + x.shape[-1] + 1), dtype=x.dtype)
    rows[:-1, ..., size:-1] = x
    rows[-1, ..., size:-1] = 0.0
    rows[..., -1] = 1.0
    rows[0, ..., :size] = init[0]
    return rows


def along_time(factor: Array, d: Array) -> Array:
    """Give a factor (T, ..., B, H) the extra axes that a stack of adjoints has after time."""
    extra = d.ndim - factor.ndim
    return factor.reshape(factor.shape[0], *(1,) * extra, *factor.shape[1:]) if extra else factor
