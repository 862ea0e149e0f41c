"""What composing reads and writes: who is due, what they were sent, and the digests queued.

Keeps guarantees 1, 2 and 4. A batch of due subscribers is locked in the very transaction that
stores their digests and deliveries and moves `next_due_at` and `seen_upto`: a kill at any instant
leaves all of it or nothing, and no two composers serve one subscriber (SKIP LOCKED on PostgreSQL,
the single writer on SQLite). No policy: `digest.edition` decides what goes in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import compress
from operator import add, eq, gt, itemgetter
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.model import (
    Addressee,
    Channel,
    Delivery,
    DeliveryState,
    Digest,
    DigestId,
    FetchId,
    PaperId,
    Skip,
    SubscriberId,
    SubscriberState,
)
from digest.store import bulk
from digest.store.database import Database, insert_into
from digest.store.documents import Written
from digest.store.lines import STORED, line_numbers, read_digests, store_lines
from digest.store.papers import current_ids
from digest.store.queueing import Booker, Booking, Post, queue
from digest.store.readers import Read
from digest.store.reading import Reading, Stored
from digest.store.sent import forget_sent, sent_before, store_sent
from digest.store.superseding import NEVER_LEFT, Superseded, superseded, waiting

_subscriber = SQLModel.metadata.tables["subscriber"]
_digest = SQLModel.metadata.tables["digest"]
_delivery = SQLModel.metadata.tables["delivery"]
_skip = SQLModel.metadata.tables["skip"]
_run = SQLModel.metadata.tables["run"]
_paper = SQLModel.metadata.tables["paper"]
_sighting = SQLModel.metadata.tables["sighting"]

#: Literals, for an index serves a state only where the statement itself names it.
_ACTIVE = f"state = '{SubscriberState.ACTIVE.value}'"
#: What the index holds, and no more: the longest waiting stand anywhere in the table.
_DUE = f"SELECT id, next_due_at FROM subscriber WHERE {_ACTIVE} AND next_due_at <= ?"
#: By their keys alone: with the state, SQLite would look through all who are active.
_STILL_DUE = "SELECT id, next_due_at, state FROM subscriber WHERE id IN ?"
_STAYED = f"SELECT digest_id, {NEVER_LEFT} FROM delivery WHERE digest_id IN ?"
_DATED = "SELECT subscriber_id FROM digest WHERE local_date = ? AND subscriber_id IN ?"


class Due(NamedTuple):
    """A subscriber whose hour has come."""

    id: SubscriberId
    next_due_at: datetime


_due: Final = partial(tuple.__new__, Due)  # `_make` without counting
_digest_of: Final = partial(tuple.__new__, Digest)
_behind_id: Final = itemgetter(slice(1, None))  #: a digest's fields
_post: Final = partial(tuple.__new__, Post)
_read: Final = partial(tuple.__new__, Read)


class Issue(NamedTuple):
    """A composed digest on its way into the outbox.

    `papers` are its own; `versions` knows them and whatever else there was in the window.
    """

    digest: Digest
    papers: Sequence[PaperId]
    versions: Mapping[PaperId, int]
    fetch_after: FetchId
    fetch_upto: FetchId
    addressee: Addressee
    routes: Sequence[tuple[Channel, str]]
    next_due_at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """A due digest that was not made, and why; the next window begins after `seen_upto`."""

    subscriber_id: SubscriberId
    local_date: date
    reason: Skip
    next_due_at: datetime
    seen_upto: FetchId
    detail: str = ""


class EditionStore:
    """The composing side of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: list[Written] = []
        self._reading = Reading()

    def forget_written(self) -> None:
        """Let go of what was kept for others who share an interest: composing is over."""
        self._written.clear()

    def begin_run(self, at: datetime) -> int:
        """Record that an edition began; returns the run's id."""
        with self._database.write() as connection:
            statement = sa.insert(_run).values(started_at=at, report={}).returning(_run.c.id)
            return int(connection.execute(statement).scalar_one())

    def finish_run(self, run_id: int, at: datetime, report: Mapping[str, Any]) -> None:
        with self._database.write() as connection:
            connection.execute(
                sa.update(_run)
                .where(_run.c.id == run_id)
                .values(finished_at=at, report=dict(report))
            )

    def due(self, now: datetime, *, limit: int, only: SubscriberId | None = None) -> list[Due]:
        """Active subscribers due at `now`, longest waiting first."""
        if only is not None:
            statement, last = f"{_DUE} AND id = ?", int(only)
        else:
            statement, last = f"{_DUE} ORDER BY next_due_at, id LIMIT ?", limit
        with self._database.read() as connection:
            when = bulk.instants(connection)
            rows = bulk.query(connection, statement, bulk.stored(connection, now), last)
            return [_due((id, when(due_at))) for id, due_at in rows]

    def waiting(self, of: Collection[SubscriberId]) -> dict[SubscriberId, Superseded]:
        """The newest digest of each of `of`, where it still waits on every channel."""
        with self._database.glance() as view:
            found = waiting(view, of)
        if not found:
            return {}
        with self._database.read() as connection:
            return superseded(connection, found)

    def digests(self, ids: Collection[DigestId]) -> dict[DigestId, Digest]:
        """The stored digests with these ids."""
        statement = sa.select(*STORED).where(_digest.c.id.in_(ids))
        with self._database.read() as connection:
            rows = [Stored(*row) for row in connection.execute(statement)]
            return {one.id: one for one in read_digests(connection, rows, self._reading)}

    def resighted(self, after: FetchId, upto: FetchId) -> frozenset[PaperId]:
        """Papers announced in (after, upto] that an earlier fetch had brought already."""
        statement = (
            sa.select(_sighting.c.paper_id)
            .join(_paper, _paper.c.id == _sighting.c.paper_id)
            .where(
                _sighting.c.fetch_id > after,
                _sighting.c.fetch_id <= upto,
                _paper.c.fetch_id <= after,
            )
            .distinct()
        )
        with self._database.read() as connection:
            return frozenset(connection.execute(statement).scalars())

    def sent(
        self, papers: Collection[PaperId], to: Collection[SubscriberId]
    ) -> dict[SubscriberId, dict[PaperId, int]]:
        """Which of `papers` each of `to` was sent, with the newest version sent."""
        with self._database.read() as connection:
            return sent_before(connection, papers, to)

    @contextmanager
    def claim(self, due: Sequence[Due], *, booker: Booker | None = None) -> Iterator[Claim]:
        """Lock those of `due` that still are, in a transaction that ends with the block.

        `booker` sends some of what is queued in it. Lines that a transaction stored are named by
        later ones only when it was committed.
        """
        booking = booker.book() if booker else None
        try:
            written = self._written.pop()
        except IndexError:
            written = Written()
        with self._database.write() as connection:
            claim = Claim(connection, _lock(connection, due), written, booking)
            yield claim
        self._written.append(written)
        if booker and claim.booked:
            booker.booked(claim.booked)


