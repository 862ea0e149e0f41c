"""Summaries kept: one a paper and maker, made once and shared by all readers.

A summary counts only for the version of the abstract it was made of. Which makers are in use, the
best first, is for whoever asks to say: what a maker made that is no longer configured is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Paper, PaperId, Summary
from digest.store import bulk
from digest.store.database import Database, insert_into
from digest.store.rows import PAPER, batches
from digest.store.sent import told_by_newest
from digest.store.summary_tables import SummaryRow, table

_SUMMARY: Final = table(SummaryRow)
_COLUMNS: Final = ("paper_id", "maker", "version", "length", "text", "is_written")
_DIGESTS: Final = 1000  #: the newest ones, by which it is judged what readers get


@dataclass(frozen=True, slots=True)
class Made:
    """What a maker made of a paper; an empty text is kept too, so that it is not asked again."""

    paper: Paper
    text: str


class SummaryStore:
    """What making summaries needs of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_missing_any(self, maker: str, *, since: date, shortest: int) -> bool:
        """Whether there are any `missing`."""
        with self._database.read() as connection:
            return bool(connection.execute(_missing(maker, since, shortest).limit(1)).first())

    def missing(self, maker: str, *, since: date, shortest: int, limit: int) -> list[PaperId]:
        """Papers announced from `since` on that `maker` has made nothing of.

        Those that most of the newest digests hold first, then by votes, then the newest. Abstracts
        under `shortest` characters are left out.
        """
        statement = _missing(maker, since, shortest).order_by(
            sa.func.coalesce(PAPER.c.votes, 0).desc(), PAPER.c.id.desc()
        )
        with self._database.read() as connection:
            told = told_by_newest(connection, _DIGESTS)
            is_told = bulk.among(connection, PAPER.c.id, told)
            first = connection.execute(statement.where(is_told)).scalars()
            rest = connection.execute(statement.where(~is_told).limit(limit)).scalars()
            found = [*sorted(first, key=told.__getitem__, reverse=True), *rest]
        return [PaperId(id) for id in found[:limit]]

    def keep(self, maker: str, made: Sequence[Made], at: datetime, *, is_written: bool) -> None:
        """Store what was made; of papers that have gone since, nothing."""
        rows = {one.paper.id: _row(maker, one, at, is_written=is_written) for one in made}
        with self._database.write() as connection:
            there = _existing(connection, list(rows))
            kept = [row for id, row in rows.items() if id in there]
            if not kept:
                return
            statement = insert_into(connection, _SUMMARY)
            changed = {
                name: statement.excluded[name]
                for name in ("version", "length", "text", "is_written", "at")
            }
            keys = ["paper_id", "maker"]
            connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=changed), kept
            )

    def forget(self, *, but: Sequence[str]) -> int:
        """Drop what all makers but these made; how many there were."""
        with self._database.write() as connection:
            gone = sa.delete(_SUMMARY).where(_SUMMARY.c.maker.not_in(but))
            return connection.execute(gone).rowcount

    def counts(self) -> dict[str, int]:
        """How many summaries of each maker can be shown."""
        statement = sa.select(_SUMMARY.c.maker, sa.func.count()).where(_SUMMARY.c.text != "")
        with self._database.read() as connection:
            rows = connection.execute(statement.group_by(_SUMMARY.c.maker)).all()
        return {row[0]: row[1] for row in rows}


def summaries_of(
    connection: bulk.Asked, papers: Mapping[PaperId, Paper], makers: Sequence[str]
) -> dict[PaperId, Summary]:
    """The best summary of each paper: of the first of `makers` that made one of this abstract."""
    found: dict[PaperId, tuple[int, Summary]] = {}
    for ids in batches(papers) if makers else ():
        for id_, maker, version, length, text, is_written in bulk.select(
            connection, _SUMMARY, _COLUMNS, of=ids, by="paper_id"
        ):
            if not text or maker not in makers:
                continue
            paper, rank = papers[id_], makers.index(maker)
            is_its = (version, length) == (paper.version or 0, len(paper.abstract))
            if is_its and (paper.id not in found or rank < found[paper.id][0]):
                found[paper.id] = rank, Summary(text, is_written=bool(is_written))
    return {id: summary for id, (_, summary) in found.items()}


def _missing(maker: str, since: date, shortest: int) -> sa.Select[Any]:
    mine = sa.and_(_SUMMARY.c.paper_id == PAPER.c.id, _SUMMARY.c.maker == maker)
    length = sa.func.length(PAPER.c.abstract)
    is_other = (_SUMMARY.c.length != length) | (
        _SUMMARY.c.version != sa.func.coalesce(PAPER.c.version, 0)
    )
    return (
        sa.select(PAPER.c.id)
        .select_from(PAPER.outerjoin(_SUMMARY, mine))
        .where(PAPER.c.announced_on >= since, length >= shortest)
        .where(_SUMMARY.c.paper_id.is_(None) | is_other)
    )


def _row(maker: str, made: Made, at: datetime, *, is_written: bool) -> dict[str, Any]:
    return {
        "paper_id": made.paper.id,
        "maker": maker,
        "version": made.paper.version or 0,
        "length": len(made.paper.abstract),
        "text": made.text,
        "is_written": is_written,
        "at": at,
    }


def _existing(connection: sa.Connection, ids: Sequence[PaperId]) -> set[int]:
    found: set[int] = set()
    for some in batches(ids):
        there = sa.select(PAPER.c.id).where(PAPER.c.id.in_(some))
        found.update(connection.execute(there).scalars())
    return found
