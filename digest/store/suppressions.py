"""The suppression list in bulk: read, stored and forgotten, always as hashes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database, insert_into
from digest.store.tables import SuppressionRow, table

_suppression: Final = table(SuppressionRow)
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Suppression:
    """One address that must not be written to; `expires_at` None: never again."""

    address_hash: str
    reason: str
    at: datetime
    expires_at: datetime | None = None


def listed(database: Database, *, after: str = "", limit: int | None = None) -> list[Suppression]:
    """All of them in the order of the hashes, or up to `limit` that come `after` one."""
    columns = [_suppression.c[name] for name in Suppression.__slots__]
    wanted = sa.select(*columns).where(_suppression.c.address_hash > after)
    with database.read() as connection:
        found = connection.execute(wanted.order_by(_suppression.c.address_hash).limit(limit))
        return [Suppression(**row._asdict()) for row in found]


def store(database: Database, suppressions: Sequence[Suppression]) -> int:
    """Store these; what is there already stays the longer of the two. Returns how many were new."""
    new = 0
    for start in range(0, len(suppressions), _CHUNK):
        chunk = {one.address_hash: one for one in suppressions[start : start + _CHUNK]}
        with database.write() as connection:
            known = sa.select(_suppression.c.address_hash).where(
                _suppression.c.address_hash.in_(chunk)
            )
            new += len(chunk) - len(connection.execute(known).all())
            connection.execute(_upsert(connection), [asdict(one) for one in chunk.values()])
    return new


def count_expired(database: Database, now: datetime) -> int:
    over = sa.select(sa.func.count()).where(_suppression.c.expires_at <= now)
    with database.read() as connection:
        return connection.scalar(over) or 0


def find(database: Database, hashes: Sequence[str], now: datetime) -> Suppression | None:
    """What keeps an address, known by any of these hashes, from being written to."""
    columns = [_suppression.c[name] for name in Suppression.__slots__]
    holds = _suppression.c.expires_at.is_(None) | (_suppression.c.expires_at > now)
    statement = sa.select(*columns).where(_suppression.c.address_hash.in_(hashes), holds)
    with database.read() as connection:
        row = connection.execute(statement.order_by(_suppression.c.at)).first()
    return None if row is None else Suppression(**row._asdict())


def forget_expired(database: Database, now: datetime) -> int:
    """Drop those whose time is over; returns how many."""
    with database.write() as connection:
        over = sa.delete(_suppression).where(_suppression.c.expires_at <= now)
        return connection.execute(over).rowcount


def _upsert(connection: sa.Connection) -> sa.Executable:
    statement = insert_into(connection, _suppression)
    given, kept = statement.excluded.expires_at, _suppression.c.expires_at
    longer = sa.case(
        (sa.or_(given.is_(None), kept.is_(None)), None), (given > kept, given), else_=kept
    )
    changes: Iterable[tuple[str, object]] = (("expires_at", longer),)
    upsert: sa.Executable = statement.on_conflict_do_update(
        index_elements=["address_hash"], set_=dict(changes)
    )
    return upsert
