"""Time: the one clock, and when a subscriber's next digest is due.

`next_due` and friends are pure arithmetic in the subscriber's zone. A local time that a DST change
skips moves forward to the first instant that exists; one that happens twice is taken the first
time only. Together with the unique pair (subscriber, local date) this gives exactly one digest a
local date under every DST rule. Nothing here sleeps or keeps state.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from digest.errors import UsageError
from digest.model import Cadence, Schedule
from digest.phrases import phrase

Clock = Callable[[], datetime]  #: returns an aware datetime in UTC


def system_clock() -> datetime:
    """The real time; the only place in the package that asks for it."""
    return datetime.now(UTC)


def fixed_clock(at: datetime) -> Clock:
    """A clock that stands still at `at` (`digest run --now`)."""
    instant = at.astimezone(UTC)
    return lambda: instant


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone called `name`; raises UsageError with the nearest names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        from difflib import get_close_matches

        near = get_close_matches(name, sorted(available_timezones()), n=3, cutoff=0.5)
        mend = phrase("Use a name like Europe/Lisbon.")
        if near:
            mend = phrase("Did you mean {names}?", names=tuple(near))
        raise UsageError(phrase("Unknown time zone {name!r}.", name=name), mend=mend) from error


def local_date(instant: datetime, timezone: str) -> date:
    """The calendar date of `instant` in `timezone`."""
    return instant.astimezone(zone(timezone)).date()


def at_local(day: date, schedule: Schedule) -> datetime:
    """The instant of the schedule's hour on `day`, aware UTC."""
    local = datetime.combine(day, time(schedule.hour, schedule.minute), zone(schedule.timezone))
    return local.astimezone(UTC)


def falls_on(day: date, schedule: Schedule) -> bool:
    """Whether the cadence has a digest on `day`."""
    match schedule.cadence:
        case Cadence.DAILY:
            return True
        case Cadence.WEEKDAYS:
            return day.weekday() < 5
        case Cadence.WEEKLY:
            return day.weekday() == schedule.weekday
        case Cadence.MONTHLY:
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(schedule.monthday, last)


def next_due(after: datetime, schedule: Schedule) -> datetime:
    """The first due instant strictly after `after`, aware UTC."""
    first = local_date(after, schedule.timezone) - timedelta(days=1)
    for offset in range(64):
        day = first + timedelta(days=offset)
        if falls_on(day, schedule):
            due = at_local(day, schedule)
            if due > after and local_date(due, schedule.timezone) == day:
                return due
    raise AssertionError(f"no due time within two months for {schedule}")


def latest_due(upto: datetime, schedule: Schedule) -> datetime | None:
    """The last due instant not after `upto`, aware UTC; None when there was none in two months.

    After downtime this, not the first one missed, dates the one digest that covers the gap.
    """
    last = local_date(upto, schedule.timezone)
    for offset in range(64):
        day = last - timedelta(days=offset)
        if falls_on(day, schedule):
            due = at_local(day, schedule)
            if due <= upto and local_date(due, schedule.timezone) == day:
                return due
    return None


def period(schedule: Schedule) -> timedelta:
    """How far a first digest looks back: one cadence's span, weekends included."""
    match schedule.cadence:
        case Cadence.DAILY:
            return timedelta(days=1)
        case Cadence.WEEKDAYS:
            return timedelta(days=3)
        case Cadence.WEEKLY:
            return timedelta(days=7)
        case Cadence.MONTHLY:
            return timedelta(days=31)
