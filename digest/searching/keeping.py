"""Keeping an index up with the store: read everything once, then only what changed.

New papers and new versions become further segments; small segments are merged, and when they
outgrow the first one everything is read again, so that what is usual stays true. Papers that have
gone are left out at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from digest.matching.background import evenly
from digest.matching.base import Embedder, Vectors
from digest.matching.vectors import VectorStore, ensure
from digest.model import FetchId, PaperId
from digest.searching import snapshot
from digest.searching.building import Builder
from digest.searching.frame import SAMPLE, Frame, as_paper, make_frame, stacked_wholes
from digest.searching.index import Index
from digest.searching.segment import Ints, Segment
from digest.store.searchable import Searchable, SearchableStore

MOST_SEGMENTS = 4
OUTGROWN = 0.25  #: new papers by old ones, from which everything is read again
FEW = 500  #: papers that are read again in any case

Progress = Callable[[int, int], None]


class Keeper:
    """Makes an index from the store, and a newer one from an older one."""

    def __init__(
        self,
        store: SearchableStore,
        embedder: Embedder | None,
        vectors: VectorStore,
        kept: Path | None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._vectors = vectors
        self._kept = kept
        self._kept_papers = 0
        self._purged: str | None = None  #: as of when papers that went were left out

    def is_current(self, index: Index) -> bool:
        """Whether nothing has come or gone since."""
        return index.version == self._store.version() and self._purged == self._store.purged()

    def renewed(self, index: Index | None, progress: Progress) -> Index:
        """The index as of now; `index` itself when nothing has happened since."""
        version, purged, known = self._store.version(), self._store.purged(), self._purged
        self._purged = purged
        if index is None and self._kept is not None:
            index = snapshot.load(self._kept, self._mark)
            self._kept_papers = len(index) if index else 0
        if index is None:
            return self._saved(self._everything(self._store.ids(), version, progress))
        if index.version == version and purged == known:
            return index
        return self._saved(self._brought_up(index, version, progress))

    def _mark(self, version: FetchId) -> str:
        """Tells whether a snapshot is of this database, this model and this program."""
        model = self._embedder.id if self._embedder else ""
        return f"{snapshot.FORMAT} {model} {self._store.fetched_at(version)}"

    def _saved(self, index: Index) -> Index:
        if self._kept is not None and abs(len(index) - self._kept_papers) > FEW:
            snapshot.save(self._kept, index, self._mark(index.version))
            self._kept_papers = len(index)
        return index

    def _everything(self, ids: Ints, version: FetchId, progress: Progress) -> Index:
        sample = [one for page in self._store.pages(evenly(ids.tolist(), SAMPLE)) for one in page]
        frame = make_frame(sample, self._embedder, self._vectors)
        segment = self._segment(ids, frame, progress)
        return Index((segment,), frame, version)

    def _brought_up(self, index: Index, version: FetchId, progress: Progress) -> Index:
        there = self._store.ids()
        fresh = np.union1d(
            np.setdiff1d(there, index.ids[index.alive]),
            np.intersect1d(self._store.seen(index.version, version), there),
        )
        base, *others = index.segments
        small = sum(map(len, others)) + len(fresh)
        if small > max(OUTGROWN * len(base), FEW):
            return self._everything(there, version, progress)
        kept = index.segments
        if len(fresh) and len(kept) >= MOST_SEGMENTS:
            fresh = np.union1d(fresh, np.concatenate([one.ids[one.alive] for one in others]))
            fresh = np.intersect1d(fresh, there)
            kept = (base,)
        votes = self._store.votes()
        kept = tuple(_updated(one, there, fresh, votes) for one in kept)
        if len(fresh):
            kept = (*kept, self._segment(fresh, index.frame, progress))
        return Index(kept, index.frame, version)

    def _segment(self, ids: Ints, frame: Frame, progress: Progress) -> Segment:
        builder = Builder()
        for page in self._store.pages(ids):
            builder.add(page, frame.packed(self._wholes(page)))
            progress(len(builder), len(ids))
        return builder.segment()

    def _wholes(self, papers: Sequence[Searchable]) -> Vectors:
        """The papers' own vectors, computed where there are none yet."""
        if self._embedder is None:
            return np.zeros((len(papers), 0), np.float32)
        ids, width = [one.id for one in papers], self._embedder.dimensions
        stored = self._store.firsts(self._embedder.id, ids, 4 * width)
        if missing := [as_paper(one) for one in papers if one.id not in stored]:
            fresh = ensure(self._embedder, missing, self._vectors)
            stored |= {one: rows[:2].astype(np.float16).tobytes() for one, rows in fresh.items()}
        return stacked_wholes(ids, stored, width)


def _updated(segment: Segment, there: Ints, fresh: Ints, votes: Mapping[PaperId, int]) -> Segment:
    """The segment without what has gone or is read anew, and with the votes of today."""
    alive = segment.alive & np.isin(segment.ids, there) & ~np.isin(segment.ids, fresh)
    now = np.array([votes.get(one, 0) for one in segment.ids.tolist()], np.int32)
    return replace(segment, alive=alive, votes=now)
