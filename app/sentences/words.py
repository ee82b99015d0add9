"""The words of a typed text: which one is asked for, and how far back the others stand."""

import re
from typing import Final, NamedTuple
from unicodedata import bidirectional

from rnn_core.question import question_of

_ARTICLES: Final = frozenset({"a", "an", "the", "this", "that", "these", "those"})
_LONGEST: Final = 20
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_MARKS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_ISOLATED: Final = "\N{FIRST STRONG ISOLATE}"
_END: Final = "\N{POP DIRECTIONAL ISOLATE}"


class Word(NamedTuple):
    """A word and the steps from its last character to the question."""

    name: str
    end: int
    """The step (1..T) that reads its last character."""
    distance: int


class Reading(NamedTuple):
    """What a text asks for, and the words that it is asked after; none in a text of one word."""

    asked: str
    position: int
    words: tuple[Word, ...]
    is_inside: bool
    """Whether the word asked for has begun: a text of one word is asked for its last letter."""

    @property
    def subject(self) -> Word | None:
        """The first word that is no article: the one that a verb would have to agree with."""
        named = [word for word in self.words if word.name.lower() not in _ARTICLES]
        return next(iter(named or self.words), None)


def reading(text: str) -> Reading:
    """Find the words of a text as it was read, which an overflow or T may have cut."""
    position = question_of(text).position
    found = list(re.finditer(r"\S+", text))
    before = tuple(
        Word(shortened(word.group()), word.end(), position - word.end())
        for word in found
        if word.end() < position
    )
    asked = shortened(found[-1].group()) if found else " "
    return Reading(asked, position, before, bool(found) and found[-1].start() < position)


def shortened(word: str) -> str:
    """Return a word that fits into a sentence, and whose direction of writing stays its own.

    A word that is written from right to left stands between marks that isolate it: in HTML, in a
    figure and in what a screen reader reads, the sentence around it goes on from left to right.
    """
    plain = "".join(char for char in word if bidirectional(char) not in _MARKS)
    short = plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
    is_plain = not any(bidirectional(char) in _RIGHT_TO_LEFT for char in short)
    return short if is_plain else f"{_ISOLATED}{short}{_END}"
