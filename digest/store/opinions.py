"""What subscribers said of papers, and which of their interests had brought them.

The verbs take the caller's connection; what follows from an opinion is `digest.feedback`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.model import Item, PaperId, Section, SubscriberId
from digest.store.lines import STORED, read_digests
from digest.store.reading import Reading, Stored
from digest.store.sent import digests_with
from digest.store.tables import DigestRow, FeedbackRow, table

_feedback: Final = table(FeedbackRow)
_digest: Final = table(DigestRow)
_UP: Final = "up"


@dataclass(frozen=True, slots=True)
class Opinion:
    """One subscriber's newest word on one paper."""

    paper_id: PaperId
    liked: bool
    at: datetime


def opinion(connection: sa.Connection, subscriber: SubscriberId, paper: PaperId) -> Opinion | None:
    return next(iter(_opinions(connection, subscriber, _feedback.c.paper_id == paper)), None)


def opinions(connection: sa.Connection, subscriber: SubscriberId) -> list[Opinion]:
    """Everything one subscriber said, newest first."""
    return _opinions(connection, subscriber)


def _opinions(
    connection: sa.Connection, subscriber: SubscriberId, *where: sa.ColumnElement[bool]
) -> list[Opinion]:
    statement = (
        sa.select(_feedback.c.paper_id, _feedback.c.verdict, _feedback.c.at)
        .where(_feedback.c.subscriber_id == subscriber, *where)
        .order_by(_feedback.c.at.desc(), _feedback.c.id.desc())
    )
    rows = connection.execute(statement).all()
    return [Opinion(PaperId(row.paper_id), row.verdict == _UP, row.at) for row in rows]


def forget_opinion(connection: sa.Connection, subscriber: SubscriberId, paper: PaperId) -> None:
    mine = (_feedback.c.subscriber_id == subscriber) & (_feedback.c.paper_id == paper)
    connection.execute(sa.delete(_feedback).where(mine))


def placed(
    connection: sa.Connection, subscriber: SubscriberId, paper: PaperId
) -> tuple[Section, Item] | None:
    """Where the newest digest that held the paper had put it; None when none is kept."""
    holding, names = digests_with(connection, subscriber, paper)
    statement = (
        sa.select(*STORED).where(_digest.c.id.in_(holding)).order_by(_digest.c.id.desc()).limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    (digest,) = read_digests(connection, [Stored(*row)], Reading())
    return next(
        (
            (section, item)
            for section in digest.sections
            for item in section.items
            if item.paper_id in names
        ),
        None,
    )
