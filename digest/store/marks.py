"""What the installation remembers of itself: who beats, what was told, and that it was restored.

One small row a name. A mark is set, read, or taken by the one of several processes that comes
first (`take`). Its time is the story's clock; what a mark means is for whoever sets it to know.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from digest.store.database import Database, insert_into
from digest.store.tables import UtcDateTime, table


class MarkRow(SQLModel, table=True):
    """One remembered thing: when, and the little there is to say of it."""

    __tablename__ = "mark"
    name: str = Field(primary_key=True)
    at: dt.datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


_MARK: Final = table(MarkRow)
IDENTITY: Final = "identity"


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as read."""

    name: str
    at: dt.datetime
    detail: dict[str, Any]


class MarkStore:
    """Sets, reads and takes marks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, name: str, at: dt.datetime, **detail: Any) -> None:
        with self._database.write() as connection:
            put_mark(connection, name, at, **detail)

    def get(self, name: str) -> Mark | None:
        with self._database.read() as connection:
            return read_mark(connection, name)

    def below(self, prefix: str) -> list[Mark]:
        """The marks whose names begin so, by name."""
        statement = sa.select(_MARK).where(_MARK.c.name.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(_MARK.c.name)).all()
        return [Mark(row.name, row.at, row.detail) for row in rows]

    def remove(self, name: str) -> None:
        with self._database.write() as connection:
            connection.execute(sa.delete(_MARK).where(_MARK.c.name == name))

    def take(self, name: str, at: dt.datetime, *, every: dt.timedelta) -> bool:
        """Whether nobody had this mark within `every`; then it is ours, as of `at`.

        A mark of the future was set by a clock that has since been set back: it does not hold.
        """
        is_old = (_MARK.c.at <= at - every) | (_MARK.c.at > at)
        with self._database.write() as connection:
            statement = insert_into(connection, _MARK).values(name=name, at=at, detail={})
            taken = statement.on_conflict_do_update(
                index_elements=["name"], set_={"at": at}, where=is_old
            ).returning(_MARK.c.name)
            return connection.execute(taken).first() is not None

    def identity(self, now: dt.datetime) -> str:
        """What tells this installation's database from every other; made when first asked for."""
        found = self.get(IDENTITY)
        if found is None:
            with self._database.write() as connection:
                fresh = {"name": IDENTITY, "at": now, "detail": {"id": uuid.uuid4().hex}}
                statement = insert_into(connection, _MARK).values(fresh)
                connection.execute(statement.on_conflict_do_nothing())
                found = read_mark(connection, IDENTITY)
        assert found is not None
        return str(found.detail["id"])


def put_mark(connection: sa.Connection, name: str, at: dt.datetime, **detail: Any) -> None:
    """Set a mark in a transaction of the caller's."""
    statement = insert_into(connection, _MARK).values(name=name, at=at, detail=detail)
    changed = {"at": at, "detail": detail}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def read_mark(connection: sa.Connection, name: str) -> Mark | None:
    row = connection.execute(sa.select(_MARK).where(_MARK.c.name == name)).one_or_none()
    return None if row is None else Mark(row.name, row.at, row.detail)
