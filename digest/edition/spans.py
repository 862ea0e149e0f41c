"""The papers of one window, got ready once for everybody who has that window.

A window is counted in fetches: after one, up to another. What an earlier window brought as well,
and what is only a new version, is told apart here; who is sent what of it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from digest.matching.engine import Matcher, Prepared
from digest.matching.ranking import trending
from digest.model import FetchId, Match, Paper, PaperId
from digest.store.editions import EditionStore
from digest.store.papers import PaperStore


class Opening(NamedTuple):
    """Where a window begins: after which fetch, and whether new versions count as news."""

    after: FetchId
    revisions: bool


@dataclass(frozen=True, eq=False)
class Span:
    """The papers of one window, ready to be matched."""

    after: FetchId
    upto: FetchId
    papers: Mapping[PaperId, Paper]
    revised: frozenset[PaperId]  #: of these only a new version was announced
    resighted: frozenset[PaperId]  #: an earlier window may have brought these
    prepared: Prepared
    trending: tuple[Match, ...]
    versions: Mapping[PaperId, int]  #: 0 where a source has none

    @cached_property
    def considered(self) -> int:
        return len(self.papers) - len(self.revised)

    @cached_property
    def every(self) -> frozenset[PaperId]:
        return frozenset(self.papers)


def open_span(
    opening: Opening,
    upto: FetchId,
    *,
    store: EditionStore,
    papers: PaperStore,
    matcher: Matcher,
) -> Span:
    """The window that begins with `opening`, ready for any number of subscribers."""
    window = papers.window(opening.after, upto)
    revised = window.revised if opening.revisions else frozenset()
    found = [p for p in window.papers if p.id not in window.revised or p.id in revised]
    return Span(
        after=opening.after,
        upto=upto,
        papers={paper.id: paper for paper in found},
        revised=revised,
        resighted=store.resighted(opening.after, upto) & {paper.id for paper in found},
        prepared=matcher.prepare(found),
        trending=tuple(trending([p for p in found if p.id not in revised])),
        versions={paper.id: paper.version or 0 for paper in found},
    )
