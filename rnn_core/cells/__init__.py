"""The recurrent cells; a new one is a module here and a line in `cell_named`."""

from typing import Final

from rnn_core.activations import ACTIVATIONS
from rnn_core.cells.base import Cell, SkipInTime, State, StepMaps, Tape, Terms
from rnn_core.cells.gru import GruCell
from rnn_core.cells.lstm import LstmCell
from rnn_core.cells.params import Params
from rnn_core.cells.vanilla import VanillaCell
from rnn_core.errors import ConfigError, quoted

__all__ = [
    "CELLS",
    "Cell",
    "Params",
    "SkipInTime",
    "State",
    "StepMaps",
    "Tape",
    "Terms",
    "cell_named",
]

CELLS: Final = ("rnn", "gru", "lstm")


def cell_named(cell: str, activation: str = "tanh") -> Cell:
    """Return the cell of that name; the activation is the vanilla cell's alone.

    Raises
    ------
    ConfigError : "cell: expected ..." or "activation: expected ...".
    """
    if cell not in CELLS:
        raise ConfigError(f"cell: expected one of {', '.join(CELLS)}, got {quoted(cell)}")
    if activation not in ACTIVATIONS:
        names = ", ".join(ACTIVATIONS)
        raise ConfigError(f"activation: expected one of {names}, got {quoted(activation)}")
    if cell == "rnn":
        return VanillaCell.named(activation)
    if activation != "tanh":
        raise ConfigError(f"activation: expected tanh with cell={cell}, got {quoted(activation)}")
    return GruCell() if cell == "gru" else LstmCell()
