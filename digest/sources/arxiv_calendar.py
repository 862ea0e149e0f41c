"""When arXiv announces what, by its published schedule; the exceptions are not foreseen here.

Sunday to Thursday at 20:00 Eastern Time, what was submitted until 14:00 that day; Friday's
submissions wait for Sunday (until 14:00) or Monday (https://info.arxiv.org/help/availability.html).
The feeds carry an announcement from midnight Eastern Time, so theirs are the days Monday to Friday.
Pure arithmetic.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from digest.clock import zone

_FREEZE = time(14)
_MAILING = time(20)


def feed_day(instant: datetime) -> date:
    """The date that arXiv's feeds show at this instant."""
    return instant.astimezone(zone("America/New_York")).date()


def has_feed(day: date) -> bool:
    """Whether the feeds change on this date: Monday to Friday."""
    return day.weekday() < 5


def missed_days(since: datetime, until: datetime) -> int:
    """How many of the feeds' days lie between two visits and were seen by neither."""
    first, last = feed_day(since), feed_day(until)
    between = (first + timedelta(days=n) for n in range(1, min((last - first).days, 400)))
    return sum(has_feed(day) for day in between)


def announced_after(submitted: datetime) -> datetime:
    """The announcement that a submission of this instant comes with, when nothing holds it up."""
    eastern = zone("America/New_York")
    local = submitted.astimezone(eastern)
    day = local.date() if local.time() < _FREEZE else local.date() + timedelta(days=1)
    weekday = day.weekday()
    if weekday >= 4:  # batches close on weekdays only; Friday's is announced on Sunday
        day += timedelta(days=2 if weekday == 4 else 7 - weekday)
    return datetime.combine(day, _MAILING, eastern).astimezone(UTC)
