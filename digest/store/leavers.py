"""Who left since a copy was taken: their word outlives the copy that is put back (guarantee 1).

A backup knows nothing of who unsubscribed, or was removed, after it; written to again, they would
rightly complain. So before the present database is replaced, what it knows of them is read, and
goes into the copy before that becomes the database. Where the present one cannot be read any more,
or is another installation's, nothing can be carried, and the operator is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import SubscriberState
from digest.store.database import Database, insert_into
from digest.store.marks import IDENTITY, read_mark
from digest.store.revisions import require_current
from digest.store.subscribers import stop_mail
from digest.store.tables import SubscriberRow, SuppressionRow, table

_subscriber, _suppression = table(SubscriberRow), table(SuppressionRow)
_GONE: Final = SubscriberState.UNSUBSCRIBED.value


@dataclass(frozen=True, slots=True)
class Leavers:
    """What one installation knows of those who left; `installation` is its identity."""

    installation: object
    reasons: dict[str, str]  #: of the unsubscribed, by address
    suppressed: list[dict[str, Any]]


def leavers(present: Database) -> Leavers | None:
    """Who has left by now; None where the database is not there, or cannot tell."""
    try:
        require_current(present)
        with present.read() as connection:
            who = sa.select(_subscriber.c.email, _subscriber.c.state_reason)
            unsubscribed = connection.execute(who.where(_subscriber.c.state == _GONE))
            reasons = {row.email: row.state_reason for row in unsubscribed}
            suppressed = connection.execute(sa.select(_suppression)).mappings()
            return Leavers(_installation(connection), reasons, [dict(row) for row in suppressed])
    except StoreError:
        return None


def let_go(copy: Database, left: Leavers, now: datetime) -> int | None:
    """Let them have left in the copy too; how many unsubscribed since, None for a stranger's."""
    with copy.write() as connection:
        if left.installation is None or _installation(connection) != left.installation:
            return None
        if left.suppressed:
            insert = insert_into(connection, _suppression).on_conflict_do_nothing()
            connection.execute(insert, left.suppressed)
        return sum(_stop(connection, email, why, now) for email, why in left.reasons.items())


def _installation(connection: sa.Connection) -> object:
    mark = read_mark(connection, IDENTITY)
    return mark.detail.get("id") if mark else None


def _stop(connection: sa.Connection, email: str, reason: str, now: datetime) -> int:
    """As unsubscribing does: nothing is due, and what was queued stays here."""
    theirs = (_subscriber.c.email == email) & (_subscriber.c.state != _GONE)
    stopped = {"state": _GONE, "state_reason": reason, "next_due_at": None, "paused_until": None}
    statement = sa.update(_subscriber).where(theirs).values(stopped | {"away_since": None})
    number = connection.execute(statement.returning(_subscriber.c.id)).scalar()
    if number is None:
        return 0
    stop_mail(connection, number, now=now, why="unsubscribed since the copy was taken")
    return 1
