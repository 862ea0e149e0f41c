"""What every room's tests share: a clock that obeys, and databases on both engines.

`database` runs a test once on an SQLite file and once on PostgreSQL. Both are migrated once
a session. What needs a browser, further processes or PostgreSQL is marked slow here.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.store.database import Database
from digest.store.schema import migrate
from tests import postgres
from tests.fakes import FrozenClock

HERE = Path(__file__).parent
#: Rooms and files whose tests wait for a browser or for processes of their own, or are many that
#: each run whole commands.
WAITING = (
    "docs",
    "rendering/test_catalogues.py",
    "rendering/test_look.py",
    "rendering/test_wire.py",
    "scheduler/test_rounds.py",
    "test_channels.py",
    "test_cli",
    "test_templates_broken.py",
    "web/api",
    "web/browser",
    "web/desk",
    "web/test_mail_links.py",
    "web/test_languages.py",
    "scheduler/test_process.py",
    "test_composing_together.py",
    "test_outbox_crash.py",
    "test_run_crash.py",
)


def pytest_make_parametrize_id(val: object) -> str | None:
    """All processes must call a test the same, and what was compressed may hold the time."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and not val.isascii() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what waits, and what would only repeat on PostgreSQL what SQLite shows."""
    for item in items:
        place = item.path.relative_to(HERE).as_posix()
        fixtures = getattr(item, "fixturenames", ())
        if place.startswith(WAITING) or "[postgres" in item.name or "postgres_url" in fixtures:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that sets up its log does so for the process: take that back for the next test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "digest.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.dispose()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'digest.db')}"


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    if reason := postgres.missing():
        pytest.skip(reason)
    with postgres.running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> Iterator[str]:
    url = postgres_server.lend()
    yield url
    postgres_server.give_back(url)


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty, migrated database, on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()
