"""The recurrent cells; a new one is a module here and a line in `cell_named`."""

from typing import Final

from rnn_core.activations import ACTIVATIONS
from rnn_core.cells.base import Cell, SkipInTime, State, StepMaps, Tape, Terms
from rnn_core.cells.gru import GruCell
from rnn_core.cells.gru_reset_before import ResetBeforeCell
from rnn_core.cells.lstm import LstmCell
from rnn_core.cells.params import Params
from rnn_core.cells.vanilla import VanillaCell
from rnn_core.errors import ConfigError, quoted

__all__ = [
    "CELLS",
    "RESETS",
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
RESETS: Final = ("after", "before")
"""Where a GRU resets: its product with W_hn, or the state that enters the product."""


def cell_named(cell: str, activation: str = "tanh", reset: str = "after") -> Cell:
    """Return the cell of that name; the activation is the vanilla cell's, the reset the GRU's.

    Raises
    ------
    ConfigError : "cell: expected ...", "activation: expected ..." or "reset: expected ...".
    """
    if cell not in CELLS:
        raise ConfigError(f"cell: expected one of {', '.join(CELLS)}, got {quoted(cell)}")
    if activation not in ACTIVATIONS:
        names = ", ".join(ACTIVATIONS)
        raise ConfigError(f"activation: expected one of {names}, got {quoted(activation)}")
    if reset not in RESETS:
        raise ConfigError(f"reset: expected one of {', '.join(RESETS)}, got {quoted(reset)}")
    if reset == "before" and cell != "gru":
        raise ConfigError(f"reset: expected after with cell={cell}, got {quoted(reset)}")
    if cell == "rnn":
        return VanillaCell.named(activation)
    if activation != "tanh":
        raise ConfigError(f"activation: expected tanh with cell={cell}, got {quoted(activation)}")
    if cell == "lstm":
        return LstmCell()
    return GruCell() if reset == "after" else ResetBeforeCell()
