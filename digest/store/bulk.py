"""Rows by the hundred, handed to the driver itself, in the caller's transaction.

The expression language spends more time on a row's parameters than the engine on the row. So here
a statement is written once for each table and set of columns; rows are tuples, and their values
are as the engine stores them: `stored` and `stored_day` make them so. PostgreSQL gets each column
as one array, SQLite gets row after row. Constraints hold as ever; nothing is validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

Row = tuple[Any, ...]


def insert(
    connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Add `rows` of `columns`; every other column has the table's default."""
    statement = _insert(table, columns, connection.dialect)
    _execute(connection, statement, rows)


def update(
    connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Set `columns` of the rows whose id each tuple ends with."""
    statement = _update(table, columns, connection.dialect)
    _execute(connection, statement, rows)


def new_ids(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Ids for `count` rows to be inserted in this transaction, rising, never given out before.

    The table's ids must be AUTOINCREMENT; on SQLite the transaction must be one that writes.
    """
    if connection.dialect.name == "sqlite":
        known = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        last = connection.exec_driver_sql(known, (table.name,)).scalar() or 0
        return list(range(last + 1, last + count + 1))
    drawn = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    return list(connection.exec_driver_sql(drawn, (table.name, count)).scalars())


def stored(connection: sa.Connection, instant: datetime) -> str | datetime:
    """An aware instant as UtcDateTime stores it."""
    return _as_sqlite(instant) if connection.dialect.name == "sqlite" else instant


def stored_day(connection: sa.Connection, day: date) -> str | date:
    return day.isoformat() if connection.dialect.name == "sqlite" else day


@lru_cache(maxsize=4096)
def _as_sqlite(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _execute(connection: sa.Connection, statement: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement, list(rows))
    else:
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))


@lru_cache(maxsize=64)
def _insert(table: sa.Table, columns: tuple[str, ...], dialect: sa.Dialect) -> str:
    usual = {
        column.name: _literal(column, dialect)
        for column in table.columns
        if column.name not in columns and column.default is not None
    }
    quoted = ", ".join(_quoted((*columns, *usual), dialect))
    values = ", ".join(("?",) * len(columns) + tuple(usual.values()))
    if dialect.name == "sqlite":
        return f"INSERT INTO {table.name} ({quoted}) VALUES ({values})"
    told = ", ".join((*(f"told.{name}" for name in _quoted(columns, dialect)), *usual.values()))
    return (
        f"INSERT INTO {table.name} ({quoted}) SELECT {told} FROM {_told(table, columns, dialect)}"
    )


@lru_cache(maxsize=64)
def _update(table: sa.Table, columns: tuple[str, ...], dialect: sa.Dialect) -> str:
    names = _quoted(columns, dialect)
    if dialect.name == "sqlite":
        changes = ", ".join(f"{name} = ?" for name in names)
        return f"UPDATE {table.name} SET {changes} WHERE id = ?"
    changes = ", ".join(f"{name} = told.{name}" for name in names)
    told = _told(table, (*columns, "id"), dialect)
    return f"UPDATE {table.name} SET {changes} FROM {told} WHERE {table.name}.id = told.id"


def _told(table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> str:
    """The rows as PostgreSQL reads them off one array a column."""
    types = (table.columns[name].type.compile(dialect) for name in columns)
    arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
    return f"unnest({arrays}) AS told ({', '.join(_quoted(columns, dialect))})"


def _literal(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    default: Any = column.default
    value = sa.literal(default.arg, column.type)
    return str(value.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _quoted(names: Sequence[str], dialect: sa.Dialect) -> list[str]:
    return [dialect.identifier_preparer.quote(name) for name in names]
