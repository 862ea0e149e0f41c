"""A Queue that spares recipients' domains: what must wait for its domain goes back until then.

Rates hold over all processes, because what a domain may be sent is taken from one row for a whole
batch (see `delivery.rates`). A delivery that goes back has not been tried: nothing is counted
against it. Killed in between, its lease runs out and it is tried again (guarantee 2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.delivery.rationing import Domains, sift
from digest.model import Channel, Delivery, DeliveryId, DeliveryState, Settlement
from digest.store.outbox import Batch, OutboxStore


@dataclass(frozen=True, slots=True)
class SparingQueue:
    """The store's queue for mail, less what must wait."""

    store: OutboxStore
    domains: Domains

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
    ) -> Batch:
        """As the store's; empty only when nothing is due, or booked, that may go now."""
        withdrawn: Counter[DeliveryState] = Counter()
        while True:
            batch = self.store.claim(
                channel,
                now=now,
                worker=worker,
                limit=limit,
                lease=lease,
                settling=settling,
                booked=booked,
            )
            withdrawn.update(batch.withdrawn)
            if not batch.deliveries:
                return Batch((), withdrawn)
            if not channel.is_mail:  # a channel's address has no domain
                return Batch(batch.deliveries, withdrawn)
            kept = self._spared(batch.deliveries, worker, now)
            if kept or booked:
                return Batch(kept, withdrawn)
            settling = ()  # is committed by now

    def _spared(
        self, deliveries: Sequence[Delivery], worker: str, now: datetime
    ) -> Sequence[Delivery]:
        waits = sift(deliveries, self.domains)
        if not waits:
            return deliveries
        until = {id_: now + timedelta(seconds=wait) for id_, wait in waits.items()}
        self.store.postpone(worker, until)
        return [one for one in deliveries if one.id not in waits]

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int:
        return self.store.settle(settlements, now=now)

    def renew(self, worker: str, *, lease: timedelta) -> int:
        return self.store.renew(worker, lease=lease)

    def release(self, worker: str, *, only: Collection[DeliveryId] | None = None) -> int:
        return self.store.release(worker, only=only)

    def held_by(self, worker: str) -> list[Delivery]:
        return self.store.held_by(worker)

    def stalled(self) -> list[str]:
        return self.store.stalled()
