"""The engine: what every interest finds among a batch of papers, and why.

    matcher = Matcher(scorer, papers_a_day=…)
    prepared = matcher.prepare(papers)            once a batch, for everybody
    prepared.search(subscribers)                  some hundred at a time
    prepared.explain(interest, paper)             one decision, step by step

It gathers facts (keywords, likeness, names) and leaves every decision to `digest.matching.ranking`.
A stored query that no longer parses becomes a value and stops nobody (guarantee 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Final, TypeVar

import numpy as np

from digest.matching.copies import Copies
from digest.matching.explanation import Explanation, explain
from digest.matching.keywords import Scan
from digest.matching.ranking import DEFAULT_VOLUME, Found, active, threshold, tie_order
from digest.matching.round import Batch, Likeness, Round
from digest.matching.scoring import Comparer, Scorer
from digest.matching.stemmed import stream_of
from digest.matching.twins import find_twins
from digest.model import NO_MUTES, Interest, Mutes, Paper, Subscriber

__all__ = ["Explanation", "Found", "Matcher", "Prepared"]

CELLS = 300_000  #: pairs of interest and paper looked at together: bounds memory
MOST_KEPT = 400_000  #: pairs of interest and paper kept for others who ask the same: 40 MB

PER_INTEREST = 10  #: what an interest costs beside its papers, in pairs
T = TypeVar("T")
_Said = tuple[object, ...]  #: all that decides what an interest finds


class Matcher:
    """Matches interests with papers by one scorer, for an installation of some size."""

    def __init__(
        self,
        scorer: Scorer[Any],
        *,
        papers_a_day: float,
        default_volume: float = DEFAULT_VOLUME,
    ) -> None:
        """`papers_a_day`: how many the sources bring; "about five a day" is measured by it."""
        self.scorer = scorer
        self.papers_a_day = papers_a_day
        self.default_volume = default_volume

    def prepare(self, papers: Sequence[Paper]) -> Prepared:
        return Prepared(self, papers)

    def threshold(self, interest: Interest) -> float:
        """The share of the stream up to which this interest takes a paper for near."""
        return threshold(interest, papers_a_day=self.papers_a_day, default=self.default_volume)


class Prepared:
    """A batch of papers ready to be matched with any number of interests."""

    def __init__(self, matcher: Matcher, papers: Sequence[Paper]) -> None:
        self.papers = papers
        self._matcher = matcher
        stream = stream_of(papers)
        self._ready = matcher.scorer.prepare(papers, stream)
        self._known: dict[_Said, Found] = {}
        self._pairs = 0
        votes = np.array([paper.votes or 0 for paper in papers], np.float32)
        self._batch = Batch(papers, Scan(papers, stream), tie_order(papers), votes)

    @cached_property
    def copies(self) -> Copies:
        """Papers that say nearly the same (see `ranking.arrange`)."""
        ids = [paper.id for paper in self.papers]
        scorer, alike = self._matcher.scorer, {}
        if isinstance(scorer, Comparer):  # others cannot tell by more than titles
            alike = {
                ids[row]: {ids[other]: cost for other, cost in others.items()}
                for row, others in scorer.alike(self._ready).items()
            }
        return Copies.among(ids, twins=find_twins(self.papers), alike=alike)

    def search(self, subscribers: Sequence[Subscriber]) -> list[tuple[Found, ...]]:
        """What each subscriber's active interests find, their mutes applied."""
        profiles = list(map(active, subscribers))
        interests = list(chain.from_iterable(profiles))
        mutes = None
        if not all([one.mutes is NO_MUTES for one in subscribers]):
            each = zip(subscribers, profiles, strict=True)
            mutes = [one.mutes for one, wanted in each for _ in wanted]
        found = iter(self.match(interests, mutes=mutes))
        return [tuple(islice(found, len(wanted))) for wanted in profiles]

    def match(
        self, interests: Sequence[Interest], *, mutes: Sequence[Mutes] | None = None
    ) -> list[Found]:
        """What each interest finds, best first; `mutes` is parallel to the interests.

        What was asked before, by whomever, is not looked for again.
        """
        asked: list[_Said] = list(map(_defined, interests))
        for at, one in enumerate(mutes or ()):
            if one.authors or one.words:
                asked[at] = (*asked[at], one.authors, one.words)
        if self._pairs > MOST_KEPT:
            self._known.clear()
            self._pairs = 0
        try:
            return list(map(self._known.__getitem__, asked))
        except KeyError:  # somebody asks what nobody has
            new = {one: at for at, one in enumerate(asked) if one not in self._known}
        self._find(new, interests, mutes or [NO_MUTES] * len(interests))
        return list(map(self._known.__getitem__, asked))

    def _find(
        self, new: Mapping[_Said, int], interests: Sequence[Interest], mutes: Sequence[Mutes]
    ) -> None:
        """Find out what was not asked before; each with the place of one who asks."""
        for part in _slices(list(new.items()), max(64, CELLS // max(len(self.papers), 1))):
            rows = [at for _, at in part]
            found = self._round([interests[at] for at in rows], [mutes[at] for at in rows]).found()
            self._known.update(zip((one for one, _ in part), found, strict=True))
            self._pairs += sum(len(one.papers) for one in found) + PER_INTEREST * len(found)

    def explain(self, interest: Interest, paper: int, *, mutes: Mutes | None = None) -> Explanation:
        """Why the paper at this place of the batch matches the interest, or why not."""
        muted = mutes or Mutes()
        decided = self._round([interest], [muted])
        return explain(decided, paper, paper=self.papers[paper], mutes=muted)

    def _round(self, interests: Sequence[Interest], mutes: Sequence[Mutes]) -> Round:
        thresholds = np.array([self._matcher.threshold(one) for one in interests], np.float32)
        rows = [row for row, one in enumerate(interests) if one.statement or one.examples]
        scores = self._matcher.scorer.score([interests[row] for row in rows], self._ready)
        likeness = Likeness(np.array(rows, np.int64), scores, thresholds)
        return Round(self._batch, interests, mutes=mutes, likeness=likeness)


#: Of an interest's fields, those that decide what it finds; with mutes, these stand behind them.
_defined: Final = itemgetter(
    *map(
        Interest._fields.index,
        ("query", "statement", "examples", "authors", "combine", "daily_volume"),
    )
)


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
