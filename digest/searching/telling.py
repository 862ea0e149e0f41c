"""Why a paper was found, told as digests tell it: the words that hit, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from digest.matching.keywords import Compiled, Evaluation, Scan
from digest.matching.names import find_name, name_words
from digest.matching.reading import read
from digest.matching.stems import stem
from digest.matching.terms import cut, fold, spans_of
from digest.model import Field, Hit, Interest, Paper, PaperId, Reasons
from digest.searching.asking import Asked
from digest.searching.index import Index
from digest.searching.pointing import point
from digest.searching.ranking import telling
from digest.searching.segment import Ints

MOST = 8  #: words marked
_TEXTS = (Field.TITLE, Field.ABSTRACT)

Places = tuple[Sequence[int] | None, Sequence[int] | None]  #: words of title and abstract


def reasons(
    asked: Asked, index: Index, rows: Ints, papers: Sequence[Paper], share: Sequence[float]
) -> list[Reasons]:
    """Each paper's reasons; `rows` are where the index has them."""
    names = _names(asked.statement)
    rarity = {one: index.rarity(one) for one, _ in telling(index, asked.statement)}
    exact = _exact(asked, index, rows, papers)
    untold = [at for at, hits in enumerate(exact) if not hits]
    for at, places in zip(untold, index.places(rows[untold], rarity), strict=True):
        exact[at] = tuple(_marks(papers[at], names, rarity, places))
    return [
        Reasons(hits=hits, percentile=portion if portion < 1 else None)
        for hits, portion in zip(exact, share, strict=True)
    ]


def _exact(
    asked: Asked, index: Index, rows: Ints, papers: Sequence[Paper]
) -> list[tuple[Hit, ...]]:
    """Where a query meant as one hits; prose is told by its stems."""
    if asked.query is None or not asked.strict:
        return [()] * len(papers)
    compiled = Compiled([asked.query])
    pointed = zip(papers, point(compiled, index, rows, papers), strict=True)
    return [_read(compiled, paper) if hits is None else hits for paper, hits in pointed]


def _read(compiled: Compiled, paper: Paper) -> tuple[Hit, ...]:
    """The hits, from the paper's own words."""
    evaluation = Scan([paper]).evaluate(compiled)
    return evaluation.hits(0, 0) if evaluation.truth(np.array([0]))[0][0] else ()


def _names(statement: str) -> dict[str, str]:
    """The stems of a statement, and how it writes each."""
    return {found: word for word in cut(statement) if (found := stem(word))}


def _marks(
    paper: Paper,
    names: Mapping[str, str],
    rarity: Mapping[str, float],
    places: Places = (None, None),
) -> Iterator[Hit]:
    """Where the statement's words stand, of the rarest first."""
    marks: dict[str, list[Hit]] = {}
    for field, text, at in zip(_TEXTS, (paper.title, paper.abstract), places, strict=True):
        for one, (start, end) in _places(text, names, at):
            marks.setdefault(one, []).append(Hit(field, start, end, names[one]))
    for one in sorted(marks, key=lambda one: (-rarity.get(one, 0.0), one))[:MOST]:
        yield from marks[one]


def _places(
    text: str, names: Mapping[str, str], at: Sequence[int] | None
) -> Iterable[tuple[str, tuple[int, int]]]:
    """The stems of `names` in the text, and where; `at` is what an index knows of it.

    The text may be newer than the index: what it says is looked at, and looked for where it fails.
    """
    if at is not None:
        ends = spans_of(text, at)
        found = [stem(fold(text[start:end])) for start, end in ends]
        if len(found) == len(at) and all(one in names for one in found):
            return zip(found, ends, strict=True)
    words = enumerate(map(stem, cut(text)))
    known = [(place, one) for place, one in words if one in names]
    return zip(
        [one for _, one in known], spans_of(text, [place for place, _ in known]), strict=True
    )


class Teller:
    """Why papers match an interest, as digests tell it, where an index had decided on them."""

    def __init__(self, interest: Interest, papers: Mapping[PaperId, Paper]) -> None:
        self.papers = papers
        self._interest = interest
        self._places = {one: at for at, one in enumerate(papers)}
        query = read(interest).query
        self._query = query if query and query.wanted() else None
        self._wanted = [name_words(name) for name in interest.authors]
        self._names = _names(interest.statement)

    def reasons(
        self, paper: PaperId, *, share: float | None, near: bool, resembles: str | None
    ) -> Reasons:
        if paper not in self.papers:
            return Reasons(percentile=share)
        found = self.papers[paper]
        hits = self._hits(paper)
        return Reasons(
            hits=hits or (tuple(_marks(found, self._names, {})) if near else ()),
            percentile=share,
            resembles=resembles if near else None,
            followed=self._followed(found),
        )

    def _hits(self, paper: PaperId) -> tuple[Hit, ...]:
        at = self._places[paper]
        if self._query is None or not self._true[at]:
            return ()
        return self._evaluation.hits(0, at)

    def _followed(self, paper: Paper) -> tuple[str, ...]:
        wanted = self._wanted
        return tuple(n for n in paper.authors if any(find_name(w, n) for w in wanted if w))

    @cached_property
    def _evaluation(self) -> Evaluation:
        assert self._query is not None
        return Scan(list(self.papers.values())).evaluate(Compiled([self._query]))

    @cached_property
    def _true(self) -> Sequence[bool]:
        return [bool(one) for one in self._evaluation.truth(np.array([0]))[0]]