class Claim:
    """Locked due subscribers; what `queue` and `skip` store is committed all at once."""

    def __init__(
        self,
        connection: sa.Connection,
        held: frozenset[SubscriberId],
        written: Written,
        booking: Booking | None = None,
    ) -> None:
        self._connection = connection
        self._written = written
        self._booking = booking
        self.held = held
        self.booked: list[Delivery] = []  #: of what was queued

    def supersede(
        self, waiting: Mapping[SubscriberId, Superseded], now: datetime
    ) -> frozenset[SubscriberId]:
        """Withdraw digests still waiting on every channel; returns whose indeed were withdrawn.

        Their papers are free again and their windows are to be covered anew, so that someone
        whose mail could not be delivered gets one digest for the gap and misses nothing.
        """
        if not waiting:
            return frozenset()
        owners = {superseded.digest_id: sid for sid, superseded in waiting.items()}
        gone = self._lock_waiting(owners)
        if gone:
            self._connection.execute(
                sa.update(_delivery)
                .where(_delivery.c.digest_id.in_(gone))
                .values(
                    state=DeliveryState.EXPIRED.value,
                    settled_at=now,
                    reply="superseded by the next digest, which carries its papers",
                )
            )
        free = frozenset(owners[digest_id] for digest_id in gone)
        if free:
            forget_sent(self._connection, gone, of=free)
        return free

    def _lock_waiting(self, digests: Collection[DigestId]) -> frozenset[DigestId]:
        held = "" if self._connection.dialect.name == "sqlite" else " FOR UPDATE"
        stayed: dict[DigestId, list[bool]] = defaultdict(list)
        for digest_id, never_left in bulk.query(self._connection, _STAYED + held, digests):
            stayed[digest_id].append(never_left)
        return frozenset(digest_id for digest_id, every in stayed.items() if all(every))

    def sent(
        self, papers: Collection[PaperId], to: Collection[SubscriberId]
    ) -> dict[SubscriberId, dict[PaperId, int]]:
        """Which of `papers` each of `to` was sent, with the newest version sent."""
        return sent_before(self._connection, papers, to)

    def dated(self, dates: Mapping[SubscriberId, date]) -> frozenset[SubscriberId]:
        """Those who already have a digest for their local date."""
        if not dates:
            return frozenset()
        into, of = self._connection, defaultdict(list)
        for subscriber_id, day in dates.items():
            of[day].append(subscriber_id)
        found = [
            bulk.query(into, _DATED, bulk.stored_day(into, day), those) for day, those in of.items()
        ]
        return frozenset(subscriber_id for rows in found for (subscriber_id,) in rows)

    def all_stand(self, papers: Collection[PaperId]) -> bool:
        """Whether none of `papers` has become part of another; they stay so until the end."""
        now = current_ids(self._connection, papers)
        return all(map(eq, map(now.get, papers), papers))

    def queue(self, issues: Sequence[Issue], *, run_id: int | None) -> list[Read]:
        """Store digests, what they hold and their deliveries; move the subscribers on.

        Returns the digests with their ids, as who writes the letters reads them.
        """
        if not issues:
            return []
        into = self._connection
        ids = bulk.new_ids(into, _digest, len(issues))
        drafts, papers, versions, after, upto, readers, routes, next_due = zip(*issues, strict=True)
        digests = list(map(_digest_of, map(add, zip(ids), map(_behind_id, drafts))))
        _, owners, days, ats, *_ = zip(*drafts, strict=True)
        pages = self._written.pages(digests, versions, line_numbers(into))
        store_lines(into, pages.lines)
        windows = zip(days, ats, after, upto, strict=True)
        own = {
            "id": ids,
            "subscriber_id": owners,
            "papers": list(map(len, papers)),
            "document": pages.documents,
        }
        self._store_digests(list(windows), own, run_id)
        sent = {"subscriber_id": owners, "fetch_upto": upto, "digest_id": ids}
        store_sent(into, pages.papers, _sent_rows(sent, papers, pages.packed))
        posts = [
            _post((id, owner, channel, address, at))
            for id, owner, at, theirs in zip(ids, owners, ats, routes, strict=True)
            for channel, address in theirs
        ]
        self.booked += queue(into, posts, self._booking)
        self._advance(owners, next_due, upto)
        return list(map(_read, zip(digests, readers, strict=True)))

    def _store_digests(
        self,
        windows: Sequence[tuple[date, datetime, FetchId, FetchId]],
        columns: Mapping[str, Sequence[Any]],
        run_id: int | None,
    ) -> None:
        """Those of one window, day and instant together: as a rule all."""
        into = self._connection
        for (day, at, after, upto), own in bulk.parts(windows, columns):
            same = {
                "run_id": run_id,
                "local_date": bulk.stored_day(into, day),
                "composed_at": bulk.stored(into, at),
                "fetch_after": after,
                "fetch_upto": upto,
            }
            bulk.insert(into, _digest, own, alike=same)

    def skip(self, skipped: Sequence[Skipped], *, run_id: int | None, at: datetime) -> None:
        """Store why there was no digest (the newest reason for a date counts), and move on."""
        if not skipped:
            return
        statement = insert_into(self._connection, _skip)
        statement = statement.on_conflict_do_update(
            index_elements=["subscriber_id", "local_date"],
            set_={name: statement.excluded[name] for name in ("run_id", "at", "reason", "detail")},
        )
        self._connection.execute(statement, [_skip_row(skip, run_id, at) for skip in skipped])
        self._advance(
            [skip.subscriber_id for skip in skipped],
            [skip.next_due_at for skip in skipped],
            [skip.seen_upto for skip in skipped],
        )

    def postpone(self, moves: Iterable[tuple[SubscriberId, datetime]]) -> None:
        """Set each subscriber's next due instant, and nothing else."""
        told = dict(moves)
        due = bulk.all_stored(self._connection, told.values())
        bulk.update(self._connection, _subscriber, {"next_due_at": due}, of=list(told))

    def welcome_back(self, ids: Collection[SubscriberId]) -> None:
        """These have been told what they missed while they rested."""
        if ids:
            statement = sa.update(_subscriber).where(_subscriber.c.id.in_(ids))
            self._connection.execute(statement.values(away_since=None))

    def _advance(
        self, ids: Sequence[SubscriberId], due: Sequence[datetime], upto: Sequence[FetchId]
    ) -> None:
        into = self._connection
        stored = bulk.all_stored(into, due)
        bulk.update(into, _subscriber, {"next_due_at": stored, "seen_upto": upto}, of=ids)


