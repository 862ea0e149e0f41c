"""The migrations give exactly what tables.py says, on both engines, and never run backwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.errors import SchemaError
from digest.store import revisions, schema
from digest.store.database import Database
from tests.postgres import Postgres

HEAD = sorted(path.name[:4] for path in (revisions.SCRIPTS / "versions").glob("*.py"))[-1]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.empty()


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.dispose()


def test_an_empty_database_is_brought_up_to_date(empty: Database) -> None:
    assert revisions.schema_state(empty) == revisions.SchemaState(None, HEAD, is_newer=False)
    with pytest.raises(SchemaError, match=f"empty, this program needs {HEAD}"):
        revisions.require_current(empty)
    assert schema.migrate(empty).current is None
    assert revisions.schema_state(empty).is_current
    revisions.require_current(empty)
    assert schema.migrate(empty).is_current


def test_the_migrations_give_the_tables(database: Database) -> None:
    with database.write() as connection:
        assert schema.differences(connection) == []


def test_a_newer_schema_is_refused_by_name(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (schema.migrate, revisions.require_current):
        with pytest.raises(SchemaError, match=f"9999 is newer than this program.*{HEAD}"):
            refuse(database)


def test_two_at_once_migrate_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(3)]
    found: list[revisions.SchemaState] = []
    threads = [
        threading.Thread(target=lambda one=one: found.append(schema.migrate(one)))
        for one in databases
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for database in databases:
        assert revisions.schema_state(database).is_current
        database.dispose()
    assert len(found) == 3
    assert [state.current for state in found].count(None) == 1


def test_a_failed_migration_leaves_the_old_schema_whole(empty: Database) -> None:
    with empty.write() as connection:
        connection.execute(sa.text("CREATE TABLE sighting (n INTEGER)"))
    with pytest.raises(Exception, match=r"sighting|failed|already"):
        schema.migrate(empty)
    with empty.read() as connection:
        assert sa.inspect(connection).get_table_names() == ["sighting"]
