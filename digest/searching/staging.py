"""A stage: the papers of some days, ready for any interest to be tried on them.

Made from an index without reading texts (`batches`), and kept for the next who tries: about 7 kB a
paper. By words alone (no embedder) the texts are read, for that scorer knows no index. A second
stage is left out: it reorders a digest's best and changes nothing of how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from digest.matching.background import ENOUGH
from digest.matching.base import Embedder
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.lexical import LexicalScorer
from digest.matching.round import Batch, Likeness, Round
from digest.matching.scoring import Scores
from digest.model import Interest, Mutes, Paper, PaperId
from digest.searching.batches import Known, background_of, batch_of
from digest.searching.halves import HalfVectors, Stored
from digest.searching.index import Index
from digest.searching.scanning import IndexScan
from digest.searching.segment import Ints
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore

MOST = 5_000  #: papers of the background


@dataclass(frozen=True, eq=False)
class _KnownBatch(Batch):
    """A Batch that need not make its papers to say where they are."""

    papers: Known
    name: Callable[[Sequence[PaperId]], None]  #: reads titles

    @cached_property
    def ids(self) -> list[PaperId]:
        return list(self.papers.ids)

    @cached_property
    def by_title(self) -> Mapping[str, int]:
        self.name(self.ids)
        return super().by_title


@dataclass(frozen=True, eq=False)
class Stage:
    """`papers` (parallel to `rows` of the index) know no more than `Known` does."""

    index: Index
    rows: Ints
    papers: Known
    titles: Callable[[Sequence[int]], Mapping[PaperId, str]]
    matcher: Matcher
    ready: Any

    @property
    def places(self) -> Mapping[PaperId, int]:
        """Where each paper is among `papers`."""
        return self._batch.places

    def name(self, ids: Sequence[PaperId]) -> None:
        """Read the titles of these papers, which are not known before."""
        if unknown := [one for one in ids if one not in self.papers.titles]:
            self.papers.titles.update(self.titles(unknown))

    @cached_property
    def announced(self) -> dict[date, int]:
        """How many papers were announced on each day that had any."""
        days, counts = np.unique(self.papers.days, return_counts=True)
        pairs = zip(days.tolist(), counts.tolist(), strict=True)
        return {date.fromordinal(day): count for day, count in pairs}

    @cached_property
    def _batch(self) -> Batch:
        """What is the same whoever tries."""
        known = self.papers
        keys = np.array(known.ids, np.int64).astype(np.str_)
        ties = np.empty(len(known), np.int64)
        ties[np.lexsort((keys, -known.days, -known.votes))] = np.arange(
            len(known)
        )  # as `tie_order`
        scan = IndexScan(self.index, self.rows)
        return _KnownBatch(known, scan, ties, known.votes.astype(np.float32), self.name)

    def score(self, interest: Interest) -> Scores:
        compared = [interest] if interest.statement or interest.examples else []
        return self.matcher.scorer.score(compared, self.ready)

    def round(self, interest: Interest, mutes: Mutes, scores: Scores) -> Round:
        """The digests' decision on every paper, as `Matcher` comes to it."""
        threshold = np.array([self.matcher.threshold(interest)], np.float32)
        likeness = Likeness(np.arange(len(scores.values)), scores, threshold)
        return Round(self._batch, [interest], mutes=[mutes], likeness=likeness)


@dataclass(frozen=True)
class Setting:
    """What stages are made with: the installation's own values (see `[matching]`)."""

    store: SearchableStore
    papers: PaperStore
    embedder: Embedder | None
    background_days: int
    daily_volume: float

    def stage(self, index: Index, *, until: date, days: int, features: bool) -> Stage:
        """The papers announced on the `days` days up to `until`; `features` for examples."""
        rows = _rows(index, until - timedelta(days=days - 1), until)
        usual = self._background(index, until)
        papers = Known.at(index, rows)
        matcher, ready = self._measure(index, rows, papers, usual, until, features=features)
        return Stage(index, rows, papers, self.store.titles, matcher, ready)

    def _background(self, index: Index, today: date) -> Ints:
        """As `likeness`: the papers of the weeks before this week's Monday, or what there is."""
        monday = today - timedelta(days=today.weekday())
        since = monday - timedelta(days=self.background_days)
        rows = _rows(index, since, monday - timedelta(days=1))
        if len(rows) < ENOUGH:
            rows = _rows(index, since, date.max)
        newest = np.lexsort((-index.ids[rows], -index.days[rows]))[:MOST]
        return rows[newest][np.argsort(index.ids[rows[newest]])]

    def _measure(
        self,
        index: Index,
        rows: Ints,
        papers: Known,
        usual: Ints,
        today: date,
        *,
        features: bool,
    ) -> tuple[Matcher, Any]:
        if self.embedder is None:
            lexical = LexicalScorer(self._read(index, usual))
            return self._matcher(index, lexical, today), lexical.prepare(self._read(index, rows))
        stored = self._stored(self.embedder)
        vectors = HalfVectors.read(papers.ids, stored, self.embedder.dimensions)
        lent = vectors.lend(papers.ids, stored)  # most of the background is among the papers
        background = background_of(index, usual, self.embedder, lent, features=features)
        hybrid = HybridScorer(self.embedder, background)
        ready = batch_of(index, rows, papers, background, vectors)
        return self._matcher(index, hybrid, today), ready

    def _matcher(self, index: Index, scorer: Any, today: date) -> Matcher:
        since = today - timedelta(days=self.background_days)
        recent = index.days[_rows(index, since, date.max)]
        days = len(np.unique(recent))
        return Matcher(
            scorer,
            papers_a_day=len(recent) / days if days else 0.0,
            default_volume=self.daily_volume,
        )

    def _stored(self, embedder: Embedder) -> Stored:
        return lambda ids: self.store.vectors(embedder.id, ids)

    def _read(self, index: Index, rows: Ints) -> list[Paper]:
        ids = [PaperId(one) for one in index.ids[rows].tolist()]
        found = self.papers.papers(ids)
        return [
            found.get(one, blank) for one, blank in zip(ids, Known.at(index, rows), strict=True)
        ]


def _rows(index: Index, first: date, last: date) -> Ints:
    """The rows announced on these days, both ends included, in the order of their ids."""
    inside = (index.days >= first.toordinal()) & (index.days <= last.toordinal()) & index.alive
    rows = np.flatnonzero(inside)
    return rows[np.argsort(index.ids[rows])]
