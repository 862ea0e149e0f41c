"""Digests that nobody got: which still wait on every channel, so that the next replaces them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.model import DeliveryState, DigestId, FetchId, SubscriberId
from digest.store import bulk
from digest.store.tables import DeliveryRow, DigestRow, table

_digest: Final = table(DigestRow)
_delivery: Final = table(DeliveryRow)
_WAITING: Final = (DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value)

#: Waiting, and the answer to an end-of-data was never lost: such a mail cannot have arrived.
NEVER_LEFT: Final = sa.and_(
    _delivery.c.state.in_(_WAITING), _delivery.c.doubts + _delivery.c.part == 0
)


@dataclass(frozen=True, slots=True)
class Superseded:
    """A digest nobody got, which the next one replaces: where its own window began.

    `away_since`: it told of a rest since then, which the next one has to tell of now.
    """

    digest_id: DigestId
    fetch_after: FetchId
    away_since: datetime | None = None


def waiting(
    connection: sa.Connection, of: Collection[SubscriberId]
) -> dict[SubscriberId, Superseded]:
    """The newest digest of each of `of`, where it still waits on every channel."""
    newest = (
        sa.select(sa.func.max(_digest.c.id))
        .where(bulk.among(connection, _digest.c.subscriber_id, of))
        .group_by(_digest.c.subscriber_id)
    )
    settled = sa.select(_delivery.c.digest_id).where(
        _delivery.c.digest_id == _digest.c.id, ~NEVER_LEFT
    )
    pending = sa.select(_delivery.c.digest_id).where(
        _delivery.c.digest_id == _digest.c.id, _delivery.c.state.in_(_WAITING)
    )
    told = _digest.c.document
    columns = (
        *(_digest.c.subscriber_id, _digest.c.id, _digest.c.fetch_after),
        sa.case((told["away"].as_boolean(), told["since"].as_string())),
    )
    statement = sa.select(*columns).where(
        _digest.c.id.in_(newest), pending.exists(), ~settled.exists()
    )
    return {
        owner: Superseded(id, after, datetime.fromisoformat(since) if since else None)
        for owner, id, after, since in connection.execute(statement)
    }
