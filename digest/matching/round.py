"""One round of matching: some interests against all papers of a batch.

It gathers the facts (keywords, likeness, names) and leaves the decisions to `ranking`, the reasons
to `reasoning`.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from digest.matching.expression import Query
from digest.matching.keywords import Compiled, Scan
from digest.matching.ranking import DECIMALS, Bools, Facts, Found, fused, near
from digest.matching.reading import any_of, read
from digest.matching.reasoning import Telling
from digest.matching.scoring import Floats, Scores
from digest.matching.stream import Ints
from digest.model import Combine, Example, Interest, Mutes, Paper, PaperId, Reasons

_HIGHEST = 1 << 20  #: above any score, in its last decimal


@dataclass(frozen=True, eq=False)
class Batch:
    """What is known of the papers before anybody asks."""

    papers: Sequence[Paper]
    scan: Scan
    ties: Ints  #: place of each paper where scores are equal
    votes: Floats

    @cached_property
    def ids(self) -> list[PaperId]:
        return [paper.id for paper in self.papers]

    @cached_property
    def places(self) -> Mapping[PaperId, int]:
        return {one: at for at, one in enumerate(self.ids)}

    @cached_property
    def by_title(self) -> Mapping[str, int]:
        return {paper.title.casefold(): at for at, paper in enumerate(self.papers)}

    def place_of(self, example: Example) -> int | None:
        """Where the paper is that an example names, by its id or else by its title."""
        if example.paper_id:
            return self.places.get(example.paper_id)
        return self.by_title.get(example.title.casefold())


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
        self._asked = self._number([one if one and one.speaking() else None for one in queries])
        self._muted = self._number([any_of(one.authors, one.words) for one in mutes])
        self._follows = self._number([any_of(one.authors) for one in interests])
        self._evaluation = batch.scan.evaluate(Compiled(self._queries))
        self.thresholds = likeness.thresholds
        self._likeness = likeness
        self._compared = np.zeros(len(interests), np.bool_)
        self._compared[likeness.rows] = np.isfinite(likeness.scores.values).any(axis=1)
        self._values = np.zeros((len(interests), len(batch.papers)), np.float32)
        self._values[likeness.rows] = likeness.scores.values
        self._share = np.ones_like(self._values)
        self._share[likeness.rows] = likeness.scores.share
        self._aversion: Floats | None = None
        if likeness.scores.aversion is not None:
            self._aversion = np.zeros_like(self._values)
            self._aversion[likeness.rows] = likeness.scores.aversion
        self.level: Floats | None = None
        if likeness.scores.level is not None:
            self.level = np.full_like(self._values, -np.inf)
            self.level[likeness.rows] = likeness.scores.level
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
        close = near(self._share, self.thresholds, level=self.level)
        return Facts(
            true=self._true(self._asked),
            near=close & self._compared[:, None],
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
                column = self._to.place_of(example)
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
        """What each interest found, best first; of the round only what tells why is kept."""
        rows, columns = np.nonzero(self.facts.matched())
        scores = self._score(rows, columns)
        order = np.argsort(self._places(rows, columns, scores))
        bounds = np.searchsorted(rows, np.arange(len(self.interests) + 1)).tolist()
        rows, columns = rows[order], columns[order]
        papers = list(map(self._to.ids.__getitem__, columns.tolist()))
        marks = array("d", scores[order].astype(np.float64).round(DECIMALS).tobytes())
        telling = self._telling(rows, columns)
        return [
            Found(
                tuple(papers[start:end]),
                marks[start:end],
                telling.since(start),
                reading.fault,
            )
            for reading, (start, end) in zip(self.readings, pairwise(bounds), strict=True)
        ]

    def _places(self, rows: Ints, columns: Ints, scores: Floats) -> Ints:
        """One number that sorts by interest, then falling score, then ties."""
        falling = _HIGHEST - (scores * 10**DECIMALS).round().astype(np.int64)
        places: Ints = ((rows << 21 | falling) << 24) | self._to.ties[columns]
        return places

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
            aversion=0.0 if self._aversion is None else self._aversion[rows, columns],
        )

    def _telling(self, rows: Ints, columns: Ints) -> Telling:
        lines = np.full(len(self.interests), -1, np.int64)
        lines[self._likeness.rows] = np.arange(len(self._likeness.rows))
        facts = self.facts
        return Telling(
            interests=self.interests,
            papers=self._to.papers,
            evaluation=self._evaluation,
            resembles=self._likeness.scores.resembles,
            told=self._likeness.scores.told,
            rows=rows.data,
            columns=columns.data,
            queries=np.where(facts.true[rows, columns], self._asked[rows], -1).data,
            lines=np.where(facts.compared[rows], lines[rows], -1).data,
            near=facts.near[rows, columns].data,
            share=self._share[rows, columns].data,
            followed=facts.followed[rows, columns].data,
        )

    def reasons(self, row: int, column: int) -> Reasons:
        return self._telling(np.array([row]), np.array([column])).since(0)([0])[0]

    def score(self, row: int, column: int) -> float:
        return round(float(self._score(np.array([row]), np.array([column]))[0]), DECIMALS)

    def share(self, row: int, column: int) -> float | None:
        return round(float(self._share[row, column]), 6) if self._compared[row] else None

    def likeness_itself(self, row: int, column: int) -> float | None:
        """The level of `Scores`, where it is known."""
        if self.level is None or not self._compared[row]:
            return None
        return round(float(self.level[row, column]), 3)
