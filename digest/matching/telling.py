"""Which of a statement's words a paper has, and where: the words that speak for a match."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from digest.matching.lexicon import Lexicon
from digest.matching.stems import stem
from digest.matching.terms import cut, spans
from digest.model import Field, Hit, Paper

MOST = 4  #: words named


def telling_words(statement: str, paper: Paper, lexicon: Lexicon) -> tuple[Hit, ...]:
    """Places of the statement's rarest words in the paper, the most telling word first."""
    asked = {stem(word): word for word in cut(statement)}
    asked.pop("", None)
    places: dict[str, list[Hit]] = {}
    for found, hit in _words(paper):
        if found in asked:
            hits = places.setdefault(found, [])
            hits.append(Hit(hit.field, hit.start, hit.end, asked[found]))
    best = sorted(places, key=lambda word: (-lexicon.rarity(word), word))
    return tuple(hit for word in islice(best, MOST) for hit in places[word])


def _words(paper: Paper) -> Iterator[tuple[str, Hit]]:
    for field, text in ((Field.TITLE, paper.title), (Field.ABSTRACT, paper.abstract)):
        for word, (start, end) in zip(cut(text), spans(text), strict=True):
            yield stem(word), Hit(field, start, end, word)
