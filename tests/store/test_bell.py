from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from digest.store.bell import ring
from digest.store.database import Database
from digest.store.listening import Listener

pytestmark = pytest.mark.postgres


class Ear:
    """Counts pokes, and waits for them."""

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)
        self.stop = threading.Event()

    def listen(self, database: Database) -> Listener:
        listener = Listener(database, self.heard.release, stop=self.stop, again=0.05)
        listener.start()
        assert self.heard.acquire(timeout=5), "begins with a poke"
        return listener

    def hears(self, *, within: float) -> bool:
        return self.heard.acquire(timeout=within)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_the_bell_is_heard_when_the_transaction_commits(
    postgres_database: Database, ear: Ear
) -> None:
    listener = ear.listen(postgres_database)
    with postgres_database.write() as connection:
        ring(connection)
        assert not ear.hears(within=0.2)
    assert ear.hears(within=5)
    ear.stop.set()
    listener.join(5)
    assert not listener.is_alive()


def test_what_is_rolled_back_rings_no_bell(postgres_database: Database, ear: Ear) -> None:
    ear.listen(postgres_database)
    with suppress(KeyError), postgres_database.write() as connection:
        ring(connection)
        raise KeyError
    assert not ear.hears(within=0.3)
    ear.stop.set()


def test_a_lost_connection_is_opened_again(postgres_database: Database, ear: Ear) -> None:
    ear.listen(postgres_database)
    with postgres_database.write() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
    assert ear.hears(within=5)
    ear.stop.set()


def test_sqlite_has_no_bell(sqlite_database: Database, ear: Ear) -> None:
    with sqlite_database.write() as connection:
        ring(connection)
    listener = Listener(sqlite_database, ear.heard.release, stop=ear.stop)
    listener.start()
    listener.join(5)
    assert not listener.is_alive()
