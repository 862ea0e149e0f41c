"""Rows by the hundred, handed to the driver itself, in the caller's transaction.

The expression language spends more time on a row's parameters than the engine on the row. So here
a statement is written once for each table and set of columns; rows are tuples, and their values
are as the engine stores them: `stored` and `stored_day` make them so, `instants` reads them again.
New rows come column by column: PostgreSQL gets each column as one array, SQLite as many rows in a
statement as keep it short, which costs half of what a statement a row does. A set of ids is one
parameter on both. What is read costs by the column, far more than by the letter: columns that many
rows have in common are read `PACKED` into one. Constraints hold as ever; nothing is validated.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from digest.store.database import Glance

Asked = sa.Connection | Glance  #: what reads
K = TypeVar("K")
NOTHING: Final[Mapping[str, Any]] = {}
_DRAWN: Final = 256  #: numbers drawn from a sequence at once
_VALUES: Final = 400  #: in a statement of SQLite's; more gain nothing


def insert(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Sequence[Any]],
    *,
    alike: Mapping[str, Any] = NOTHING,
) -> None:
    """Add rows: the values of each column, all equally many; other columns have their default.

    Columns that are `alike` in all these rows have one value, told once.
    """
    names, values, same = tuple(columns), list(columns.values()), tuple(alike)
    if not values[0]:
        return
    dialect, told = connection.dialect, tuple(alike.values())
    if dialect.name == "sqlite":
        run(connection, lambda rows: _insert(table, names, same, dialect, rows=rows), values, told)
    else:
        connection.exec_driver_sql(
            _insert(table, names, same, dialect), (*told, *map(list, values))
        )


def parts(
    keys: Sequence[K], columns: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[K, Mapping[str, Sequence[Any]]]]:
    """Rows of one key together, to be inserted with it told once; their columns, part by part."""
    if len(set(keys)) == 1:  # as a rule
        yield keys[0], columns
        return
    found: dict[K, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        found[key].append(place)
    for key, places in found.items():
        yield key, {name: [all_[place] for place in places] for name, all_ in columns.items()}


def update(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Sequence[Any]],
    *,
    of: Sequence[int],
) -> None:
    """Set each column of the rows with these ids to its values, in the order of the ids."""
    names, values = (*columns, "id"), [*columns.values(), of]
    if not of:
        return
    dialect = connection.dialect
    if dialect.name == "sqlite":
        run(connection, lambda rows: _update(table, names, dialect, rows=rows), values)
    else:
        connection.exec_driver_sql(_update(table, names, dialect), tuple(map(list, values)))


def new_ids(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Ids for `count` rows to be inserted in this transaction, rising, never given out before.

    The table's ids must be AUTOINCREMENT; on SQLite the transaction must be one that writes.
    """
    if connection.dialect.name == "sqlite":
        return list(islice(numbers(connection, table), count))
    return _drawn(connection, table, count)


def numbers(connection: sa.Connection, table: sa.Table) -> Iterator[int]:
    """As `new_ids`, where nobody knows yet how many there will be; one such a transaction."""
    if connection.dialect.name == "sqlite":
        known = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        return itertools.count(1 + (connection.exec_driver_sql(known, (table.name,)).scalar() or 0))
    return chain.from_iterable(_drawn(connection, table, _DRAWN) for _ in repeat(None))


def _drawn(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    drawn = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    return list(connection.exec_driver_sql(drawn, (table.name, count)).scalars())


def select(
    connection: Asked,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    of: Collection[int],
    by: str = "id",
    order: tuple[str, ...] = (),
) -> Sequence[Any]:
    """The rows whose column `by` is one `of` these, as the engine stores them; JSON as text."""
    statement = _select(table, columns, by, order, connection.dialect)
    return query(connection, statement, of)


def query(connection: Asked, statement: str, *told: Any) -> Sequence[Any]:
    """The rows of a statement with `?` for each value told, and `IN ?` for a set of ids.

    `PACKED(…)` in it is a JSON array of whatever columns, to be cast to text; no fractions, which
    SQLite cuts off there. `instant` reads those that were in it.
    """
    if not isinstance(connection, Glance) and connection.dialect.name != "sqlite":
        text = statement.replace("IN ?", "= ANY(?)").replace("?", "%s")
        text = text.replace("PACKED(", "json_build_array(")
        values = [list(one) if _is_set(one) else one for one in told]
        return connection.exec_driver_sql(text, tuple(values)).all()
    text = statement.replace("IN ?", "IN (SELECT value FROM json_each(?))")
    text = text.replace("PACKED(", "json_array(")
    of_sqlite = tuple([json.dumps(list(one)) if _is_set(one) else one for one in told])
    if isinstance(connection, Glance):
        return connection.rows(text, of_sqlite)
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.execute(text, of_sqlite).fetchall()


def among(
    connection: sa.Connection, column: sa.Column[Any], ids: Collection[int]
) -> sa.ColumnElement[bool]:
    """The condition that a column is one of `ids`, in one parameter."""
    if connection.dialect.name == "sqlite":
        each = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
        return column.in_(sa.select(each.c.value))
    return column == sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger)))


