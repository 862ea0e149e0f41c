"""Due-time arithmetic over every rule that bites: DST both ways, odd zones, a skipped date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from digest.clock import at_local, fixed_clock, latest_due, local_date, next_due, zone
from digest.errors import UsageError
from digest.model import Cadence, Schedule


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    found, at = [], start
    while (at := next_due(at, schedule)) <= end:
        found.append(at)
    return found


@pytest.mark.parametrize(
    ("timezone", "hour", "start", "days"),
    [
        pytest.param("America/New_York", 2, "2026-03-05T12:00", 8, id="skipped-hour"),
        pytest.param("America/New_York", 1, "2026-10-29T12:00", 8, id="repeated-hour"),
        pytest.param("Europe/Lisbon", 1, "2026-03-26T12:00", 8, id="lisbon-spring"),
        pytest.param("Asia/Kathmandu", 7, "2026-05-01T12:00", 8, id="quarter-hour-zone"),
        pytest.param("Australia/Lord_Howe", 2, "2026-04-02T12:00", 8, id="half-hour-dst"),
        pytest.param("UTC", 0, "2026-12-30T12:00", 8, id="new-year"),
    ],
)
def test_daily_gives_one_digest_a_local_date(
    timezone: str, hour: int, start: str, days: int
) -> None:
    schedule = Schedule(timezone=timezone, cadence=Cadence.DAILY, hour=hour, minute=30)
    begin = utc(start)
    dates = [local_date(d, timezone) for d in dues(schedule, begin, begin + timedelta(days=days))]
    assert len(dates) == len(set(dates)) == days
    assert all(b - a == timedelta(days=1) for a, b in pairwise(dates))


def test_a_date_the_zone_never_had_has_no_digest() -> None:
    schedule = Schedule(timezone="Pacific/Apia", cadence=Cadence.DAILY, hour=7)
    found = dues(schedule, utc("2011-12-28T20:00"), utc("2012-01-02T00:00"))
    dates = [local_date(d, "Pacific/Apia") for d in found]
    assert date(2011, 12, 30) not in dates
    assert len(dates) == len(set(dates))


def test_skipped_hour_moves_forward_and_repeated_hour_is_taken_first() -> None:
    spring = Schedule(timezone="America/New_York", hour=2, minute=30)
    assert at_local(date(2026, 3, 8), spring) == utc("2026-03-08T07:30")
    autumn = Schedule(timezone="America/New_York", hour=1, minute=30)
    assert at_local(date(2026, 11, 1), autumn) == utc("2026-11-01T05:30")


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param(
            Schedule(cadence=Cadence.WEEKDAYS), "2026-11-20T07:00", "2026-11-23T07:00", id="friday"
        ),
        pytest.param(
            Schedule(cadence=Cadence.WEEKLY, weekday=2),
            "2026-11-20T07:00",
            "2026-11-25T07:00",
            id="weekly",
        ),
        pytest.param(
            Schedule(cadence=Cadence.MONTHLY, monthday=31),
            "2026-02-01T00:00",
            "2026-02-28T07:00",
            id="month-end",
        ),
        pytest.param(
            Schedule(cadence=Cadence.DAILY), "2026-11-20T06:59", "2026-11-20T07:00", id="same-day"
        ),
    ],
)
def test_cadences(schedule: Schedule, after: str, expected: str) -> None:
    assert next_due(utc(after), schedule) == utc(expected)


@pytest.mark.parametrize("cadence", list(Cadence))
def test_latest_due_is_the_inverse_of_next_due(cadence: Cadence) -> None:
    schedule = Schedule(timezone="America/Santiago", cadence=cadence, hour=0, minute=15)
    at = utc("2026-01-01T00:00")
    for _ in range(40):
        at = next_due(at, schedule)
        assert latest_due(at, schedule) == at
        assert latest_due(at + timedelta(minutes=5), schedule) == at


def test_an_unknown_zone_names_its_neighbours() -> None:
    with pytest.raises(UsageError, match="Europe/Lisbon"):
        zone("Europe/Lisboa")


def test_a_fixed_clock_is_in_utc() -> None:
    clock = fixed_clock(datetime.fromisoformat("2026-11-20T07:00:00+05:45"))
    assert clock() == utc("2026-11-20T01:15")
    assert clock().tzinfo is UTC
