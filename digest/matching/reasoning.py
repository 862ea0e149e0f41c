"""Why each pair of interest and paper that was found belongs together; asked when it is listed.

What a round found out of its pairs, without the rest of the round. Equal reasons are one value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from digest.matching.keywords import Evaluation
from digest.matching.names import find_name, name_words
from digest.matching.scoring import Floats
from digest.matching.stream import Ints
from digest.model import Hit, Interest, Paper, Reasons

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """Parallel arrays, an entry a pair.

    `queries`: number of the query that is true, else -1. `lines`: the interest's row among the
    scores, -1 where nothing is compared.
    """

    interests: Sequence[Interest]
    papers: Sequence[Paper]
    evaluation: Evaluation
    resembles: Callable[[int, int], str | None]  #: of `Scores`, without its arrays
    told: Callable[[int, int], tuple[Hit, ...]]
    rows: Ints
    columns: Ints
    queries: Ints
    lines: Ints
    near: Bools
    share: Floats
    followed: Bools
    _shared: dict[tuple[int, int, tuple[str, ...]], Reasons] = field(default_factory=dict)

    def since(self, start: int) -> Callable[[int], Reasons]:
        """The reasons by place, counted from a pair."""
        return partial(self._after, start)

    def _after(self, start: int, place: int) -> Reasons:
        return self.reasons(start + place)

    def reasons(self, pair: int) -> Reasons:
        """Why; one value for all who asked the same of the same paper by keywords alone."""
        query, column = self.queries.item(pair), self.columns.item(pair)
        line = self.lines.item(pair)
        if line >= 0:
            return self._compared(pair, query, column, line)
        followed = self._followed(pair)
        key = query, column, followed
        known = self._shared.get(key)
        if known is None:
            known = self._shared[key] = Reasons(hits=self._hits(query, column), followed=followed)
        return known

    def _compared(self, pair: int, query: int, column: int, line: int) -> Reasons:
        hits, resembles = self._hits(query, column), None
        if self.near.item(pair):
            hits = hits or self.told(line, column)
            resembles = self.resembles(line, column)
        return Reasons(hits, round(self.share.item(pair), 6), resembles, self._followed(pair))

    def _hits(self, query: int, column: int) -> tuple[Hit, ...]:
        return self.evaluation.hits(query, column) if query >= 0 else ()

    def _followed(self, pair: int) -> tuple[str, ...]:
        if not self.followed.item(pair):
            return ()
        interest, paper = self.interests[self.rows[pair]], self.papers[self.columns[pair]]
        wanted = [name_words(name) for name in interest.authors]
        return tuple(
            name for name in paper.authors if any(find_name(one, name) for one in wanted if one)
        )
