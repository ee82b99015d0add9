"""What is often read, and what a run has to say about it."""

from typing import NamedTuple


class Belief(NamedTuple):
    """Something that is often read, and what this run shows of it; both plain sentences."""

    read: str
    look: str
