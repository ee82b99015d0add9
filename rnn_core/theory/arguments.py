"""What a closed form accepts: the checks of numbers that a caller hands in, in one wording."""

import numpy as np

from rnn_core.activations import ACTIVATIONS
from rnn_core.allowed import is_real, is_whole
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError, ShapeError, quoted

LARGEST = 1e100
"""No number beyond it is accepted: its square must stay far inside float64."""


def real(name: str, value: object, low: float, high: float = LARGEST) -> float:
    """Return `value` as a float between `low` and `high`.

    Raises
    ------
    ConfigError : "<name>: expected <low> to <high>, got <value>".
    """
    if not is_real(value) or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise ConfigError(f"{name}: expected {low:g} to {high:g}, got {quoted(value)}")
    return float(value)  # type: ignore[arg-type]


def whole(name: str, value: object, low: int, high: int = 1_000_000) -> int:
    """Return `value` as an int between `low` and `high`.

    Raises
    ------
    ConfigError : "<name>: expected <low> to <high>, got <value>".
    """
    if not is_whole(value) or not low <= int(value) <= high:  # type: ignore[call-overload]
        raise ConfigError(f"{name}: expected {low} to {high}, got {quoted(value)}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def reals(name: str, value: object, low: float, high: float = LARGEST) -> Array:
    """Return `value` as a float64 array of any shape, every entry between `low` and `high`.

    Raises
    ------
    ShapeError : "<name>: expected numbers from <low> to <high>, got <value>".
    """
    expected = f"{name}: expected numbers from {low:g} to {high:g}"
    try:
        array = np.asarray(value)
    except Exception:  # noqa: BLE001 - ragged lists and foreign objects fail in many ways
        raise ShapeError(f"{expected}, got {quoted(value)}") from None
    if array.dtype.kind not in "fiu":
        raise ShapeError(f"{expected}, got {quoted(value)}")
    array = array.astype(np.float64)
    outside = ~((array >= low) & (array <= high))
    if outside.any():
        raise ShapeError(f"{expected}, got {array[outside].flat[0]:g}")
    return array


def known(activation: object) -> str:
    """Return the name of an activation.

    Raises
    ------
    ConfigError : "activation: expected one of <names>, got <value>".
    """
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ConfigError(
            f"activation: expected one of {', '.join(ACTIVATIONS)}, got {quoted(activation)}"
        )
    return activation
