"""The run of some settings with another cell: same input, same seed, same scheme."""

from collections.abc import Mapping
from typing import Any, Final

from app import address
from rnn_core import ExperimentConfig

_OF_ONE_CELL: Final = ("activation", "is_tied", "forget_bias")


def with_cell(settings: Mapping[str, Any], cell: str) -> ExperimentConfig:
    """Return the run of `settings` with the cell `cell`.

    What only the cell of the settings has is left at its default, and chrono, which is Glorot's
    scheme with biases for an LSTM's gates, is Glorot's for the others.
    """
    if cell == settings["cell"]:
        return address.config_of(settings)
    changes = {name: address.DEFAULTS[name] for name in _OF_ONE_CELL} | {"cell": cell}
    if settings["init"] == "chrono":
        changes["init"] = "glorot"
    return address.config_of(dict(settings) | changes)
