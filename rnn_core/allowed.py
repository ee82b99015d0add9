"""The values that one setting allows: in words, as a test, and read from an address."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,4})?", re.ASCII | re.IGNORECASE)


def is_whole(value: object) -> bool:
    """Tell whether `value` is an integer of Python or NumPy; True and 3.0 are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Tell whether `value` is a real number of Python or NumPy; nan is one, True is not."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


@runtime_checkable
class Allowed(Protocol):
    """The values that one field allows, in words, as a test, and read from an address."""

    @property
    def expected(self) -> str:
        """What an error message says after "expected"."""
        ...

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is allowed."""
        ...

    def read(self, text: str) -> Any:
        """Return the value that `text` spells, or `text` itself where it spells none."""
        ...


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def expected(self) -> str:
        """Name the words."""
        return f"one of {', '.join(self.options)}"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is one of the words, exactly."""
        return isinstance(value, str) and value in self.options

    def read(self, text: str) -> str:
        """Return the word itself."""
        return text


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`; None too where it means something."""

    low: int
    high: int
    is_optional: bool = False

    @property
    def expected(self) -> str:
        """Name the range."""
        return f"{'None or ' if self.is_optional else ''}{self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is a whole number (not a bool, not 3.0) in the range."""
        if value is None:
            return self.is_optional
        return is_whole(value) and self.low <= value <= self.high  # type: ignore[operator]

    def read(self, text: str) -> int | str | None:
        """Return the number that plain ASCII digits spell."""
        if self.is_optional and text.lower() == "none":
            return None
        return int(text) if _WHOLE.fullmatch(text) else text


@dataclass(frozen=True)
class Real:
    """A finite number from `low` to `high`; None too where it means something."""

    low: float
    high: float
    is_optional: bool = False

    @property
    def expected(self) -> str:
        """Name the range."""
        return f"{'None or ' if self.is_optional else ''}{self.low:g} to {self.high:g}"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is a real number (not a bool, not nan) in the range."""
        if value is None:
            return self.is_optional
        return is_real(value) and self.low <= value <= self.high  # type: ignore[operator]

    def read(self, text: str) -> float | str | None:
        """Return the number that plain ASCII digits spell."""
        if self.is_optional and text.lower() == "none":
            return None
        return float(text) if _REAL.fullmatch(text) else text


@dataclass(frozen=True)
class Flag:
    """True or False."""

    @property
    def expected(self) -> str:
        """Name both."""
        return "True or False"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` is a bool."""
        return type(value) is bool

    def read(self, text: str) -> bool | str:
        """Return the bool that "true" or "false" spells."""
        return {"true": True, "false": False}.get(text.lower(), text)


@dataclass(frozen=True)
class Typed:
    """Text of 1 to `longest` characters, without control characters and lone surrogates."""

    longest: int

    @property
    def expected(self) -> str:
        """Name the length."""
        return f"1 to {self.longest} characters without control characters"

    def accepts(self, value: object) -> bool:
        """Tell whether `value` can be drawn on an axis and written into an address."""
        return (
            isinstance(value, str)
            and 1 <= len(value) <= self.longest
            and not any(unicodedata.category(char) in ("Cc", "Cs") for char in value)
        )

    def read(self, text: str) -> str:
        """Return the text itself."""
        return text
