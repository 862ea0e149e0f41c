"""One round of matching: some interests against all papers of a batch.

It gathers the facts (keywords, likeness, names), leaves the decisions to `ranking`, and gives the
reasons for what is listed; equal reasons are one value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from digest.matching.expression import Query
from digest.matching.keywords import Compiled, Scan
from digest.matching.names import find_name, name_words
from digest.matching.ranking import DECIMALS, Bools, Facts, Found, fused
from digest.matching.reading import any_of, read
from digest.matching.scoring import Floats, Scores
from digest.matching.stream import Ints
from digest.model import Combine, Hit, Interest, Mutes, Paper, Reasons

_HIGHEST = 1 << 20  #: above any score, in its last decimal
_HAIR = 1e-6  #: a share of exactly the threshold is near, whatever float32 makes of it


@dataclass(frozen=True, eq=False)
class Batch:
    """What is known of the papers before anybody asks."""

    papers: Sequence[Paper]
    scan: Scan
    ties: Ints  #: place of each paper where scores are equal
    votes: Floats

    @cached_property
    def ids(self) -> Ints:
        return np.array([paper.id for paper in self.papers], np.int64)

    @cached_property
    def columns(self) -> dict[int | str, int]:
        """Where a paper is, by its id and by its title."""
        ids: dict[int | str, int] = {paper.id: at for at, paper in enumerate(self.papers)}
        return ids | {paper.title.casefold(): at for at, paper in enumerate(self.papers)}


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What a scorer said of those interests (`rows`) that have something to compare."""

    rows: Ints
    scores: Scores
    thresholds: Floats  #: for every interest of the round


