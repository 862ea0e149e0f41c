"""Which of a statement's words a paper has, and where: the words that speak for a match.

A paper's words are looked up once a batch, a statement's once; what two statements share is told
with the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from itertools import islice
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
_Known = tuple[
    dict[int, int], dict[str, tuple[Hit, ...]]
]  #: of a paper: runs by stem, hits by word


class WordPlaces:
    """The words of a batch of papers; `rarities` says how telling each of the stems is."""

    def __init__(self, words: Stemmed, rarities: NDArray[np.float64]) -> None:
        self._words = words
        self._rarities = rarities.data
        self._known: dict[int, _Known] = {}
        self._spoken: dict[str, dict[int, str]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        runs, hits = self._known.get(paper) or self._look_up(paper)
        spoken = self._spoken.get(statement)
        if spoken is None:
            spoken = self._said(statement)
        told: list[Hit] = []
        for number in islice(filter(runs.__contains__, spoken), MOST):
            word = spoken[number]
            told += hits.get(word) or hits.setdefault(word, self._hit(word, paper, runs[number]))
        return tuple(told)

    def _said(self, statement: str) -> dict[int, str]:
        """The statement's stems that some paper has, the most telling first, each as written."""
        words, numbers = {stem(word): word for word in cut(statement)}, self._words.numbers
        there = [(numbers[one], one) for one in words if one in numbers]
        ranked = sorted([(-self._rarities[number], one, number) for number, one in there])
        if len(self._spoken) >= STATEMENTS:
            self._spoken.clear()
        self._spoken[statement] = spoken = {number: words[one] for _, one, number in ranked}
        return spoken

    @cached_property
    def _by_paper(self) -> tuple[Smalls, Ints]:
        """The runs of `Stemmed.standing` by paper, and where each paper's begin."""
        papers = self._words.standing.papers
        order = np.argsort(papers, kind="stable").astype(np.int32)
        return order, np.searchsorted(papers[order], np.arange(len(self._words) + 1))

    def _look_up(self, paper: int) -> _Known:
        """The stems of a paper, and the run of each."""
        order, begins = self._by_paper
        runs = order[begins[paper] : begins[paper + 1]]
        stems = self._words.standing.stems[runs].tolist()
        self._words.stream.look_up(2 * paper, 2 * paper + 1)
        known = self._known[paper] = dict(zip(stems, runs.tolist(), strict=True)), {}
        return known

    def _hit(self, word: str, paper: int, run: int) -> tuple[Hit, ...]:
        """The first PLACES of a stem that is there, as hits of a word."""
        starts, places, abstracts, bounds = self._standing
        start, end, abstract = starts[run], starts[run + 1], abstracts[paper]
        return tuple(
            [
                _hit(
                    (
                        _TITLE if at < abstract else _ABSTRACT,
                        bounds[2 * at],
                        bounds[2 * at + 1],
                        word,
                        0,
                    )
                )
                for at in places[start : min(end, start + PLACES)]
            ]
        )

    @cached_property
    def _standing(self) -> tuple[_Numbers, _Numbers, _Numbers, _Numbers]:
        """Where runs start, the positions in them, where abstracts begin; characters by these."""
        standing, stream = self._words.standing, self._words.stream
        abstracts = stream.begins[1::2].copy()
        return standing.starts.data, standing.places.data, abstracts.data, stream.bounds
