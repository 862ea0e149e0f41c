"""Why a paper was found, told as digests tell it: the words that hit, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from digest.matching.keywords import Compiled, Scan
from digest.matching.stems import stem
from digest.matching.terms import cut, spans
from digest.model import Field, Hit, Paper, Reasons
from digest.searching.asking import Asked

MOST = 8  #: words marked
_TEXTS = (Field.TITLE, Field.ABSTRACT)


def reasons(
    asked: Asked,
    papers: Sequence[Paper],
    share: Sequence[float],
    rarity: Mapping[str, float],
) -> list[Reasons]:
    """Each paper's reasons; `rarity` has the stems of the statement."""
    exact = _exact(asked, papers)
    names = {stem(word): word for word in cut(asked.statement)}
    found = []
    for paper, portion, hits in zip(papers, share, exact, strict=True):
        told = hits or tuple(_marks(paper, names, rarity))
        found.append(Reasons(hits=told, percentile=portion if portion < 1 else None))
    return found


def _exact(asked: Asked, papers: Sequence[Paper]) -> list[tuple[Hit, ...]]:
    """Where a query meant as one hits; prose is told by its stems."""
    if asked.query is None or not asked.strict:
        return [()] * len(papers)
    evaluation = Scan(papers).evaluate(Compiled([asked.query]))
    true = evaluation.truth(np.array([0]))[0]
    return [evaluation.hits(0, at) if true[at] else () for at in range(len(papers))]


def _marks(paper: Paper, names: Mapping[str, str], rarity: Mapping[str, float]) -> Iterator[Hit]:
    """Where the statement's words stand, of the rarest first."""
    places: dict[str, list[Hit]] = {}
    for field, text in zip(_TEXTS, (paper.title, paper.abstract), strict=True):
        stems = [stem(word) for word in cut(text)]
        if names.keys().isdisjoint(stems):
            continue
        for found, (start, end) in zip(stems, spans(text), strict=True):
            if found and found in names:
                places.setdefault(found, []).append(Hit(field, start, end, names[found]))
    for found in sorted(places, key=lambda one: (-rarity.get(one, 0.0), one))[:MOST]:
        yield from places[found]
