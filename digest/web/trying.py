"""Trying an interest on the last weeks before it is saved: what it would have sent, and what not.

The papers of a fortnight are made ready once for everybody, until a fetch brings more; asking then
takes some milliseconds. Nothing about the asker is kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final, Protocol

from digest.clock import Clock
from digest.matching.engine import Matcher, Prepared
from digest.matching.ranking import Found
from digest.model import FetchId, Interest, Paper, PaperId, Reasons
from digest.store.archive import ArchiveStore, Span, Wanted
from digest.store.papers import PaperStore

DAYS: Final = 14
MOST: Final = 6000  #: papers looked at
_WIDER: Final = 2.0  #: times the volume: what comes in then was on the border


@dataclass(frozen=True, slots=True)
class Tried:
    """One paper that would have been sent, or nearly."""

    paper: Paper
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Trial:
    """What an interest would have sent in `days`: best first, how many each day, the borderline."""

    days: int
    found: Sequence[Tried] = ()
    total: int = 0
    by_day: Sequence[tuple[date, int]] = ()
    borderline: Sequence[Tried] = ()


class Backtest(Protocol):
    """Tries an interest that need not be stored."""

    def try_out(self, interest: Interest, *, most: int, nearly: int) -> Trial: ...


@dataclass(frozen=True)
class _Ready:
    """A fortnight's papers, prepared on `today` at the fetch `version`."""

    version: FetchId
    today: date
    matcher: Matcher
    prepared: Prepared

    @cached_property
    def papers(self) -> Mapping[PaperId, Paper]:
        return {paper.id: paper for paper in self.prepared.papers}

    def told(self, found: Found, places: Sequence[int]) -> list[Tried]:
        return [Tried(self.papers[found.papers[at]], found.why(at)) for at in places]


class Fortnight:
    """A Backtest over the last two weeks of the archive."""

    def __init__(
        self,
        matcher: Callable[[datetime], Matcher],
        archive: ArchiveStore,
        papers: PaperStore,
        clock: Clock,
    ) -> None:
        self._matcher = matcher
        self._archive = archive
        self._papers = papers
        self._clock = clock
        self._turn = threading.Lock()
        self._held: _Ready | None = None

    def try_out(self, interest: Interest, *, most: int, nearly: int) -> Trial:
        ready = self._ready()
        if not ready.papers:
            return Trial(DAYS)
        usual = interest.daily_volume or ready.matcher.default_volume
        found, wider = ready.prepared.match(
            [interest, replace(interest, daily_volume=_WIDER * usual)]
        )
        known = frozenset(found.papers)
        nearby = [at for at, id in enumerate(wider.papers) if id not in known]
        return Trial(
            days=DAYS,
            found=ready.told(found, range(len(found.papers))[:most]),
            total=len(found.papers),
            by_day=_by_day(ready, found),
            borderline=ready.told(wider, nearby[:nearly]),
        )

    def _ready(self) -> _Ready:
        with self._turn:
            today, version = self._clock().date(), self._archive.version()
            held = self._held
            if held is None or (held.version, held.today) != (version, today):
                matcher = self._matcher(self._clock())
                held = _Ready(version, today, matcher, matcher.prepare(self._recent(today)))
                self._held = held
            return held

    def _recent(self, today: date) -> list[Paper]:
        span = Span(today - timedelta(days=DAYS - 1), today)
        ids = self._archive.listed(Wanted(span), limit=MOST).ids
        found = self._papers.papers(ids)
        return [found[id] for id in ids if id in found]


def _by_day(ready: _Ready, found: Found) -> list[tuple[date, int]]:
    counts = Counter(ready.papers[id].announced_on for id in found.papers)
    first = ready.today - timedelta(days=DAYS - 1)
    return [(day, counts[day]) for day in (first + timedelta(days=n) for n in range(DAYS))]
