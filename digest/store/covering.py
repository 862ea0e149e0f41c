"""What became of one paper for one subscriber: what `digest explain` asks the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.model import FetchId, PaperId, SubscriberId
from digest.store.database import Database
from digest.store.lines import STORED, read_digests
from digest.store.reading import Reading, Stored
from digest.store.sent import digests_with

_sighting = SQLModel.metadata.tables["sighting"]
_digest = SQLModel.metadata.tables["digest"]
_BEFORE_ALL: Final = FetchId(0)
_skip = SQLModel.metadata.tables["skip"]
_WINDOW: Final = ("papers", "fetch_after", "fetch_upto")


@dataclass(frozen=True, slots=True)
class Announced:
    """One sighting of a paper, and the fetch that brought it."""

    fetch_id: FetchId
    source: str
    announcement: str
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class Covering:
    """The digest that held a paper (`sent`), or else the one whose window it fell into.

    `skipped` is the newest reason why there was no digest, where no digest covered the paper.
    The window was (`after`, `upto`] in fetches, `listed` are the digest's papers, and `section`
    names the one that holds this paper.
    """

    sent: bool = False
    local_date: date | None = None
    papers: int = 0
    left_out: int = 0
    skipped: str | None = None
    after: FetchId = _BEFORE_ALL
    upto: FetchId = _BEFORE_ALL
    listed: tuple[PaperId, ...] = ()
    section: str = ""


class CoveringStore:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announced(self, paper: PaperId) -> list[Announced]:
        """The paper's sightings, oldest first."""
        columns = ("fetch_id", "source", "announcement", "announced_at")
        statement = (
            sa.select(*(_sighting.c[name] for name in columns))
            .where(_sighting.c.paper_id == paper)
            .order_by(_sighting.c.id)
        )
        with self._database.read() as connection:
            return [Announced(*row) for row in connection.execute(statement)]

    def covering(
        self, subscriber: SubscriberId, paper: PaperId, announced: Sequence[Announced]
    ) -> Covering:
        """What covered the paper: the digest with it, a digest about its time, or a skip."""
        about = [
            sa.and_(_digest.c.fetch_after < one.fetch_id, one.fetch_id <= _digest.c.fetch_upto)
            for one in announced
        ]
        with self._database.read() as connection:
            holding, names = digests_with(connection, subscriber, paper)
            if found := _newest(connection, subscriber, _digest.c.id.in_(holding)):
                return _covering(connection, found, names, sent=True)
            if about and (found := _newest(connection, subscriber, sa.or_(*about))):
                return _covering(connection, found, names, sent=False)
            return Covering(skipped=_last_skip(connection, subscriber))


def _newest(
    connection: sa.Connection, subscriber: SubscriberId, where: sa.ColumnElement[bool]
) -> Any:
    statement = (
        sa.select(*STORED, *(_digest.c[name] for name in _WINDOW))
        .where(_digest.c.subscriber_id == subscriber, where)
        .order_by(_digest.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).one_or_none()


def _last_skip(connection: sa.Connection, subscriber: SubscriberId) -> str | None:
    statement = (
        sa.select(_skip.c.reason)
        .where(_skip.c.subscriber_id == subscriber)
        .order_by(_skip.c.at.desc())
        .limit(1)
    )
    return connection.scalar(statement)


def _covering(
    connection: sa.Connection, row: Any, names: Collection[PaperId], *, sent: bool
) -> Covering:
    *stored, papers, after, upto = row
    (digest,) = read_digests(connection, [Stored(*stored)], Reading())
    sections = [
        one.name for one in digest.sections if any(it.paper_id in names for it in one.items)
    ]
    return Covering(
        sent,
        digest.local_date,
        papers,
        digest.left_out,
        after=FetchId(after),
        upto=FetchId(upto),
        listed=digest.paper_ids,
        section="".join(sections[:1]),
    )
