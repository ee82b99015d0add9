"""The question that a typed text asks: which character comes next, where it matters."""

from dataclasses import dataclass
from typing import Final

RIVALS: Final = {"is": "a", "are": "i"}
"""A verb whose first letter decides agreement -> the first letter of the other number."""


@dataclass(frozen=True)
class Question:
    """Where a text is asked about, and what is right.

    Attributes
    ----------
    position : how many characters have been read when the answer is due; the step 1..T of the
        loss.
    target : the character that comes next.
    rival : the character that the other number of the verb would begin with, or None.
    """

    position: int
    target: str
    rival: str | None


def question_of(text: str) -> Question:
    """Return the question of a text: the first letter of its last word, before it is read.

    "The writer of the books is" is asked after 24 characters, where "is" and "are" part. A single
    word is asked for its last letter, a single letter for itself once more.

    >>> question_of("The writer of the books is")
    Question(position=24, target='i', rival='a')
    >>> question_of("hello")
    Question(position=4, target='o', rival=None)
    """
    start = text.rstrip(" ").rfind(" ") + 1
    if start == 0:
        return Question(max(len(text) - 1, 1), text[-1], None)
    return Question(start, text[start], RIVALS.get(text[start:].rstrip(" ")))
