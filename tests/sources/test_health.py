"""Verdicts, as one table of mornings: what came, what is usual, what the reader is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.model import Fetched, Verdict
from digest.sources.health import PastFetch, judge
from tests.builders import listing

NOW = datetime(2025, 11, 20, 6, tzinfo=UTC)  # a Thursday
SATURDAY = NOW + timedelta(days=2)
FOUR = tuple(listing(n) for n in range(4))


def past(
    days: float, new: int = 100, verdict: Verdict = Verdict.FRESH, now: datetime = NOW
) -> PastFetch:
    return PastFetch(now - timedelta(days=days), verdict, listings=max(new, 4), new_papers=new)


def weekdays(count: int = 20, new: int = 100, now: datetime = NOW) -> list[PastFetch]:
    """A source with news on every weekday and none on weekends."""
    found = []
    for days in range(1, count):
        weekday = (now - timedelta(days=days)).weekday()
        fresh = weekday < 5
        verdict = Verdict.FRESH if fresh else Verdict.QUIET
        found.append(past(days, new if fresh else 0, verdict, now))
    return found


def daily(count: int = 20, new: int = 30, now: datetime = NOW) -> list[PastFetch]:
    return [past(days, new, now=now) for days in range(1, count)]


def rarely(now: datetime = NOW) -> list[PastFetch]:
    """A quarterly journal: asked every day, news eight days ago."""
    return [
        past(days, 12 if days == 8 else 0, Verdict.FRESH if days == 8 else Verdict.QUIET, now)
        for days in range(1, 28)
    ]


def fetched(**fields: Any) -> Fetched:
    return Fetched(**({"listings": FOUR} | fields))


CASES = [
    # what came, how many never seen, history, when, the verdict, words of the line
    pytest.param(fetched(), 4, [], NOW, "fresh", "4 papers new", id="first-ever"),
    pytest.param(fetched(), 1, [], NOW, "fresh", "1 paper new", id="one-paper"),
    pytest.param(fetched(), 90, weekdays(), NOW, "fresh", "90 papers new", id="usual-day"),
    pytest.param(
        fetched(listings=(), fault="x: no answer.", unreachable=True),
        0,
        weekdays(),
        NOW,
        "unreachable",
        "could not be reached",
        id="unreachable",
    ),
    pytest.param(
        fetched(listings=(), fault="x is an HTML page. Mend it."),
        0,
        weekdays(),
        NOW,
        "broken",
        "x is an HTML page. Mend it.",
        id="broken",
    ),
    pytest.param(
        fetched(fault="page 2: no answer.", unreachable=True, complete=False),
        4,
        [],
        NOW,
        "partial",
        "page 2: no answer",
        id="some-pages-missing",
    ),
    pytest.param(fetched(expected=9), 4, [], NOW, "partial", "4 of 9 papers", id="fewer-than-said"),
    pytest.param(fetched(expected=4), 4, [], NOW, "fresh", "4 papers", id="as-many-as-said"),
    pytest.param(
        fetched(expected=5, entry_faults=("entry 5 has no title",)),
        4,
        [],
        NOW,
        "fresh",
        "1 could not be read",
        id="a-bad-entry-was-seen-too",
    ),
    pytest.param(fetched(complete=False), 4, [], NOW, "partial", "broke off", id="broke-off"),
    pytest.param(
        fetched(entry_faults=("a", "b", "c")),
        4,
        [],
        NOW,
        "partial",
        "3 of 7",
        id="many-bad-entries",
    ),
    pytest.param(
        fetched(listings=(), entry_faults=("a",)),
        0,
        [],
        NOW,
        "partial",
        "1 of 1",
        id="all-bad",
    ),
    pytest.param(
        fetched(),
        4,
        weekdays(),
        NOW,
        "partial",
        "about 100 are usual",
        id="suspiciously-few",
    ),
    pytest.param(
        fetched(),
        4,
        [*weekdays(), past(0.2)],
        NOW,
        "fresh",
        "4 papers",
        id="few-more-later-today",
    ),
    pytest.param(fetched(), 4, daily(new=12), NOW, "fresh", "4 papers", id="few-is-usual-here"),
    pytest.param(fetched(), 4, weekdays(4), NOW, "fresh", "4 papers", id="too-young-to-say"),
    pytest.param(
        fetched(),
        0,
        weekdays(),
        NOW,
        "stale",
        "the same 4 papers as last time",
        id="stale",
    ),
    pytest.param(
        fetched(listings=(), not_modified=True),
        0,
        weekdays(),
        NOW,
        "stale",
        "unchanged",
        id="304-stale",
    ),
    pytest.param(fetched(listings=()), 0, weekdays(), NOW, "stale", "no papers at all", id="empty"),
    pytest.param(
        fetched(),
        0,
        [*weekdays(), past(0.3)],
        NOW,
        "quiet",
        "since earlier today",
        id="asked-again",
    ),
    pytest.param(fetched(), 0, rarely(), NOW, "quiet", "since 12 November", id="rare-journal"),
    pytest.param(fetched(), 0, [], NOW, "quiet", "nothing new", id="no-history"),
    pytest.param(fetched(listings=()), 0, [], NOW, "quiet", "nothing new", id="empty-first"),
    pytest.param(
        fetched(holiday=True),
        0,
        weekdays(now=SATURDAY),
        SATURDAY,
        "holiday",
        "announces nothing",
        id="holiday",
    ),
    pytest.param(
        fetched(),
        0,
        weekdays(now=SATURDAY),
        SATURDAY,
        "quiet",
        "nothing new",
        id="weekend-by-custom",
    ),
    pytest.param(
        fetched(),
        0,
        daily(now=SATURDAY),
        SATURDAY,
        "stale",
        "same 4",
        id="weekends-are-usual-here",
    ),
    pytest.param(
        fetched(holiday=True),
        4,
        weekdays(now=SATURDAY),
        SATURDAY,
        "fresh",
        "4 papers",
        id="news-beat-the-calendar",
    ),
    pytest.param(
        fetched(),
        0,
        [past(1), past(2), *[past(n, 0, Verdict.UNREACHABLE) for n in range(3, 9)]],
        NOW,
        "stale",
        "stale",
        id="days-without-an-answer-say-nothing",
    ),
    pytest.param(
        fetched(),
        0,
        [past(40), past(50)],
        NOW,
        "quiet",
        "nothing new",
        id="old-history-is-forgotten",
    ),
]


@pytest.mark.parametrize(("came", "new", "history", "now", "verdict", "words"), CASES)
def test_judge(
    came: Fetched, new: int, history: list[PastFetch], now: datetime, verdict: str, words: str
) -> None:
    found, line = judge(came, new_keys=new, history=history, now=now, name="arXiv cs.AI")
    assert found.value == verdict
    assert line.startswith("arXiv cs.AI")
    assert words in line
    assert "\n" not in line
    turned, _ = judge(came, new_keys=new, history=history[::-1], now=now, name="arXiv cs.AI")
    assert turned is found


def test_a_feed_that_goes_on_being_stale_is_said_to_be_for_weeks() -> None:
    history = weekdays(28)
    verdicts = []
    for days in range(14):
        now = NOW + timedelta(days=days)
        verdict, _ = judge(fetched(), new_keys=0, history=history, now=now)
        verdicts.append(verdict)
        history = [*history, PastFetch(now, verdict, 4, 0)]
    assert verdicts[:2] == [Verdict.STALE, Verdict.STALE]
    weekday_verdicts = [v for n, v in enumerate(verdicts) if (NOW + timedelta(n)).weekday() < 5]
    assert set(weekday_verdicts) == {Verdict.STALE}


def test_the_source_names_itself_when_nobody_does() -> None:
    _, line = judge(fetched(), new_keys=4, history=[], now=NOW)
    assert line.startswith("arxiv:")
    _, line = judge(fetched(listings=()), new_keys=0, history=[], now=NOW)
    assert line.startswith("The source")
