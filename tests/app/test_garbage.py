"""What the garbage collector has to walk through after a run of a page."""

import asyncio
import gc

import pytest

from app import garbage


class Ring:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thawed():
    yield
    gc.unfreeze()


def rings():
    return sum(isinstance(one, Ring) for one in gc.get_objects())


def test_what_is_alive_is_out_of_the_way_and_what_is_not_is_gone():
    kept = Ring()
    Ring()
    garbage.settle()
    assert rings() == 0, "the one alive is not walked through"
    gc.unfreeze()
    assert rings() == 1, "the other one is gone"
    assert kept.itself is kept


@pytest.mark.parametrize(("looked_through", "left"), [(1, 0), (1000, 1)])
def test_a_ring_that_was_frozen_goes_when_everything_is_looked_through(
    monkeypatch, looked_through, left
):
    monkeypatch.setattr(garbage, "EVERY", 0.0)
    monkeypatch.setattr(garbage, "LOOKED_THROUGH", looked_through)
    Ring()
    gc.freeze()

    async def a_while():
        keeping = asyncio.create_task(garbage.keep_away())
        for _ in range(20):
            await asyncio.sleep(0)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping

    asyncio.run(a_while())
    gc.unfreeze()
    assert rings() == left
