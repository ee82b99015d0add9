"""A network: recurrent layers built from one kind of cell, under PyTorch's names and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from rnn_core.allowed import is_real, is_whole
from rnn_core.arrays import Array, finite_array, is_array_of_rank
from rnn_core.cells import Cell, Params, SkipInTime, cell_named
from rnn_core.errors import ConfigError, ShapeError, quoted, shown

_KINDS: Final = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_NARROW: Final = {"float16": np.float16, "bfloat16": np.float32, "float32": np.float32}
"""The types besides float64 that weights may come in, and in which NumPy gives them back."""

MAX_LAYERS: Final = 64


def suffixes(layers: int, *, is_bidirectional: bool) -> list[str]:
    """Return PyTorch's suffixes in its order: _l0, _l0_reverse, _l1, ..."""
    directions = ("", "_reverse") if is_bidirectional else ("",)
    return [f"_l{layer}{direction}" for layer in range(layers) for direction in directions]


@dataclass(frozen=True)
class Network:
    """Recurrent layers: each reads the states of the one below, in one direction or in both.

    Attributes
    ----------
    cell : "rnn", "gru" or "lstm".
    activation : phi of the vanilla cell.
    stack : the weights of every layer and direction, in PyTorch's order.
    is_bidirectional : whether a second set of cells reads the sequence from its end.
    is_residual : whether a layer's output is its state plus what it read, where the sizes agree.
    skip : a connection in time, h_t = cell(x_t, h_{t-1}) + scale * h_{t-steps}, in every layer.
    reset : of a GRU, "after" the product with W_hn (PyTorch) or "before" it (Cho et al. 2014).
    dtypes : "float16", "bfloat16" or "float32" of the parameters that came in so. All is computed
        in float64; `state_dict` and `save_weights` give each back as it came.
    """

    cell: str
    activation: str
    stack: tuple[Params, ...]
    is_bidirectional: bool = False
    is_residual: bool = False
    skip: SkipInTime | None = None
    reset: str = "after"
    dtypes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cell_named(self.cell, self.activation, self.reset)
        if self.skip is not None:
            _check_skip(self.skip)
        directions = 2 if self.is_bidirectional else 1
        for index, params in enumerate(self.stack):
            if index >= directions and params.input_size != directions * params.hidden_size:
                name = f"weight_ih{self.suffixes[index]}"
                want = (params.weight_ih.shape[-2], directions * params.hidden_size)
                raise ShapeError(f"{name}: expected {want}, got {params.weight_ih.shape}")

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, object],
        *,
        cell: str,
        activation: str = "tanh",
        is_residual: bool = False,
        skip: SkipInTime | None = None,
        reset: str = "after",
    ) -> "Network":
        """Build a network from arrays under the names of torch.nn.RNN, GRU or LSTM.

        Depth and directions are read off the names.

        Parameters
        ----------
        state : for each suffix _l0, _l0_reverse, _l1, ...: `weight_ih` (G*H, D), `weight_hh`
            (G*H, H) and, both or neither, `bias_ih`, `bias_hh` (G*H,); G = 1 (rnn), 3 (gru:
            r, z, n), 4 (lstm: i, f, g, o). A single `weight_hh_l0` of shape (T, H, H) is an
            untied vanilla net, with weights per step.

        Raises
        ------
        ShapeError : "<tensor>: expected <shape>, got <shape>", for missing and unknown names too.
        ConfigError : for an unknown cell, activation or reset.
        """
        gates = len(cell_named(cell, activation, reset).gates)
        if not isinstance(state, Mapping):
            raise ShapeError(f"state: expected a mapping of names to arrays, got {quoted(state)}")
        both = any(isinstance(name, str) and name.endswith("_reverse") for name in state)
        found = suffixes(_depth(state), is_bidirectional=both)
        known = [f"{kind}{suffix}" for suffix in found for kind in _KINDS]
        for name in state:
            if name not in known:
                raise ShapeError(f"{shown(name)}: expected only {_listed(known)}")
        has_bias = any(str(name).startswith("bias") for name in state)
        stack = tuple(_checked_params(state, suffix, gates, has_bias=has_bias) for suffix in found)
        if len(stack) > 1 and not all(params.is_tied for params in stack):
            raise ShapeError("weight_hh_l0: expected (G*H, H) in a net of several layers")
        sizes = {params.hidden_size for params in stack}
        if len(sizes) > 1:
            raise ShapeError(f"weight_hh: expected one H for all layers, got {sorted(sizes)}")
        given = {str(name): str(getattr(array, "dtype", "")) for name, array in state.items()}
        dtypes = {name: dtype for name, dtype in given.items() if dtype in _NARROW}
        return cls(cell, activation, stack, both, is_residual, skip, reset, dtypes)

    @property
    def recurrence(self) -> Cell:
        """The cell that computes."""
        return cell_named(self.cell, self.activation, self.reset)

    @property
    def suffixes(self) -> list[str]:
        """The suffixes of the parameters' names, in the order of `stack`."""
        return suffixes(self.layers, is_bidirectional=self.is_bidirectional)

    @property
    def params(self) -> Params:
        """The weights of the first layer, in its forward direction."""
        return self.stack[0]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.stack) // (2 if self.is_bidirectional else 1)

    @property
    def input_size(self) -> int:
        """D."""
        return self.stack[0].input_size

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.stack[0].hidden_size

    @property
    def output_size(self) -> int:
        """What the top layer hands on: H, or 2H of both directions side by side."""
        return self.hidden_size * (2 if self.is_bidirectional else 1)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of the weights under PyTorch's names, in the types in which they came.

        NumPy has no bfloat16; float32 holds its numbers exactly.
        """
        return {
            f"{kind}{suffix}": array.astype(self._stored_type(f"{kind}{suffix}", array))
            for suffix, params in zip(self.suffixes, self.stack, strict=True)
            for kind, array in params.named().items()
        }

    def _stored_type(self, name: str, array: Array) -> np.dtype[Any]:
        dtype = self.dtypes.get(name)
        return array.dtype if dtype is None else np.dtype(_NARROW[dtype])

    def mapped(self, changed: Mapping[str, Array]) -> "Network":
        """Return the network with the named parameters replaced."""
        stack = tuple(
            replace(
                params,
                **{
                    kind: changed[f"{kind}{suffix}"]  # type: ignore[arg-type]
                    for kind in params.named()
                    if f"{kind}{suffix}" in changed
                },
            )
            for suffix, params in zip(self.suffixes, self.stack, strict=True)
        )
        dtypes = {name: dtype for name, dtype in self.dtypes.items() if name not in changed}
        return replace(self, stack=stack, dtypes=dtypes)

    def moved(self, name: str, by: Array) -> "Network":
        """Return the network with `by` added to the parameter `name`.

        Raises
        ------
        ShapeError : "<name>: expected one of <names>" or "<name>: expected <shape>, got <shape>".
        """
        state = self.state_dict()
        if name not in state:
            raise ShapeError(f"{shown(name)}: expected one of {', '.join(state)}")
        shape = state[name].shape
        return self.mapped({name: state[name] + finite_array(name, by, f"{shape}", shape)})

    def astype(self, dtype: str) -> "Network":
        """Return the network with weights of another float type; inf where that type ends."""
        with np.errstate(over="ignore", under="ignore"):
            stack = tuple(p.mapped(lambda array: array.astype(dtype)) for p in self.stack)
        return replace(self, stack=stack)

    def first_steps(self, steps: int) -> "Network":
        """Return the network of a run of the first `steps` steps: fewer weights if untied."""
        if all(params.is_tied for params in self.stack):
            return self
        stack = tuple(replace(p, weight_hh=p.weight_hh[:steps]) for p in self.stack)
        return replace(self, stack=stack)


def _check_skip(skip: object) -> None:
    if not isinstance(skip, SkipInTime):
        raise ConfigError(f"skip: expected None or a SkipInTime, got {quoted(skip)}")
    if not (is_whole(skip.steps) and skip.steps >= 2):
        raise ConfigError(f"skip: expected steps of at least 2, got {quoted(skip.steps)}")
    if not (is_real(skip.scale) and np.isfinite(skip.scale)):
        raise ConfigError(f"skip: expected a finite scale, got {quoted(skip.scale)}")


def _listed(names: list[str]) -> str:
    """Name the first few: a net of 64 layers has 512 parameters, a message one sentence."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _depth(state: Mapping[str, object]) -> int:
    """Return the number of layers that the names speak of; at least 1."""
    depths = [
        int(number)
        for name in state
        if isinstance(name, str)
        for number in [name.removesuffix("_reverse").rpartition("_l")[2]]
        if number.isascii() and number.isdecimal() and len(number) <= 2
    ]
    return min(max(depths, default=0) + 1, MAX_LAYERS)


