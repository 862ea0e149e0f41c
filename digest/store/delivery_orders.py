"""The operator's orders to the queue: try again, do not send. What was said before is kept.

A delivery in a worker's hand, or one that arrived, takes no order; nor does one that was withdrawn
or expired: its papers are free again and the next digest carries them (guarantee 4).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryId, DeliveryState, Result
from digest.store.database import Database
from digest.store.tables import AttemptRow, DeliveryRow, table

_attempt: Final = table(AttemptRow)
_delivery: Final = table(DeliveryRow)

RETRIED: Final = (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
CANCELLED: Final = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)


def retry(
    database: Database,
    *,
    ids: Collection[DeliveryId] = (),
    states: Collection[DeliveryState] = (),
    now: datetime,
) -> int:
    """Queue these again, by number or all in some states; returns how many could be."""
    which = _which(ids, states, RETRIED)
    settled = sa.select(
        _delivery.c.id,
        sa.literal(now, type_=_attempt.c.at.type),
        _told(),
        _delivery.c.code,
        _delivery.c.reply,
    ).where(which, _delivery.c.state != DeliveryState.DEFERRED.value)
    columns = ["delivery_id", "at", "result", "code", "reply"]
    past = sa.case((_delivery.c.expires_at <= now, None), else_=_delivery.c.expires_at)
    values = {
        "state": DeliveryState.QUEUED.value,
        "next_attempt_at": now,
        "settled_at": None,
        "expires_at": past,
        "doubts": 0,
    }
    with database.write() as connection:
        connection.execute(sa.insert(_attempt).from_select(columns, settled))
        return connection.execute(sa.update(_delivery).where(which).values(values)).rowcount


def cancel(
    database: Database,
    *,
    ids: Collection[DeliveryId] = (),
    states: Collection[DeliveryState] = (),
    now: datetime,
) -> int:
    """Do not send these; returns how many had not left."""
    values = {
        "state": DeliveryState.CANCELLED.value,
        "settled_at": now,
        "reply": "cancelled by the operator",
    }
    statement = sa.update(_delivery).where(_which(ids, states, CANCELLED)).values(values)
    with database.write() as connection:
        return connection.execute(statement).rowcount


def _which(
    ids: Collection[DeliveryId],
    states: Collection[DeliveryState],
    admitted: Collection[DeliveryState],
) -> Any:
    in_state = [one.value for one in admitted if not states or one in states]
    chosen = _delivery.c.state.in_(in_state)
    return sa.and_(chosen, _delivery.c.id.in_(ids)) if ids else chosen


def _told() -> Any:
    """The result that a settled state stands for."""
    uncertain = _delivery.c.state == DeliveryState.UNCERTAIN.value
    return sa.case((uncertain, Result.UNCERTAIN.value), else_=Result.REFUSED.value)
