"""What lives long is kept out of the garbage collector's way.

Streamlit collects after every run of a page. That walks through everything alive: the modules,
43 ms, and what the sessions hold, another 30 ms with 80 readers, while every other thread waits.
So what is alive is frozen every second; now and then it is thawed and looked through, since a
session that ended may have left a ring of references.
"""

import asyncio
import gc
from itertools import count
from typing import Final

EVERY: Final = 1.0
"""Seconds between two freezes; to freeze takes no time."""

LOOKED_THROUGH: Final = 120
"""Every so many freezes everything is looked through: a tenth of a second in two minutes."""


def settle() -> None:
    """Look through everything, and freeze what is alive."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def keep_away() -> None:
    """Freeze what is alive again and again, until it is cancelled."""
    for number in count(1):
        await asyncio.sleep(EVERY)
        if number % LOOKED_THROUGH:
            gc.freeze()
        else:
            settle()
