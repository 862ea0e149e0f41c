"""Which of a statement's words a paper has, and where: the words that speak for a match.

A paper's words are looked up once a batch, a statement's once; what two statements share is told
with the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digest.matching.sparse import Ints
from digest.matching.stemmed import Smalls, Stemmed
from digest.matching.stems import stem
from digest.matching.terms import cut
from digest.model import Field, Hit

MOST = 4  #: words named
PLACES = 4  #: places told of each
STATEMENTS = 10_000  #: statements whose words are remembered
_TITLE, _ABSTRACT = Field.TITLE, Field.ABSTRACT
_hit: Final = partial(tuple.__new__, Hit)  # `_make` without counting
_Numbers = Sequence[int]
_Place = Callable[[int, int], tuple[int, int]]


class WordPlaces:
    """The words of a batch of papers; `rarities` says how telling each of the stems is."""

    def __init__(self, words: Stemmed, rarities: NDArray[np.float64]) -> None:
        self._words = words
        self._rarities = rarities.data
        self._runs: dict[int, dict[int, int]] = {}
        self._hits: dict[tuple[str, int], tuple[Hit, ...]] = {}
        self._spoken: dict[str, list[tuple[int, str]]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        runs = self._runs.get(paper)
        if runs is None:
            runs = self._runs[paper] = self._runs_of(paper)
        spoken = self._spoken.get(statement)
        if spoken is None:
            spoken = self._said(statement)
        told: list[Hit] = []
        named = 0
        for number, word in spoken:
            if number in runs:
                told += self._hits.get((word, paper)) or self._hit(word, paper, runs[number])
                named += 1
                if named == MOST:
                    break
        return tuple(told)

    def _said(self, statement: str) -> list[tuple[int, str]]:
        """The statement's stems that some paper has, the most telling first, each as written."""
        words, numbers = {stem(word): word for word in cut(statement)}, self._words.numbers
        there = [(numbers[one], one) for one in words if one in numbers]
        ranked = sorted([(-self._rarities[number], one, number) for number, one in there])
        if len(self._spoken) >= STATEMENTS:
            self._spoken.clear()
        self._spoken[statement] = spoken = [(number, words[one]) for _, one, number in ranked]
        return spoken

    @cached_property
    def _by_paper(self) -> tuple[Smalls, Ints]:
        """The runs of `Stemmed.standing` by paper, and where each paper's begin."""
        papers = self._words.standing.papers
        order = np.argsort(papers, kind="stable").astype(np.int32)
        return order, np.searchsorted(papers[order], np.arange(len(self._words) + 1))

    def _runs_of(self, paper: int) -> dict[int, int]:
        """The stems of a paper, and the run of each."""
        order, begins = self._by_paper
        runs = order[begins[paper] : begins[paper + 1]]
        return dict(zip(self._words.standing.stems[runs].tolist(), runs.tolist(), strict=True))

    def _hit(self, word: str, paper: int, run: int) -> tuple[Hit, ...]:
        """The first PLACES of a stem that is there, as hits of a word."""
        starts, places, abstracts, place = self._standing
        start, end, abstract = starts[run], starts[run + 1], abstracts[paper]
        hits = tuple(
            [
                _hit((_TITLE if at < abstract else _ABSTRACT, *place(at, 1), word, 0))
                for at in places[start : min(end, start + PLACES)]
            ]
        )
        self._hits[word, paper] = hits
        return hits

    @cached_property
    def _standing(self) -> tuple[_Numbers, _Numbers, _Numbers, _Place]:
        """Where runs start, the positions in them, where abstracts begin; characters by these."""
        standing, stream = self._words.standing, self._words.stream
        abstracts = stream.begins[1::2].copy()
        return standing.starts.data, standing.places.data, abstracts.data, stream.place
