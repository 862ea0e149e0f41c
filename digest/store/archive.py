"""The archive as pages list it: which papers on which days, in which order, and how many of each.

Reads only. A list is found from one covering index and continued by key, not by offset, so the
last page costs what the first does; the papers themselves are `PaperStore.papers`'. Counts of a
span are kept until a fetch brings more, which is the only thing that changes them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from digest.model import FetchId, PaperId, Verdict
from digest.store import bulk
from digest.store.database import Database
from digest.store.documents import dump_json
from digest.store.rows import PAPER, SIGHTING
from digest.store.tables import FetchRow, SourceRow, table

_FETCH: Final = table(FetchRow)
_SOURCE: Final = table(SourceRow)
_KEPT: Final = 256  #: spans whose counts are remembered
_CURSOR: Final = re.compile(r"(\d{1,18})\.(\d{1,18})")

_day = PAPER.c.announced_on
_votes: sa.ColumnElement[int] = sa.func.coalesce(PAPER.c.votes, 0)

# Asked on every page, so written once: to build a statement takes longer than to run it.
_asked, _limit = sa.bindparam("day", type_=sa.Date), sa.bindparam("upto", type_=sa.Date)
_NEWEST_FETCH: Final = 'SELECT max(id) FROM "fetch"'
_NEWEST_DAY: Final = sa.select(sa.func.max(_day)).where(_day <= _limit)
_DAY_BEFORE: Final = sa.select(sa.func.max(_day)).where(_day < _asked)
_DAY_AFTER: Final = sa.select(sa.func.min(_day)).where(_day > _asked, _day <= _limit)

Count = tuple[str, int]


class Order(StrEnum):
    TRENDING = "trending"  #: most votes first
    NEW = "new"  #: latest announced first


class Label(StrEnum):
    """What papers can be grouped by; a paper may stand in several groups."""

    SOURCE = "source"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both ends included."""

    first: date
    last: date

    @classmethod
    def of(cls, day: date) -> Span:
        return cls(day, day)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which papers, in which order; `after` continues a list from its `Listed.next`."""

    span: Span
    order: Order = Order.NEW
    source: str | None = None
    category: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list; `next` is None on the last."""

    ids: tuple[PaperId, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many papers a span has: in all, with votes, by source and by day.

    Sources come most papers first, days latest first; a paper of two sources counts in both.
    """

    total: int = 0
    voted: int = 0
    sources: tuple[Count, ...] = ()
    days: tuple[tuple[date, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source stood when it was last asked."""

    source: str
    verdict: Verdict
    at: datetime
    line: str
    last_success_at: datetime | None
    new_papers: int = 0


class ArchiveStore:
    """The archive's side of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = lru_cache(maxsize=_KEPT)(self._count)
        self._categories = lru_cache(maxsize=_KEPT)(self._count_categories)
        self._names = lru_cache(maxsize=8)(self._lately)
        self._leaders = lru_cache(maxsize=_KEPT)(self._lead)
        self._sources = lru_cache(maxsize=1)(self._read_sources)

    def version(self) -> FetchId:
        """The newest fetch: what is shown stays true while this stays the same."""
        with self._database.glance() as connection:
            ((newest,),) = bulk.query(connection, _NEWEST_FETCH)
        return FetchId(newest or 0)

    # --- days -----------------------------------------------------------------------------------

    def newest_day(self, *, upto: date) -> date | None:
        """The latest day, not after `upto`, on which anything was announced."""
        return self._find_day(_NEWEST_DAY, upto=upto)

    def day_before(self, day: date) -> date | None:
        return self._find_day(_DAY_BEFORE, day=day)

    def day_after(self, day: date, *, upto: date) -> date | None:
        return self._find_day(_DAY_AFTER, day=day, upto=upto)

    def _find_day(self, statement: sa.Select[Any], **days: date) -> date | None:
        with self._database.read() as connection:
            found: date | None = connection.scalar(statement, days)
        return found

    # --- lists ----------------------------------------------------------------------------------

    def listed(self, wanted: Wanted, *, limit: int) -> Listed:
        """Up to `limit` papers; a cursor that is not ours begins at the beginning."""
        keys = _keys(wanted.order)
        statement = (
            sa.select(PAPER.c.id, *keys)
            .where(*_where(wanted), *_after(wanted))
            .order_by(*(key.desc() for key in keys))
            .limit(limit + 1)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        more = len(rows) > limit
        ids = tuple(PaperId(row[0]) for row in rows[:limit])
        return Listed(ids, _cursor(rows[limit - 1]) if more else None)

    def count(self, wanted: Wanted) -> int:
        """How many papers a whole list has, wherever it is continued from."""
        statement = sa.select(sa.func.count()).select_from(PAPER).where(*_where(wanted))
        with self._database.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def counts(self, span: Span) -> Counts:
        return self._counts(self.version(), span)

    def categories(self, span: Span) -> tuple[Count, ...]:
        """How many papers each category has, most first."""
        return self._categories(self.version(), span)

    def names(
        self, *, upto: date, days: int, version: FetchId | None = None
    ) -> Mapping[Label, tuple[str, ...]]:
        """The sources, most papers first, and the categories, by name, of the last `days` days.

        The last of them is the newest day up to `upto` that had any papers. `version`: as of then,
        for who has just asked for it.
        """
        return self._names(version or self.version(), upto, days)

    def leaders(self, span: Span, label: Label, *, each: int) -> Mapping[str, tuple[PaperId, ...]]:
        """The first `each` papers of every source or category, by votes, then newest."""
        return self._leaders(self.version(), span, label, each)

    def _count(self, _version: FetchId, span: Span) -> Counts:
        with self._database.read() as connection:
            days = connection.execute(_day_counts(span)).all()
            return Counts(
                total=sum(row.papers for row in days),
                voted=sum(row.voted or 0 for row in days),
                sources=_label_counts(connection, span, Label.SOURCE),
                days=tuple((row.day, row.papers) for row in days),
            )

    def _count_categories(self, _version: FetchId, span: Span) -> tuple[Count, ...]:
        with self._database.read() as connection:
            return _label_counts(connection, span, Label.CATEGORY)

    def _lately(self, version: FetchId, upto: date, days: int) -> Mapping[Label, tuple[str, ...]]:
        newest = self.newest_day(upto=upto) or upto
        span = Span(newest - timedelta(days=days - 1), newest)
        sources = tuple(name for name, _ in self._counts(version, span).sources)
        categories = tuple(sorted(name for name, _ in self._categories(version, span)))
        return {Label.SOURCE: sources, Label.CATEGORY: categories}

    def _lead(
        self, _version: FetchId, span: Span, label: Label, each: int
    ) -> Mapping[str, tuple[PaperId, ...]]:
        found: dict[str, dict[PaperId, None]] = defaultdict(dict)  # a row that repeats is one
        with self._database.read() as connection:
            labels = _labels(connection, span, label)
            order = labels.c.votes.desc(), labels.c.id.desc()
            place = sa.func.dense_rank().over(partition_by=labels.c.name, order_by=order)
            placed = sa.select(labels.c.name, labels.c.id, place.label("place")).subquery()
            first = sa.select(placed).where(placed.c.place <= each).order_by(placed.c.place)
            for row in connection.execute(first):
                found[row.name][PaperId(row.id)] = None
        return {name: tuple(ids) for name, ids in found.items()}

    # --- sources --------------------------------------------------------------------------------

    def sources(self) -> tuple[SourceHealth, ...]:
        """Every source as it stood when it was last asked, by name."""
        return self._sources(self.version())

    def _read_sources(self, _version: FetchId) -> tuple[SourceHealth, ...]:
        newest = sa.select(sa.func.max(_FETCH.c.id)).group_by(_FETCH.c.source)
        statement = (
            sa.select(_FETCH, _SOURCE.c.last_success_at)
            .outerjoin(_SOURCE, _SOURCE.c.name == _FETCH.c.source)
            .where(_FETCH.c.id.in_(newest))
            .order_by(_FETCH.c.source)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return tuple(
            SourceHealth(
                row.source,
                Verdict(row.verdict),
                row.at,
                row.detail,
                row.last_success_at,
                row.new_papers,
            )
            for row in rows
        )


def week(year: int, number: int) -> Span:
    """An ISO 8601 week; raises ValueError where the year has no such week."""
    monday = date.fromisocalendar(year, number, 1)
    return Span(monday, monday + timedelta(days=6))


def month(year: int, number: int) -> Span:
    """A calendar month; raises ValueError where there is none of that number."""
    first = date(year, number, 1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Span(first, following - timedelta(days=1))


def _within(span: Span) -> sa.ColumnElement[bool]:
    # Equality, where it is one day, lets the index give the order as well.
    return _day == span.first if span.first == span.last else _day.between(*_ends(span))


def _ends(span: Span) -> tuple[date, date]:
    return span.first, span.last


def _where(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    where = [_within(wanted.span)]
    if wanted.source is not None:
        seen = sa.select(SIGHTING.c.id).where(
            SIGHTING.c.paper_id == PAPER.c.id, SIGHTING.c.source == wanted.source
        )
        where.append(seen.exists())
    if wanted.category is not None:
        # The stored text of the list names it in quotes; one way for both engines.
        categories = sa.cast(PAPER.c.categories, sa.Text)
        where.append(categories.contains(dump_json(wanted.category), autoescape=True))
    return where


def _keys(order: Order) -> tuple[sa.ColumnElement[Any], ...]:
    return (_votes, PAPER.c.id) if order is Order.TRENDING else (_day, PAPER.c.id)


def _cursor(row: Any) -> str:
    first = row[1].toordinal() if isinstance(row[1], date) else row[1]
    return f"{first}.{row[0]}"


def _after(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = _CURSOR.fullmatch(wanted.after or "")
    if found is None:
        return []
    first, id = int(found[1]), int(found[2])
    if wanted.order is Order.TRENDING:
        return [(_votes < first) | ((_votes == first) & (PAPER.c.id < id))]
    day = date.fromordinal(min(max(first, 1), date.max.toordinal()))
    return [(_day < day) | ((_day == day) & (PAPER.c.id < id))]


def _day_counts(span: Span) -> sa.Select[Any]:
    voted = sa.func.sum(sa.case((PAPER.c.votes > 0, 1), else_=0)).label("voted")
    columns = sa.select(_day.label("day"), sa.func.count().label("papers"), voted)
    return columns.where(_within(span)).group_by(_day).order_by(_day.desc())


def _label_counts(connection: sa.Connection, span: Span, label: Label) -> tuple[Count, ...]:
    labels = _labels(connection, span, label)
    counted = sa.select(labels.c.name, sa.func.count(sa.distinct(labels.c.id))).group_by(
        labels.c.name
    )
    rows: Iterable[Count] = (tuple(row) for row in connection.execute(counted))
    return tuple(sorted(rows, key=lambda one: (-one[1], one[0])))


def _labels(connection: sa.Connection, span: Span, label: Label) -> sa.Subquery:
    """Every paper of the span under each of its labels: name, id, votes.

    Rows may repeat. DISTINCT in here would make SQLite read the whole table for a day.
    """
    columns = PAPER.c.id, _votes.label("votes")
    if label is Label.SOURCE:
        papers = sa.select(SIGHTING.c.source.label("name"), *columns).join(
            PAPER, PAPER.c.id == SIGHTING.c.paper_id
        )
    else:
        papers = sa.select(_categories(connection).label("name"), *columns).select_from(PAPER)
    return papers.where(_within(span)).subquery()


def _categories(connection: sa.Connection) -> sa.ColumnElement[str]:
    is_sqlite = connection.dialect.name == "sqlite"
    unpack = sa.func.json_each if is_sqlite else sa.func.json_array_elements_text
    return unpack(PAPER.c.categories).table_valued("value", joins_implicitly=True).c.value
