"""Digests that nobody got: which still wait on every channel, so that the next replaces them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.model import DeliveryState, DigestId, FetchId, SubscriberId
from digest.store import bulk
from digest.store.tables import DigestRow, table

_digest: Final = table(DigestRow)
_WAITING: Final = (DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value)

#: Waiting, and the answer to an end-of-data was never lost: such a mail cannot have arrived.
NEVER_LEFT: Final = f"state IN {_WAITING} AND doubts + part = 0"
_NEWEST_WAITING: Final = f"""
    SELECT id FROM digest
    WHERE id IN (SELECT max(id) FROM digest WHERE subscriber_id IN ? GROUP BY subscriber_id)
      AND EXISTS (SELECT 1 FROM delivery WHERE digest_id = digest.id)
      AND NOT EXISTS (SELECT 1 FROM delivery WHERE digest_id = digest.id AND NOT ({NEVER_LEFT}))
"""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A digest nobody got, which the next one replaces: where its own window began.

    `away_since`: it told of a rest since then, which the next one has to tell of now.
    """

    digest_id: DigestId
    fetch_after: FetchId
    away_since: datetime | None = None


def waiting(asked: bulk.Asked, of: Collection[SubscriberId]) -> list[DigestId]:
    """The newest digest of each of `of`, where it still waits on every channel."""
    return [id for (id,) in bulk.query(asked, _NEWEST_WAITING, of)]


def superseded(
    connection: sa.Connection, digests: Collection[DigestId]
) -> dict[SubscriberId, Superseded]:
    """Where the windows of these began, by their subscribers."""
    told = _digest.c.document
    columns = (
        *(_digest.c.subscriber_id, _digest.c.id, _digest.c.fetch_after),
        sa.case((told["away"].as_boolean(), told["since"].as_string())),
    )
    statement = sa.select(*columns).where(bulk.among(connection, _digest.c.id, digests))
    return {
        owner: Superseded(id, after, datetime.fromisoformat(since) if since else None)
        for owner, id, after, since in connection.execute(statement)
    }
