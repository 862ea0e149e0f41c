"""What was done and asked, as history: every run with its report, every fetch. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryState, FetchId, Verdict
from digest.store.database import Database
from digest.store.tables import DeliveryRow, DigestRow, FetchRow, RunRow, SourceRow, table

_run: Final = table(RunRow)
_fetch: Final = table(FetchRow)
_source: Final = table(SourceRow)
_digest: Final = table(DigestRow)
_delivery: Final = table(DeliveryRow)


@dataclass(frozen=True, slots=True)
class Run:
    """One edition; no `finished_at`: it is under way, or it was killed."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fetch:
    """One source asked once."""

    id: FetchId
    run_id: int | None
    source: str
    at: datetime
    seconds: float
    verdict: Verdict
    listings: int
    new_papers: int
    new_sightings: int
    detail: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a source; `failures` in a row."""

    name: str
    watermark: datetime | None = None
    last_success_at: datetime | None = None
    failures: int = 0


def runs(database: Database, *, limit: int, before: int | None = None) -> list[Run]:
    """Newest first; `before` goes on."""
    statement = sa.select(_run).order_by(_run.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_run.c.id < before)
    with database.read() as connection:
        return [Run(**row._asdict()) for row in connection.execute(statement)]


def run(database: Database, id: int) -> Run | None:
    with database.read() as connection:
        row = connection.execute(sa.select(_run).where(_run.c.id == id)).one_or_none()
    return None if row is None else Run(**row._asdict())


def fetches(
    database: Database,
    *,
    limit: int,
    source: str | None = None,
    run_id: int | None = None,
    before: FetchId | None = None,
) -> list[Fetch]:
    """Newest first, of one source or run or of all; `before` goes on."""
    statement = sa.select(_fetch).order_by(_fetch.c.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(_fetch.c.source == source)
    if run_id is not None:
        statement = statement.where(_fetch.c.run_id == run_id)
    if before is not None:
        statement = statement.where(_fetch.c.id < before)
    with database.read() as connection:
        rows = connection.execute(statement).all()
    return [Fetch(**row._asdict() | {"verdict": Verdict(row.verdict)}) for row in rows]


def outcomes(database: Database, run: Run) -> dict[DeliveryState, int]:
    """How the deliveries of a run's digests stand by now."""
    when = [_digest.c.composed_at >= run.started_at]
    if run.finished_at is not None:
        when.append(_digest.c.composed_at <= run.finished_at)
    statement = (
        sa.select(_delivery.c.state, sa.func.count())
        .join(_digest, _digest.c.id == _delivery.c.digest_id)
        .where(_digest.c.run_id == run.id, *when)
        .group_by(_delivery.c.state)
    )
    with database.read() as connection:
        return {DeliveryState(state): n for state, n in connection.execute(statement)}


def memory(database: Database, source: str) -> Memory | None:
    """What is remembered of a source; None for one that was never asked."""
    columns = [_source.c[name] for name in Memory.__slots__]
    with database.read() as connection:
        row = connection.execute(sa.select(*columns).where(_source.c.name == source)).one_or_none()
    return None if row is None else Memory(**row._asdict())
