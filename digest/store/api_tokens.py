"""The API's tokens as rows: put, found by the hash of their secret, listed, revoked.

No policy: which scopes go together and how long a token lasts is `digest.access`'s business.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from digest.model import ApiToken, ApiTokenId, Scope, SubscriberId
from digest.store.tables import SubscriberRow, table
from digest.store.web_tables import ApiTokenRow

_token: Final = table(ApiTokenRow)
_subscriber: Final = table(SubscriberRow)


def insert(
    connection: sa.Connection,
    *,
    name: str,
    secret_hash: str,
    hint: str,
    scopes: Collection[Scope],
    subscriber: SubscriberId | None,
    at: datetime,
    expires_at: datetime | None,
) -> ApiToken:
    values = {
        "name": name,
        "secret_hash": secret_hash,
        "hint": hint,
        "scopes": " ".join(sorted(scopes)),
        "subscriber_id": subscriber,
        "created_at": at,
        "expires_at": expires_at,
    }
    statement = sa.insert(_token).values(values).returning(_token)
    return _value(connection.execute(statement).one())


def find(connection: sa.Connection, secret_hash: str) -> tuple[ApiToken, str] | None:
    """The token of a secret's hash, with that hash as it is stored."""
    row = connection.execute(sa.select(_token).where(_token.c.secret_hash == secret_hash)).first()
    return None if row is None else (_value(row), row.secret_hash)


def listed(
    connection: sa.Connection, subscriber: SubscriberId | None = None
) -> list[tuple[ApiToken, str]]:
    """Every token, or one subscriber's, with whose it is ("": the operator's); oldest first."""
    statement = (
        sa.select(_token, _subscriber.c.email)
        .outerjoin(_subscriber, _subscriber.c.id == _token.c.subscriber_id)
        .order_by(_token.c.id)
    )
    if subscriber is not None:
        statement = statement.where(_token.c.subscriber_id == subscriber)
    return [(_value(row), row.email or "") for row in connection.execute(statement)]


def revoke(connection: sa.Connection, id: ApiTokenId, at: datetime) -> bool:
    """Whether there is such a token; when it was revoked first stands."""
    when = sa.func.coalesce(_token.c.revoked_at, sa.literal(at, type_=_token.c.revoked_at.type))
    statement = sa.update(_token).where(_token.c.id == id).values(revoked_at=when)
    return connection.execute(statement).rowcount > 0


def touch(connection: sa.Connection, id: ApiTokenId, at: datetime, *, every: timedelta) -> bool:
    """Remember that a token was used, where that was not remembered within `every`."""
    is_old = _token.c.last_used_at.is_(None) | (_token.c.last_used_at <= at - every)
    statement = sa.update(_token).where(_token.c.id == id, is_old).values(last_used_at=at)
    return connection.execute(statement).rowcount > 0


def _value(row: sa.Row[Any]) -> ApiToken:
    return ApiToken(
        id=ApiTokenId(row.id),
        name=row.name,
        hint=row.hint,
        scopes=frozenset(Scope(name) for name in row.scopes.split()),
        created_at=row.created_at,
        subscriber_id=None if row.subscriber_id is None else SubscriberId(row.subscriber_id),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
