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

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from digest.clock import Clock, system_clock
from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    DeliveryState,
    Settlement,
    SubscriberState,
)
from digest.shelf import Maker
from digest.store import bulk
from digest.store.database import Database
from digest.store.settling import settle
from digest.store.tables import (
    AttemptRow,
    DeliveryRow,
    SubscriberRow,
    UtcDateTime,
    table,
)

_delivery = table(DeliveryRow)
_attempt = table(AttemptRow)
_subscriber = table(SubscriberRow)

# Written out, for the partial indexes (see tables.py).
_IS_WAITING: Final = sa.text("delivery.state IN ('queued', 'deferred')")
_IS_HELD: Final = sa.text("delivery.state = 'sending'")
_COLUMNS: Final = """
    id, digest_id, subscriber_id, address, claims, CAST(PACKED(
        (SELECT state FROM subscriber WHERE subscriber.id = delivery.subscriber_id),
        channel, created_at, expires_at, attempts, doubts, part) AS TEXT)
"""
_IS_DUE: Final = """
    channel = ? AND state IN ('queued', 'deferred') AND next_attempt_at <= ?
    ORDER BY next_attempt_at LIMIT ?
"""
_IS_ANY_DUE: Final = f"SELECT id FROM delivery WHERE {_IS_DUE}"
#: SQLite, which lets nobody else write meanwhile, finds what is due and then holds just that: what
#: an UPDATE returns it would write out and read again.
_DUE_SQLITE: Final = f"""
    SELECT {_COLUMNS.replace("claims", "claims + 1")} FROM delivery WHERE {_IS_DUE}
"""
_HOLD_SQLITE: Final = """
    UPDATE delivery
    SET state = 'sending', claims = claims + 1, claimed_by = ?, claimed_until = ?
    WHERE id IN (SELECT value FROM json_each(?))
"""
#: An array is made once. What stands in an IN, PostgreSQL may run again for every row it looks at,
#: and as each time skips what is locked by then, the LIMIT would not hold.
_HOLD_DUE_POSTGRES: Final = f"""
    UPDATE delivery
    SET state = 'sending', claims = claims + 1,
        claimed_by = ?, claimed_until = clock_timestamp() + ?
    WHERE id = ANY(ARRAY(SELECT id FROM delivery WHERE {_IS_DUE} FOR UPDATE SKIP LOCKED))
    RETURNING {_COLUMNS}
"""
_HELD_BY: Final = f"SELECT {_COLUMNS} FROM delivery WHERE state = 'sending' AND claimed_by = ?"

_ACTIVE: Final = SubscriberState.ACTIVE.value
_STATES: Final = "SELECT id, state FROM subscriber WHERE id IN ?"
#: By their keys alone: asked for the active ones, SQLite would look through all of these.
_COUNT_ACTIVE: Final = f"""
    SELECT count(CASE state WHEN '{_ACTIVE}' THEN 1 END) FROM subscriber WHERE id IN ?
"""
_ANY_SUPPRESSED: Final = "SELECT reason FROM suppression LIMIT 1"
_SUPPRESSED: Final = """
    SELECT address_hash FROM suppression
    WHERE address_hash IN ? AND (expires_at IS NULL OR expires_at > ?)
"""
_KEPT: Final = 512
_new: Final = partial(tuple.__new__, Delivery)  # `_make` without counting

