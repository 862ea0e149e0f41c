"""Limits hold across processes, end with their window, and keep no address."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.limits import LimitStore
from digest.store.tables import RateRow, table
from tests.fakes import FrozenClock

HOUR = timedelta(hours=1)
KEY = "a key for the tests, as long as it has to be"


def waits(store: LimitStore, clock: FrozenClock, key: str = "ask:192.0.2.1") -> timedelta:
    return store.wait(key, most=2, within=HOUR, now=clock())


def test_beyond_the_limit_is_told_how_long_to_wait(database: Database, clock: FrozenClock) -> None:
    one, another = LimitStore(database, key=KEY), LimitStore(database, key=KEY)
    assert waits(one, clock) == timedelta(0)
    clock.tick(minutes=10)
    assert waits(another, clock) == timedelta(0)
    assert waits(one, clock) == timedelta(minutes=50)
    assert waits(one, clock, "ask:192.0.2.2") == timedelta(0)
    clock.tick(minutes=50)
    assert waits(one, clock) == timedelta(0)


def test_a_clock_set_back_locks_nobody_out(database: Database, clock: FrozenClock) -> None:
    store = LimitStore(database, key=KEY)
    assert [waits(store, clock) > timedelta(0) for _ in range(3)] == [False, False, True]
    clock.tick(days=-3)
    assert waits(store, clock) == timedelta(0)


def test_keys_are_hidden_and_forgotten(database: Database, clock: FrozenClock) -> None:
    store, rate = LimitStore(database, key=KEY), table(RateRow)
    waits(store, clock)
    clock.tick(days=3)
    waits(store, clock, "ask:192.0.2.9")
    with database.read() as connection:
        keys = list(connection.execute(sa.select(rate.c.key)).scalars())
    assert len(keys) == 1
    assert "192.0.2" not in keys[0]


def test_no_hash_can_be_guessed_without_the_key(database: Database, clock: FrozenClock) -> None:
    """Or who is forgotten could be looked for among what is left."""
    for key in (KEY, "another installation's key, also long"):
        waits(LimitStore(database, key=key), clock)
    with database.read() as connection:
        keys = set(connection.execute(sa.select(table(RateRow).c.key)).scalars())
    assert len(keys) == 2
