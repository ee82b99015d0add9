"""Where float types end, and after how many steps a constant factor gets there.

The step counts are of the real number rho^T. A running product in rounded arithmetic may never
reach 0: with 0.9 float32 sticks at 6e-45 from step 965. Exact for the powers of two; else the
logarithms of float64 decide, which could err by one step only if rho^T met a limit to 1e-10.
Source: IEEE 754; bfloat16 is the upper half of a float32.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from rnn_core.errors import ConfigError, quoted
from rnn_core.theory.arguments import LARGEST, real


class Limits(NamedTuple):
    """A float type with p digits of precision and exponents from e_min to e_max, in base 2.

    Attributes
    ----------
    digits : p, with the hidden one.
    e_min, e_max : of the smallest and the largest normal number.
    """

    digits: int
    e_min: int
    e_max: int

    @property
    def smallest_normal(self) -> float:
        """Smaller numbers lose digits."""
        return float(2.0**self.e_min)

    @property
    def smallest_subnormal(self) -> float:
        """Half of it rounds to 0."""
        return float(2.0 ** (self.e_min + 1 - self.digits))

    @property
    def largest(self) -> float:
        """Everything well beyond is inf."""
        return float((2.0 - 2.0 ** (1 - self.digits)) * 2.0**self.e_max)


LIMITS: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        "float16": Limits(11, -14, 15),
        "bfloat16": Limits(8, -126, 127),
        "float32": Limits(24, -126, 127),
        "float64": Limits(53, -1022, 1023),
    }
)


class Ends(NamedTuple):
    """The first T at which rho^T leaves a type; None where it does not leave it that way.

    Attributes
    ----------
    subnormal : rho^T < the smallest normal number.
    zero : rho^T <= half the smallest subnormal number: it rounds to 0.
    overflow : rho^T > the largest number.
    """

    subnormal: int | None
    zero: int | None
    overflow: int | None


def ends(rho: float, kind: str) -> Ends:
    """Return after how many steps of a factor rho a type is left.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> ends(0.9, "float32")
    Ends(subnormal=829, zero=987, overflow=None)
    >>> ends(1.1, "float16").overflow
    117
    """
    if kind not in LIMITS:
        raise ConfigError(f"kind: expected one of {', '.join(LIMITS)}, got {quoted(kind)}")
    limits = LIMITS[kind]
    power = float(np.log2(real("rho", rho, 1e-300, LARGEST)))
    if power == 0.0:
        return Ends(None, None, None)
    if power < 0.0:
        below = int(np.floor(limits.e_min / power)) + 1
        zero = int(np.ceil((limits.e_min - limits.digits) / power))
        return Ends(below, zero, None)
    if power.is_integer():  # the next power of two beyond the largest number
        return Ends(None, None, int(np.ceil((limits.e_max + 1) / power)))
    top = limits.e_max + np.log2(2.0 - 2.0 ** (1 - limits.digits))
    return Ends(None, None, int(np.floor(top / power)) + 1)