def _lock(connection: sa.Connection, due: Sequence[Due]) -> frozenset[SubscriberId]:
    """The ids among `due` that are unchanged since they were read and that nobody else holds."""
    expected = {one.id: one.next_due_at for one in due}
    alone = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
    when, active = bulk.instants(connection), SubscriberState.ACTIVE.value
    rows = bulk.query(connection, _STILL_DUE + alone, expected)
    return frozenset(
        sid for sid, at, state in rows if state == active and expected[sid] == when(at)
    )


def _sent_rows(
    sent: Mapping[str, Sequence[Any]], papers: Sequence[Sequence[PaperId]], packed: Sequence[str]
) -> dict[str, Sequence[Any]]:
    """What each digest tells of; nothing where that is no paper, and no paper twice."""
    twice = map(gt, map(len, papers), map(len, map(frozenset, papers)))
    for owner in compress(sent["subscriber_id"], twice):
        raise ValueError(f"a paper twice in one digest of {owner}")
    columns = {**sent, "papers": packed}
    if "" in packed:
        return {name: list(compress(column, packed)) for name, column in columns.items()}
    return columns


def _skip_row(skip: Skipped, run_id: int | None, at: datetime) -> dict[str, Any]:
    return {
        "subscriber_id": skip.subscriber_id,
        "run_id": run_id,
        "local_date": skip.local_date,
        "at": at,
        "reason": skip.reason.value,
        "detail": skip.detail,
    }
