"""Moving to another database, and going on after an old copy was put back.

A move copies every table in one transaction of the new database and counts both sides before it
commits; the old one is marked then, so that a forgotten scheduler cannot send from both. Going on
says what becomes of the time between a copy and now: `forward` counts everything as sent, `again`
goes on from the copy. Either way numbers start beyond any that may have been given out since, for
a number that once stood in a signed link or a Message-ID must never name something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.clock import next_due
from digest.errors import StoreError, UsageError
from digest.model import Cadence, DeliveryState, Schedule, SubscriberState
from digest.store import numbers, waterline
from digest.store.database import Database
from digest.store.marks import MarkStore, put_mark
from digest.store.revisions import require_current
from digest.store.schema import migrate
from digest.store.tables import DeliveryRow, FetchRow, SubscriberRow, table

_subscriber, _delivery, _fetch = table(SubscriberRow), table(DeliveryRow), table(FetchRow)

BATCH: Final = 1000
LEAP: Final = 1_000_000  #: numbers that may have been given out since the copy was taken
Progress = Callable[[str, int], None]


def move(
    source: Database, to: Database, now: datetime, *, progress: Progress = lambda table, rows: None
) -> dict[str, int]:
    """Copy everything into an empty database; returns the rows of each table.

    Raises UsageError where the new database holds something, StoreError where a count differs:
    then nothing of it was committed.
    """
    require_current(source)
    migrate(to)
    tables = SQLModel.metadata.sorted_tables
    with source.read() as old, to.write() as new:
        _require_empty(new, tables, to.place)
        copied = {}
        for one in tables:
            copied[one.name] = _copy(old, new, one)
            progress(one.name, copied[one.name])
        _verify(old, new, tables)
        numbers.raise_to(new, numbers.levels(old))
    MarkStore(source).set(waterline.HALTED, now, why=f"was moved to {to.place.lower()}")
    return copied


def go_on(database: Database, spool: Path, now: datetime, *, forward: bool) -> dict[str, int]:
    """Let a halted database send again; returns how many deliveries and readers were moved on.

    `forward`: what waits is cancelled and everybody is next due as if the gap had been sent to
    them. Whoever calls has read the sources first, so that the papers of the gap count as seen.
    """
    moved = {"deliveries": 0, "readers": 0}
    with database.write() as connection:
        leaped = {name: level + LEAP for name, level in numbers.levels(connection).items()}
        numbers.raise_to(connection, leaped)
        if forward:
            moved["deliveries"] = _cancel_waiting(connection, now)
            moved["readers"] = _move_readers(connection, now)
        put_mark(connection, "went_on", now, forward=forward)
    marks = MarkStore(database)
    level = max(waterline.highest(database), waterline.read(spool, marks.identity(now)))
    waterline.write(spool, marks.identity(now), level)
    marks.remove(waterline.HALTED)
    return moved


# --- moving ---------------------------------------------------------------------------------------


def _require_empty(connection: sa.Connection, tables: Sequence[sa.Table], place: str) -> None:
    full = [
        one.name
        for one in tables
        if connection.execute(sa.select(sa.literal(1)).select_from(one).limit(1)).first()
    ]
    if full:
        raise UsageError(
            f"{place} is not empty: there is something in {', '.join(full)}.",
            mend="Give the address of a new database.",
        )


def _copy(old: sa.Connection, new: sa.Connection, one: sa.Table) -> int:
    count = 0
    for rows in _pages(old, one):
        new.execute(sa.insert(one), rows)
        count += len(rows)
    return count


def _pages(old: sa.Connection, one: sa.Table) -> Iterator[list[dict[str, Any]]]:
    result = old.execution_options(yield_per=BATCH).execute(sa.select(one))
    for rows in result.mappings().partitions(BATCH):
        yield [dict(row) for row in rows]


def _verify(old: sa.Connection, new: sa.Connection, tables: Sequence[sa.Table]) -> None:
    for one in tables:
        count = sa.select(sa.func.count()).select_from(one)
        there, here = old.scalar(count), new.scalar(count)
        if there != here:
            raise StoreError(
                f"{one.name}: {there} rows there and {here} here; nothing was moved.",
                mend="Stop everything that writes, and move again.",
            )


# --- going on -------------------------------------------------------------------------------------


def _cancel_waiting(connection: sa.Connection, now: datetime) -> int:
    open_ = [state.value for state in DeliveryState if not state.is_settled]
    statement = (
        sa.update(_delivery)
        .where(_delivery.c.state.in_(open_))
        .values(
            state=DeliveryState.CANCELLED.value,
            settled_at=now,
            claimed_by=None,
            claimed_until=None,
            reply="from an old copy; it may have been sent already",
        )
    )
    return connection.execute(statement).rowcount


def _move_readers(connection: sa.Connection, now: datetime) -> int:
    """Everybody who has had a digest is next due in the future, and has seen all that is stored."""
    columns = ("id", "timezone", "cadence", "hour", "minute", "weekday", "monthday")
    statement = sa.select(*(_subscriber.c[name] for name in columns)).where(
        _subscriber.c.next_due_at.is_not(None),
        _subscriber.c.state.in_([SubscriberState.ACTIVE.value, SubscriberState.PAUSED.value]),
    )
    upto = connection.scalar(sa.select(sa.func.max(_fetch.c.id))) or 0
    rows = [
        {"who": row.id, "due": next_due(now, _schedule(row)), "upto": upto}
        for row in connection.execute(statement)
    ]
    if rows:
        connection.execute(
            sa.update(_subscriber)
            .where(_subscriber.c.id == sa.bindparam("who"))
            .values(next_due_at=sa.bindparam("due"), seen_upto=sa.bindparam("upto")),
            rows,
        )
    return len(rows)


def _schedule(row: Any) -> Schedule:
    return Schedule(
        timezone=row.timezone,
        cadence=Cadence(row.cadence),
        hour=row.hour,
        minute=row.minute,
        weekday=row.weekday,
        monthday=row.monthday,
    )
