"""What came back, as rows: each event once, and each seen by the policy once.

`add` and `record` make an event count once however often it is told (the key is UNIQUE); `judged`
is set in a transaction after the verdict was carried out, so a kill between the two repeats the
verdict and loses nothing. Which events count, and for what, is `digest.bounces.policy`'s business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Bounce, BounceKind, DeliveryId, Settlement, SubscriberId
from digest.store.database import Database, insert_into
from digest.store.post_tables import UNJUDGED, BounceRow
from digest.store.tables import DeliveryRow, SubscriberRow, table

_bounce = table(BounceRow)
_delivery = table(DeliveryRow)
_subscriber = table(SubscriberRow)
_IS_UNJUDGED: Final = sa.text(UNJUDGED)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One event with whose it is, for people to look at."""

    subscriber: str
    delivery_id: DeliveryId
    at: datetime
    kind: BounceKind
    origin: str
    status: str
    detail: str
    subscriber_id: SubscriberId
    id: int = 0


class BounceStore:
    """The events of all readers; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Sequence[Bounce]) -> int:
        """Store what is new; returns how many that were.

        An event for a delivery that is no longer kept, or that went to another address than the
        reader has now, says nothing of the reader any more and is dropped.
        """
        added = 0
        for start in range(0, len(events), _CHUNK):
            chunk = events[start : start + _CHUNK]
            with self._database.write() as connection:
                owners = _owners(connection, {one.delivery_id for one in chunk})
                rows = [
                    _row(one, owners[one.delivery_id]) for one in chunk if one.delivery_id in owners
                ]
                added += _insert(connection, rows)
        return added

    def note_verdict(self, subscriber: SubscriberId, *, at: datetime, reason: str) -> None:
        """Remember that a reader was suspended: what came before is settled."""
        event = Bounce(
            key=f"verdict:{subscriber}:{at:%Y%m%d%H%M%S%f}",
            delivery_id=DeliveryId(0),
            at=at,
            kind=BounceKind.SUSPENDED,
            origin="policy",
            detail=reason,
        )
        with self._database.write() as connection:
            _insert(connection, [_row(event, subscriber) | {"judged": True}])

    def pending(self, *, most: int) -> list[SubscriberId]:
        """Readers with events that the policy has not seen."""
        statement = sa.select(_bounce.c.subscriber_id).where(_IS_UNJUDGED).distinct().limit(most)
        with self._database.read() as connection:
            return list(connection.execute(statement).scalars())

    def history(self, subscriber: SubscriberId) -> tuple[str, list[tuple[int, Bounce]]]:
        """A reader's address, and their events with their row ids."""
        with self._database.read() as connection:
            whose = sa.select(_subscriber.c.email).where(_subscriber.c.id == subscriber)
            email = connection.execute(whose).scalar_one_or_none() or ""
            rows = connection.execute(
                sa.select(_bounce).where(_bounce.c.subscriber_id == subscriber)
            ).all()
        return email, [(row.id, _value(row)) for row in rows]

    def settle(self, ids: Collection[int]) -> None:
        """The policy has seen these."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(_bounce).where(_bounce.c.id.in_(ids), _IS_UNJUDGED).values(judged=True)
            )

    def listed(
        self,
        *,
        email: str | None = None,
        kinds: Collection[BounceKind] = (),
        limit: int = 100,
        before: tuple[datetime, int] | None = None,
    ) -> list[Seen]:
        """The newest events, of one reader or of all; `before` (time and id) goes on."""
        statement = (
            sa.select(_subscriber.c.email, _bounce)
            .join(_subscriber, _subscriber.c.id == _bounce.c.subscriber_id)
            .order_by(_bounce.c.at.desc(), _bounce.c.id.desc())
            .limit(limit)
        )
        if email is not None:
            statement = statement.where(_subscriber.c.email == email)
        if kinds:
            statement = statement.where(_bounce.c.kind.in_([kind.value for kind in kinds]))
        if before is not None:
            at, id = before
            earlier = (_bounce.c.at < at) | ((_bounce.c.at == at) & (_bounce.c.id < id))
            statement = statement.where(earlier)
        with self._database.read() as connection:
            return [_seen(row) for row in connection.execute(statement)]


def record(connection: sa.Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """The events among some settlements, in the transaction that settles them."""
    rows = [_told_row(one, now) for one in settlements if one.bounce]
    _insert(connection, rows)


def _told_row(one: Settlement, now: datetime) -> dict[str, Any]:
    assert one.bounce is not None
    delivery, outcome = one.delivery, one.outcome
    event = Bounce(
        key=f"smtp:{delivery.id}:{delivery.claim}",
        delivery_id=delivery.id,
        at=now,
        kind=one.bounce,
        origin="smtp",
        status=str(outcome.code or ""),
        detail=outcome.reply,
    )
    return _row(event, delivery.subscriber_id)


def _insert(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    statement = insert_into(connection, _bounce).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(_bounce.c.id), rows).all())


def _owners(
    connection: sa.Connection, deliveries: Collection[DeliveryId]
) -> dict[DeliveryId, SubscriberId]:
    """Whose each delivery is, where it went to the address that its reader has now."""
    statement = (
        sa.select(_delivery.c.id, _delivery.c.subscriber_id)
        .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .where(_delivery.c.id.in_(deliveries), _delivery.c.address == _subscriber.c.email)
    )
    return {id_: owner for id_, owner in connection.execute(statement)}


def _row(event: Bounce, subscriber: SubscriberId) -> dict[str, Any]:
    return {
        "key": event.key,
        "subscriber_id": subscriber,
        "delivery_id": event.delivery_id,
        "at": event.at,
        "kind": event.kind.value,
        "origin": event.origin,
        "status": event.status,
        "detail": event.detail,
        "judged": False,
    }


def _value(row: sa.Row[Any]) -> Bounce:
    return Bounce(
        key=row.key,
        delivery_id=DeliveryId(row.delivery_id),
        at=row.at,
        kind=BounceKind(row.kind),
        origin=row.origin,
        status=row.status,
        detail=row.detail,
    )


def _seen(row: sa.Row[Any]) -> Seen:
    return Seen(
        subscriber=row.email,
        subscriber_id=SubscriberId(row.subscriber_id),
        delivery_id=DeliveryId(row.delivery_id),
        at=row.at,
        kind=BounceKind(row.kind),
        origin=row.origin,
        status=row.status,
        detail=row.detail,
        id=row.id,
    )
