"""Readers: stored digests with what their letters need to know of whom they are for.

Composing reads whole profiles (`digest.store.subscribers`); drawing the letter afterwards needs a
name, a language, a schedule and how many interests there are. One statement for a whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from digest.model import (
    Cadence,
    Digest,
    DigestId,
    Interest,
    InterestId,
    Schedule,
    Subscriber,
    SubscriberId,
)
from digest.store.database import Database
from digest.store.documents import Reading
from digest.store.tables import DigestRow, InterestRow, SubscriberRow, table

_digest = table(DigestRow)
_subscriber = table(SubscriberRow)
_interest = table(InterestRow)

_active = (
    sa.select(sa.func.count())
    .where(_interest.c.subscriber_id == _subscriber.c.id, ~_interest.c.paused)
    .scalar_subquery()
)
_COLUMNS: Final = (  # dates and times as the driver gives them: converted here, at a third the cost
    _digest.c.id,
    sa.cast(_digest.c.document, sa.Text),
    sa.type_coerce(_digest.c.local_date, sa.String),
    sa.type_coerce(_digest.c.composed_at, sa.String),
    _subscriber.c.id,
    _subscriber.c.email,
    _subscriber.c.name,
    _subscriber.c.language,
    _subscriber.c.style,
    sa.type_coerce(_subscriber.c.created_at, sa.String),
    _active,
    _subscriber.c.timezone,
    _subscriber.c.cadence,
    _subscriber.c.hour,
    _subscriber.c.minute,
    _subscriber.c.weekday,
    _subscriber.c.monthday,
)
_SELECT: Final = sa.select(*_COLUMNS).join(_subscriber, _subscriber.c.id == _digest.c.subscriber_id)
_BLANK: Final = Interest(InterestId(0), "")


class Read(NamedTuple):
    """A digest and its reader, whose `interests` hold a blank for each active one."""

    digest: Digest
    reader: Subscriber


class ReaderStore:
    """Reads what letters need."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = Reading()

    def read(self, ids: Sequence[DigestId]) -> dict[DigestId, Read]:
        """Those of these digests that are stored."""
        with self._database.read() as connection:
            rows = connection.execute(_SELECT.where(_digest.c.id.in_(ids))).all()
        return {row[0]: self._read(*row) for row in rows}

    def _read(
        self,
        digest_id: DigestId,
        document: str,
        local_date: Any,
        composed_at: Any,
        subscriber_id: SubscriberId,
        *reader: Any,
    ) -> Read:
        digest = self._reading.digest(
            document,
            id=digest_id,
            subscriber_id=subscriber_id,
            local_date=_as_date(local_date),
            composed_at=_as_instant(composed_at),
        )
        return Read(digest, _reader(subscriber_id, *reader))


def _reader(
    id: SubscriberId,
    email: str,
    name: str,
    language: str,
    style: str,
    created_at: Any,
    interests: int,
    *schedule: Any,
) -> Subscriber:
    return Subscriber(
        id=id,
        email=email,
        schedule=_schedule(*schedule),
        created_at=_as_utc(created_at),
        name=name,
        language=language,
        interests=(_BLANK,) * interests,
        style=style,
    )


@lru_cache(maxsize=4096)
def _schedule(
    timezone: str, cadence: str, hour: int, minute: int, weekday: int, monthday: int
) -> Schedule:
    return Schedule(timezone, Cadence(cadence), hour, minute, weekday, monthday)


@lru_cache(maxsize=64)
def _as_date(stored: str | date) -> date:
    return date.fromisoformat(stored) if isinstance(stored, str) else stored


def _as_utc(stored: str | datetime) -> datetime:
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored.astimezone(UTC)


_as_instant = lru_cache(maxsize=1024)(_as_utc)
