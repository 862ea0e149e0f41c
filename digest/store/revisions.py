"""Which revision of the schema a database has, and which this program: what every process asks.

Revisions are the numbered files of `migrations`, each after the one before. Bringing a database up
to date, which needs Alembic, is `digest.store.schema`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from digest.errors import SchemaError
from digest.store.database import Database

SCRIPTS: Final = Path(__file__).parent / "migrations"
_VERSION: Final = sa.table("alembic_version", sa.column("version_num"))


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The database's revision (None: empty) beside this program's."""

    current: str | None
    head: str
    is_newer: bool  #: the database was migrated by a later program

    @property
    def is_current(self) -> bool:
        return self.current == self.head


def schema_state(database: Database) -> SchemaState:
    with database.read() as connection:
        return state(connection)


def require_current(database: Database) -> None:
    """Raise SchemaError unless the schema is exactly this program's."""
    found = schema_state(database)
    refuse_newer(found, database.place)
    if not found.is_current:
        raise SchemaError(
            f"{database.place}: its schema is {found.current or 'empty'}, "
            f"this program needs {found.head}.",
            mend="Run `digest migrate`.",
        )


def state(connection: sa.Connection) -> SchemaState:
    known = sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("0*.py"))
    current = None
    if sa.inspect(connection).has_table(_VERSION.name):
        current = connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()
    return SchemaState(current, known[-1], is_newer=current is not None and current not in known)


def refuse_newer(found: SchemaState, place: str) -> None:
    if found.is_newer:
        raise SchemaError(
            f"{place}: its schema {found.current} is newer than this program, "
            f"which knows up to {found.head}.",
            mend="Install the newer version again; nothing was changed.",
        )
