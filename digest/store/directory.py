"""Finding subscribers by a piece of their address or name, a page at a time. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from digest.model import SubscriberId, SubscriberState
from digest.store.tables import SubscriberRow, table

_subscriber: Final = table(SubscriberRow)


def search(
    connection: sa.Connection,
    *,
    text: str = "",
    states: Collection[SubscriberState] = (),
    after: SubscriberId | None = None,
    limit: int,
) -> list[SubscriberId]:
    """In the order in which they came; `after` goes on from one."""
    statement = sa.select(_subscriber.c.id).order_by(_subscriber.c.id).limit(limit)
    if text:
        columns = sa.func.lower(_subscriber.c.email), sa.func.lower(_subscriber.c.name)
        like = [one.contains(text.lower(), autoescape=True) for one in columns]
        statement = statement.where(sa.or_(*like))
    if states:
        statement = statement.where(_subscriber.c.state.in_([one.value for one in states]))
    if after is not None:
        statement = statement.where(_subscriber.c.id > after)
    return [SubscriberId(id) for id in connection.execute(statement).scalars()]
