"""The digests one subscriber got, by number; the caller's connection."""

from __future__ import annotations

from datetime import date
from typing import Final

import sqlalchemy as sa

from digest.model import DigestId, SubscriberId
from digest.store.tables import DigestRow, table

_digest: Final = table(DigestRow)


def issues(
    connection: sa.Connection,
    subscriber: SubscriberId,
    *,
    before: date | None = None,
    limit: int | None = None,
) -> list[DigestId]:
    """Newest first: all, or up to `limit` of days `before` one."""
    statement = (
        sa.select(_digest.c.id)
        .where(_digest.c.subscriber_id == subscriber)
        .order_by(_digest.c.local_date.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(_digest.c.local_date < before)
    return [DigestId(id) for id in connection.execute(statement).scalars()]
