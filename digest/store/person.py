"""Everything that is stored about one person, as plain data: what the law lets them ask for.

Found by the schema itself, so that a table added later is not forgotten: whatever points at the
subscriber, at what belongs to them, or holds their address.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.store import bulk
from digest.store.database import Database
from digest.store.documents import named
from digest.store.line_tables import LineRow
from digest.store.tables import SubscriberRow, SuppressionRow, table

Rows = list[dict[str, Any]]
_SUBSCRIBER: Final = table(SubscriberRow)
_SUPPRESSION: Final = table(SuppressionRow)
_LINE: Final = table(LineRow)
_ADDRESS: Final = "address"
_SECRET: Final = frozenset({"secret", "secret_hash"})
#: what rows may belong to somebody through
_OWNED: Final = ("interest", "delivery")


def stored_about(database: Database, email: str, hashes: Collection[str]) -> dict[str, Rows]:
    """Rows by table; `hashes` are how the suppression list may know the address."""
    tables = SQLModel.metadata.sorted_tables
    with database.read() as connection:
        who = connection.scalar(sa.select(_SUBSCRIBER.c.id).where(_SUBSCRIBER.c.email == email))
        found = {one.name: _about(connection, one, who, email) for one in tables}
        found[_LINE.name] = _lines(connection, found["digest"])
        found["suppression"] = _rows(
            connection, _SUPPRESSION, _SUPPRESSION.c.address_hash.in_(hashes)
        )
    return {name: rows for name, rows in found.items() if rows}


def _about(connection: sa.Connection, one: sa.Table, who: int | None, email: str) -> Rows:
    if one is _SUBSCRIBER:
        return _rows(connection, one, one.c.email == email)
    theirs = []
    if "subscriber_id" in one.c and who is not None:
        theirs.append(one.c.subscriber_id == who)
    if _ADDRESS in one.c:  # also what was asked for before, or by somebody who is not known yet
        theirs.append(one.c[_ADDRESS] == email)
    if not theirs and who is not None:
        theirs = [_owned(one, owner, who) for owner in _OWNED if f"{owner}_id" in one.c]
    return _rows(connection, one, sa.or_(*theirs)) if theirs else []


def _owned(one: sa.Table, owner: str, who: int) -> sa.ColumnElement[bool]:
    held = SQLModel.metadata.tables[owner]
    ids = sa.select(held.c.id).where(held.c.subscriber_id == who)
    return one.c[f"{owner}_id"].in_(ids)


def _lines(connection: sa.Connection, digests: Rows) -> Rows:
    """What their digests share with those of others."""
    numbers = {number for one in digests for number in named(one["document"])}
    return _rows(connection, _LINE, bulk.among(connection, _LINE.c.id, numbers))


def _rows(connection: sa.Connection, one: sa.Table, where: sa.ColumnElement[bool]) -> Rows:
    statement = sa.select(one).where(where).order_by(*one.primary_key.columns)
    return [_plain(dict(row)) for row in connection.execute(statement).mappings()]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Bytes, such as vectors, are shown by their size; of a secret, only that there is one."""
    return {name: _shown(name, value) for name, value in row.items()}


def _shown(name: str, value: Any) -> Any:
    if name in _SECRET:
        return "(secret)" if value else value
    return f"{len(value)} bytes" if isinstance(value, bytes | memoryview) else value
