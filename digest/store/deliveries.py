"""Deliveries for people to look at: what the outbox holds and what became of it. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from digest.model import DeliveryId, DeliveryState
from digest.store.database import Database
from digest.store.tables import DeliveryRow, DigestRow, SubscriberRow, table

_delivery = table(DeliveryRow)
_digest = table(DigestRow)
_subscriber = table(SubscriberRow)


@dataclass(frozen=True, slots=True)
class Seen:
    """One delivery with the little that tells whose it is and how it stands."""

    id: DeliveryId
    subscriber: str
    local_date: date
    papers: int
    channel: str
    address: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    settled_at: datetime | None
    code: int | None
    reply: str


_COLUMNS = (
    _delivery.c.id,
    _subscriber.c.email.label("subscriber"),
    _digest.c.local_date,
    _digest.c.papers,
    _delivery.c.channel,
    _delivery.c.address,
    _delivery.c.state,
    _delivery.c.attempts,
    _delivery.c.created_at,
    _delivery.c.next_attempt_at,
    _delivery.c.settled_at,
    _delivery.c.code,
    _delivery.c.reply,
)
_SEEN: sa.Select[Any] = (
    sa.select(*_COLUMNS)
    .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
    .join(_digest, _digest.c.id == _delivery.c.digest_id)
)


def listed(
    database: Database,
    *,
    states: Collection[DeliveryState],
    email: str | None,
    limit: int,
    before: DeliveryId | None = None,
) -> list[Seen]:
    """The newest deliveries in these states, of one subscriber or of all; `before` goes on."""
    statement = (
        _SEEN.where(_delivery.c.state.in_([state.value for state in states]))
        .order_by(_delivery.c.id.desc())
        .limit(limit)
    )
    if email is not None:
        statement = statement.where(_subscriber.c.email == email)
    if before is not None:
        statement = statement.where(_delivery.c.id < before)
    with database.read() as connection:
        return [_value(row) for row in connection.execute(statement)]


def seen(database: Database, id: DeliveryId) -> Seen | None:
    """One delivery, settled or not."""
    with database.read() as connection:
        row = connection.execute(_SEEN.where(_delivery.c.id == id)).one_or_none()
    return None if row is None else _value(row)


def _value(row: sa.Row[Any]) -> Seen:
    return Seen(**row._asdict() | {"state": DeliveryState(row.state)})
