"""The shelf: the newest papers held in memory, for what needs to look at many of them at once.

Filled from the store when first asked for, and again when a fetch brought more; while one thread
fills it, the others use it as it was. The least that makes search and likeness work; an engine with
an index of its own replaces it in `Rooms`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

from digest.clock import Clock
from digest.matching.keywords import Scan
from digest.matching.terms import cut
from digest.model import FetchId, Paper
from digest.store.archive import ArchiveStore, Span, Wanted
from digest.store.papers import PaperStore
from digest.text import author_key

DAYS: Final = 30
MOST: Final = 3000  #: papers, some 20 MB with their words
_SHORTEST: Final = 4  #: letters of a word that says something of a title


@dataclass(frozen=True)
class Papers:
    """What stands on the shelf, newest first."""

    version: FetchId
    papers: Sequence[Paper]

    @cached_property
    def scan(self) -> Scan:
        return Scan(self.papers)

    @cached_property
    def marks(self) -> dict[str, list[int]]:
        """Title words and author names, each with the places of the papers that have it."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(self.papers):
            for mark in marks_of(paper):
                found[mark].append(place)
        return found


class Shelf:
    """Keeps the newest papers at hand."""

    def __init__(self, archive: ArchiveStore, papers: PaperStore, clock: Clock) -> None:
        self._archive = archive
        self._papers = papers
        self._clock = clock
        self._filling = threading.Lock()
        self._held: Papers | None = None

    def papers(self) -> Papers:
        version, held = self._archive.version(), self._held
        if held is not None and held.version == version:
            return held
        if not self._filling.acquire(blocking=held is None):
            assert held is not None
            return held
        try:
            if self._held is None or self._held.version != version:
                self._held = self._fill(version)
            return self._held
        finally:
            self._filling.release()

    def _fill(self, version: FetchId) -> Papers:
        today = self._clock().date()
        span = Span(today - timedelta(days=DAYS), today)
        ids = self._archive.listed(Wanted(span), limit=MOST).ids
        found = self._papers.papers(ids)
        return Papers(version, [found[id] for id in ids if id in found])


def marks_of(paper: Paper) -> set[str]:
    """What a paper can be told by: words of its title, and authors, each with an @."""
    words = {word.lower() for word in cut(paper.title) if len(word) >= _SHORTEST}
    return words | {f"@{author_key(author)}" for author in paper.authors[:20]}
