"""What was sent under each key of late, shared by all processes: read and changed in one go.

The arithmetic is the caller's (`digest.delivery.rates`). A key's row is locked while it is changed,
keys always in the same order, so two workers never grant the same allowance and never wait for
each other in a round. Time is the database server's where there is one, so that hosts with
different ideas of it share one window. Keys name no address in clear.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from digest.clock import Clock, system_clock
from digest.store.database import Database, insert_into
from digest.store.post_tables import BudgetRow
from digest.store.tables import table

_budget: Final = table(BudgetRow)
_FORGET: Final = timedelta(days=2)  #: longer than any span

Cells = dict[str, list[list[int]]]
T = TypeVar("T")


class BudgetStore:
    """The budgets of one installation; `clock` is real time (for SQLite)."""

    def __init__(self, database: Database, *, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock

    def change(
        self, keys: Collection[str], change: Callable[[str, Cells, float], tuple[T, Cells]]
    ) -> dict[str, T]:
        """Apply `change(key, cells, seconds since 1970)` to each key; what it gives for each."""
        given: dict[str, T] = {}
        with self._database.write() as connection:
            now = self._now(connection)
            self._make(connection, keys, now)
            for key in sorted(keys):
                row = connection.execute(_locked(key)).one()
                given[key], cells = change(key, row.cells, now.timestamp())
                statement = sa.update(_budget).where(_budget.c.key == key)
                connection.execute(statement.values(cells=cells, at=now))
        return given

    def purge(self) -> int:
        """Forget keys that nothing was taken from for two days."""
        with self._database.write() as connection:
            before = self._now(connection) - _FORGET
            return connection.execute(sa.delete(_budget).where(_budget.c.at < before)).rowcount

    def _make(self, connection: sa.Connection, keys: Collection[str], now: datetime) -> None:
        rows: list[dict[str, Any]] = [{"key": key, "cells": {}, "at": now} for key in sorted(keys)]
        if rows:
            connection.execute(insert_into(connection, _budget).on_conflict_do_nothing(), rows)

    def _now(self, connection: sa.Connection) -> datetime:
        if connection.dialect.name == "postgresql":
            now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            return now
        return self._clock()


def _locked(key: str) -> sa.Select[Any]:
    return sa.select(_budget.c.cells).where(_budget.c.key == key).with_for_update()
