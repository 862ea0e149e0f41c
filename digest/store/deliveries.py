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


# Without their table's name, which may be followed by an index's in the statement.
_id, _state = sa.column("id", sa.BigInteger), sa.column("state", sa.String)
_channel, _address = sa.column("channel", sa.String), sa.column("address", sa.String)
LOOKED: Final = 300_000
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
    """The newest deliveries in these states for which all that is given holds; `before` goes on.

    For a channel or a domain, which have no index, `LOOKED` deliveries are looked at.
    """
    where = []
    if before is not None:
        where.append(_id < before)
    if channel:
        where.append(_channel == channel)
    if domain:
        where.append(_address.iendswith(f"@{domain}", autoescape=True))
    if (channel or domain) and email is None:
        newest_id = sa.select(sa.func.max(_delivery.c.id)).scalar_subquery()
        where.append(_id > (newest_id if before is None else before) - LOOKED)
    newest = sa.select(_id).where(*where).order_by(_id.desc()).limit(limit)
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
        return list(connection.execute(newest.select_from(_delivery)).scalars())
    return [
        id
        for state in states
        for id in connection.execute(_of_state(connection, newest, state)).scalars()
    ]


def _of_one(
    connection: sa.Connection,
    newest: sa.Select[Any],
    states: Collection[DeliveryState],
    email: str,
) -> list[int]:
    whose = sa.select(_subscriber.c.id).where(_subscriber.c.email == email)
    theirs = newest.select_from(_delivery).where(
        _delivery.c.subscriber_id == (connection.scalar(whose) or 0),
        _state.in_([state.value for state in states]),
    )
    return list(connection.execute(theirs).scalars())


def _of_state(
    connection: sa.Connection, newest: sa.Select[Any], state: DeliveryState
) -> sa.Select[Any]:
    statement = newest.where(_state == state.value)
    if state not in _INDEXES:
        return statement.select_from(_delivery)
    index, condition = _INDEXES[state]
    # Without statistics SQLite would rather read the whole table in the order that is wanted.
    hint = f" INDEXED BY {index}" if connection.dialect.name == "sqlite" else ""
    return statement.select_from(sa.text(f"delivery{hint}")).where(sa.text(f"({condition})"))


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
