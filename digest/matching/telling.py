"""Which of a statement's words a paper has, and where: the words that speak for a match.

A paper's words are looked up once a batch, a statement's once; what two statements share is told
with the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from digest.matching.stems import stem
from digest.matching.terms import cut, spans
from digest.model import Field, Hit, Paper

MOST = 4  #: words named
PLACES = 4  #: places told of each
STATEMENTS = 10_000  #: statements whose words are remembered

_Places = dict[str, list[tuple[Field, int, int]]]


class WordPlaces:
    """The words of a batch of papers; `rarity` says how telling a stem is."""

    def __init__(self, papers: Sequence[Paper], rarity: Callable[[str], float]) -> None:
        self._papers = papers
        self._rarity = rarity
        self._places: dict[int, _Places] = {}
        self._hits: dict[tuple[str, int], tuple[Hit, ...]] = {}
        self._spoken: dict[str, list[tuple[str, str]]] = {}

    def told(self, statement: str, paper: int) -> tuple[Hit, ...]:
        """Places of the statement's rarest words in the paper, the most telling word first."""
        places = self._places.get(paper)
        if places is None:
            places = self._places[paper] = _placed(self._papers[paper])
        there = (pair for pair in self._words(statement) if pair[0] in places)
        best = islice(there, MOST)
        return tuple([hit for found, word in best for hit in self._hit(word, found, paper)])

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

    def _hit(self, word: str, found: str, paper: int) -> tuple[Hit, ...]:
        known = self._hits.get((word, paper))
        if known is None:
            places = self._places[paper][found][:PLACES]
            known = self._hits[word, paper] = tuple([Hit(*place, word) for place in places])
        return known


def _placed(paper: Paper) -> _Places:
    found: _Places = {}
    for field, text in ((Field.TITLE, paper.title), (Field.ABSTRACT, paper.abstract)):
        for word, (start, end) in zip(cut(text), spans(text), strict=True):
            found.setdefault(stem(word), []).append((field, start, end))
    return found
