"""Numbers as a reader wants them: powers of ten where they are far from 1, plain where near."""

import math
from typing import Final

FAR: Final = 2.0
"""Decades beyond which a factor is written as a power of ten."""


_NEAR_ONE: Final = 0.04
"""Decades per step whose factor differs from 1 in its third digit alone."""


def power(log10: float) -> str:
    """Return a power of ten, with a decimal while it still says something.

    >>> power(-37.2), power(-5.71), power(954.0)
    ('10^-37', '10^-5.7', '10^954')
    """
    digits = 1 if abs(log10) < 9.95 else 0
    return f"10^{log10:.{digits}f}"


def number(value: float, digits: int = 2) -> str:
    """Return a number >= 0 with `digits` that count; a power of ten where zeros would crowd it.

    >>> number(0.0416), number(2.04), number(34.7), number(4213.0), number(1.9, 3)
    ('0.042', '2.0', '35', '4,200', '1.90')
    """
    if value == 0.0:
        return "0"
    magnitude = math.floor(math.log10(float(f"{value:.{digits - 1}e}")))
    if not -4 <= magnitude < 6:
        return power(math.log10(value))
    rounded = round(value, digits - 1 - magnitude)
    return f"{rounded:,.{max(digits - 1 - magnitude, 0)}f}"


def chosen(value: float) -> str:
    """Return a number > 0 with the digits that somebody gave it.

    >>> chosen(1.0), chosen(0.05), chosen(12.35), chosen(1e-6)
    ('1', '0.05', '12.35', '10^-6')
    """
    if 1e-4 <= value < 1e6:
        return f"{value:,.6g}"
    exponent = round(math.log10(value))
    return f"10^{exponent}" if math.isclose(value, 10.0**exponent) else number(value)


def factor(log10: float, digits: int = 2) -> str:
    """Return 10^`log10` as a plain number where it is near 1, as a power where it is far.

    >>> factor(-1.38), factor(0.3), factor(-15.5), factor(0.279, 3)
    ('0.042', '2.0', '10^-16', '1.90')
    """
    return number(10.0**log10, digits) if abs(log10) <= FAR else power(log10)


def pace(log10: float) -> str:
    """Return 10^`log10` of one step; near 1 with a digit more, which many steps multiply.

    >>> pace(0.0015), pace(-0.0015), pace(0.08)
    ('1.003', '0.9966', '1.20')
    """
    return factor(log10, 4 if abs(log10) < _NEAR_ONE else 3)


def part(log10: float) -> str:
    """Return 10^`log10` of a whole, below 1 in per cent.

    >>> part(-1.38), part(-0.1), part(-3.4)
    ('4.2 %', '79 %', '10^-3.4')
    """
    return f"{number(100.0 * 10.0**log10)} %" if -FAR <= log10 < 0.0 else factor(log10)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def signed(value: float, digits: int = 3) -> str:
    """Return a value with its sign and so many decimals; zero has none.

    >>> signed(-0.19649), signed(0.2, 1), signed(-0.0004)
    ('−0.196', '+0.2', '0.000')
    """
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0.0 else text
