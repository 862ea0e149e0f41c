"""Where a query's terms stand in papers that were found, as `keywords.Evaluation` tells it.

The index knows which words they are; only their characters are looked up in the texts. A text that
has changed since the index was made is told from its words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from digest.matching.circuit import PROSE, Leaf
from digest.matching.keywords import MOST_HITS, Compiled, named_hits, reading_order
from digest.matching.terms import Gap, fold, spans_of, surface
from digest.model import Field, Hit, Paper
from digest.searching.finding import places_of, runs
from digest.searching.index import Index
from digest.searching.segment import GAP_BITS, LONGEST, OFFSET_BITS, Ints, Segment, WordPlaces
from digest.searching.vocabulary import LONGEST_COMPOUND

_GAPS = (1 << GAP_BITS) - 1
_Stand = tuple[int, int]  #: the word of a paper at which a term begins, and how many words it has
_Span = tuple[int, int]  #: characters


def point(
    compiled: Compiled, index: Index, rows: Ints, papers: Sequence[Paper]
) -> list[tuple[Hit, ...] | None]:
    """The hits of the one query in each paper (parallel to `rows`), in reading order.

    None where the paper's text is not the one that was read into the index.
    """
    found: list[tuple[Hit, ...] | None] = [None] * len(papers)
    for begin, segment in zip(index.begins, index.segments, strict=True):
        here = np.flatnonzero((rows >= begin) & (rows < begin + len(segment)))
        mine = rows[here] - begin
        terms = _Terms(compiled, segment, np.sort(mine))
        for at, row in zip(here.tolist(), mine.tolist(), strict=True):
            found[at] = terms.hits(row, papers[at])
    return found


class _Terms:
    """The wanted terms of a query, and where each stands in some rows of a segment."""

    def __init__(self, compiled: Compiled, segment: Segment, rows: Ints) -> None:
        wanted = [(compiled.leaves[leaf], False) for leaf in compiled.wanted.tolist()]
        joined = [(compiled.leaves[leaf], True) for leaf in compiled.joined.get(0, ())]
        self._terms = wanted + joined  #: the second: only where it is a single word
        self._words = segment.words
        self._stands = {leaf: _stands(self._words, leaf, rows) for leaf, _ in self._terms}

    def hits(self, row: int, paper: Paper) -> tuple[Hit, ...] | None:
        named = [leaf for leaf, _ in self._terms if leaf[1] not in PROSE]
        names = [hit for leaf in named for hit in named_hits(leaf, paper)]
        told = list(self._told(row))
        places = {at for _, _, (first, count) in told for at in (first, first + count - 1)}
        spans = _spans(self._words, row, paper, sorted(places))
        if spans is None:
            return None
        prose = [
            Hit(field, spans[first][0], spans[first + count - 1][1], name)
            for name, field, (first, count) in told
        ]
        return tuple(sorted(dict.fromkeys([*names, *prose]), key=reading_order))

    def _told(self, row: int) -> Iterator[tuple[str, Field, _Stand]]:
        """What of a row is told: the first places of each term in each field."""
        size = int(self._words.title_words[row])
        for leaf, whole in self._terms:
            text, wanted, prefix = leaf
            stands = sorted(self._stands[leaf].get(row, ()))
            titles = [one for one in stands if one[0] < size]
            for field, some in ((Field.TITLE, titles), (Field.ABSTRACT, stands[len(titles) :])):
                for one in some[:MOST_HITS] if wanted in (None, field) else ():
                    if one[1] == 1 or not whole:
                        yield f"{text}*" if prefix else text, field, one


def _stands(words: WordPlaces, leaf: Leaf, rows: Ints) -> Mapping[int, set[_Stand]]:
    stands: dict[int, set[_Stand]] = defaultdict(set)
    for run_ in runs(words, leaf) if leaf[1] in PROSE else ():
        for place in places_of(words, run_, rows).tolist():
            row, at = place >> OFFSET_BITS, place & LONGEST
            count = _compound(words, row, at) if run_[0].tight else len(run_)
            stands[row].add((at, count))
    return stands


def _compound(words: WordPlaces, row: int, at: int) -> int:
    """How many words the hyphenated compound has that begins there: what a wildcard marks."""
    gaps = words.stream[words.begins[row] + at :][:LONGEST_COMPOUND] & _GAPS
    tight = [gap == Gap.NOTHING for gap in gaps.tolist()]
    return min(tight.index(False) + 1 if False in tight else len(tight), LONGEST_COMPOUND)


def _spans(
    words: WordPlaces, row: int, paper: Paper, places: Sequence[int]
) -> dict[int, _Span] | None:
    """The characters of some of a paper's words; None where the text has other words there."""
    begin, size = int(words.begins[row]), int(words.title_words[row])
    known, found = words.vocabulary.surfaces, dict[int, _Span]()
    titles = [at for at in places if at < size]
    for text, mine, first in (
        (paper.title, titles, 0),
        (paper.abstract, places[len(titles) :], size),
    ):
        spans = spans_of(text, [at - first for at in mine])
        if len(spans) < len(mine):
            return None
        for at, (start, end) in zip(mine, spans, strict=True):
            if surface(fold(text[start:end])) != known[words.stream[begin + at] >> GAP_BITS]:
                return None
            found[at] = start, end
    return found
