"""When a source is asked again, and who waits for an announcement: tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.model import PastFetch, Verdict
from digest.rhythm.asking import SETTLED, SOON, is_behind, next_ask
from digest.rhythm.waiting import due_by, late, missing_since, next_arxiv_feed
from digest.scheduler.process import is_stepped

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday
MIDNIGHT = datetime(2026, 11, 18, 5, 0, tzinfo=UTC)  # Eastern Time's, that day


def past(*verdicts: str, last: datetime = NOON, apart: timedelta = HOUR) -> list[PastFetch]:
    """Fetches with these verdicts, newest first."""
    return [PastFetch(last - n * apart, Verdict(v), 1, 1) for n, v in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        pytest.param([], NOON, id="never asked"),
        pytest.param(past("fresh"), NOON + HOUR, id="its rhythm"),
        pytest.param(past("quiet", "stale"), NOON + HOUR, id="mended"),
        pytest.param(past("holiday"), NOON + HOUR, id="holiday"),
        pytest.param(past("stale", "fresh"), NOON + SOON, id="stale: soon"),
        pytest.param(past("partial", "fresh"), NOON + SOON, id="partial: soon"),
        pytest.param(past("unreachable", "stale", "fresh"), NOON + 2 * SOON, id="twice: later"),
        pytest.param(past("broken", "broken", "broken", "fresh"), NOON + 4 * SOON, id="thrice"),
        pytest.param(past(*["broken"] * 40), NOON + HOUR, id="never beyond the rhythm"),
        pytest.param(past("fresh", last=NOON + 3 * HOUR), NOON, id="a fetch of the future"),
    ],
)
def test_when_a_source_is_asked_again(history: list[PastFetch], wanted: datetime) -> None:
    assert next_ask(history, every=HOUR, now=NOON) == wanted


def test_a_source_is_asked_just_after_its_announcement() -> None:
    at = NOON + 20 * MINUTE
    assert next_ask(past("quiet"), every=HOUR, now=NOON, announcement=at) == at + SETTLED
    long_gone = NOON - 5 * HOUR
    assert next_ask(past("quiet"), every=HOUR, now=NOON, announcement=long_gone) == NOON + HOUR


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        pytest.param("2026-11-18T04:59", "2026-11-18T05:00", id="a weekday"),
        pytest.param("2026-11-18T05:00", "2026-11-19T05:00", id="at it: the next"),
        pytest.param("2026-11-20T06:00", "2026-11-23T05:00", id="over the weekend"),
        pytest.param("2026-07-01T03:00", "2026-07-01T04:00", id="in summer"),
        pytest.param("2026-10-30T12:00", "2026-11-02T05:00", id="over the end of summer time"),
    ],
)
def test_arxiv_s_feeds_change_at_midnight_there(after: str, wanted: str) -> None:
    found = next_arxiv_feed(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("verdict", "at", "missing"),
    [
        pytest.param("fresh", MIDNIGHT + MINUTE, MIDNIGHT + 24 * HOUR, id="fresh since: it is in"),
        pytest.param("holiday", MIDNIGHT + MINUTE, MIDNIGHT + 24 * HOUR, id="holiday: none comes"),
        pytest.param("fresh", MIDNIGHT - MINUTE, MIDNIGHT, id="fresh before: not in"),
    ],
)
def test_what_is_in(verdict: str, at: datetime, missing: datetime) -> None:
    history = past("quiet", "stale", last=NOON) + past(verdict, last=at)
    assert missing_since(history, kind="arxiv", now=NOON) == missing


def test_only_sources_with_a_calendar_are_waited_for() -> None:
    assert missing_since(past("stale"), kind="feed", now=NOON) is None


@pytest.mark.parametrize(
    ("now", "due", "composes"),
    [
        pytest.param(MIDNIGHT - 2 * HOUR, MIDNIGHT - 2 * HOUR, True, id="long before"),
        pytest.param(MIDNIGHT - HOUR / 2, MIDNIGHT - HOUR / 2, False, id="just before: waits"),
        pytest.param(MIDNIGHT + HOUR / 4, MIDNIGHT - HOUR / 2, False, id="still waits"),
        pytest.param(MIDNIGHT + HOUR / 2, MIDNIGHT - HOUR / 2, True, id="its deadline"),
        pytest.param(MIDNIGHT + 2 * HOUR, MIDNIGHT + 2 * HOUR, False, id="not in: waits"),
        pytest.param(MIDNIGHT + 3 * HOUR, MIDNIGHT + 2 * HOUR, True, id="not in: the deadline"),
        pytest.param(MIDNIGHT + 3 * HOUR, MIDNIGHT - 30 * HOUR, True, id="overdue since yesterday"),
    ],
)
def test_who_waits(now: datetime, due: datetime, composes: bool) -> None:
    assert (due <= due_by(now, [MIDNIGHT], wait=HOUR)) is composes
    assert due <= due_by(now, [MIDNIGHT], wait=timedelta(0)), "nobody waits where nobody wants it"
    assert due <= due_by(now, [], wait=HOUR)


def test_nobody_is_kept_longer_than_the_deadline() -> None:
    due = MIDNIGHT - HOUR
    for minutes in range(0, 400, 7):
        now = due + minutes * MINUTE
        for missing in range(-3000, 3000, 61):
            if minutes >= 60:
                assert due <= due_by(now, [MIDNIGHT + missing * MINUTE], wait=HOUR)


def test_late_is_what_should_be_there() -> None:
    missing = {"arXiv": MIDNIGHT, "tomorrow": MIDNIGHT + 24 * HOUR}
    assert late(missing, MIDNIGHT + MINUTE) == {"arXiv"}


@pytest.mark.parametrize(
    ("before", "after", "stepped"),
    [(100.0, 100.2, False), (100.0, 3700.0, True), (100.0, -3500.0, True)],
    ids=["as ever", "forward, or slept", "back"],
)
def test_a_stepped_clock_is_noticed(before: float, after: float, stepped: bool) -> None:
    assert is_stepped(before, after) is stepped


@pytest.mark.parametrize(
    ("asked", "behind"),
    [
        ({"a": NOON - HOUR, "b": NOON - 2 * HOUR}, False),
        ({"a": NOON - HOUR, "b": NOON - 2 * HOUR - MINUTE}, True),
        ({"a": NOON - HOUR}, True),
        ({"a": NOON + HOUR, "b": NOON, "gone": NOON - 90 * HOUR}, False),
    ],
    ids=["in step", "a round was missed", "never asked", "others do not count"],
)
def test_whoever_missed_a_round_reads_first(asked: dict[str, datetime], behind: bool) -> None:
    assert is_behind(asked, {"a": HOUR, "b": HOUR}, NOON) is behind
