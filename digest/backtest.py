"""The back-test: what an interest would have sent on each of the last days, before it is saved.

    stage (the days' papers, ready) | score | decide | days, capped | what is shown is read and told

It scores and decides with the code that makes digests, against the background that today's digests
are measured against. A day is the day papers were announced, not a subscriber's window, and what
somebody was sent already is not left out. Nothing is stored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from digest.errors import UsageError
from digest.matching.copies import Alike, Copies
from digest.matching.diversity import find_alike
from digest.matching.ranking import Bools, Found, arrange, near
from digest.matching.round import Round
from digest.matching.scoring import Floats, Scores
from digest.matching.twins import find_twins
from digest.model import (
    Combine,
    Interest,
    Mutes,
    Paper,
    PaperId,
    Reasons,
    Schedule,
    Subscriber,
    SubscriberId,
)
from digest.searching.batches import IndexBatch
from digest.searching.searcher import Searcher
from digest.searching.staging import Setting, Stage
from digest.searching.telling import Teller

DAYS = 30
MOST_DAYS = 366
BORDERLINE = 4  #: papers shown on each side of the threshold
VOLUMES = (1.0, 2.0, 5.0, 10.0, 20.0)  #: papers a day for which the threshold is told


@dataclass(frozen=True, slots=True)
class Pick:
    """One paper, its score, its share of the stream (None: nothing was compared) and why.

    Why is told when it is asked: that reads the text again, and few of many picks are shown.
    """

    paper: Paper
    score: float
    share: float | None
    tell: Callable[[], Reasons] = field(compare=False, repr=False)

    @property
    def reasons(self) -> Reasons:
        return self.tell()


@dataclass(frozen=True, slots=True)
class DayTried:
    """One day: papers announced, papers that match, and those that would have been sent."""

    day: date
    announced: int
    matched: int
    picks: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Borderline:
    """A paper near the threshold of likeness, just inside or just outside."""

    pick: Pick
    inside: bool


class Beyond(StrEnum):
    """Why no threshold gives a volume."""

    KEYWORDS = "keywords"  #: the keywords and followed authors alone bring more
    SCARCE = "scarce"  #: not so many papers were like it


@dataclass(frozen=True, slots=True)
class Volume:
    """The share of the stream that would have given `wanted` papers a day, whatever the limit.

    `setting` is the interest's `daily_volume` which asks for that share. Both are None where no
    threshold gives so many, and `beyond` says why.
    """

    wanted: float
    threshold: float | None = None
    setting: float | None = None
    beyond: Beyond | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """What an interest would have sent.

    `threshold` is the share up to which a paper is near, None where nothing is compared. `fault`:
    the query cannot be read. `borderline` comes nearest to the threshold first.
    """

    interest: str
    since: date
    until: date
    limit: int
    days: tuple[DayTried, ...]
    threshold: float | None = None
    borderline: tuple[Borderline, ...] = ()
    volumes: tuple[Volume, ...] = ()
    fault: str | None = None

    @property
    def matched(self) -> int:
        return sum(day.matched for day in self.days)

    @property
    def sent(self) -> int:
        return sum(len(day.picks) for day in self.days)

    @property
    def a_day(self) -> float:
        """Papers sent on the mean of the days that had any announced."""
        busy = sum(1 for day in self.days if day.announced)
        return self.sent / busy if busy else 0.0

    def to_json(self) -> dict[str, Any]:
        """The documented shape of `digest backtest --json`."""
        return {
            "interest": self.interest,
            "since": self.since,
            "until": self.until,
            "limit": self.limit,
            "threshold": self.threshold,
            "papers_a_day": round(self.a_day, 2),
            "matched": self.matched,
            "sent": self.sent,
            "fault": self.fault,
            "days": [
                {
                    "date": one.day,
                    "announced": one.announced,
                    "matched": one.matched,
                    "sent": [_record(pick) for pick in one.picks],
                }
                for one in self.days
            ],
            "borderline": [_record(one.pick) | {"inside": one.inside} for one in self.borderline],
            "volumes": [
                {
                    "papers_a_day": one.wanted,
                    "threshold": one.threshold,
                    "daily_volume": one.setting,
                    "beyond": one.beyond,
                }
                for one in self.volumes
            ],
        }


def _record(pick: Pick) -> dict[str, Any]:
    paper = pick.paper
    return {
        "id": paper.id,
        "key": paper.key,
        "title": paper.title,
        "link": paper.links.abstract,
        "score": pick.score,
        "percentile": pick.share,
    }


class Backtester:
    """Tries interests on the last days. One for the process: it keeps the days it looked at last.

    Thread-safe; two who try different spans of days at once wait for each other.
    """

    def __init__(self, searcher: Searcher, setting: Setting) -> None:
        self._searcher = searcher
        self._setting = setting
        self._turn = threading.Lock()
        self._stages: dict[tuple[object, ...], Stage] = {}

    def run(
        self,
        interest: Interest,
        *,
        until: date,
        days: int = DAYS,
        mutes: Mutes | None = None,
        limit: int = 12,
    ) -> Backtest:
        """What `interest` would have sent on the `days` days up to `until`.

        `limit`: papers a digest, where the interest has no limit of its own. Raises UsageError for
        a span that cannot be.
        """
        if not 1 <= days <= MOST_DAYS:
            raise UsageError(f"{days} days cannot be tried.", mend=f"Try 1 to {MOST_DAYS}.")
        interest = interest._replace(paused=False)  # one that rests is tried as if it woke
        stage = self._stage(until, days, features=bool(interest.examples))
        trial = _Trial(stage, interest, mutes or Mutes(), limit)
        teller = Teller(interest, self._setting.papers.papers(trial.shown()))
        since = until - timedelta(days=days - 1)
        calendar = [since + timedelta(days=offset) for offset in range(days)]
        return Backtest(
            interest=interest.name,
            since=since,
            until=until,
            limit=trial.limit,
            days=tuple(trial.day(day, teller) for day in calendar),
            threshold=trial.threshold if trial.compares else None,
            borderline=tuple(trial.borderline(teller)),
            volumes=tuple(trial.volume(wanted) for wanted in VOLUMES) if trial.compares else (),
            fault=trial.round.readings[0].fault,
        )

    def _stage(self, until: date, days: int, *, features: bool) -> Stage:
        index = self._searcher.index()
        with self._turn:
            for enough in {features, True}:
                if known := self._stages.get((id(index), until, days, enough)):
                    return known
            self._stages = {}  # before there is another, for each is large
            fresh = self._setting.stage(index, until=until, days=days, features=features)
            self._stages = {(id(index), until, days, features): fresh}
            return fresh


class _Trial:
    """One interest on one stage: everything decided, nothing yet read."""

    def __init__(self, stage: Stage, interest: Interest, mutes: Mutes, limit: int) -> None:
        self.stage = stage
        self.interest = interest
        self.limit = min(limit, limit if interest.limit is None else interest.limit)
        self.scores: Scores = stage.score(interest)
        self.round: Round = stage.round(interest, mutes, self.scores)
        self.compares = bool(len(self.scores.values)) and bool(self.round.facts.compared[0])
        self.threshold = float(self.round.thresholds[0])
        self.columns = stage.places
        (found,) = self.round.found()
        self.marks = dict(zip(found.papers, found.scores, strict=True))
        self._matched = self._by_day(self.columns[one] for one in found.papers)
        self._near = self._nearest() if self.compares else []
        stage.name([*found.papers, *(stage.papers.ids[at] for at in self._near)])
        self._sent = {day: self._arranged(columns) for day, columns in self._matched.items()}

    @property
    def share(self) -> Floats:
        share: Floats = self.scores.share[0]
        return share

    def shown(self) -> list[PaperId]:
        """The papers that have to be read."""
        ids = self.stage.papers.ids
        return [*chain.from_iterable(self._sent.values()), *(ids[at] for at in self._near)]

    def _by_day(self, columns: Iterable[int]) -> dict[date, list[int]]:
        found: dict[date, list[int]] = {}
        for at in columns:
            found.setdefault(date.fromordinal(int(self.stage.papers.days[at])), []).append(at)
        return found

    def day(self, day: date, teller: Teller) -> DayTried:
        sent = self._sent.get(day, ())
        return DayTried(
            day,
            announced=self.stage.announced.get(day, 0),
            matched=len(self._matched.get(day, ())),
            picks=tuple(self._pick(self.columns[one], teller) for one in sent),
        )

    def borderline(self, teller: Teller) -> Iterable[Borderline]:
        matched = self.round.facts.matched()[0]
        return (Borderline(self._pick(at, teller), bool(matched[at])) for at in self._near)

    def volume(self, wanted: float) -> Volume:
        facts, days = self.round.facts, max(len(self.stage.announced), 1)
        without = facts.true[0] & ~facts.both[0] | facts.followed[0]
        sure = int((without & ~facts.vetoed[0]).sum())
        could = self._could_be_near() & ~without & ~facts.vetoed[0]
        left = round(wanted * days) - sure
        shares = np.sort(self.share[could])
        if left <= 0:
            return Volume(wanted, beyond=Beyond.KEYWORDS)
        if left > len(shares):
            return Volume(wanted, beyond=Beyond.SCARCE)
        threshold = float(shares[left - 1])
        setting = threshold * max(self.stage.matcher.papers_a_day, 1.0)
        return Volume(wanted, round(threshold, 6), round(setting, 2))

    def _could_be_near(self) -> Bools:
        """What only the threshold keeps out: alike enough in itself, and true where both count."""
        everything = np.ones(1, np.float32)
        level = self.scores.level
        like: Bools = near(self.scores.share, everything, level=level)[0]
        both = self.interest.combine is Combine.ALL and bool(self.round.facts.asked[0])
        return np.logical_and(like, self.round.facts.true[0]) if both else like

    def _nearest(self) -> list[int]:
        """The columns on both sides of the threshold, nearest first, that only likeness decides."""
        facts = self.round.facts
        decided = facts.vetoed[0] | facts.followed[0] | (facts.true[0] & ~facts.both[0])
        open_ = np.flatnonzero(self._could_be_near() & ~decided)
        distance = np.log(self.share[open_] / max(self.threshold, 1e-9))
        order = open_[np.argsort(np.abs(distance), kind="stable")]
        inside = facts.near[0][order]
        sides = [*order[inside][:BORDERLINE].tolist(), *order[~inside][:BORDERLINE].tolist()]
        return sorted(sides, key=lambda at: float(self.share[at]))

    def _arranged(self, columns: Sequence[int]) -> list[PaperId]:
        """What a day's digest would hold, near-copies and caps minded."""
        papers = [self.stage.papers[at] for at in columns]
        ids = tuple(paper.id for paper in papers)
        found = Found(ids, tuple(self.marks[one] for one in ids))
        copies = Copies.among(ids, twins=find_twins(papers), alike=self._alike(columns))
        reader = _reader(self.interest, self.limit)
        arranged = arrange(reader, [found], copies=copies)
        return [item.paper_id for section in arranged.sections for item in section.items]

    def _alike(self, columns: Sequence[int]) -> Alike:
        ready = self.stage.ready
        if not isinstance(ready, IndexBatch):  # by words alone
            return {}
        ids = [self.stage.papers.ids[at] for at in columns]
        alike = find_alike(ready.vectors.of(np.array(columns, np.int64)))
        return {
            ids[row]: {ids[other]: cost for other, cost in others.items()}
            for row, others in alike.items()
        }

    def _pick(self, column: int, teller: Teller) -> Pick:
        paper = self.stage.papers[column]
        share = round(float(self.share[column]), 6) if self.compares else None
        score = self.marks.get(paper.id)
        if score is None:
            score = self.round.score(0, column)
        tell = partial(self._reasons, column, teller, share)
        return Pick(teller.papers.get(paper.id, paper), score, share, tell)

    def _reasons(self, column: int, teller: Teller, share: float | None) -> Reasons:
        return teller.reasons(
            self.stage.papers.ids[column],
            share=share,
            near=bool(self.round.facts.near[0, column]),
            resembles=self.scores.resembles(0, column) if self.compares else None,
        )


def _reader(interest: Interest, limit: int) -> Subscriber:
    """Somebody with this interest alone."""
    return Subscriber(
        id=SubscriberId(0),
        email="",
        schedule=Schedule(),
        created_at=datetime.combine(date.min, time(), UTC),
        interests=(interest,),
        limit=limit,
    )
