"""Whose digest waits for a batch that is about to be announced, and until when. Pure.

A source with a calendar (arXiv) announces at known hours; the batch is in once a fetch after that
hour was fresh, or the source said that it announces nothing. A reader due less than `wait` before
an announcement, or just after one that is not in yet, waits for it, but never longer than `wait`
past their hour. The longer ago somebody was due, the earlier the batch that would keep them, so
one instant divides those who wait from those who do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final

from digest.clock import zone
from digest.model import PastFetch, Verdict
from digest.sources.arxiv_calendar import feed_day, has_feed

_IN: Final = (Verdict.FRESH, Verdict.HOLIDAY)
LONGEST_GAP: Final = timedelta(days=4)  #: between two of arXiv's announcements, as planned


def next_arxiv_feed(after: datetime) -> datetime:
    """When arXiv's feeds next carry a new announcement: midnight Eastern Time, Monday to Friday."""
    day = feed_day(after) + timedelta(days=1)
    while not has_feed(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(), zone("America/New_York")).astimezone(after.tzinfo)


#: Kinds of sources whose announcements are foreseen, and how.
CALENDARS: Final = {"arxiv": next_arxiv_feed}


def missing_since(history: Sequence[PastFetch], *, kind: str, now: datetime) -> datetime | None:
    """The first announcement, past or to come, that is not in yet; None for no calendar."""
    calendar = CALENDARS.get(kind)
    if calendar is None:
        return None
    came = [fetch.at for fetch in history if fetch.verdict in _IN and fetch.at <= now]
    return calendar(max(came)) if came else calendar(now - LONGEST_GAP)


def due_by(now: datetime, missing: Iterable[datetime], *, wait: timedelta) -> datetime:
    """Who was due by then is to get a digest now; those due later wait for what is `missing`."""
    if not wait:
        return now
    return min([now, *(max(one, now) - wait for one in missing)])


def late(missing: Mapping[str, datetime], now: datetime) -> frozenset[str]:
    """The sources whose announcement's hour has passed without the batch: the digest says so."""
    return frozenset(name for name, at in missing.items() if at <= now)
