"""The queue of deliveries: claimed by lease, settled by the newest claim only, both in batches.

Keeps guarantee 2 on the database's side. A row is claimed by one worker at a time (SKIP LOCKED on
PostgreSQL, the single writer on SQLite), and every claim of a row has its own number: what a worker
says of an older claim changes nothing. Whoever leaves (unsubscribed, paused, suppressed) gets
nothing of what was queued before. Leases are counted by the database's own clock where it has one,
so that hosts with different ideas of the time do not rob each other.

No policy: what an outcome means is `digest.delivery.retry`'s business, and whether a worker is dead
is `digest.outbox`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from digest.clock import Clock, system_clock
from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    DeliveryState,
    DigestId,
    Settlement,
    SubscriberId,
    SubscriberState,
)
from digest.store.database import Database
from digest.store.tables import (
    AttemptRow,
    DeliveryRow,
    SubscriberRow,
    SuppressionRow,
    UtcDateTime,
    table,
)

_delivery = table(DeliveryRow)
_attempt = table(AttemptRow)
_subscriber = table(SubscriberRow)
_suppression = table(SuppressionRow)

# Literals, for the partial indexes (see tables.py).
_IS_WAITING: Final[sa.ColumnElement[bool]] = sa.literal_column(
    "delivery.state IN ('queued', 'deferred')", sa.Boolean
)
_IS_HELD: Final[sa.ColumnElement[bool]] = sa.literal_column(
    "delivery.state = 'sending'", sa.Boolean
)
_COLUMNS: Final = (
    _delivery.c.id,
    _delivery.c.digest_id,
    _delivery.c.subscriber_id,
    _delivery.c.channel,
    _delivery.c.address,
    _delivery.c.claims,
    _delivery.c.created_at,
    _delivery.c.expires_at,
    _delivery.c.attempts,
    _delivery.c.doubts,
)

HashAddress = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim gave: deliveries to send, and how many due ones were withdrawn instead."""

    deliveries: Sequence[Delivery] = ()
    withdrawn: dict[DeliveryState, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing was due at all."""
        return not self.deliveries and not self.withdrawn


class OutboxStore:
    """The delivering side of the store.

    `lease_clock` is real time whatever the run's own clock says. `hash_address` finds an address
    in the suppression list; without it the list is not looked at.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_clock: Clock = system_clock,
        hash_address: HashAddress | None = None,
    ) -> None:
        self._database = database
        self._lease_clock = lease_clock
        self._hash_address = hash_address

    def claim(
        self, channel: Channel, *, now: datetime, worker: str, limit: int, lease: timedelta
    ) -> Batch:
        """Up to `limit` deliveries due at `now`, longest waiting first, held for `lease`."""
        with self._database.write() as connection:
            rows = connection.execute(_due(channel, now, limit)).all()
            if not rows:
                return Batch()
            withdrawn = self._withdrawn(connection, rows, now)
            kept = [row for row in rows if row.id not in withdrawn]
            self._hold(connection, [row.id for row in kept], worker, lease)
            _withdraw(connection, withdrawn, now)
        deliveries = [_from_row(row[:-1], claim=row.claims + 1) for row in kept]
        counts = {state: 0 for state, _why in withdrawn.values()}
        for state, _why in withdrawn.values():
            counts[state] += 1
        return Batch(deliveries, counts)

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int:
        """Commit what became of claimed deliveries; returns how many were still ours to settle."""
        final = [one for one in settlements if one.decision.retry_at is None]
        again = [one for one in settlements if one.decision.retry_at is not None]
        with self._database.write() as connection:
            count = 0
            if final:
                rows = [_final_row(one, now) for one in final]
                count += connection.execute(_SETTLE, rows).rowcount
            if again:
                count += connection.execute(_DEFER, [_again_row(one) for one in again]).rowcount
                connection.execute(sa.insert(_attempt), [_attempt_row(one, now) for one in again])
        return count

    def renew(self, worker: str, *, lease: timedelta) -> int:
        """Hold everything this worker still has for another `lease`; returns how much that is."""
        with self._database.write() as connection:
            statement = sa.update(_delivery).where(_IS_HELD, _delivery.c.claimed_by == worker)
            until = self._lease_now(connection) + lease
            return connection.execute(statement.values(claimed_until=until)).rowcount

    def release(self, worker: str, *, only: Collection[DeliveryId] | None = None) -> int:
        """Put back what a worker holds and did not send; returns how many."""
        statement = sa.update(_delivery).where(_IS_HELD, _delivery.c.claimed_by == worker)
        if only is not None:
            statement = statement.where(_delivery.c.id.in_(only))
        state = sa.case(
            (_delivery.c.attempts > 0, DeliveryState.DEFERRED.value),
            else_=DeliveryState.QUEUED.value,
        )
        with self._database.write() as connection:
            done = connection.execute(
                statement.values(state=state, claimed_by=None, claimed_until=None)
            )
            return done.rowcount

    def held_by(self, worker: str) -> list[Delivery]:
        """What a worker claimed and neither settled nor put back."""
        statement = sa.select(*_COLUMNS).where(_IS_HELD, _delivery.c.claimed_by == worker)
        with self._database.read() as connection:
            return [_from_row(row, claim=row.claims) for row in connection.execute(statement)]

    def stalled(self) -> list[str]:
        """Workers whose lease ran out while they held deliveries."""
        with self._database.read() as connection:
            statement = (
                sa.select(_delivery.c.claimed_by)
                .where(_IS_HELD, _delivery.c.claimed_until < self._lease_now(connection))
                .distinct()
            )
            return list(connection.execute(statement).scalars())

    def next_attempt(self, channel: Channel) -> datetime | None:
        """When the next waiting delivery is due."""
        statement = sa.select(sa.func.min(_delivery.c.next_attempt_at)).where(
            _delivery.c.channel == channel.value, _IS_WAITING
        )
        with self._database.read() as connection:
            found: datetime | None = connection.execute(statement).scalar()
            return found

    def counts(self) -> dict[DeliveryState, int]:
        """How many deliveries there are in each state."""
        statement = sa.select(_delivery.c.state, sa.func.count()).group_by(_delivery.c.state)
        with self._database.read() as connection:
            return {DeliveryState(state): count for state, count in connection.execute(statement)}

    def _hold(
        self, connection: sa.Connection, ids: Sequence[int], worker: str, lease: timedelta
    ) -> None:
        if not ids:
            return
        connection.execute(
            sa.update(_delivery)
            .where(_delivery.c.id.in_(ids))
            .values(
                state=DeliveryState.SENDING.value,
                claims=_delivery.c.claims + 1,
                claimed_by=worker,
                claimed_until=self._lease_now(connection) + lease,
            )
        )

    def _lease_now(self, connection: sa.Connection) -> Any:
        if connection.dialect.name == "postgresql":
            return sa.func.clock_timestamp()
        return self._lease_clock()

    def _withdrawn(
        self, connection: sa.Connection, rows: Sequence[sa.Row[Any]], now: datetime
    ) -> dict[int, tuple[DeliveryState, str]]:
        """Which of the due rows are not to be sent, and why."""
        gone = {}
        suppressed = self._suppressed(connection, {row.address for row in rows}, now)
        for row in rows:
            if row.subscriber_state != SubscriberState.ACTIVE.value:
                gone[row.id] = (DeliveryState.CANCELLED, f"subscriber {row.subscriber_state}")
            elif row.address in suppressed:
                gone[row.id] = (DeliveryState.CANCELLED, "address suppressed")
            elif row.expires_at is not None and row.expires_at <= now:
                gone[row.id] = (DeliveryState.EXPIRED, "not delivered in time")
        return gone

    def _suppressed(
        self, connection: sa.Connection, addresses: Iterable[str], now: datetime
    ) -> frozenset[str]:
        if self._hash_address is None:
            return frozenset()
        hashes = {self._hash_address(address): address for address in addresses}
        statement = sa.select(_suppression.c.address_hash).where(
            _suppression.c.address_hash.in_(hashes),
            sa.or_(_suppression.c.expires_at.is_(None), _suppression.c.expires_at > now),
        )
        return frozenset(hashes[found] for found in connection.execute(statement).scalars())


