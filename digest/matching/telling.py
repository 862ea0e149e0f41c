"""Which of a statement's words a paper has, and where: the words that speak for a match.

A stem's papers are looked up once a batch, a word once, a statement once; what two statements share
is told with the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digest.matching.stemmed import Stemmed
from digest.matching.stems import stem
from digest.matching.terms import cut
from digest.model import Field, Hit

MOST = 4  #: words named
PLACES = 4  #: places told of each
STATEMENTS = 10_000  #: statements whose words are remembered
_TITLE, _ABSTRACT = Field.TITLE, Field.ABSTRACT
_hit: Final = partial(tuple.__new__, Hit)  # `_make` without counting
_Numbers = Sequence[int]
_Hits = dict[int, tuple[Hit, ...]]
_Word = tuple[float, str, int, str, _Hits, str]
"""How telling it is, falling; its stem, which ends the sorting; the stem's first run, and papers;
known hits by paper; as it is written."""


class WordPlaces:
    """The words of a batch of papers; `rarities` says how telling each of the stems is."""

    def __init__(self, words: Stemmed, rarities: NDArray[np.float64]) -> None:
        self._words = words
        self._rarities = rarities.data
        self._looked_up = bytearray(len(words))  #: whether `bounds` has a paper's
        self._known: dict[str, _Word | None] = {}
        self._spoken: dict[str, list[_Word]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        spoken = self._spoken.get(statement)
        if spoken is None:
            spoken = self._said(statement)
        told: list[Hit] = []
        left, column = MOST, chr(paper)
        for _, _, first, papers, hits, word in spoken:
            if column in papers:
                known = hits.get(paper)
                if known is None:
                    run = first + papers.index(column)
                    known = hits[paper] = self._hit(word, paper, run)
                told += known
                left -= 1
                if not left:
                    break
        return tuple(told)

    def _said(self, statement: str) -> list[_Word]:
        """The statement's words whose stems some paper has, the most telling first."""
        if len(self._spoken) >= STATEMENTS:
            self._spoken.clear()
            self._known.clear()
        known, there = self._known, dict[str, _Word]()
        for word in cut(statement):
            found = known[word] if word in known else self._look_up(word)
            if found is not None:
                there[found[1]] = found
        self._spoken[statement] = spoken = sorted(there.values())
        return spoken

    def _look_up(self, word: str) -> _Word | None:
        """A word as written, None where no paper has its stem."""
        name, found = stem(word), None
        number = self._words.numbers.get(name)
        if number is not None:
            papers, starts = self._papers
            first, end = starts[number], starts[number + 1]
            found = -self._rarities[number], name, first, papers[first:end], _Hits(), word
        self._known[word] = found
        return found

    @cached_property
    def _papers(self) -> tuple[str, _Numbers]:
        """The paper of each run (see `Standing`) as a character, and where a stem's begin.

        Of most stems there are few papers, and nothing is found sooner than a character in a
        string.
        """
        standing, count = self._words.standing, len(self._words.names)
        papers = standing.papers.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")
        return papers, np.searchsorted(standing.stems, np.arange(count + 1)).data

    def _hit(self, word: str, paper: int, run: int) -> tuple[Hit, ...]:
        """The first PLACES of a stem that is there, as hits of a word."""
        starts, places, abstracts, bounds = self._standing
        start, end, abstract = starts[run], starts[run + 1], abstracts[paper]
        if not self._looked_up[paper]:
            self._words.stream.look_up(2 * paper, 2 * paper + 1)
            self._looked_up[paper] = True
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