def _checked_params(
    state: Mapping[str, object], suffix: str, gates: int, *, has_bias: bool
) -> Params:
    names = {kind: f"{kind}{suffix}" for kind in _KINDS}
    for kind in ("weight_hh", "weight_ih"):
        if names[kind] not in state:
            raise ShapeError(f"{names[kind]}: expected (G*H, ...) with G={gates}, got nothing")
    for kind, other in (("bias_ih", "bias_hh"), ("bias_hh", "bias_ih")):
        if has_bias and names[kind] not in state:
            beside = names[other] if names[other] in state else "the other layers' biases"
            raise ShapeError(f"{names[kind]}: expected beside {beside}, got nothing")
    recurrent = state[names["weight_hh"]]
    is_untied = gates == 1 and is_array_of_rank(recurrent, 3)
    expected = "(T, H, H)" if is_untied else f"({gates}*H, H)"
    rank: tuple[None, ...] = (None, None, None) if is_untied else (None, None)
    weight_hh = finite_array(names["weight_hh"], recurrent, expected, rank)
    rows, size = weight_hh.shape[-2:]
    if rows != gates * size or 0 in weight_hh.shape:
        raise ShapeError(f"{names['weight_hh']}: expected {expected}, got {weight_hh.shape}")
    wide = f"({rows}, D)"
    weight_ih = finite_array(names["weight_ih"], state[names["weight_ih"]], wide, (rows, None))
    if weight_ih.shape[1] == 0:
        raise ShapeError(f"{names['weight_ih']}: expected {wide}, got {weight_ih.shape}")
    biases = [
        finite_array(names[kind], state[names[kind]], f"({rows},)", (rows,)) if has_bias else None
        for kind in ("bias_ih", "bias_hh")
    ]
    return Params(weight_ih, weight_hh, biases[0], biases[1], is_tied=not is_untied)
