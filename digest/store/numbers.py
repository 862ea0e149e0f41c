"""The counters that rows are numbered by: read, and raised, never lowered, on both engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa
from sqlmodel import SQLModel

_NUMBERED: Final = "id"


def levels(connection: sa.Connection) -> dict[str, int]:
    """The highest number that each numbered table has, or its counter has given out."""
    given = _counters(connection)
    return {
        one.name: max(given.get(one.name, 0), connection.scalar(_highest(one)) or 0)
        for one in _numbered()
    }


def raise_to(connection: sa.Connection, wanted: Mapping[str, int]) -> None:
    """Let every counter go on beyond what is wanted, or beyond where it is if that is higher."""
    now = levels(connection)
    for name, level in wanted.items():
        target = max(level, now.get(name, 0))
        if target and connection.dialect.name == "sqlite":
            _raise_sqlite(connection, name, target)
        elif target:
            _raise_postgres(connection, name, target)


def level(connection: sa.Connection, name: str) -> int:
    """The highest number ever given out for one table."""
    return _counters(connection).get(name, 0)


def _numbered() -> Iterable[sa.Table]:
    """Tables whose `id` the engine gives."""
    for one in SQLModel.metadata.sorted_tables:
        key = one.c.get(_NUMBERED)
        if key is not None and key.primary_key and isinstance(key.type, sa.Integer):
            yield one


def _highest(one: sa.Table) -> sa.Select[int | None]:
    return sa.select(sa.func.max(one.c[_NUMBERED]))


def _counters(connection: sa.Connection) -> dict[str, int]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(sa.text("SELECT name, seq FROM sqlite_sequence"))
    else:
        rows = connection.execute(
            sa.text(
                "SELECT replace(sequencename, '_id_seq', ''), last_value FROM pg_sequences"
                " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
            )
        )
    return {name: int(value) for name, value in rows}


def _raise_sqlite(connection: sa.Connection, name: str, target: int) -> None:
    given = {"name": name, "target": target}
    changed = connection.execute(
        sa.text("UPDATE sqlite_sequence SET seq = :target WHERE name = :name"), given
    )
    if not changed.rowcount:
        connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:name, :target)"), given)


def _raise_postgres(connection: sa.Connection, name: str, target: int) -> None:
    given = {"name": f"{name}_id_seq", "target": target}
    connection.execute(sa.text("SELECT setval(CAST(:name AS regclass), :target)"), given)
