"""How the installation stands, in numbers: what is due, waiting, late and lately done. Reads only.

One consistent view for everybody who tells it on: metrics, `digest status`, `digest doctor` and the
operator's alerts. The queries rest on indexes, or count within the last day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DeliveryState, SubscriberState, Verdict
from digest.store.database import Database
from digest.store.post_tables import BounceRow
from digest.store.tables import (
    DeliveryRow,
    DigestRow,
    FetchRow,
    SkipRow,
    SourceRow,
    SubscriberRow,
    SuppressionRow,
    table,
)

_subscriber: Final = table(SubscriberRow)
_delivery: Final = table(DeliveryRow)
_digest: Final = table(DigestRow)
_skip: Final = table(SkipRow)
_source: Final = table(SourceRow)
_fetch: Final = table(FetchRow)
_suppression: Final = table(SuppressionRow)
_bounce: Final = table(BounceRow)
_IS_WAITING: Final = sa.text("delivery.state IN ('queued', 'deferred')")  # the partial index
_IS_HELD: Final = sa.text("delivery.state = 'sending'")
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source as last asked. `failures` in a row."""

    name: str
    last_success_at: datetime | None
    failures: int
    asked_at: datetime | None = None
    verdict: Verdict | None = None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The installation at one instant; "lately" is within a day."""

    at: datetime
    due: int = 0
    due_since: datetime | None = None  #: the longest overdue
    next_due_at: datetime | None = None
    waiting: int = 0
    waiting_since: datetime | None = None  #: the oldest delivery not yet settled
    next_attempt_at: datetime | None = None
    subscribers: Mapping[SubscriberState, int] = field(default_factory=dict)
    deliveries: Mapping[DeliveryState, int] = field(default_factory=dict)  #: waiting, or lately
    composed: int = 0  #: lately
    last_composed_at: datetime | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)  #: lately, by reason
    suppressed: Mapping[str, int] = field(default_factory=dict)  #: by reason
    bounced: Mapping[str, int] = field(default_factory=dict)  #: lately, by kind
    sources: tuple[SourceHealth, ...] = ()


class HealthStore:
    """Reads the figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def figures(self, now: datetime) -> Figures:
        with self._database.read() as connection:
            return Figures(
                at=now,
                **_schedule(connection, now),
                **_queue(connection),
                **_lately(connection, now),
                subscribers=_counts(connection, _subscriber.c.state, SubscriberState),
                deliveries=_deliveries(connection, now),
                suppressed=_counts(connection, _suppression.c.reason, str),
                sources=_sources(connection),
            )

    def due(self, by: datetime) -> datetime | None:
        """When the longest waiting of those due by then was due; None for nobody."""
        first = self._instant(_first_due())
        return first if first is not None and first <= by else None

    def next_due(self) -> datetime | None:
        return self._instant(_first_due())

    def next_attempt(self) -> datetime | None:
        """When the next waiting delivery may leave, on whatever channel."""
        return self._instant(_min(_delivery.c.next_attempt_at).where(_IS_WAITING))

    def next_waking(self) -> datetime | None:
        """When the next pause of a subscriber ends."""
        paused = _subscriber.c.state == SubscriberState.PAUSED.value
        return self._instant(_min(_subscriber.c.paused_until).where(paused))

    def asked(self) -> dict[str, datetime]:
        """When each source was last asked."""
        statement = sa.select(_fetch.c.source, sa.func.max(_fetch.c.at)).group_by(_fetch.c.source)
        with self._database.read() as connection:
            return {name: at for name, at in connection.execute(statement)}

    def latest_instant(self) -> datetime | None:
        """The newest time at which something is said to have happened here."""
        with self._database.read() as connection:
            found = [
                connection.scalar(sa.select(sa.func.max(column)).where(column.is_not(None)))
                for column in (_fetch.c.at, _digest.c.composed_at, _delivery.c.settled_at)
            ]
        return max((at for at in found if at is not None), default=None)

    def _instant(self, statement: sa.Select[Any]) -> datetime | None:
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(statement)
        return found


def _min(column: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.min(column))


def _first_due() -> sa.Select[Any]:
    active = _subscriber.c.state == SubscriberState.ACTIVE.value
    return _min(_subscriber.c.next_due_at).where(active)


def _schedule(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    active = _subscriber.c.state == SubscriberState.ACTIVE.value
    due = sa.select(sa.func.count(), sa.func.min(_subscriber.c.next_due_at)).where(
        active, _subscriber.c.next_due_at <= now
    )
    count, since = connection.execute(due).one()
    return {"due": count, "due_since": since, "next_due_at": connection.scalar(_first_due())}


def _queue(connection: sa.Connection) -> dict[str, Any]:
    columns = (
        sa.func.count(),
        sa.func.min(_delivery.c.created_at),
        sa.func.min(_delivery.c.next_attempt_at),
    )
    waiting = sa.select(*columns).select_from(_delivery).where(_IS_WAITING)
    count, since, again = connection.execute(waiting).one()
    return {"waiting": count, "waiting_since": since, "next_attempt_at": again}


def _lately(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    composed = sa.select(sa.func.count()).where(_digest.c.composed_at > now - DAY)
    bounced = sa.select(_bounce.c.kind, sa.func.count()).where(_bounce.c.at > now - DAY)
    skipped = sa.select(_skip.c.reason, sa.func.count()).where(_skip.c.at > now - DAY)
    return {
        "composed": connection.scalar(composed) or 0,
        "last_composed_at": connection.scalar(sa.select(sa.func.max(_digest.c.composed_at))),
        "bounced": {kind: n for kind, n in connection.execute(bounced.group_by(_bounce.c.kind))},
        "skipped": {
            reason: n for reason, n in connection.execute(skipped.group_by(_skip.c.reason))
        },
    }


def _deliveries(connection: sa.Connection, now: datetime) -> dict[DeliveryState, int]:
    counted = sa.select(_delivery.c.state, sa.func.count()).group_by(_delivery.c.state)
    each = (_delivery.c.settled_at > now - DAY, _IS_WAITING, _IS_HELD)  # an index each
    return {
        DeliveryState(state): count
        for which in each
        for state, count in connection.execute(counted.where(which))
    }


def _counts(connection: sa.Connection, column: sa.ColumnElement[str], kind: Any) -> dict[Any, int]:
    rows = connection.execute(sa.select(column, sa.func.count()).group_by(column))
    return {kind(value): count for value, count in rows}


def _sources(connection: sa.Connection) -> tuple[SourceHealth, ...]:
    newest = sa.select(sa.func.max(_fetch.c.id)).group_by(_fetch.c.source)
    last = {
        row.source: row
        for row in connection.execute(sa.select(_fetch).where(_fetch.c.id.in_(newest)))
    }
    columns = sa.select(_source.c.name, _source.c.last_success_at, _source.c.failures)
    return tuple(
        SourceHealth(name, success, failures, **_last(last.get(name)))
        for name, success, failures in connection.execute(columns.order_by(_source.c.name))
    )


def _last(fetch: Any) -> dict[str, Any]:
    if fetch is None:
        return {}
    return {
        "asked_at": fetch.at,
        "verdict": Verdict(fetch.verdict),
        "detail": fetch.detail,
        "seconds": fetch.seconds,
    }