def _due(channel: Channel, now: datetime, limit: int) -> sa.Select[Any]:
    return (
        sa.select(*_COLUMNS, _subscriber.c.state.label("subscriber_state"))
        .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .where(
            _delivery.c.channel == channel.value,
            _IS_WAITING,
            _delivery.c.next_attempt_at <= now,
        )
        .order_by(_delivery.c.next_attempt_at)
        .limit(limit)
        .with_for_update(of=_delivery, skip_locked=True)
    )


def _withdraw(
    connection: sa.Connection, gone: dict[int, tuple[DeliveryState, str]], now: datetime
) -> None:
    if not gone:
        return
    statement = (
        sa.update(_delivery)
        .where(_delivery.c.id == sa.bindparam("which"))
        .values(state=sa.bindparam("into"), reply=sa.bindparam("why"), settled_at=now)
    )
    rows = [{"which": id, "into": state.value, "why": why} for id, (state, why) in gone.items()]
    connection.execute(statement, rows)


def _from_row(row: Any, *, claim: int) -> Delivery:
    id, digest_id, subscriber_id, channel, address, _claims, created, expires, attempts, doubts = (
        row
    )
    return Delivery(
        DeliveryId(id),
        DigestId(digest_id),
        SubscriberId(subscriber_id),
        Channel(channel),
        address,
        claim,
        created,
        expires,
        attempts,
        doubts,
    )


_MINE: Final = (
    _delivery.c.id == sa.bindparam("which"),
    _delivery.c.claims == sa.bindparam("claim"),
    _IS_HELD,
)
_TOLD: Final = {
    "attempts": _delivery.c.attempts + 1,
    "doubts": _delivery.c.doubts + sa.bindparam("doubt", type_=sa.Integer),
    "code": sa.bindparam("told_code"),
    "reply": sa.bindparam("told"),
    "claimed_by": None,
    "claimed_until": None,
}
_SETTLE: Final = (
    sa.update(_delivery)
    .where(*_MINE)
    .values(state=sa.bindparam("into"), settled_at=sa.bindparam("now"), **_TOLD)
)
_DEFER: Final = (
    sa.update(_delivery)
    .where(*_MINE)
    .values(
        state=DeliveryState.DEFERRED.value,
        next_attempt_at=sa.bindparam("again", type_=UtcDateTime),
        **_TOLD,
    )
)


def _told_row(one: Settlement) -> dict[str, Any]:
    return {
        "which": one.delivery.id,
        "claim": one.delivery.claim,
        "doubt": int(one.outcome.result == "uncertain"),
        "told_code": one.outcome.code,
        "told": one.outcome.reply,
    }


def _final_row(one: Settlement, now: datetime) -> dict[str, Any]:
    return _told_row(one) | {"into": one.decision.state.value, "now": now}


def _again_row(one: Settlement) -> dict[str, Any]:
    return _told_row(one) | {"again": one.decision.retry_at}


def _attempt_row(one: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": one.delivery.id,
        "at": now,
        "result": one.outcome.result.value,
        "code": one.outcome.code,
        "reply": one.outcome.reply,
    }
