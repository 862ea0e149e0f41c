"""The stored papers as search reads them: in bulk, by id, and only what changed.

Reads only. What is made of the texts is `digest.searching`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from digest.model import FetchId, PaperId
from digest.store import bulk
from digest.store.database import Database
from digest.store.interests import as_text, texts
from digest.store.marks import read_mark
from digest.store.purging import PURGED
from digest.store.rows import PAPER, SIGHTING
from digest.store.tables import FetchRow, PaperVectorRow, table

_FETCH: Final = table(FetchRow)
_VECTOR: Final = table(PaperVectorRow)
_PAGE: Final = 1000  #: papers read at once
_DENSE: Final = 1.25  #: ids there may be for each that is wanted, to read all from first to last
_COLUMNS: Final = (
    PAPER.c.id,
    PAPER.c.title,
    PAPER.c.abstract,
    as_text(PAPER.c.authors),
    as_text(PAPER.c.categories),
    PAPER.c.announced_on,
    PAPER.c.votes,
)


@dataclass(frozen=True, slots=True)
class Searchable:
    """What search knows of one paper."""

    id: PaperId
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    announced_on: date
    votes: int


class SearchableStore:
    """The stored papers, a page at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def place(self) -> str:
        """Names the database, without secrets."""
        return self._database.place

    def version(self) -> FetchId:
        """The newest fetch; what there is to find changes with it."""
        with self._database.read() as connection:
            return FetchId(connection.scalar(sa.select(sa.func.max(_FETCH.c.id))) or 0)

    def purged(self) -> str:
        """Another one after papers have gone; "" as long as none have."""
        with self._database.read() as connection:
            mark = read_mark(connection, PURGED)
        return str(mark.detail.get("key", "")) if mark else ""

    def fetched_at(self, version: FetchId) -> str:
        """When that fetch was made: tells one database from another; "" where there is none."""
        statement = sa.select(_FETCH.c.at).where(_FETCH.c.id == version)
        with self._database.read() as connection:
            at = connection.scalar(statement)
        return at.isoformat() if at else ""

    def ids(self) -> NDArray[np.int64]:
        """Every paper's id, rising."""
        statement = sa.select(PAPER.c.id).order_by(PAPER.c.id)
        with self._database.read() as connection:
            return np.array(connection.execute(statement).scalars().all(), np.int64)

    def seen(self, after: FetchId, upto: FetchId) -> list[PaperId]:
        """The papers sighted in fetches (after, upto]: new ones, and new versions of old ones."""
        seen = (SIGHTING.c.fetch_id > after) & (SIGHTING.c.fetch_id <= upto)
        statement = sa.select(SIGHTING.c.paper_id).where(seen).distinct()
        with self._database.read() as connection:
            return sorted(map(PaperId, connection.execute(statement).scalars()))

    def titles(self, ids: Sequence[int]) -> dict[PaperId, str]:
        statement = f"SELECT id, title FROM {PAPER.name} WHERE id IN ?"
        with self._database.glance() as connection:
            found = bulk.query(connection, statement, [int(one) for one in ids])
        return {PaperId(one): title for one, title in found}

    def votes(self) -> Mapping[PaperId, int]:
        """Of every paper that has any."""
        statement = sa.select(PAPER.c.id, PAPER.c.votes).where(PAPER.c.votes > 0)
        with self._database.read() as connection:
            return {PaperId(id_): votes for id_, votes in connection.execute(statement)}

    def pages(self, ids: Sequence[int] | NDArray[np.int64]) -> Iterator[list[Searchable]]:
        """The papers of `ids` (rising), a page at a time; those that have gone are missing."""
        for start in range(0, len(ids), _PAGE):
            some = [int(one) for one in ids[start : start + _PAGE]]
            with self._database.read() as connection:
                page = _read(connection, some)
            yield page

    def firsts(self, model: str, ids: Sequence[int], width: int) -> dict[PaperId, bytes]:
        """The first `width` bytes of each paper's vectors: the whole paper's, then the title's."""
        return self._data(model, ids, f"substr(data, 1, {int(width)})")

    def vectors(self, model: str, ids: Sequence[int]) -> dict[PaperId, bytes]:
        """Each paper's vectors as they are stored: float16, the whole paper's own first."""
        return self._data(model, ids, "data")

    def _data(self, model: str, ids: Sequence[int], data: str) -> dict[PaperId, bytes]:
        statement = f"SELECT paper_id, {data} FROM {_VECTOR.name} WHERE model = ? AND paper_id "
        wanted = {int(one) for one in ids}
        first, last = min(wanted, default=0), max(wanted, default=0)
        with self._database.glance() as connection:
            if last - first < _DENSE * len(wanted):  # half the cost of looking for each
                found = bulk.query(connection, f"{statement}BETWEEN ? AND ?", model, first, last)
            else:
                found = bulk.query(connection, f"{statement}IN ?", model, sorted(wanted))
        return {PaperId(one): bytes(value) for one, value in found if one in wanted}


def _read(connection: sa.Connection, ids: Sequence[int]) -> list[Searchable]:
    # A run of ids is asked for by its ends: that is most of an archive.
    inside = _within(PAPER.c.id, ids)
    sources = _sources(connection, _within(SIGHTING.c.paper_id, ids))
    rows = connection.execute(sa.select(*_COLUMNS).where(inside).order_by(PAPER.c.id)).all()
    return [
        Searchable(
            id=PaperId(id_),
            title=title,
            abstract=abstract,
            authors=texts(authors),
            categories=texts(categories),
            sources=tuple(sources.get(id_, ())),
            announced_on=day,
            votes=votes or 0,
        )
        for id_, title, abstract, authors, categories, day, votes in rows
    ]


def _within(column: sa.Column[Any], ids: Sequence[int]) -> sa.ColumnElement[bool]:
    if ids[-1] - ids[0] == len(ids) - 1:
        return column.between(ids[0], ids[-1])
    return column.in_(ids)


def _sources(connection: sa.Connection, inside: sa.ColumnElement[bool]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    columns = (SIGHTING.c.paper_id, SIGHTING.c.source)
    for paper, source in connection.execute(sa.select(*columns).where(inside).distinct()):
        found[paper].append(source)
    return found
