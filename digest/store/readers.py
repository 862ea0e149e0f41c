"""Readers: stored digests with what their letters need to know of whom they are for.

Composing reads whole profiles (`digest.store.subscribers`); drawing the letter afterwards needs a
name, a language, a schedule and how many interests there are. One statement for a whole batch. What
this process has just composed is at hand, as it would be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from digest.model import Addressee, Cadence, Digest, DigestId, Schedule
from digest.store import bulk
from digest.store.database import Database
from digest.store.lines import read_digests
from digest.store.reading import Reading, Stored

_READ: Final = """
    SELECT CAST(digest.document AS TEXT), digest.id, subscriber.id, digest.local_date,
        digest.composed_at, subscriber.name, subscriber.language, subscriber.style,
        subscriber.created_at,
        (SELECT count(*) FROM interest
            WHERE interest.subscriber_id = subscriber.id AND NOT interest.paused),
        subscriber.timezone, subscriber.cadence, subscriber.hour, subscriber.minute,
        subscriber.weekday, subscriber.monthday
    FROM digest JOIN subscriber ON subscriber.id = digest.subscriber_id
    WHERE digest.id IN ?
"""
_AT_HAND: Final = 8_000  #: digests at most, of about 1 kB


class Read(NamedTuple):
    """A digest and whom it is for."""

    digest: Digest
    addressee: Addressee


class ReaderStore:
    """Reads what letters need."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = Reading()
        self._at_hand: dict[DigestId, Read] = {}

    def keep(self, written: Iterable[Read]) -> None:
        """These were just stored: whoever reads them first, soon, need not ask the database."""
        self._at_hand |= {one.digest.id: one for one in written}
        for oldest in list(islice(self._at_hand, max(0, len(self._at_hand) - _AT_HAND))):
            del self._at_hand[oldest]  # nobody came for it

    def count(self) -> int:
        """How many are kept, and nobody came for yet."""
        return len(self._at_hand)

    def read(self, ids: Sequence[DigestId]) -> dict[DigestId, Read]:
        """Those of these digests that are stored."""
        take = self._at_hand.pop
        found = {id_: read for id_ in ids if (read := take(id_, None)) is not None}
        if len(found) < len(ids) and (others := [id_ for id_ in ids if id_ not in found]):
            found |= self._stored(others)
        return found

    def _stored(self, ids: Sequence[DigestId]) -> dict[DigestId, Read]:
        with self._database.read() as connection:
            rows = bulk.query(connection, _READ, ids)
            when: Callable[[Any], Any] = bulk.instants(connection)  # both are always there
            stored = [
                Stored(text, id, who, bulk.day(day), when(at))
                for text, id, who, day, at, *_ in rows
            ]
            digests = read_digests(connection, stored, self._reading)
        found: dict[DigestId, Read] = {}
        for digest, row in zip(digests, rows, strict=True):
            name, language, style, joined, interests, *order = row[5:]
            who = digest.subscriber_id
            addressee = Addressee(
                who, name, language, style, _schedule(*order), when(joined), interests
            )
            found[digest.id] = Read(digest, addressee)
        return found


@lru_cache(maxsize=4096)
def _schedule(
    timezone: str, cadence: str, hour: int, minute: int, weekday: int, monthday: int
) -> Schedule:
    return Schedule(timezone, Cadence(cadence), hour, minute, weekday, monthday)