def _is_set(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str)


def instants(connection: Asked) -> Callable[[Any], datetime | None]:
    """What makes aware instants in UTC of what `stored` made."""
    return instant if connection.dialect.name == "sqlite" else _in_utc


@lru_cache(maxsize=4096)
def instant(text: str | None) -> datetime | None:
    """What SQLite has stored, or either engine has packed; without a zone it is UTC already."""
    if text is None:
        return None
    told = datetime.fromisoformat(text)
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def _in_utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


def day(stored: Any) -> date:
    """The day of what `stored_day` made."""
    return _day(stored) if isinstance(stored, str) else stored


_day = lru_cache(maxsize=4096)(date.fromisoformat)


def stored(connection: Asked, instant: datetime) -> str | datetime:
    """An aware instant as UtcDateTime stores it."""
    return _as_sqlite(instant) if connection.dialect.name == "sqlite" else instant


def all_stored(connection: sa.Connection, instants: Iterable[datetime]) -> list[Any]:
    """A column of `stored`."""
    return list(map(_as_sqlite, instants) if connection.dialect.name == "sqlite" else instants)


def stored_day(connection: sa.Connection, day: date) -> str | date:
    return day.isoformat() if connection.dialect.name == "sqlite" else day


@lru_cache(maxsize=4096)
def _as_sqlite(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def run(
    connection: sa.Connection,
    write: Callable[[int], str],
    columns: Sequence[Sequence[Any]],
    alike: tuple[Any, ...] = (),
) -> int:
    """Run a statement of SQLite's that takes many rows of values, for all of these.

    `write` writes it for so many rows; `alike` are the values it takes before those of the rows.
    Returns how many rows of the table it changed.
    """
    count, width = len(columns[0]), len(columns)
    row_by_row: list[Any] = [None] * (width * count)
    for place, column in enumerate(columns):
        row_by_row[place::width] = column
    together, changed, begin = max(1, _VALUES // width), 0, 0
    for rows in (together, max(1, together // 8), 1):
        end, size = count - (count - begin) % rows, rows * width
        starts = range(begin * width, end * width, size)
        told = [(*alike, *row_by_row[at : at + size]) for at in starts]
        if told:
            changed += connection.exec_driver_sql(write(rows), told).rowcount
        begin = end
    return changed


@lru_cache(maxsize=64)
def _insert(
    table: sa.Table,
    columns: tuple[str, ...],
    alike: tuple[str, ...],
    dialect: sa.Dialect,
    *,
    rows: int = 1,
) -> str:
    usual = {
        column.name: _literal(column, dialect)
        for column in table.columns
        if column.name not in (*columns, *alike) and column.default is not None
    }
    quoted = ", ".join(_quoted((*alike, *columns, *usual), dialect))
    if dialect.name == "sqlite":
        same = [f"?{place}" for place in range(1, len(alike) + 1)]
        own = (f"?{place}" for place in itertools.count(len(alike) + 1))
        each = [
            ", ".join((*same, *islice(own, len(columns)), *usual.values())) for _ in range(rows)
        ]
        return f"INSERT INTO {table.name} ({quoted}) VALUES {', '.join(map('({})'.format, each))}"
    types = (table.columns[name].type.compile(dialect) for name in alike)
    same = [f"%s::{type_}" for type_ in types]
    own = (f"told.{name}" for name in _quoted(columns, dialect))
    told = ", ".join((*same, *own, *usual.values()))
    return (
        f"INSERT INTO {table.name} ({quoted}) SELECT {told} FROM {_told(table, columns, dialect)}"
    )


@lru_cache(maxsize=64)
def _update(
    table: sa.Table, columns: tuple[str, ...], dialect: sa.Dialect, *, rows: int = 1
) -> str:
    """The last of the columns is the id."""
    names = _quoted(columns, dialect)
    if dialect.name == "sqlite":
        row = f"({', '.join('?' * len(names))})"
        of = [f"told.column{place}" for place in range(1, len(names) + 1)]
        told = f"(VALUES {', '.join([row] * rows)}) AS told"
    else:
        of = [f"told.{name}" for name in names]
        told = _told(table, columns, dialect)
    *changes, key = [f"{name} = {value}" for name, value in zip(names, of, strict=True)]
    return f"UPDATE {table.name} SET {', '.join(changes)} FROM {told} WHERE {table.name}.{key}"


@lru_cache(maxsize=64)
def _select(
    table: sa.Table,
    columns: tuple[str, ...],
    by: str,
    order: tuple[str, ...],
    dialect: sa.Dialect,
) -> str:
    quoted = _quoted(columns, dialect)
    texts = [isinstance(table.c[name].type, sa.JSON) for name in columns]
    told = [f"CAST({q} AS TEXT)" if text else q for q, text in zip(quoted, texts, strict=True)]
    sorted_by = f" ORDER BY {', '.join(_quoted(order, dialect))}" if order else ""
    return f"SELECT {', '.join(told)} FROM {table.name} WHERE {by} IN ?{sorted_by}"


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
