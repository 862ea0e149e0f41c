"""A source's health after one fetch: decided from ids and counts, never from the feed's own date.

Guarantee 5: silence is explained, in one line a reader can take at its word. Pure; who asks brings
the history (newest or oldest first, it does not matter) and the time.

    fault, nothing read      unreachable or broken
    something missing        partial
    papers never seen        fresh (partial, when suspiciously few)
    nothing new              holiday, quiet or stale, by what is usual for this source on such a day
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from digest.model import Fetched, Verdict
from digest.model import PastFetch as PastFetch  # read by those who bring the history

_MEMORY = timedelta(days=29)  #: how far back "usual" looks: four weeks, each weekday four times
_SAME_DAY = timedelta(hours=14)  #: so soon after new papers, no new ones are no wonder
_FEW = 0.15  #: of the usual number
_MANY_ENOUGH = 20  #: new papers a day, below which "few" says nothing
_ENOUGH_DAYS = 4
_MISSING_SHARE = 0.1  #: of entries that cannot be read, from which the answer counts as partial


def judge(
    fetched: Fetched,
    *,
    new_keys: int,
    history: Sequence[PastFetch],
    now: datetime,
    name: str = "",
) -> tuple[Verdict, str]:
    """The verdict, and one plain line for a reader.

    `new_keys` counts listings whose paper was never seen before; `name` is the source's.
    """
    name = name or next((listing.source for listing in fetched.listings), "The source")
    recent = sorted((p for p in history if now - _MEMORY <= p.at < now), key=lambda p: p.at)
    if fetched.fault and not fetched.listings:
        return _failure(fetched, name)
    if fault := _missing(fetched):
        return Verdict.PARTIAL, f"{name} came only in part: {fault}. The rest will follow."
    if new_keys:
        return _news(fetched, new_keys, recent, now, name)
    return _silence(fetched, recent, now, name)


def _failure(fetched: Fetched, name: str) -> tuple[Verdict, str]:
    if fetched.unreachable:
        line = f"{name} could not be reached; what it announced meanwhile will follow."
        return Verdict.UNREACHABLE, line
    return Verdict.BROKEN, f"{name} could not be read: {fetched.fault}"


def _missing(fetched: Fetched) -> str | None:
    """What is known to be missing, or None; a stray bad entry in a long list is not news."""
    read, bad = len(fetched.listings), len(fetched.entry_faults)
    if fetched.fault:
        return fetched.fault.rstrip(".")
    if fetched.expected is not None and read + bad < fetched.expected:
        return f"{read} of {fetched.expected} papers"
    if not fetched.complete:
        return f"{_papers(read)}, then it broke off"
    if bad and (not read or bad > max(1, _MISSING_SHARE * (read + bad))):
        return f"{bad} of {read + bad} entries could not be read"
    return None


def _news(
    fetched: Fetched, new_keys: int, recent: Sequence[PastFetch], now: datetime, name: str
) -> tuple[Verdict, str]:
    usual = _usual_count(recent, now)
    if usual and new_keys < _FEW * usual and not _just_fresh(recent, now):
        counts = f"{_papers(new_keys)} new where about {usual:.0f} are usual"
        return Verdict.PARTIAL, f"{name} looks incomplete: {counts}. The rest will follow."
    skipped = len(fetched.entry_faults)
    tail = f"; {skipped} could not be read" if skipped else ""
    return Verdict.FRESH, f"{name}: {_papers(new_keys)} new{tail}."


def _silence(
    fetched: Fetched, recent: Sequence[PastFetch], now: datetime, name: str
) -> tuple[Verdict, str]:
    if _just_fresh(recent, now):
        return Verdict.QUIET, f"{name}: nothing new since earlier today."
    if fetched.holiday:
        return Verdict.HOLIDAY, f"{name} announces nothing on this day."
    if _expects_news(recent, now):
        return Verdict.STALE, f"{name} looks stale: {_same(fetched)}. Late papers will follow."
    last = max((p.at for p in recent if p.new_papers), default=None)
    since = f" since {last.day} {last:%B}" if last else ""
    return Verdict.QUIET, f"{name}: nothing new{since}."


def _same(fetched: Fetched) -> str:
    if fetched.not_modified:
        return "unchanged since last time"
    count = len(fetched.listings)
    if not count:
        return "no papers at all on a day that usually has some"
    return f"the same {_papers(count)} as last time" if count > 1 else "the same paper as last time"


def _papers(count: int) -> str:
    return "1 paper" if count == 1 else f"{count:,} papers"


# --- what is usual ------------------------------------------------------------------------------


def _just_fresh(recent: Sequence[PastFetch], now: datetime) -> bool:
    return any(past.new_papers and now - past.at < _SAME_DAY for past in recent)


def _expects_news(recent: Sequence[PastFetch], now: datetime) -> bool:
    """Whether a day like this usually brings something: the same weekday, else the same half of
    the week. A source that was silent on most such days is not expected to speak.
    """
    days = _days(recent, now)
    same = [new for at, new in days if at.weekday() == now.weekday()]
    if len(same) < 2:
        same = [new for at, new in days if (at.weekday() < 5) == (now.weekday() < 5)]
    if len(same) < 2:
        return False
    return sum(new > 0 for new in same) * 2 > len(same)


def _usual_count(recent: Sequence[PastFetch], now: datetime) -> float | None:
    """The median of new papers on such days, when there are enough of both."""
    alike = [new for at, new in _days(recent, now) if (at.weekday() < 5) == (now.weekday() < 5)]
    counts = [new for new in alike if new]
    if len(counts) < _ENOUGH_DAYS:
        return None
    usual = median(counts)
    return usual if usual >= _MANY_ENOUGH else None


def _days(recent: Sequence[PastFetch], now: datetime) -> list[tuple[datetime, int]]:
    """New papers a day, today left out; days on which the source could not be read say nothing."""
    counts: dict[object, tuple[datetime, int]] = {}
    for past in recent:
        if past.at.date() == now.date() or past.verdict.is_failure:
            continue
        _, before = counts.get(past.at.date(), (past.at, 0))
        counts[past.at.date()] = (past.at, before + past.new_papers)
    return list(counts.values())
