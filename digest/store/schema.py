"""Bringing a database's schema up to this program's, and refusing a newer one.

Migrations run in one write transaction, so a failed or killed one leaves the old schema whole; on
PostgreSQL an advisory transaction lock keeps two processes from migrating at once. Forward only.

Writing a revision after `tables.py` changed:  python -m digest.store.schema "what changed"
"""

from __future__ import annotations

import sys
from tempfile import TemporaryDirectory
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from digest.store.calibrations import CalibrationRow
from digest.store.channels import ChannelRow
from digest.store.database import Database
from digest.store.desk_tables import OperatorRow
from digest.store.errands import ErrandRow
from digest.store.line_tables import LineRow
from digest.store.marks import MarkRow
from digest.store.post_tables import BounceRow
from digest.store.revisions import SCRIPTS, SchemaState, refuse_newer, schema_state, state
from digest.store.sent_tables import SentRow
from digest.store.summary_tables import SummaryRow
from digest.store.web_tables import ApiTokenRow

#: Their modules bring every table into the metadata.
_TABLES: Final = (
    ApiTokenRow,
    BounceRow,
    CalibrationRow,
    ChannelRow,
    ErrandRow,
    LineRow,
    MarkRow,
    OperatorRow,
    SentRow,
    SummaryRow,
)
_LOCK: Final = 0x0D16_E57D  #: PostgreSQL advisory lock number of migrations


def migrate(database: Database) -> SchemaState:
    """Bring the schema up to date; returns the state found before. Raises SchemaError if newer."""
    found = schema_state(database)
    if found.is_current:
        return found
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = state(connection)
        refuse_newer(found, database.place)
        if not found.is_current:
            command.upgrade(_config(connection), "head")
    return found


def differences(connection: sa.Connection) -> list[object]:
    """What separates the database's tables from `tables.py`, as Alembic tells it."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, _TABLES[0].metadata))


def _config(connection: sa.Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def write_revision(message: str) -> None:
    """Write the next revision from what `tables.py` has and the last revision has not."""
    count = len(list((SCRIPTS / "versions").glob("*.py")))
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        if count:
            migrate(database)
        with database.write() as connection:
            config = _config(connection)
            command.revision(config, message, autogenerate=True, rev_id=f"{count + 1:04}")
        database.dispose()


if __name__ == "__main__":
    write_revision(" ".join(sys.argv[1:]))
