"""When a changed subscriber's next digest is due: a pure decision over the old, the new and now."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from digest.clock import next_due, zone
from digest.model import Subscriber, SubscriberState

_INSTANT = timedelta(microseconds=1)


def planned(before: Subscriber | None, wanted: Subscriber, now: datetime) -> Subscriber:
    """`wanted` with its next due instant.

    Nothing moves while schedule and state stay. Someone already due stays due, so that changing
    the hour does not lose the digest that is about to be made. A pause with an end plans the first
    digest after it, so that waking needs no arithmetic.
    """
    if before and _when(before) == _when(wanted):
        return wanted._replace(next_due_at=before.next_due_at)
    match wanted.state:
        case SubscriberState.ACTIVE if before and _is_due(before, now):
            return wanted._replace(next_due_at=before.next_due_at)
        case SubscriberState.ACTIVE:
            return wanted._replace(next_due_at=next_due(now, wanted.schedule))
        case SubscriberState.PAUSED if wanted.paused_until:
            due = next_due(wanted.paused_until - _INSTANT, wanted.schedule)
            return wanted._replace(next_due_at=due)
        case _:
            return wanted._replace(next_due_at=None)


def first_hour(day: date, timezone: str) -> datetime:
    """The instant at which `day` begins in `timezone`."""
    return datetime.combine(day, time(), zone(timezone)).astimezone(UTC)


def _when(subscriber: Subscriber) -> tuple[object, ...]:
    return subscriber.schedule, subscriber.state, subscriber.paused_until


def _is_due(before: Subscriber, now: datetime) -> bool:
    due = before.next_due_at
    return before.state is SubscriberState.ACTIVE and due is not None and due <= now
