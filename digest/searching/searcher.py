"""The searcher: one index for all who ask, kept up with the store beside the questions.

Thread-safe: an index is a value, and refreshing puts another in its place. A question never waits
for a refresh but the first, which finds nothing to look in; it waits for others where more are
asked at once than there are processors, since together each would only be slower. Memory is bounded
by the archive: about 3 kB a paper.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from time import monotonic

import numpy as np

from digest.errors import DigestError
from digest.matching.base import Embedder
from digest.matching.vectors import VectorStore
from digest.model import FetchId, Paper, PaperId, Reasons
from digest.searching.asking import Asked, ask
from digest.searching.index import Index
from digest.searching.keeping import Keeper
from digest.searching.ranking import Narrowed, Ranked, rank
from digest.searching.similarity import nearest
from digest.searching.telling import reasons
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0  #: seconds between looks for something new
KEEP_EVERY = 5.0  #: the same, where a thread of its own looks
Progress = Callable[[int, int], None]


class Order(StrEnum):
    RELEVANCE = "relevance"
    DATE = "date"  #: latest first
    VOTES = "votes"


@dataclass(frozen=True, slots=True)
class Result:
    """One paper found, and why."""

    paper: Paper
    score: float
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found; `total` counts all of it."""

    found: Sequence[Result] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Page:
    """Which of the papers found are wanted, in which order, and how much of each."""

    order: Order
    limit: int
    offset: int
    summed_up: bool


class Searcher:
    """Finds papers by words and by meaning, and papers like a paper."""

    def __init__(
        self,
        store: SearchableStore,
        papers: PaperStore,
        *,
        embedder: Embedder | None,
        vectors: VectorStore,
        snapshot: Path | None = None,
    ) -> None:
        """`embedder` None: by words alone. `snapshot`: a file that saves reading everything again;
        it holds nothing that the store does not."""
        self._papers = papers
        self._embedder = embedder
        self._keeper = Keeper(store, embedder, vectors, snapshot)
        self._store = store
        self._index: Index | None = None
        self._turn = threading.Lock()
        self._edition = 0
        self._looked = 0.0
        self._news = threading.Event()
        self._is_kept = False
        self._seats = threading.BoundedSemaphore(processors() + 1)  # one may wait for the store

    def search(
        self,
        text: str,
        *,
        since: date | None = None,
        until: date | None = None,
        source: str | None = None,
        category: str | None = None,
        order: Order = Order.RELEVANCE,
        limit: int = 20,
        offset: int = 0,
        summed_up: bool = True,
    ) -> Results:
        """One page of what `text` finds; raises QuerySyntaxError for a query that cannot be read.

        See `asking` for what is a query and what is prose. `summed_up`: the papers come with their
        summaries.
        """
        asked = ask(text)
        wanted = _Page(order, limit, offset, summed_up)
        with self._seats:
            return self._search(asked, Narrowed(since, until, source, category), wanted)

    def _search(self, asked: Asked, narrowed: Narrowed, page: _Page) -> Results:
        index = self._current()
        if not len(index) or (asked.query is None and not asked.statement):
            return Results()
        end = page.offset + page.limit
        first = end if page.order is Order.RELEVANCE else None
        ranked = rank(
            index, asked, narrowed, embedder=self._embedder, parts=self._parts, first=first
        )
        places = _sorted(index, ranked, page.order)[page.offset : end]
        ids = [PaperId(one) for one in index.ids[ranked.rows[places]].tolist()]
        stored = self._papers.papers(ids, summed_up=page.summed_up)
        pairs = zip(places.tolist(), ids, strict=True)
        kept = [(at, stored[one]) for at, one in pairs if one in stored]
        papers = [paper for _, paper in kept]
        shares = [float(ranked.share[at]) for at, _ in kept]
        told = reasons(asked, index, ranked.rows[[at for at, _ in kept]], papers, shares)
        found = [
            Result(paper, round(float(ranked.scores[at]), 4), why)
            for (at, paper), why in zip(kept, told, strict=True)
        ]
        return Results(found, ranked.total)

    def similar(self, paper: Paper, *, limit: int = 10) -> list[Paper]:
        """The papers nearest to a paper, never itself; nothing rather than what is so by chance."""
        index = self._current()
        rows = nearest(index, paper, limit, embedder=self._embedder)
        ids = [PaperId(one) for one in index.ids[rows].tolist()]
        stored = self._papers.papers(ids)
        return [stored[one] for one in ids if one in stored]

    def refresh(self, progress: Progress = lambda done, total: None) -> None:
        """Read what is new; the first time everything. `progress` hears papers done and in all."""
        with self._turn:
            known, self._index = self._index, self._keeper.renewed(self._index, progress)
            self._edition += self._index is not known
            self._looked = monotonic()

    def keep(self, stop: threading.Event) -> None:
        """Refresh now and whenever there is news, until `stop`; meanwhile no question does, so
        that asking only reads."""
        self._is_kept = True
        try:
            while not stop.is_set():
                self._catch_up()
                self._news.wait(KEEP_EVERY)
                self._news.clear()
        finally:
            self._is_kept = False

    def nudge(self) -> None:
        """There may be news: whoever keeps this need not wait to look."""
        self._news.set()

    def index(self) -> Index:
        """What is looked in, as of now."""
        return self._current()

    @property
    def edition(self) -> int:
        """Another number whenever another index is looked in; never waits for the first one."""
        if self._index is not None:
            self._current()
        return self._edition

    @property
    def standing(self) -> tuple[FetchId, int] | None:
        """As of which fetch the index is, and its edition, where no look at the store is needed."""
        index = self._index
        return (index.version, self._edition) if index is not None and self._is_kept else None

    def wait(self) -> None:
        """Until a refresh that is under way is done."""
        with self._turn:
            pass

    def _parts(self, ids: Sequence[PaperId]) -> Mapping[PaperId, bytes]:
        assert self._embedder is not None
        return self._store.vectors(self._embedder.id, ids)

    # --- keeping up -----------------------------------------------------------------------------

    def _current(self) -> Index:
        index = self._index
        if index is None:
            self.refresh()
            assert self._index is not None
            return self._index
        if not self._is_kept and monotonic() - self._looked > LOOK_EVERY:
            self._looked = monotonic()
            if not self._keeper.is_current(index) and not self._turn.locked():
                threading.Thread(target=self._catch_up, name="search", daemon=True).start()
        return index

    def _catch_up(self) -> None:
        try:
            if self._index is None or not self._keeper.is_current(self._index):
                self.refresh()
        except DigestError as error:  # busy or away: the next look tries again
            log.warning("Search was not refreshed: %s", error, extra={"action": "search_stale"})


def processors() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _sorted(index: Index, ranked: Ranked, order: Order) -> np.ndarray:
    """Places in `ranked`, in the order asked for; relevance decides between equals."""
    places = np.arange(len(ranked.rows))
    match order:
        case Order.DATE:
            return np.argsort(-index.days[ranked.rows], kind="stable")
        case Order.VOTES:
            return np.argsort(-index.votes[ranked.rows], kind="stable")
        case Order.RELEVANCE:
            return places
