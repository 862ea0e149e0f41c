"""A stage: the papers of some days, ready for any interest to be tried on them.

Made from an index without reading texts (`batches`), and kept for the next who tries: about 10 kB a
paper. By words alone (no embedder) the texts are read, for that scorer knows no index. A second
stage is left out: it reorders a digest's best and changes nothing of how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from digest.matching.background import ENOUGH
from digest.matching.base import Embedder
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.lexical import LexicalScorer
from digest.matching.ranking import tie_order
from digest.matching.round import Batch, Likeness, Round
from digest.matching.scoring import Scores
from digest.model import Interest, Mutes, Paper, PaperId
from digest.searching.batches import background_of, batch_of, known, light
from digest.searching.halves import Stored
from digest.searching.index import Index
from digest.searching.scanning import IndexScan
from digest.searching.segment import Ints
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore

MOST = 5_000  #: papers of the background


@dataclass(frozen=True, eq=False)
class Stage:
    """`papers` (parallel to `rows` of the index) know their id, title, day and votes, no more."""

    index: Index
    rows: Ints
    papers: Sequence[Paper]
    matcher: Matcher
    ready: Any

    def score(self, interest: Interest) -> Scores:
        compared = [interest] if interest.statement or interest.examples else []
        return self.matcher.scorer.score(compared, self.ready)

    def round(self, interest: Interest, mutes: Mutes, scores: Scores) -> Round:
        """The digests' decision on every paper, as `Matcher` comes to it."""
        votes = np.array([paper.votes or 0 for paper in self.papers], np.float32)
        scan = IndexScan(self.index, self.rows)
        batch = Batch(self.papers, scan, tie_order(self.papers), votes)
        threshold = np.array([self.matcher.threshold(interest)], np.float32)
        likeness = Likeness(np.arange(len(scores.values)), scores, threshold)
        return Round(batch, [interest], mutes=[mutes], likeness=likeness)


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
        papers = self._known(index, rows)
        matcher, ready = self._measure(index, rows, papers, usual, until, features=features)
        return Stage(index, rows, papers, matcher, ready)

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
        papers: Sequence[Paper],
        usual: Ints,
        today: date,
        *,
        features: bool,
    ) -> tuple[Matcher, Any]:
        if self.embedder is None:
            lexical = LexicalScorer(self._read(index, usual))
            return self._matcher(index, lexical, today), lexical.prepare(self._read(index, rows))
        stored = self._stored(self.embedder)
        background = background_of(index, usual, self.embedder, stored, features=features)
        hybrid = HybridScorer(self.embedder, background)
        ready = batch_of(index, rows, papers, background, stored)
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
        return [found.get(one, blank) for one, blank in zip(ids, light(index, rows), strict=True)]

    def _known(self, index: Index, rows: Ints) -> list[Paper]:
        titles = self.store.titles(index.ids[rows].tolist())
        days, votes = index.days[rows].tolist(), index.votes[rows].tolist()
        ids = map(PaperId, index.ids[rows].tolist())
        return [
            known(one, str(one), titles.get(one, ""), date.fromordinal(day), voted or None)
            for one, day, voted in zip(ids, days, votes, strict=True)
        ]


def _rows(index: Index, first: date, last: date) -> Ints:
    """The rows announced on these days, both ends included, in the order of their ids."""
    inside = (index.days >= first.toordinal()) & (index.days <= last.toordinal()) & index.alive
    rows = np.flatnonzero(inside)
    return rows[np.argsort(index.ids[rows])]
