"""What was worked out lately and is likely to be asked for again: bounded, for many threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The `most` values that were asked for last; two who miss one at once both make it.

    `worth`: whether a value is kept at all, for those that are sooner made again.
    """

    def __init__(self, most: int, *, worth: Callable[[V], bool] = lambda made: True) -> None:
        self._most = most
        self._worth = worth
        self._known: OrderedDict[K, V] = OrderedDict()
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: K, make: Callable[[], V]) -> V:
        with self._turn:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = make()
        if not self._worth(made):
            return made
        with self._turn:
            self._known[key] = made
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