class Round:
    """Some interests against all papers of a batch: the facts, then the decisions on them."""

    def __init__(
        self,
        batch: Batch,
        interests: Sequence[Interest],
        *,
        mutes: Sequence[Mutes],
        likeness: Likeness,
    ) -> None:
        self._to = batch
        self.interests = interests
        self.readings = [read(interest) for interest in interests]
        self._queries: list[Query] = []
        self._numbers: dict[int, int] = {}
        queries = [reading.query for reading in self.readings]
        self._vetoes = self._number(queries)
        self._asked = self._number([one if one and one.wanted() else None for one in queries])
        self._muted = self._number([any_of(one.authors, one.words) for one in mutes])
        self._follows = self._number([any_of(one.authors) for one in interests])
        self._evaluation = batch.scan.evaluate(Compiled(self._queries))
        self.thresholds = likeness.thresholds
        self._scores = likeness.scores
        self._row = {row: at for at, row in enumerate(likeness.rows.tolist())}
        self._compared = np.zeros(len(interests), np.bool_)
        self._compared[likeness.rows] = np.isfinite(likeness.scores.values).any(axis=1)
        self._values = np.zeros((len(interests), len(batch.papers)), np.float32)
        self._values[likeness.rows] = likeness.scores.values
        self._share = np.ones_like(self._values)
        self._share[likeness.rows] = likeness.scores.share
        self._told: dict[tuple[int, int], tuple[Hit, ...]] = {}
        self._shared: dict[tuple[int, int, int], Reasons] = {}
        self.facts = self._gather()

    def _number(self, queries: Sequence[Query | None]) -> Ints:
        """The number of each row's query among all different ones, -1 for none."""
        numbers = np.full(len(queries), -1, np.int64)
        for row, query in enumerate(queries):
            if query is not None:
                numbers[row] = self._numbers.setdefault(id(query), len(self._queries))
                if numbers[row] == len(self._queries):
                    self._queries.append(query)
        return numbers

    def _gather(self) -> Facts:
        combine = [interest.combine is Combine.ALL for interest in self.interests]
        near = (self._share <= self.thresholds[:, None] + _HAIR) & self._compared[:, None]
        return Facts(
            true=self._true(self._asked),
            near=near,
            followed=self._true(self._follows),
            vetoed=self._true(self._vetoes, excluded=True) | self._true(self._muted) | self.known,
            asked=self._asked >= 0,
            compared=self._compared,
            both=np.array(combine, np.bool_),
        )

    @cached_property
    def known(self) -> Bools:
        """Papers that an interest names as examples: nobody needs to be told of those."""
        result = np.zeros((len(self.interests), len(self._to.papers)), np.bool_)
        for row, interest in enumerate(self.interests):
            for example in interest.examples:
                column = self._to.columns.get(example.paper_id or example.title.casefold())
                if column is not None:
                    result[row, column] = True
        return result

    def _true(self, queries: Ints, *, excluded: bool = False) -> Bools:
        """Where each row's query holds, or what it excludes does; nowhere without one."""
        result = np.zeros((len(queries), len(self._to.papers)), np.bool_)
        rows = np.flatnonzero(queries >= 0)
        look = self._evaluation.vetoed if excluded else self._evaluation.truth
        if len(rows):
            result[rows] = look(queries[rows])
        return result

    def found(self) -> list[Found]:
        rows, columns = np.nonzero(self.facts.matched())
        scores = self._score(rows, columns)
        order = np.argsort(self._places(rows, columns, scores))
        bounds = np.searchsorted(rows, np.arange(len(self.interests) + 1)).tolist()
        columns = columns[order]
        papers = tuple(self._to.ids[columns].tolist())
        marks = tuple(scores[order].astype(np.float64).round(DECIMALS).tolist())
        return [
            Found(
                interest.id,
                papers[start:end],
                marks[start:end],
                partial(self._why, row, columns[start:end]),
                self.readings[row].fault,
            )
            for row, (interest, (start, end)) in enumerate(
                zip(self.interests, pairwise(bounds), strict=True)
            )
        ]

    def _places(self, rows: Ints, columns: Ints, scores: Floats) -> Ints:
        """One number that sorts by interest, then falling score, then ties."""
        falling = _HIGHEST - (scores * 10**DECIMALS).round().astype(np.int64)
        places: Ints = ((rows << 21 | falling) << 24) | self._to.ties[columns]
        return places

    def _why(self, row: int, columns: Ints, place: int) -> Reasons:
        return self.reasons(row, int(columns[place]))

    def _score(self, rows: Ints, columns: Ints) -> Floats:
        true = self.facts.true[rows, columns]
        strength = np.zeros(len(rows), np.float32)
        if true.any():
            queries = self._asked[rows[true]]
            strength[true] = self._evaluation.strength(queries, columns[true])
        return fused(
            share=self._share[rows, columns],
            values=self._values[rows, columns],
            true=true,
            strength=strength,
            followed=self.facts.followed[rows, columns],
            votes=self._to.votes[columns],
        )

    def reasons(self, row: int, column: int) -> Reasons:
        """Why; one value for all who asked the same of the same paper."""
        if self.facts.compared[row]:
            return self._reasons_compared(row, column)
        key = int(self._asked[row]), int(self._follows[row]), column
        known = self._shared.get(key)
        if known is None:
            known = Reasons(hits=self._hits(row, column), followed=self._followed(row, column))
            self._shared[key] = known
        return known

    def _reasons_compared(self, row: int, column: int) -> Reasons:
        hits, resembles = self._hits(row, column), None
        if self.facts.near[row, column]:
            hits = hits or self._scores.told(self._row[row], column)
            resembles = self._scores.resembles(self._row[row], column)
        return Reasons(
            hits=hits,
            percentile=self.share(row, column),
            resembles=resembles,
            followed=self._followed(row, column),
        )

    def _hits(self, row: int, column: int) -> tuple[Hit, ...]:
        query = int(self._asked[row])
        if query < 0 or not self.facts.true[row, column]:
            return ()
        known = self._told.get((query, column))
        if known is None:
            known = self._told[query, column] = self._evaluation.hits(query, column)
        return known

    def _followed(self, row: int, column: int) -> tuple[str, ...]:
        if not self.facts.followed[row, column]:
            return ()
        wanted = [name_words(name) for name in self.interests[row].authors]
        names = self._to.papers[column].authors
        return tuple(name for name in names if any(find_name(one, name) for one in wanted if one))

    def score(self, row: int, column: int) -> float:
        return round(float(self._score(np.array([row]), np.array([column]))[0]), DECIMALS)

    def share(self, row: int, column: int) -> float | None:
        return round(float(self._share[row, column]), 6) if self._compared[row] else None
