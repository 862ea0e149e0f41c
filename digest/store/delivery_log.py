"""What happened to deliveries, as a log: every try, every reply, whatever came back. Reads only.

A delivery's own row tells the try that settled it, `attempt` the earlier ones, `bounce` what came
back after it had left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryId
from digest.store.database import Database
from digest.store.post_tables import BounceRow
from digest.store.tables import AttemptRow, DeliveryRow, SubscriberRow, table

_attempt: Final = table(AttemptRow)
_bounce: Final = table(BounceRow)
_delivery: Final = table(DeliveryRow)
_subscriber: Final = table(SubscriberRow)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `what` is a state, a result, or a kind of bounce."""

    at: datetime
    delivery_id: DeliveryId
    channel: str
    what: str
    code: str
    reply: str


def delivery_log(database: Database, delivery: DeliveryId) -> list[Entry]:
    """Everything about one delivery, oldest first."""
    whose = sa.select(_delivery.c.subscriber_id).where(_delivery.c.id == delivery)
    return _entries(database, _delivery.c.id == delivery, whose, limit=None)[::-1]


def recipient_log(database: Database, email: str, *, limit: int) -> list[Entry]:
    """Everything about one subscriber's deliveries, newest first."""
    whose = sa.select(_subscriber.c.id).where(_subscriber.c.email == email)
    theirs = _delivery.c.subscriber_id == whose.scalar_subquery()
    return _entries(database, theirs, whose, limit=limit)


def _entries(
    database: Database, which: Any, whose: sa.Select[Any], *, limit: int | None
) -> list[Entry]:
    """The log of `which` deliveries; `whose` finds what came back, which goes by its reader."""
    queued = sa.select(
        _delivery.c.created_at.label("at"),
        *_named(0, sa.literal("queued"), sa.literal(""), sa.literal("")),
    )
    settled = sa.select(
        _delivery.c.settled_at.label("at"),
        *_named(2, _delivery.c.state, _as_text(_delivery.c.code), _delivery.c.reply),
    ).where(_delivery.c.settled_at.is_not(None))
    tried = sa.select(
        _attempt.c.at.label("at"),
        *_named(1, _attempt.c.result, _as_text(_attempt.c.code), _attempt.c.reply),
    ).join(_attempt, _attempt.c.delivery_id == _delivery.c.id)
    back = sa.select(
        _bounce.c.at.label("at"), *_named(3, _bounce.c.kind, _bounce.c.status, _bounce.c.detail)
    ).join(_bounce, _bounce.c.delivery_id == _delivery.c.id)
    theirs = back.where(_bounce.c.subscriber_id == whose.scalar_subquery())
    parts = [part.where(which) for part in (queued, settled, tried, theirs)]
    newest = sa.union_all(*parts).order_by(sa.desc("at"), sa.desc("step")).limit(limit)
    with database.read() as connection:
        return [_entry(row) for row in connection.execute(newest)]


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(row.at, DeliveryId(row.delivery_id), row.channel, row.what, row.code, row.reply)


def _named(step: int, what: Any, code: Any, reply: Any) -> tuple[Any, ...]:
    """The columns of one part; `step` orders what happened at one instant."""
    return (
        sa.literal(step).label("step"),
        _delivery.c.id.label("delivery_id"),
        _delivery.c.channel.label("channel"),
        what.label("what"),
        code.label("code"),
        reply.label("reply"),
    )


def _as_text(code: Any) -> Any:
    return sa.func.coalesce(sa.cast(code, sa.String), "")
