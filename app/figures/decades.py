"""Powers of ten on axes and in hovers: a domain that a slider never moves, ticks, true values."""

from typing import Final, NamedTuple

import numpy as np

from rnn_core.arrays import Array

_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

_DOWN, _UP = 0.23, 0.12
"""Decades per step that the picture makes room for, back in time: PyTorch's default nets fall by
0.19 to 0.23, and a tanh net at three times an orthogonal matrix grows by 0.10."""


class Domain(NamedTuple):
    """The decades that an axis or a colour covers."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """How many decades."""
        return self.high - self.low

    def has(self, log10: float) -> bool:
        """Tell whether a value is in view."""
        return self.low <= log10 <= self.high


def domain(steps: int, reach: float = 1.0) -> Domain:
    """Return the decades shown for runs of `steps` steps.

    Parameters
    ----------
    reach : what the reader chose to see, as a factor on the usual room.
    """
    low, high = (max(steps * room * reach, least) for room, least in ((_DOWN, 4.0), (_UP, 3.0)))
    return Domain(-float(np.ceil(low)), float(np.ceil(high)))


def ticks(shown: Domain, most: int = 6) -> tuple[list[float], list[str]]:
    """Return round places for ticks, 1 among them, and their texts."""
    step = next((s for s in _STEPS if shown.span / s <= most), _STEPS[-1])
    places = np.arange(np.ceil(shown.low / step), np.floor(shown.high / step) + 1) * step
    return [float(p) for p in places], [tick_text(float(p)) for p in places]


def tick_text(log10: float) -> str:
    """Return a whole power of ten for an axis.

    >>> tick_text(-40.0), tick_text(0.0)
    ('10<sup>−40</sup>', '1')
    """
    if log10 == 0.0:
        return "1"
    return f"10<sup>{log10:.0f}</sup>".replace("-", "−")


class Written(NamedTuple):
    """10^L as m e k: what a hover needs to show a true value of any size."""

    mantissa: Array
    exponent: Array


def written(log10: Array) -> Written:
    """Split 10^`log10` into a mantissa in [1, 10), with one decimal, and a power of ten.

    The mantissa is float32, the power int16; an exact zero or a gap has the mantissa nan.
    """
    is_number = np.isfinite(log10)
    safe = np.where(is_number, log10, 0.0)
    exponent = np.floor(safe)
    mantissa = np.round(10.0 ** (safe - exponent), 1)
    carried = mantissa >= 10.0
    mantissa = np.where(carried, 1.0, mantissa)
    return Written(
        np.where(is_number, mantissa, np.nan).astype(np.float32),
        (exponent + carried).astype(np.int16),
    )