Hashes = Callable[[str], Sequence[str]]
Withdrawn = dict[DeliveryId, tuple[DeliveryState, str]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim gave: deliveries to send, and how many due ones were withdrawn instead."""

    deliveries: Sequence[Delivery] = ()
    withdrawn: Mapping[DeliveryState, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing was due at all."""
        return not self.deliveries and not self.withdrawn


class OutboxStore:
    """The delivering side of the store.

    `lease_clock` is real time whatever the run's own clock says. `hashes` names an address as the
    suppression list may know it, under each secret key; without it the list is not looked at.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_clock: Clock = system_clock,
        hashes: Hashes | None = None,
    ) -> None:
        self._database = database
        self._lease_clock = lease_clock
        self._hashes = hashes

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
        """The up to `limit` deliveries due longest at `now`, in any order, held for `lease`.

        Or those that this worker holds already because it `booked` them, and no others. Of either,
        nothing is given that must not be sent. `settling` is settled in the same transaction, which
        saves one wait for the disk; where there is nothing to write there is none.
        """
        if not settling:
            if booked and self._all_stand(booked, now):
                return Batch(booked)
            if not booked and not self._is_any_due(channel, now):
                return Batch()
        held: Sequence[Delivery]
        with self._database.write() as connection:
            settle(connection, settling, now)
            if booked:
                held, states = booked, _standing(connection, booked)
            else:
                held, states = self._hold_due(
                    connection, channel, now, limit=limit, worker=worker, lease=lease
                )
            withdrawn = self._withdrawn(connection, held, states, now)
            _withdraw(connection, withdrawn, now)
        kept = [one for one in held if one.id not in withdrawn] if withdrawn else held
        return Batch(kept, Counter(state for state, _why in withdrawn.values()))

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int:
        """Commit what became of claimed deliveries; returns how many were still ours to settle."""
        with self._database.write() as connection:
            return settle(connection, settlements, now)

    def renew(self, worker: str, *, lease: timedelta) -> int:
        """Hold everything this worker still has for another `lease`; returns how much that is."""
        with self._database.write() as connection:
            statement = sa.update(_delivery).where(_IS_HELD, _delivery.c.claimed_by == worker)
            until = self._lease_now(connection) + lease
            return connection.execute(statement.values(claimed_until=until)).rowcount

    def release(self, worker: str, *, only: Collection[DeliveryId] | None = None) -> int:
        """Put back what a worker holds and did not send; returns how many."""
        statement = sa.update(_delivery).where(_IS_HELD, _delivery.c.claimed_by == worker)
        state = sa.case(
            (_delivery.c.attempts > 0, DeliveryState.DEFERRED.value),
            else_=DeliveryState.QUEUED.value,
        )
        with self._database.write() as connection:
            if only is not None:
                statement = statement.where(bulk.among(connection, _delivery.c.id, only))
            done = connection.execute(
                statement.values(state=state, claimed_by=None, claimed_until=None)
            )
            return done.rowcount

    def postpone(self, worker: str, until: Mapping[DeliveryId, datetime]) -> int:
        """Put back what a worker holds, each to be tried from an instant on; returns how many."""
        state = sa.case(
            (_delivery.c.attempts > 0, DeliveryState.DEFERRED.value),
            else_=DeliveryState.QUEUED.value,
        )
        mine = _delivery.c.id == sa.bindparam("which"), _delivery.c.claimed_by == worker, _IS_HELD
        again = sa.bindparam("again", type_=UtcDateTime)
        values = {"state": state, "next_attempt_at": again}
        statement = sa.update(_delivery).where(*mine)
        statement = statement.values(values | {"claimed_by": None, "claimed_until": None})
        rows = [{"which": id_, "again": instant} for id_, instant in until.items()]
        with self._database.write() as connection:
            return connection.execute(statement, rows).rowcount if rows else 0

    def held_by(self, worker: str) -> list[Delivery]:
        """What a worker claimed and neither settled nor put back."""
        with self._database.read() as connection:
            return _from_rows(bulk.query(connection, _HELD_BY, worker))

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

    def _lease_now(self, connection: sa.Connection) -> Any:
        if connection.dialect.name == "postgresql":
            return sa.func.clock_timestamp()
        return self._lease_clock()

    def _hold_due(
        self,
        connection: sa.Connection,
        channel: Channel,
        now: datetime,
        *,
        limit: int,
        worker: str,
        lease: timedelta,
    ) -> tuple[list[Delivery], list[str]]:
        """What is held from now on, and the state that each one's subscriber is in."""
        due = channel.value, bulk.stored(connection, now), limit
        if connection.dialect.name == "sqlite":
            until = bulk.stored(connection, self._lease_clock() + lease)
            rows = bulk.query(connection, _DUE_SQLITE, *due)
            ids = json.dumps([row[0] for row in rows])
            connection.exec_driver_sql(_HOLD_SQLITE, (worker, until, ids))
        else:
            rows = bulk.query(connection, _HOLD_DUE_POSTGRES, worker, lease, *due)
        return _from_rows(rows), [_standings[row[-1]].subscriber for row in rows]

    def _is_any_due(self, channel: Channel, now: datetime) -> bool:
        with self._database.glance() as view:
            due = bulk.query(view, _IS_ANY_DUE, channel.value, bulk.stored(view, now), 1)
        return bool(due)

    def _all_stand(self, booked: Sequence[Delivery], now: datetime) -> bool:
        with self._database.glance() as view:
            return not self._withdrawn(view, booked, _standing(view, booked), now)

    def _withdrawn(
        self,
        asked: bulk.Asked,
        held: Sequence[Delivery],
        states: Sequence[str],
        now: datetime,
    ) -> Withdrawn:
        """Which of the due deliveries are not to be sent, and why."""
        gone: Withdrawn = {}
        suppressed = self._suppressed(asked, held, now)
        for delivery, subscriber_state in zip(held, states, strict=True):
            if subscriber_state != _ACTIVE:
                gone[delivery.id] = (DeliveryState.CANCELLED, f"subscriber {subscriber_state}")
            elif delivery.address in suppressed:
                gone[delivery.id] = (DeliveryState.CANCELLED, "address suppressed")
            elif delivery.expires_at is not None and delivery.expires_at <= now:
                gone[delivery.id] = (DeliveryState.EXPIRED, "not delivered in time")
        return gone

    def _suppressed(
        self, asked: bulk.Asked, held: Sequence[Delivery], now: datetime
    ) -> Collection[str]:
        if self._hashes is None or not held or not bulk.query(asked, _ANY_SUPPRESSED):
            return ()
        hashes = {known: one.address for one in held for known in self._hashes(one.address)}
        found = bulk.query(asked, _SUPPRESSED, hashes, bulk.stored(asked, now))
        return frozenset(hashes[known] for (known,) in found)


def _standing(asked: bulk.Asked, deliveries: Sequence[Delivery]) -> list[str]:
    """The state that each one's subscriber is in by now; nearly always all are active."""
    who = {delivery.subscriber_id for delivery in deliveries}
    [(active,)] = bulk.query(asked, _COUNT_ACTIVE, who)
    if active == len(who):
        return [_ACTIVE] * len(deliveries)
    states = dict(bulk.query(asked, _STATES, who))
    return [states.get(delivery.subscriber_id, "gone") for delivery in deliveries]


def _withdraw(connection: sa.Connection, gone: Withdrawn, now: datetime) -> None:
    if not gone:
        return
    statement = (
        sa.update(_delivery)
        .where(_delivery.c.id == sa.bindparam("which"))
        .values(
            state=sa.bindparam("into"),
            reply=sa.bindparam("why"),
            settled_at=now,
            claimed_by=None,
            claimed_until=None,
        )
    )
    rows = [{"which": id, "into": state.value, "why": why} for id, (state, why) in gone.items()]
    connection.execute(statement, rows)


class _Standing(NamedTuple):
    """What a delivery has in common with most of those that are claimed with it."""

    subscriber: str  #: the state they are in
    channel: Channel
    history: tuple[Any, ...]  #: a Delivery's fields from `created_at` on


def _stand(packed: str) -> _Standing:
    subscriber, channel, made, ends, attempts, doubts, part = json.loads(packed)
    history = bulk.instant(made), bulk.instant(ends), attempts, doubts, part
    return _Standing(subscriber, Channel(channel), history)


_standings: Final = Maker(_stand, _KEPT)


def _from_rows(rows: Sequence[Any]) -> list[Delivery]:
    """The one place that turns rows of `_COLUMNS` into deliveries."""
    deliveries = []
    for id_, digest, subscriber, address, claim, told in rows:
        standing = _standings[told]
        channel, history = standing.channel, standing.history
        deliveries.append(_new((id_, digest, subscriber, channel, address, claim, *history)))
    return deliveries
