"""Search by the query language alone, among the newest papers: the least that a page can offer.

It ranks by how much of the query was found, titles counting twice, then by date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from digest.matching.keywords import Compiled
from digest.matching.query import parse
from digest.model import Paper, Reasons
from digest.web.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Hit:
    paper: Paper
    score: float
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Hits:
    found: Sequence[Hit]
    total: int


class KeywordSearch:
    """Finds by the query language alone, among the papers on the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def search(
        self,
        text: str,
        *,
        since: date | None,
        until: date | None,
        source: str | None,
        category: str | None,
        limit: int,
        offset: int,
    ) -> Hits:
        """Best first, then newest; raises QuerySyntaxError."""
        compiled = Compiled([parse(text)])
        held = self._shelf.papers()
        evaluation = held.scan.evaluate(compiled)
        query = np.zeros(1, np.int64)
        places = evaluation.truth(query)[0].nonzero()[0]
        fit = [
            int(place)
            for place in places
            if _fits(held.papers[place], since, until, source, category)
        ]
        strengths = evaluation.strength(
            np.zeros(len(fit), np.int64), np.array(fit, np.int64)
        ).tolist()
        ranked = sorted(zip(strengths, fit, strict=True), key=lambda it: (-it[0], it[1]))
        found = [
            Hit(held.papers[place], score, Reasons(hits=evaluation.hits(0, place)))
            for score, place in ranked[offset : offset + limit]
        ]
        return Hits(found, len(fit))


def _fits(
    paper: Paper,
    since: date | None,
    until: date | None,
    source: str | None,
    category: str | None,
) -> bool:
    return (
        (since is None or paper.announced_on >= since)
        and (until is None or paper.announced_on <= until)
        and (source is None or source in paper.sources)
        and (category is None or category in paper.categories)
    )
