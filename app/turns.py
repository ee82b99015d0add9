"""Turns: how many readers' pages are worked out at the same time, and whose is next.

Python runs one thread at a time. A hundred threads that interrupt each other finish late, all of
them together, and hold the memory of a hundred half-made recordings; in turns the first of them
is done at once. Pictures go before what stands below them.
"""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Lock, local
from typing import Final

PICTURE: Final = 0
"""The rank of a page up to its picture."""

REST: Final = 1
"""The rank of what can wait: a page below its picture, and pictures under a finger."""


class Turns:
    """Lets a few threads at a time do their work, by rank and then by when they asked.

    Parameters
    ----------
    at_once : how many.
    most_aside : how many may wait after they gave way: each of them holds what it has made.
    """

    def __init__(self, at_once: int, *, most_aside: int = 48) -> None:
        self._free = at_once
        self._aside, self._most_aside = 0, most_aside
        self._waiting: list[tuple[int, int, Event]] = []
        self._numbers = count()
        self._lock = Lock()
        self._own = local()

    @contextmanager
    def turn(self, rank: int) -> Iterator[None]:
        """Wait for a turn and keep it inside the `with`."""
        self._take(rank)
        self._own.has_turn = True
        try:
            yield
        finally:
            self._own.has_turn = False
            self._give()

    def give_way(self, rank: int) -> None:
        """Let others go first whose rank is lower.

        Nothing happens where the thread has no turn, or where too many have given way already.
        """
        if not getattr(self._own, "has_turn", False):
            return
        with self._lock:
            if self._aside == self._most_aside:
                return
            self._aside += 1
        self._give()
        self._take(rank)
        with self._lock:
            self._aside -= 1

    def _take(self, rank: int) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = Event()
            heapq.heappush(self._waiting, (rank, next(self._numbers), called))
        called.wait()

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                heapq.heappop(self._waiting)[2].set()
            else:
                self._free += 1


TURNS: Final = Turns(1)
"""The turns of this server."""
