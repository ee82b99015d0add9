"""The words of a typed text: which one is asked for, and how far back the others stand."""

import re
from typing import Final, NamedTuple

from rnn_core.config import ExperimentConfig
from rnn_core.question import question_of

_ARTICLES: Final = frozenset({"a", "an", "the", "this", "that", "these", "those"})
_LONGEST: Final = 20


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

    @property
    def subject(self) -> Word | None:
        """The first word that is no article: the one that a verb would have to agree with."""
        named = [word for word in self.words if word.name.lower() not in _ARTICLES]
        return next(iter(named or self.words), None)


def reading(config: ExperimentConfig) -> Reading:
    """Find the words of a config's text."""
    text = config.text[: config.steps]
    position = question_of(text).position
    found = [(match.group(), match.end()) for match in re.finditer(r"\S+", text)]
    before = tuple(
        Word(shortened(word), end, position - end) for word, end in found if end < position
    )
    return Reading(shortened(found[-1][0]) if found else " ", position, before)


def shortened(word: str) -> str:
    """Return a word that fits into a sentence."""
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
