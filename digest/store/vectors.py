"""Papers' vectors, kept by model: computed once, whatever is restarted.

float16, one row of `paper_vector` a paper and model; row 0 is the whole paper, the rest its parts.
Vectors of two models never meet: the model is part of the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import SQLModel

from digest.model import PaperId
from digest.store import bulk
from digest.store.database import Database, insert_into
from digest.store.rows import PAPER, batches

_vector = SQLModel.metadata.tables["paper_vector"]

_READ: Final = "SELECT paper_id, rows, data FROM paper_vector WHERE model = ? AND paper_id IN ?"

Vectors = NDArray[np.float32]


class StoredVectors:
    """A VectorStore on the database (see `digest.matching.vectors`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, model: str, papers: Sequence[PaperId]) -> Mapping[PaperId, Vectors]:
        """The vectors there are, float32 of shape (rows, dimensions)."""
        found: dict[PaperId, Vectors] = {}
        with self._database.glance() as view:
            for ids in batches(papers):
                for paper_id, rows, data in bulk.query(view, _READ, model, ids):
                    found[paper_id] = _unpack(data, rows)
        return found

    def missing(self, model: str, *, since: date = date.min) -> list[PaperId]:
        """Papers announced from `since` on without vectors under this model, newest first."""
        mine = sa.select(_vector.c.paper_id).where(
            _vector.c.model == model, _vector.c.paper_id == PAPER.c.id
        )
        statement = (
            sa.select(PAPER.c.id)
            .where(PAPER.c.announced_on >= since, ~mine.exists())
            .order_by(PAPER.c.announced_on.desc(), PAPER.c.id.desc())
        )
        with self._database.read() as connection:
            return [PaperId(id) for id in connection.execute(statement).scalars()]

    def forget(self, *, but: Sequence[str]) -> int:
        """Drop the vectors of all models but these; how many there were."""
        with self._database.write() as connection:
            return connection.execute(
                sa.delete(_vector).where(_vector.c.model.not_in(but))
            ).rowcount

    def save(self, model: str, vectors: Mapping[PaperId, Vectors]) -> None:
        """Keep vectors; those of papers that have since gone are dropped."""
        rows = [
            {"paper_id": paper_id, "model": model, "rows": len(one), "data": _pack(one)}
            for paper_id, one in vectors.items()
        ]
        with self._database.write() as connection:
            there = _existing(connection, vectors)
            kept = [row for row in rows if row["paper_id"] in there]
            if kept:
                statement = insert_into(connection, _vector).on_conflict_do_nothing()
                connection.execute(statement, kept)


def _existing(connection: sa.Connection, papers: Mapping[PaperId, Vectors]) -> set[PaperId]:
    paper = SQLModel.metadata.tables["paper"]
    found: set[PaperId] = set()
    for ids in batches(papers):
        found.update(connection.execute(sa.select(paper.c.id).where(paper.c.id.in_(ids))).scalars())
    return found


def _pack(vectors: Vectors) -> bytes:
    return np.ascontiguousarray(vectors, np.float16).tobytes()


def _unpack(data: bytes, rows: int) -> Vectors:
    return np.frombuffer(data, np.float16).reshape(rows, -1).astype(np.float32)
