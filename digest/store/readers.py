"""Readers: of each subscriber what a letter needs to know, and not their profile.

Composing reads whole profiles (`digest.store.subscribers`); drawing the letter afterwards needs a
name, a language, a schedule and how many interests there are. Two statements for any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Cadence, Interest, InterestId, Schedule, Subscriber, SubscriberId
from digest.store.database import Database
from digest.store.tables import InterestRow, SubscriberRow, table

_subscriber = table(SubscriberRow)
_interest = table(InterestRow)

_COLUMNS: Final = (
    _subscriber.c.id,
    _subscriber.c.email,
    _subscriber.c.name,
    _subscriber.c.language,
    _subscriber.c.style,
    sa.type_coerce(_subscriber.c.created_at, sa.String),  # as the driver gives it
    _subscriber.c.timezone,
    _subscriber.c.cadence,
    _subscriber.c.hour,
    _subscriber.c.minute,
    _subscriber.c.weekday,
    _subscriber.c.monthday,
)
_BLANK: Final = Interest(InterestId(0), "")


class ReaderStore:
    """Reads what letters need of subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def readers(self, ids: Sequence[SubscriberId]) -> dict[SubscriberId, Subscriber]:
        """Those with these ids who are stored; `interests` holds a blank for each active one."""
        statement = sa.select(*_COLUMNS).where(_subscriber.c.id.in_(ids))
        counting = (
            sa.select(_interest.c.subscriber_id, sa.func.count())
            .where(_interest.c.subscriber_id.in_(ids), ~_interest.c.paused)
            .group_by(_interest.c.subscriber_id)
        )
        with self._database.read() as connection:
            active = {id: count for id, count in connection.execute(counting)}
            rows = connection.execute(statement).all()
        return {row[0]: _reader(row, active.get(row[0], 0)) for row in rows}


def _reader(row: Sequence[Any], interests: int) -> Subscriber:
    id, email, name, language, style, created_at = row[:6]
    return Subscriber(
        id=id,
        email=email,
        schedule=_schedule(*row[6:]),
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


def _as_utc(stored: str | datetime) -> datetime:
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored.astimezone(UTC)
