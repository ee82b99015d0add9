"""A cache that is bounded in bytes, shared by all readers, each value made once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """Keeps the values used last, as many as fit.

    The newest is kept whatever its size, so that one page does not make it again and again. Two
    readers who ask for the same key at once wait for one making.

    Parameters
    ----------
    capacity : bytes.
    weigh : the bytes that a value keeps.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int]) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._making: dict[Key, Lock] = {}
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of `key`, from `make` where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key][0]
            try:
                value = make()
                self._keep(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def has(self, key: Key) -> bool:
        """Tell whether `key` is kept."""
        with self._lock:
            return key in self._kept

    def _keep(self, key: Key, value: Value) -> None:
        size = self._weigh(value)
        with self._lock:
            self._kept[key] = value, size
            total = sum(one for _, one in self._kept.values())
            while total > self._capacity and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                total -= freed
