"""Which of a statement's words a paper has, and where: the words that speak for a match.

A paper's words are looked up once a batch, a statement's once; what two statements share is told
with the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from digest.matching.stems import stem
from digest.matching.terms import bounds, cut
from digest.model import Field, Hit, Paper

MOST = 4  #: words named
PLACES = 4  #: places told of each
STATEMENTS = 10_000  #: statements whose words are remembered
_TITLE, _ABSTRACT = Field.TITLE, Field.ABSTRACT
_hit: Final = partial(tuple.__new__, Hit)  # `_make` without counting


class _Said:
    """Where each stem of a paper stands, the title's words first: `first` and `last` among all."""

    __slots__ = ("bounds", "first", "last", "stems", "titled")

    def __init__(self, paper: Paper, stem_of: Mapping[str, str]) -> None:
        title = cut(paper.title)
        self.stems = [*map(stem_of.__getitem__, title + cut(paper.abstract))]
        places = range(len(self.stems))
        self.first = dict(zip(reversed(self.stems), reversed(places), strict=True))
        self.last = dict(zip(self.stems, places, strict=True))
        self.titled = len(title)
        self.bounds = bounds(paper.title) + bounds(paper.abstract)

    def hits(self, found: str, word: str) -> tuple[Hit, ...]:
        """The first PLACES of a stem that is there, as hits of a word."""
        at, last = self.first[found], self.last[found]
        hits = [self._hit(at, word)]
        while at < last and len(hits) < PLACES:
            at = self.stems.index(found, at + 1)
            hits.append(self._hit(at, word))
        return tuple(hits)

    def _hit(self, at: int, word: str) -> Hit:
        field, bounds = _TITLE if at < self.titled else _ABSTRACT, self.bounds
        return _hit((field, bounds[2 * at], bounds[2 * at + 1], word, 0))


class _Stems(dict[str, str]):
    """The stems of the words met so far."""

    def __missing__(self, word: str) -> str:
        self[word] = found = stem(word)
        return found


class WordPlaces:
    """The words of a batch of papers; `rarity` says how telling a stem is."""

    def __init__(self, papers: Sequence[Paper], rarity: Callable[[str], float]) -> None:
        self._papers = papers
        self._rarity = rarity
        self._stems = _Stems()
        self._said: dict[int, _Said] = {}
        self._hits: dict[tuple[str, int], tuple[Hit, ...]] = {}
        self._spoken: dict[str, list[tuple[str, str]]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        said = self._said.get(paper)
        if said is None:
            said = self._said[paper] = _Said(self._papers[paper], self._stems)
        told: list[Hit] = []
        named = 0
        first, hits = said.first, self._hits
        for pair in self._spoken.get(statement) or self._words(statement):
            if pair[0] in first:
                told += hits.get((pair[1], paper)) or self._hit(pair, paper, said)
                named += 1
                if named == MOST:
                    break
        return tuple(told)

    def _words(self, statement: str) -> list[tuple[str, str]]:
        """The statement's stems, the most telling first, each with the word as written."""
        words = {stem(word): word for word in cut(statement)}
        words.pop("", None)
        ranked = sorted([(-self._rarity(one), one) for one in words])
        if len(self._spoken) >= STATEMENTS:
            self._spoken.clear()
        self._spoken[statement] = spoken = [(one, words[one]) for _, one in ranked]
        return spoken

    def _hit(self, pair: tuple[str, str], paper: int, said: _Said) -> tuple[Hit, ...]:
        self._hits[pair[1], paper] = hits = said.hits(*pair)
        return hits
