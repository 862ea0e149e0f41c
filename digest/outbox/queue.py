"""The Queue seam: what a drain needs of whatever holds its deliveries (see `store.outbox`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from digest.model import Channel, Delivery, DeliveryId, Settlement
from digest.store.outbox import Batch


class Queue(Protocol):
    """Held by lease, settled by the newest claim only; each call is one transaction."""

    def claim(
        self,
        channel: Channel,
        *,
        now: datetime,
        worker: str,
        limit: int,
        lease: timedelta,
        settling: Sequence[Settlement] = (),
        booked: Sequence[Delivery] = (),
    ) -> Batch: ...

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int: ...

    def renew(self, worker: str, *, lease: timedelta) -> int: ...

    def release(self, worker: str, *, only: Collection[DeliveryId] | None = None) -> int: ...

    def held_by(self, worker: str) -> list[Delivery]: ...

    def stalled(self) -> list[str]: ...
