"""Which of a statement's words a paper has, and where: the words that speak for a match.

A paper's words are looked up once a batch, a statement's once; what two statements share is told
with the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from digest.matching.stems import stem
from digest.matching.terms import bounds, cut
from digest.model import Field, Hit, Paper

MOST = 4  #: words named
PLACES = 4  #: places told of each
STATEMENTS = 10_000  #: statements whose words are remembered


class _Said:
    """Where each stem of a paper stands, the title's words first.

    `first`: the place of each stem among all words; `again`: for each place, where the same stem
    stands next, else 0.
    """

    __slots__ = ("again", "bounds", "first", "titled")

    def __init__(self, paper: Paper) -> None:
        title = cut(paper.title)
        said = [*map(stem, title), *map(stem, cut(paper.abstract))]
        self.first: dict[str, int] = {}
        self.again = [0] * len(said)
        for at in range(len(said) - 1, -1, -1):
            self.again[at] = self.first.get(said[at], 0)
            self.first[said[at]] = at
        self.titled = len(title)
        self.bounds = bounds(paper.title) + bounds(paper.abstract)

    def hits(self, found: str, word: str) -> Iterator[Hit]:
        """The first PLACES of a stem that is there, as hits of a word."""
        at, bounds = self.first[found], self.bounds
        for _ in range(PLACES):
            field = Field.TITLE if at < self.titled else Field.ABSTRACT
            yield Hit(field, bounds[2 * at], bounds[2 * at + 1], word)
            at = self.again[at]
            if not at:
                return


class WordPlaces:
    """The words of a batch of papers; `rarity` says how telling a stem is."""

    def __init__(self, papers: Sequence[Paper], rarity: Callable[[str], float]) -> None:
        self._papers = papers
        self._rarity = rarity
        self._said: dict[int, _Said] = {}
        self._hits: dict[tuple[str, int], tuple[Hit, ...]] = {}
        self._spoken: dict[str, list[tuple[str, str]]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        said = self._said.get(paper)
        if said is None:
            said = self._said[paper] = _Said(self._papers[paper])
        told: list[Hit] = []
        named = 0
        for pair in self._words(statement):
            if pair[0] in said.first:
                told += self._hit(pair, paper, said)
                named += 1
                if named == MOST:
                    break
        return tuple(told)

    def _words(self, statement: str) -> list[tuple[str, str]]:
        """The statement's stems, the most telling first, each with the word as written."""
        known = self._spoken.get(statement)
        if known is None:
            words = {stem(word): word for word in cut(statement)}
            words.pop("", None)
            known = sorted(words.items(), key=lambda pair: (-self._rarity(pair[0]), pair[0]))
            if len(self._spoken) >= STATEMENTS:
                self._spoken.clear()
            self._spoken[statement] = known
        return known

    def _hit(self, pair: tuple[str, str], paper: int, said: _Said) -> tuple[Hit, ...]:
        known = self._hits.get((pair[1], paper))
        if known is None:
            known = self._hits[pair[1], paper] = tuple(said.hits(*pair))
        return known
