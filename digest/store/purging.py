"""Forgetting by retention: what is older than its days goes, a few thousand rows a transaction.

No guarantee goes with it: `sent` stays for ever, so nothing is sent twice (4); a digest goes only
when all its deliveries are settled, a line that digests share after the last of them, a fetch only
when it brought nothing that is kept, and never the newest, which windows are counted by (2). A
paper that was sent, or judged by a reader, keeps its row and its keys and loses what is heavy: its
vectors. A paper stays until every reader's next window has gone by (`LONGEST_WINDOW`), whatever its
days. 0 days keeps for ever.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from digest.clock import system_clock
from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.line_tables import LineRow
from digest.store.marks import put_mark
from digest.store.post_tables import BounceRow
from digest.store.sent_tables import SentPaperRow
from digest.store.tables import (
    AttemptRow,
    DeliveryRow,
    DigestRow,
    FeedbackRow,
    FetchRow,
    PaperRow,
    PaperVectorRow,
    RunRow,
    SightingRow,
    SkipRow,
    table,
)

_attempt, _delivery, _digest = table(AttemptRow), table(DeliveryRow), table(DigestRow)
_bounce = table(BounceRow)
_line = table(LineRow)
_feedback, _fetch, _paper = table(FeedbackRow), table(FetchRow), table(PaperRow)
_vector, _run, _sent_paper = table(PaperVectorRow), table(RunRow), table(SentPaperRow)
_sighting, _skip = table(SightingRow), table(SkipRow)

BOUNCE_MEMORY: Final = timedelta(days=60)  #: of what came back, by which readers are judged
BATCH: Final = 2000  #: rows a transaction, so that nobody waits long for the writer
COMPOSED: Final = timedelta(days=2)  #: nobody composes any more at an instant so long ago
MEMORY: Final = timedelta(days=31)  #: of fetches, by which a source's health is judged
LONGEST_WINDOW: Final = timedelta(days=62)  #: of a monthly reader who missed a month
PURGED: Final = "papers_purged"  #: the mark that is another after papers went
_OPEN: Final = tuple(state.value for state in DeliveryState if not state.is_settled)


@dataclass(frozen=True, slots=True)
class Keep:
    """Days each kind of record is kept; 0 for ever."""

    papers_days: int = 0
    runs_days: int = 0
    digests_days: int = 0
    deliveries_days: int = 0


def purge(
    database: Database, keep: Keep, now: datetime, *, stop: threading.Event | None = None
) -> dict[str, int]:
    """Forget what is too old; returns how many rows of each kind went. Ends early when asked to."""
    halt = stop or threading.Event()
    return {
        name: _delete(database, rows, statement, halt)
        for name, (rows, statement) in doomed(keep, now).items()
    }


def count(database: Database, keep: Keep, now: datetime) -> dict[str, int]:
    """What `purge` would forget, as far as one look can tell."""
    with database.read() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
            for name, (_, found) in doomed(keep, now).items()
        }


def doomed(keep: Keep, now: datetime) -> Mapping[str, tuple[sa.Table, sa.Select[Any]]]:
    """For each kind, its table and the ids of the rows to go, in the order of going."""
    found: dict[str, tuple[sa.Table, sa.Select[Any]]] = {}
    if keep.deliveries_days:
        found["attempts"] = _attempt, _attempts(now - timedelta(days=keep.deliveries_days))
        found["deliveries"] = _delivery, _deliveries(now - timedelta(days=keep.deliveries_days))
        before = now - max(timedelta(days=keep.deliveries_days), BOUNCE_MEMORY)
        found["bounces"] = _bounce, _bounces(before)
    if keep.digests_days:
        found["digests"] = _digest, _digests(now - timedelta(days=keep.digests_days))
    found["lines"] = _line, _lines(now - COMPOSED)
    if keep.runs_days:
        before = now - timedelta(days=keep.runs_days)
        found["skips"] = _skip, sa.select(_skip.c.id).where(_skip.c.at < before)
        found["runs"] = _run, sa.select(_run.c.id).where(_run.c.started_at < before)
    if keep.papers_days:
        before = now - max(timedelta(days=keep.papers_days), LONGEST_WINDOW)
        found["papers"] = _paper, _papers(before)
        found["vectors"] = _vector, _vectors(before)
    if keep.runs_days:
        found["fetches"] = _fetch, _fetches(now - max(timedelta(days=keep.runs_days), MEMORY))
    return found


def _attempts(before: datetime) -> sa.Select[Any]:
    unsettled = sa.select(_delivery.c.id).where(_delivery.c.state.in_(_OPEN))
    return sa.select(_attempt.c.id).where(
        _attempt.c.at < before, _attempt.c.delivery_id.not_in(unsettled)
    )


def _deliveries(before: datetime) -> sa.Select[Any]:
    """Settled ones, whose digest waits on no other channel."""
    other = _delivery.alias("other")
    waits = sa.select(other.c.id).where(
        other.c.digest_id == _delivery.c.digest_id, other.c.state.in_(_OPEN)
    )
    return sa.select(_delivery.c.id).where(_delivery.c.settled_at < before, ~waits.exists())


def _bounces(before: datetime) -> sa.Select[Any]:
    """Those that the policy has seen and counts no more."""
    return sa.select(_bounce.c.id).where(_bounce.c.at < before, _bounce.c.judged)


def _digests(before: datetime) -> sa.Select[Any]:
    waits = sa.select(_delivery.c.id).where(
        _delivery.c.digest_id == _digest.c.id, _delivery.c.state.in_(_OPEN)
    )
    return sa.select(_digest.c.id).where(_digest.c.composed_at < before, ~waits.exists())


def _lines(before: datetime) -> sa.Select[Any]:
    """Lines of instants of which no digest is left: each is named by digests of its own only."""
    instant = sa.select(_line.c.at).where(_line.c.at < before).distinct().subquery()
    digests = sa.select(_digest.c.id).where(_digest.c.composed_at == instant.c.at)
    bare = sa.select(instant.c.at).where(~digests.exists())
    return sa.select(_line.c.id).where(_line.c.at.in_(bare))


def _papers(before: datetime) -> sa.Select[Any]:
    """Papers nobody was sent and nobody judged."""
    needed = [
        sa.select(of.c.paper_id).where(of.c.paper_id == _paper.c.id).exists()
        for of in (_sent_paper, _feedback)
    ]
    old = _paper.c.announced_on < before.date()
    return sa.select(_paper.c.id).where(old, *(~one for one in needed))


def _vectors(before: datetime) -> sa.Select[Any]:
    old = sa.select(_paper.c.id).where(_paper.c.announced_on < before.date())
    return sa.select(_vector.c.paper_id).where(_vector.c.paper_id.in_(old))


def _fetches(before: datetime) -> sa.Select[Any]:
    """Fetches that brought nothing we still have, and are not the newest of their source."""
    newest = sa.select(sa.func.max(_fetch.c.id)).group_by(_fetch.c.source)
    brought = [
        sa.select(of.c.id).where(of.c.fetch_id == _fetch.c.id).exists()
        for of in (_paper, _sighting)
    ]
    return sa.select(_fetch.c.id).where(
        _fetch.c.at < before, _fetch.c.id.not_in(newest), *(~one for one in brought)
    )


def _delete(
    database: Database, rows: sa.Table, statement: sa.Select[Any], stop: threading.Event
) -> int:
    gone, key = 0, rows.c[statement.selected_columns[0].name]
    while not stop.is_set():
        with database.write() as connection:
            ids = connection.execute(statement.limit(BATCH)).scalars().all()
            if not ids:
                break
            gone += connection.execute(sa.delete(rows).where(key.in_(ids))).rowcount
            if rows is _paper:  # whoever keeps an index of papers looks again
                put_mark(connection, PURGED, system_clock(), key=uuid.uuid4().hex)
    return gone
