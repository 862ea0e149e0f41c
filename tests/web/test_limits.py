"""Limits hold across processes, end with their window, and keep no address."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.limits import LimitStore
from digest.store.tables import RateRow, table
from tests.fakes import FrozenClock

HOUR = timedelta(hours=1)


def waits(store: LimitStore, clock: FrozenClock, key: str = "ask:192.0.2.1") -> timedelta:
    return store.wait(key, most=2, within=HOUR, now=clock())


def test_beyond_the_limit_is_told_how_long_to_wait(database: Database, clock: FrozenClock) -> None:
    one, another = LimitStore(database), LimitStore(database)
    assert waits(one, clock) == timedelta(0)
    clock.tick(minutes=10)
    assert waits(another, clock) == timedelta(0)
    assert waits(one, clock) == timedelta(minutes=50)
    assert waits(one, clock, "ask:192.0.2.2") == timedelta(0)
    clock.tick(minutes=50)
    assert waits(one, clock) == timedelta(0)


def test_a_clock_set_back_locks_nobody_out(database: Database, clock: FrozenClock) -> None:
    store = LimitStore(database)
    assert [waits(store, clock) > timedelta(0) for _ in range(3)] == [False, False, True]
    clock.tick(days=-3)
    assert waits(store, clock) == timedelta(0)


def test_keys_are_hidden_and_forgotten(database: Database, clock: FrozenClock) -> None:
    store, rate = LimitStore(database), table(RateRow)
    waits(store, clock)
    clock.tick(days=3)
    waits(store, clock, "ask:192.0.2.9")
    with database.read() as connection:
        keys = list(connection.execute(sa.select(rate.c.key)).scalars())
    assert len(keys) == 1
    assert "192.0.2" not in keys[0]
