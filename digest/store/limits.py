"""How often someone may ask: counted in the database, so that it holds across processes.

A fixed window each key, one statement an attempt. Keys are kept as hashes; nothing here says which
limit is right (see `digest.web`). Never called for GET or HEAD, which change nothing (guarantee 6).
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database, insert_into
from digest.store.tables import RateRow, table

_RATE: Final = table(RateRow)
_FORGET: Final = timedelta(days=2)  #: longer than any window


class LimitStore:
    """Counts attempts in windows."""

    def __init__(self, database: Database, *, key: str) -> None:
        """`key` is secret: without it nobody can look for an address among the hashes."""
        self._database = database
        self._key = hashlib.sha256(key.encode()).digest()

    def wait(self, key: str, *, most: int, within: timedelta, now: datetime) -> timedelta:
        """Count one more attempt for `key`; zero when it is among the `most` allowed `within` the
        window, else how long until the next window."""
        with self._database.write() as connection:
            since, count = self._count(connection, key, now - within, now)
            if count == 1:
                connection.execute(sa.delete(_RATE).where(_RATE.c.since < now - _FORGET))
        return max(since + within - now, timedelta(seconds=1)) if count > most else timedelta(0)

    def _count(
        self, connection: sa.Connection, key: str, oldest: datetime, now: datetime
    ) -> tuple[datetime, int]:
        # A window of the future was left by a clock that has since been set back.
        is_over = (_RATE.c.since <= oldest) | (_RATE.c.since > now)
        statement = insert_into(connection, _RATE).values(key=self._hidden(key), since=now, count=1)
        counted = statement.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "since": sa.case((is_over, now), else_=_RATE.c.since),
                "count": sa.case((is_over, 1), else_=_RATE.c.count + 1),
            },
        ).returning(_RATE.c.since, _RATE.c.count)
        since, count = connection.execute(counted).one()
        return since, count

    def _hidden(self, key: str) -> str:
        return hashlib.blake2b(key.encode(), key=self._key, digest_size=16).hexdigest()
