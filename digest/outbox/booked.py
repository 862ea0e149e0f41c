"""What a drain holds from the moment it was queued, until its turn comes (see `store.queueing`).

Composing runs in the drain's own thread and commits batch after batch of what the drain sends next.
Booked, a batch need not be claimed; but nobody else can help with it either, and should the machine
be lost, all that is booked is in doubt. So it is not for those who would rather not send than send
twice, no more is booked than a fast way out sends in seconds, and what has waited long is given
back by a way out that turns out to be slow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from digest.delivery.retry import Doubt
from digest.model import Channel, Delivery, DeliveryId

_MOST: Final = 5_000  #: deliveries
_LONGEST: Final = 20.0  #: seconds that a batch may wait


class Booked:
    """Batches in the order they were booked; all of them are held by the worker."""

    def __init__(self, longest: float = _LONGEST) -> None:
        self._longest = longest
        self._batches: deque[tuple[float, Sequence[Delivery]]] = deque()
        self._channel: Channel | None = None

    def open(self, channel: Channel, doubt: Doubt) -> None:
        """Messages go out by `channel` from now on."""
        self._channel = None if doubt is Doubt.HOLD else channel

    def close(self) -> list[DeliveryId]:
        """Nothing more is booked; returns what still was."""
        self._channel = None
        left = [delivery.id for _since, batch in self._batches for delivery in batch]
        self._batches.clear()
        return left

    def wanted(self) -> tuple[Channel, int] | None:
        """Of which channel more may be booked, and how much."""
        room = _MOST - sum(len(batch) for _since, batch in self._batches)
        return (self._channel, room) if self._channel and room > 0 else None

    def add(self, deliveries: Sequence[Delivery], since: float) -> None:
        self._batches.append((since, deliveries))

    def first(self) -> Sequence[Delivery]:
        """The batch whose turn it is, if there is any; it stays until it is `taken`."""
        return self._batches[0][1] if self._batches else ()

    def taken(self) -> None:
        self._batches.popleft()

    def is_overdue(self, now: float) -> bool:
        return bool(self._batches) and now - self._batches[0][0] > self._longest
