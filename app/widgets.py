"""The kinds of control: each stands for a setting, and says what it asks for when it is moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st


class Widget(Protocol):
    """One kind of control."""

    def shown(self, value: Any) -> Any:
        """Return where the widget stands when the setting is `value`."""
        ...

    def read(self, moved: Any) -> Any:
        """Return the setting that the widget asks for where it stands."""
        ...

    def draw(self, label: str, start: Any, **rest: Any) -> Any:
        """Draw it and return where it stands; `start` is None where Streamlit knows that."""
        ...


@dataclass(frozen=True)
class Slider:
    """A number to drag. The setting may lie beyond the ends: then the thumb rests at the end.

    The ends are constants, since Streamlit resets a slider whose ends move.
    """

    low: float
    high: float
    step: float
    digits: int

    def shown(self, value: Any) -> Any:  # noqa: D102 - as the protocol says
        return min(max(value, self.low), self.high)

    def read(self, moved: Any) -> Any:  # noqa: D102
        inside = self.shown(moved)
        return round(inside, self.digits) if self.digits else int(inside)

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        form = f"%.{self.digits}f" if self.digits else "%d"
        return st.slider(
            label, self.low, self.high, value=start, step=self.step, format=form, **rest
        )


@dataclass(frozen=True)
class Number:
    """A whole number to type.

    The browser's box is one for decimals: that for whole numbers reads 1e9 as 1 and 3.7 as 3.
    """

    low: int
    high: int

    def shown(self, value: Any) -> Any:  # noqa: D102
        return float(min(max(int(value), self.low), self.high))

    def read(self, moved: Any) -> Any:  # noqa: D102
        inside = min(max(moved, self.low), self.high)
        return int(inside) if float(inside).is_integer() else inside

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        first: Any = "min" if start is None else start
        low, high = float(self.low), float(self.high)
        return st.number_input(label, low, high, value=first, step=1.0, format="%.0f", **rest)


@dataclass(frozen=True)
class Decimal:
    """A number with decimals to type."""

    low: float
    high: float
    step: float
    digits: int

    def shown(self, value: Any) -> Any:  # noqa: D102
        return min(max(float(value), self.low), self.high)

    def read(self, moved: Any) -> Any:  # noqa: D102
        return round(self.shown(moved), self.digits)

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        first: Any = "min" if start is None else start
        return st.number_input(
            label,
            self.low,
            self.high,
            value=first,
            step=self.step,
            format=f"%.{self.digits}f",
            **rest,
        )


@dataclass(frozen=True)
class Choice:
    """One of a few words, all of them in view."""

    names: Mapping[Any, str]

    def shown(self, value: Any) -> Any:  # noqa: D102
        return value

    def read(self, moved: Any) -> Any:  # noqa: D102
        return moved

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        return st.segmented_control(
            label,
            list(self.names),
            default=start,
            required=True,
            format_func=self.names.__getitem__,
            **rest,
        )


@dataclass(frozen=True)
class Switch(Choice):
    """Whether a setting that may be None is a number; `first` is the number it starts from."""

    first: float

    def shown(self, value: Any) -> Any:  # noqa: D102
        return value is not None

    def read(self, moved: Any) -> Any:  # noqa: D102
        return self.first if moved else None


@dataclass(frozen=True)
class Menu(Choice):
    """One of a few words, in a list that opens."""

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        words = list(self.names)
        index = 0 if start is None else words.index(start)
        return st.selectbox(label, words, index, format_func=self.names.__getitem__, **rest)


@dataclass(frozen=True)
class Line:
    """A line to type."""

    longest: int

    def shown(self, value: Any) -> Any:  # noqa: D102
        return value

    def read(self, moved: Any) -> Any:  # noqa: D102
        return moved

    def draw(self, label: str, start: Any, **rest: Any) -> Any:  # noqa: D102
        return st.text_input(label, start or "", max_chars=self.longest, **rest)
