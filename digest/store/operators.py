"""Operators' accounts and sessions, as rows; what they mean is `digest.operators`' business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database, insert_into
from digest.store.desk_tables import OperatorRow, OperatorSessionRow, table

_operator: Final = table(OperatorRow)
_session: Final = table(OperatorSessionRow)


@dataclass(frozen=True, slots=True)
class StoredOperator:
    """One account."""

    name: str
    password_hash: str
    created_at: datetime
    changed_at: datetime
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One browser signed in."""

    operator: str
    password_mark: str
    began_at: datetime
    expires_at: datetime


class OperatorStore:
    """Each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- accounts ---

    def listed(self) -> list[StoredOperator]:
        """Everyone, by name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_operator).order_by(_operator.c.name)).all()
        return [StoredOperator(**row._asdict()) for row in rows]

    def find(self, name: str) -> StoredOperator | None:
        statement = sa.select(_operator).where(_operator.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else StoredOperator(**row._asdict())

    def add(self, name: str, password_hash: str, at: datetime) -> bool:
        """Whether the name was free."""
        values = {"name": name, "password_hash": password_hash, "created_at": at, "changed_at": at}
        with self._database.write() as connection:
            statement = insert_into(connection, _operator).values(values).on_conflict_do_nothing()
            return connection.execute(statement.returning(_operator.c.name)).first() is not None

    def change(self, name: str, password_hash: str, at: datetime) -> bool:
        """Give an account another password, and end its sessions; whether there is one."""
        values = {"password_hash": password_hash, "changed_at": at}
        with self._database.write() as connection:
            connection.execute(sa.delete(_session).where(_session.c.operator == name))
            found = sa.update(_operator).where(_operator.c.name == name).values(values)
            return connection.execute(found).rowcount == 1

    def remove(self, name: str) -> bool:
        """Forget an account and end its sessions; whether there was one."""
        with self._database.write() as connection:
            connection.execute(sa.delete(_session).where(_session.c.operator == name))
            gone = sa.delete(_operator).where(_operator.c.name == name)
            return connection.execute(gone).rowcount == 1

    def rehash(self, name: str, password_hash: str, *, marks: tuple[str, str]) -> None:
        """The same password hashed anew: its sessions go on, under the new mark (old, new)."""
        old, new = marks
        theirs = (_session.c.operator == name) & (_session.c.password_mark == old)
        with self._database.write() as connection:
            again = sa.update(_operator).where(_operator.c.name == name)
            connection.execute(again.values(password_hash=password_hash))
            connection.execute(sa.update(_session).where(theirs).values(password_mark=new))

    # --- sessions ---

    def begin(self, key_hash: str, session: StoredSession) -> None:
        """Store a new session, note when its operator came, and forget those that are over."""
        values = {
            "key_hash": key_hash,
            "operator": session.operator,
            "password_mark": session.password_mark,
            "began_at": session.began_at,
            "expires_at": session.expires_at,
        }
        came = sa.update(_operator).where(_operator.c.name == session.operator)
        with self._database.write() as connection:
            over = sa.delete(_session).where(_session.c.expires_at <= session.began_at)
            connection.execute(over)
            connection.execute(sa.insert(_session).values(values))
            connection.execute(came.values(signed_in_at=session.began_at))

    def session(self, key_hash: str) -> StoredSession | None:
        columns = [_session.c[name] for name in StoredSession.__slots__]
        statement = sa.select(*columns).where(_session.c.key_hash == key_hash)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else StoredSession(**row._asdict())

    def end(self, key_hash: str) -> None:
        with self._database.write() as connection:
            connection.execute(sa.delete(_session).where(_session.c.key_hash == key_hash))
