"""Why each pair of interest and paper that was found belongs together; asked when it is listed.

What a round found out of its pairs, without the rest of the round. Equal reasons are one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from digest.matching.keywords import Evaluation
from digest.matching.names import find_name, name_words
from digest.model import Hit, Interest, Paper, Reasons

_reasons: Final = partial(tuple.__new__, Reasons)  # `_make` without counting


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
    rows: Sequence[int]
    columns: Sequence[int]
    queries: Sequence[int]
    lines: Sequence[int]
    near: Sequence[int]
    share: Sequence[float]
    followed: Sequence[int]
    _shared: dict[tuple[int, int, tuple[str, ...]], Reasons] = field(default_factory=dict)

    def since(self, start: int) -> Callable[[Iterable[int]], list[Reasons]]:
        """The reasons by places of one interest, whose pairs begin there."""
        return partial(self._since, start)

    def _since(self, start: int, places: Iterable[int]) -> list[Reasons]:
        tell = self._asked if self.lines[start] < 0 else self._compared
        return [tell(start + place) for place in places]

    def _asked(self, pair: int) -> Reasons:
        """By keywords alone: one value for all who asked the same of the same paper."""
        key = query, column, followed = self.queries[pair], self.columns[pair], self._followed(pair)
        known = self._shared.get(key)
        if known is None:
            hits = self.evaluation.hits(query, column) if query >= 0 else ()
            known = self._shared[key] = _reasons((hits, None, None, followed, None))
        return known

    def _compared(self, pair: int) -> Reasons:
        query, line, column = self.queries[pair], self.lines[pair], self.columns[pair]
        hits = self.evaluation.hits(query, column) if query >= 0 else ()
        resembles = None
        if self.near[pair]:
            hits = hits or self.told(line, column)
            resembles = self.resembles(line, column)
        return _reasons((hits, round(self.share[pair], 6), resembles, self._followed(pair), None))

    def _followed(self, pair: int) -> tuple[str, ...]:
        if not self.followed[pair]:
            return ()
        interest, paper = self.interests[self.rows[pair]], self.papers[self.columns[pair]]
        wanted = [name_words(name) for name in interest.authors]
        return tuple(
            name for name in paper.authors if any(find_name(one, name) for one in wanted if one)
        )
