"""The recent stream of papers: how many come a day, and which are the background of matching."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.model import PaperId
from digest.store.database import Database

_paper = SQLModel.metadata.tables["paper"]


class Announced(NamedTuple):
    """A paper by name."""

    id: PaperId
    key: str


class StreamStore:
    """Counts and samples what was announced lately."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def papers_a_day(self, since: date) -> float:
        """The mean over the days since `since` on which anything was announced; 0 for none."""
        statement = sa.select(
            sa.func.count(), sa.func.count(sa.distinct(_paper.c.announced_on))
        ).where(_paper.c.announced_on >= since)
        with self._database.read() as connection:
            papers, days = connection.execute(statement).one()
        return papers / days if days else 0.0

    def recent(self, since: date, *, most: int, before: date | None = None) -> list[Announced]:
        """The newest papers announced from `since` on (and before `before`), oldest first."""
        statement = (
            sa.select(_paper.c.id, _paper.c.key)
            .where(_paper.c.announced_on >= since)
            .where(_paper.c.announced_on < before if before else sa.true())
            .order_by(_paper.c.announced_on.desc(), _paper.c.id.desc())
            .limit(most)
        )
        with self._database.read() as connection:
            return sorted([Announced(*row) for row in connection.execute(statement)])
