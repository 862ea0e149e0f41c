"""Papers like a paper, by rare words of their titles and by authors: the least to be offered."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from digest.model import Paper
from digest.web.shelf import Papers, Shelf, marks_of

_AUTHOR: Final = 2.5  #: what a shared author counts, for names are shared too
_WORD: Final = 3.0  #: what a shared word counts at most, however rare
_ENOUGH: Final = 4.0  #: less is chance: two telling words, or an author and one


class TitleLikeness:
    """Finds papers that share rare title words or authors, among those on the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def similar(self, paper: Paper, *, limit: int) -> Sequence[Paper]:
        """Nearest first; nothing rather than what is like it by chance."""
        held = self._shelf.papers()
        ranked = heapq.nlargest(limit + 1, _scores(held, paper).items(), key=lambda it: it[1])
        near = (held.papers[place] for place, score in ranked if score >= _ENOUGH)
        return [other for other in near if other.id != paper.id][:limit]


def _scores(held: Papers, paper: Paper) -> dict[int, float]:
    scores: dict[int, float] = defaultdict(float)
    for mark in marks_of(paper):
        places = held.marks.get(mark, ())
        weight = _AUTHOR if mark.startswith("@") else _rarity(len(places), len(held.papers))
        for place in places:
            scores[place] += weight
    return scores


def _rarity(papers: int, of: int) -> float:
    return min(_WORD, math.log((of + 1) / papers)) if papers else 0.0
