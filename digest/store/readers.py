"""Readers: stored digests with what their letters need to know of whom they are for.

Composing reads whole profiles (`digest.store.subscribers`); drawing the letter afterwards needs a
name, a language, a schedule and how many interests there are. One statement for a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from digest.model import Addressee, Cadence, Digest, DigestId, Schedule
from digest.store import bulk
from digest.store.database import Database
from digest.store.documents import Reading

_READ: Final = """
    SELECT digest.id, CAST(digest.document AS TEXT), digest.local_date, digest.composed_at,
        subscriber.id, subscriber.name, subscriber.language, subscriber.style,
        subscriber.created_at,
        (SELECT count(*) FROM interest
            WHERE interest.subscriber_id = subscriber.id AND NOT interest.paused),
        subscriber.timezone, subscriber.cadence, subscriber.hour, subscriber.minute,
        subscriber.weekday, subscriber.monthday
    FROM digest JOIN subscriber ON subscriber.id = digest.subscriber_id
    WHERE digest.id IN ?
"""


class Read(NamedTuple):
    """A digest and whom it is for."""

    digest: Digest
    addressee: Addressee


class ReaderStore:
    """Reads what letters need."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = Reading()

    def read(self, ids: Sequence[DigestId]) -> dict[DigestId, Read]:
        """Those of these digests that are stored."""
        with self._database.read() as connection:
            rows = bulk.query(connection, _READ, ids)
            when: Callable[[Any], Any] = bulk.instants(connection)  # both are always there
        read = self._reading.digest
        found: dict[DigestId, Read] = {}
        for id, document, day, at, who, name, language, style, joined, interests, *order in rows:
            digest = read(
                document,
                id=id,
                subscriber_id=who,
                local_date=bulk.day(day),
                composed_at=when(at),
            )
            schedule = _schedule(*order)
            found[id] = Read(
                digest, Addressee(who, name, language, style, schedule, when(joined), interests)
            )
        return found


@lru_cache(maxsize=4096)
def _schedule(
    timezone: str, cadence: str, hour: int, minute: int, weekday: int, monthday: int
) -> Schedule:
    return Schedule(timezone, Cadence(cadence), hour, minute, weekday, monthday)
