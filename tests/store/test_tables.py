"""Every table keeps every value it is given, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from digest.store import tables
from digest.store.database import Database

ALL = SQLModel.metadata.sorted_tables
INSTANT = datetime(2026, 11, 20, 6, 0, 0, 123456, tzinfo=UTC)


def value_for(column: sa.Column[Any]) -> Any:
    """A value that shows what the column can hold: far from every default."""
    if column.foreign_keys or column.autoincrement is True or column.name == "id":
        return 1
    match column.type:
        case sa.JSON():
            return {"key": ["naïve", "漢字", 1.5, None, True]}
        case tables.UtcDateTime():
            return INSTANT
        case sa.Date():
            return date(2024, 2, 29)
        case sa.Boolean():
            return True
        case sa.BigInteger():
            return 2**40
        case sa.Integer():
            return 2**31 - 1
        case sa.Float():
            return 0.1 + 0.2
        case sa.LargeBinary():
            return bytes(range(256))
        case sa.String() | AutoString():
            return f"{column.name} “naïve” 漢字 𝒳 'quoted' \\ %s :name"
    raise AssertionError(f"no value for {column}")


def test_every_table_keeps_what_it_is_given(database: Database) -> None:
    rows = {each.name: {c.name: value_for(c) for c in each.columns} for each in ALL}
    with database.write() as connection:
        for each in ALL:
            connection.execute(sa.insert(each), [rows[each.name]])
    rows["subscriber"]["wants"] = None  # struck out by the interest that came after it
    with database.read() as connection:
        for each in ALL:
            found = connection.execute(sa.select(each)).mappings().one()
            assert dict(found) == rows[each.name], each.name


def test_an_id_is_never_given_twice(database: Database) -> None:
    source = tables.table(tables.FetchRow)
    values = {"source": "arxiv", "at": INSTANT, "verdict": "quiet"}
    statement = sa.insert(source).returning(source.c.id)
    with database.write() as connection:
        first = connection.execute(statement, values).scalar_one()
        connection.execute(sa.delete(source))
        assert connection.execute(statement, values).scalar_one() == first + 1
