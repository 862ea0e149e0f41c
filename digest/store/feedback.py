"""What subscribers said of papers, to look at and to take back; `put_feedback` stores it.

Every function takes the caller's connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.model import PaperId, SubscriberId
from digest.store.tables import FeedbackRow, PaperRow, table

_feedback: Final = table(FeedbackRow)
_paper: Final = table(PaperRow)


@dataclass(frozen=True, slots=True)
class Judged:
    """One paper and the newest word on it."""

    paper_id: PaperId
    title: str
    liked: bool
    at: datetime


def judged(connection: sa.Connection, subscriber: SubscriberId, *, limit: int) -> list[Judged]:
    """The newest words of one subscriber, newest first."""
    statement = (
        sa.select(_paper.c.id, _paper.c.title, _feedback.c.verdict, _feedback.c.at)
        .join(_paper, _paper.c.id == _feedback.c.paper_id)
        .where(_feedback.c.subscriber_id == subscriber)
        .order_by(_feedback.c.at.desc(), _feedback.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(statement)
    return [Judged(PaperId(id), title, verdict == "up", at) for id, title, verdict, at in rows]


def remove(connection: sa.Connection, subscriber: SubscriberId, paper: PaperId) -> None:
    is_it = (_feedback.c.subscriber_id == subscriber) & (_feedback.c.paper_id == paper)
    connection.execute(sa.delete(_feedback).where(is_it))
