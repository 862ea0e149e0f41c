"""Deliveries for people to look at: what the outbox holds and what became of it. Reads only.

A list is found state by state, each by the index that has just these, and continued by number: the
last page of a million costs what the first does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from heapq import nlargest
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryId, DeliveryState, DigestId, SubscriberId
from digest.store.database import Database
from digest.store.tables import FAILED, HELD, WAITING, DeliveryRow, DigestRow, SubscriberRow, table

_delivery = table(DeliveryRow)
_digest = table(DigestRow)
_subscriber = table(SubscriberRow)


@dataclass(frozen=True, slots=True)
class Seen:
    """One delivery with the little that tells whose it is and how it stands."""

    id: DeliveryId
    digest_id: DigestId
    subscriber_id: SubscriberId
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
    _delivery.c.digest_id,
    _delivery.c.subscriber_id,
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
#: The state's own partial index, where it has one, and the condition that the index is of.
_INDEXES: Final = {
    DeliveryState.QUEUED: ("ix_delivery_waiting", WAITING),
    DeliveryState.DEFERRED: ("ix_delivery_waiting", WAITING),
    DeliveryState.SENDING: ("ix_delivery_held", HELD),
    **dict.fromkeys(
        (
            DeliveryState.REFUSED,
            DeliveryState.UNCERTAIN,
            DeliveryState.EXPIRED,
            DeliveryState.CANCELLED,
        ),
        ("ix_delivery_failed", FAILED),
    ),
}


def listed(
    database: Database,
    *,
    states: Collection[DeliveryState],
    email: str | None = None,
    channel: str = "",
    domain: str = "",
    before: DeliveryId | None = None,
    limit: int,
) -> list[Seen]:
    """The newest deliveries in these states for which all that is given holds; `before` goes on."""
    where = []
    if before is not None:
        where.append(_delivery.c.id < before)
    if channel:
        where.append(_delivery.c.channel == channel)
    if domain:
        where.append(_delivery.c.address.iendswith(f"@{domain}", autoescape=True))
    newest = sa.select(_delivery.c.id).where(*where).order_by(_delivery.c.id.desc()).limit(limit)
    with database.read() as connection:
        if email is None:
            ids = nlargest(limit, _ids(connection, newest, states))
        else:
            ids = _of_one(connection, newest, states, email)
        return _seen(connection, _delivery.c.id.in_(ids))


def seen(database: Database, id: DeliveryId) -> Seen | None:
    """One delivery, settled or not."""
    with database.read() as connection:
        return next(iter(_seen(connection, _delivery.c.id == id)), None)


def _ids(
    connection: sa.Connection, newest: sa.Select[Any], states: Collection[DeliveryState]
) -> list[int]:
    if set(states) == set(DeliveryState):
        return list(connection.execute(newest).scalars())
    return [id for state in states for id in connection.execute(_of_state(newest, state)).scalars()]


def _of_one(
    connection: sa.Connection,
    newest: sa.Select[Any],
    states: Collection[DeliveryState],
    email: str,
) -> list[int]:
    whose = sa.select(_subscriber.c.id).where(_subscriber.c.email == email)
    theirs = newest.where(
        _delivery.c.subscriber_id == (connection.scalar(whose) or 0),
        _delivery.c.state.in_([state.value for state in states]),
    )
    return list(connection.execute(theirs).scalars())


def _of_state(newest: sa.Select[Any], state: DeliveryState) -> sa.Select[Any]:
    statement = newest.where(_delivery.c.state == state.value)
    if state not in _INDEXES:
        return statement
    index, condition = _INDEXES[state]
    # Without statistics SQLite would rather read the whole table in the order that is wanted.
    hinted = statement.with_hint(_delivery, f"INDEXED BY {index}", "sqlite")
    return hinted.where(sa.text(f"({condition})"))


def _seen(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Seen]:
    statement = (
        sa.select(*_COLUMNS)
        .join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .join(_digest, _digest.c.id == _delivery.c.digest_id)
        .where(which)
        .order_by(_delivery.c.id.desc())
    )
    rows = connection.execute(statement).all()
    return [Seen(**row._asdict() | {"state": DeliveryState(row.state)}) for row in rows]
