"""A network: a cell and its weights, under PyTorch's names and in its shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rnn_core.arrays import Array, finite_array
from rnn_core.cells import Cell, Params, cell_named
from rnn_core.errors import ShapeError, quoted

_KINDS: Final = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_SUFFIX: Final = "_l0"


@dataclass(frozen=True)
class Network:
    """One recurrent layer, read in one direction.

    Attributes
    ----------
    cell : "rnn", "gru" or "lstm".
    activation : phi of the vanilla cell.
    params : its weights.
    """

    cell: str
    activation: str
    params: Params

    @classmethod
    def from_state_dict(
        cls, state: Mapping[str, object], *, cell: str, activation: str = "tanh"
    ) -> "Network":
        """Build a network from arrays under the names of torch.nn.RNN, GRU or LSTM.

        Parameters
        ----------
        state : `weight_ih_l0` (G*H, D), `weight_hh_l0` (G*H, H) and, both or neither,
            `bias_ih_l0`, `bias_hh_l0` (G*H,); G = 1 (rnn), 3 (gru: r, z, n), 4 (lstm: i, f, g, o).
            `weight_hh_l0` of shape (T, H, H) is an untied vanilla net, with weights per step.

        Raises
        ------
        ShapeError : "<tensor>: expected <shape>, got <shape>", for missing and unknown names too.
        ConfigError : for an unknown cell or activation.
        """
        gates = len(cell_named(cell, activation).gates)
        if not isinstance(state, Mapping):
            raise ShapeError(f"state: expected a mapping of names to arrays, got {quoted(state)}")
        known = {f"{kind}{_SUFFIX}": kind for kind in _KINDS}
        for name in state:
            if name not in known:
                raise ShapeError(f"{name}: expected only {', '.join(known)}")
        for name in ("weight_hh_l0", "weight_ih_l0"):
            if name not in state:
                raise ShapeError(f"{name}: expected (G*H, ...) with G={gates}, got nothing")
        for one, other in (("bias_ih_l0", "bias_hh_l0"), ("bias_hh_l0", "bias_ih_l0")):
            if one in state and other not in state:
                raise ShapeError(f"{other}: expected beside {one}, got nothing")
        return cls(cell, activation, _checked_params(state, gates))

    @property
    def maps_of(self) -> Cell:
        """The cell that computes."""
        return cell_named(self.cell, self.activation)

    @property
    def input_size(self) -> int:
        """D."""
        return int(self.params.weight_ih.shape[-1])

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.params.hidden_size

    def state_dict(self) -> dict[str, Array]:
        """Return copies of the weights under PyTorch's names."""
        return {f"{kind}{_SUFFIX}": array.copy() for kind, array in self.params.named().items()}

    def first_steps(self, steps: int) -> "Network":
        """Return the network of a run of the first `steps` steps: fewer weights if untied."""
        if self.params.is_tied:
            return self
        params = replace(self.params, weight_hh=self.params.weight_hh[:steps])
        return replace(self, params=params)

    def moved(self, name: str, by: Array) -> "Network":
        """Return the network with `by` added to the parameter `name`.

        Raises
        ------
        ShapeError : "<name>: expected one of <names>" or "<name>: expected <shape>, got <shape>".
        """
        named = self.params.named()
        kind = name.removesuffix(_SUFFIX)
        if kind not in named or not name.endswith(_SUFFIX):
            names = ", ".join(f"{kind}{_SUFFIX}" for kind in named)
            raise ShapeError(f"{name}: expected one of {names}")
        shape = named[kind].shape
        moved = named[kind] + finite_array(name, by, f"{shape}", shape)
        return replace(self, params=replace(self.params, **{kind: moved}))  # type: ignore[arg-type]


def _checked_params(state: Mapping[str, object], gates: int) -> Params:
    recurrent = state["weight_hh_l0"]
    is_untied = gates == 1 and np.ndim(recurrent) == 3  # type: ignore[arg-type]
    if is_untied:
        expected = "(T, H, H)"
        weight_hh = finite_array("weight_hh_l0", recurrent, expected, (None, None, None))
    else:
        expected = f"({gates}*H, H)"
        weight_hh = finite_array("weight_hh_l0", recurrent, expected, (None, None))
    rows, size = weight_hh.shape[-2:]
    if size == 0 or rows != gates * size or 0 in weight_hh.shape:
        raise ShapeError(f"weight_hh_l0: expected {expected}, got {weight_hh.shape}")
    wide = f"({rows}, D)"
    weight_ih = finite_array("weight_ih_l0", state["weight_ih_l0"], wide, (rows, None))
    if weight_ih.shape[1] == 0:
        raise ShapeError(f"weight_ih_l0: expected {wide}, got {weight_ih.shape}")
    biases = [
        finite_array(name, state[name], f"({rows},)", (rows,)) if name in state else None
        for name in ("bias_ih_l0", "bias_hh_l0")
    ]
    return Params(weight_ih, weight_hh, biases[0], biases[1], is_tied=not is_untied)
