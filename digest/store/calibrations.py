"""What interests' scores mean, kept as small opaque records: measured once, not again each run.

A calibration belongs to a scorer (formula, model and background) and to what an interest says.
Those of other scorers are forgotten when one has something new to keep: they can be measured again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from digest.store import bulk
from digest.store.database import Database, insert_into
from digest.store.tables import table


class CalibrationRow(SQLModel, table=True):
    """What the scores of one interest mean to one scorer."""

    __tablename__ = "calibration"
    scorer: str = Field(primary_key=True)
    content: str = Field(primary_key=True)
    data: bytes


_KEPT: Final = table(CalibrationRow)
_READ: Final = "SELECT content, data FROM calibration WHERE scorer = ? AND content IN ?"


class CalibrationRecords:
    """A CalibrationStore on the database (see `digest.matching.calibration`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, scorer: str, contents: Sequence[str]) -> Mapping[str, bytes]:
        with self._database.glance() as view:
            return dict(bulk.query(view, _READ, scorer, contents))

    def save(self, scorer: str, found: Mapping[str, bytes]) -> None:
        rows = [
            {"scorer": scorer, "content": content, "data": data} for content, data in found.items()
        ]
        with self._database.write() as connection:
            connection.execute(sa.delete(_KEPT).where(_KEPT.c.scorer != scorer))
            if rows:
                connection.execute(insert_into(connection, _KEPT).on_conflict_do_nothing(), rows)
