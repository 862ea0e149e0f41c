"""The subscribers as somebody looks them up: by part of an address or name, by state. Reads only.

Lists go by address and are continued by address, so every page costs the same; a part that nobody
has costs one walk over the table, some hundredths of a second for a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DigestId, SubscriberId, SubscriberState
from digest.store.database import Database
from digest.store.errands import ErrandRow
from digest.store.tables import DigestRow, InterestRow, SkipRow, SubscriberRow, table

_subscriber: Final = table(SubscriberRow)
_interest: Final = table(InterestRow)
_digest: Final = table(DigestRow)
_skip: Final = table(SkipRow)
_errand: Final = table(ErrandRow)


@dataclass(frozen=True, slots=True)
class Entry:
    """One subscriber in a list."""

    id: SubscriberId
    email: str
    name: str
    state: SubscriberState
    reason: str
    cadence: str
    next_due_at: datetime | None
    interests: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One local date of a subscriber's: a digest, or why there was none."""

    day: date
    at: datetime
    digest: DigestId | None = None
    papers: int = 0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """One mail that was asked for at the door, and what became of it."""

    id: int
    kind: str
    address: str
    created_at: datetime
    expires_at: datetime
    state: str
    attempts: int
    settled_at: datetime | None
    done_at: datetime | None
    code: int | None
    reply: str


_WISH: Final = tuple(_errand.c[name] for name in Wish.__slots__)


class Directory:
    """Looks people up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        text: str = "",
        *,
        states: Collection[SubscriberState] = (),
        after: str = "",
        limit: int = 50,
    ) -> list[Entry]:
        """Those whose address or name has `text` in it, by address, beyond the address `after`."""
        where = []
        if text:
            parts = (_subscriber.c.email, _subscriber.c.name)
            where.append(sa.or_(*(one.icontains(text, autoescape=True) for one in parts)))
        if states:
            where.append(_subscriber.c.state.in_([one.value for one in states]))
        if after:
            where.append(_subscriber.c.email > after)
        statement = sa.select(_subscriber).where(*where).order_by(_subscriber.c.email).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
            counts = _interests(connection, [row.id for row in rows])
        return [_entry(row, counts.get(row.id, 0)) for row in rows]

    def counts(self) -> dict[SubscriberState, int]:
        """How many there are in each state."""
        statement = sa.select(_subscriber.c.state, sa.func.count()).group_by(_subscriber.c.state)
        with self._database.read() as connection:
            return {SubscriberState(state): n for state, n in connection.execute(statement)}

    def turns(self, subscriber: SubscriberId, *, limit: int) -> list[Turn]:
        """Their newest digests and skips, newest first."""
        with self._database.read() as connection:
            made = connection.execute(_newest(_digest, subscriber, limit)).all()
            skipped = connection.execute(_newest(_skip, subscriber, limit)).all()
        turns = [
            Turn(one.local_date, one.composed_at, DigestId(one.id), one.papers) for one in made
        ]
        turns += [
            Turn(one.local_date, one.at, reason=one.reason, detail=one.detail) for one in skipped
        ]
        return sorted(turns, key=lambda one: (one.day, one.at), reverse=True)[:limit]

    def wishes(
        self, *, address: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[Wish]:
        """What was asked for at the door, newest first: by everybody, or at one address."""
        statement = sa.select(*_WISH).order_by(_errand.c.id.desc()).limit(limit)
        if address is not None:
            statement = statement.where(_errand.c.address == address)
        if before is not None:
            statement = statement.where(_errand.c.id < before)
        with self._database.read() as connection:
            return [Wish(**row._asdict()) for row in connection.execute(statement)]


def _newest(rows: sa.Table, subscriber: SubscriberId, limit: int) -> sa.Select[Any]:
    columns = [column for column in rows.c if column.name != "document"]
    statement = sa.select(*columns).where(rows.c.subscriber_id == subscriber)
    return statement.order_by(rows.c.local_date.desc()).limit(limit)


def _interests(connection: sa.Connection, ids: list[int]) -> dict[int, int]:
    whose = _interest.c.subscriber_id
    statement = sa.select(whose, sa.func.count()).where(whose.in_(ids)).group_by(whose)
    return {id: n for id, n in connection.execute(statement)}


def _entry(row: sa.Row[Any], interests: int) -> Entry:
    return Entry(
        id=SubscriberId(row.id),
        email=row.email,
        name=row.name,
        state=SubscriberState(row.state),
        reason=row.state_reason,
        cadence=row.cadence,
        next_due_at=row.next_due_at,
        interests=interests,
    )
