"""A shelf: what was made once and may be asked for again, within bounds.

It has two halves. What is asked for stands in the front one; when that is full, the back one is
thrown out and the front one becomes the back. So what is in use stays, what is not goes, and there
is no moment at which everything has to be made again. A hit in front costs what a dict costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shelf(dict[K, V]):
    """The front half is the dict itself; each half has `room` places."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._back: dict[K, V] = {}

    @property
    def kept(self) -> int:
        """How many things stand here."""
        return len(self) + len(self._back)

    def find(self, key: K) -> V | None:
        """What stands here under this key, moved to the front."""
        value = self.get(key)
        if value is None and (value := self._back.pop(key, None)) is not None:
            self.keep(key, value)
        return value

    def keep(self, key: K, value: V) -> V:
        if len(self) >= self._room:
            self._back = dict(self)
            self.clear()
        self[key] = value
        return value


class Maker(Shelf[K, V]):
    """A shelf that makes what it is asked for and does not have: `maker[key]`."""

    def __init__(self, make: Callable[[K], V], room: int) -> None:
        super().__init__(room)
        self._make = make

    def __missing__(self, key: K) -> V:
        found = self.find(key)
        return self.keep(key, self._make(key)) if found is None else found
