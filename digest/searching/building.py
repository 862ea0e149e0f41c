"""Making segments: papers read from the store become arrays, each text looked at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.lexicon import TITLE_TIMES
from digest.matching.names import name_words
from digest.matching.stems import stem
from digest.matching.terms import Gap, cut_with_gaps, gap_kind, key, surface
from digest.model import Field
from digest.searching.segment import (
    GAP_BITS,
    LONGEST,
    OFFSET_BITS,
    Ints,
    Labels,
    Lists,
    Names,
    Segment,
    StemCounts,
    WholeVectors,
    WordPlaces,
    sieve,
)
from digest.searching.vocabulary import Vocabulary
from digest.store.searchable import Searchable

_BLOCK = 1 << 18  #: numbers sorted at once


class Builder:
    """Takes papers a page at a time; `segment` gives what was made of them."""

    def __init__(self) -> None:
        self._words = _Numbers()
        self._gaps = _GapKinds()
        self._stems = _Numbers()
        self._stem_of: list[int] = []  #: by word; -1 where it says nothing
        self._pages: list[_Page] = []
        self._names = _Numbers()
        self._labels = {Field.CATEGORY: _Numbers(), Field.SOURCE: _Numbers()}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, papers: Sequence[Searchable], vectors: WholeVectors) -> None:
        """The papers as further rows; `vectors` are parallel."""
        self._pages.append(_Page(self, papers, vectors, first=self._size))
        self._size += len(papers)

    def segment(self) -> Segment:
        """What was made of all papers; the builder is empty afterwards."""
        return Segment(
            ids=self._taken("ids", np.int64),
            days=self._taken("days", np.int32),
            votes=self._taken("votes", np.int32),
            lengths=self._taken("lengths", np.int32),
            alive=np.ones(self._size, np.bool_),
            stems=self._stem_counts(),
            authors=self._authors(),
            labels={field: self._labelled(field) for field in self._labels},
            vectors=_joined_vectors([page.vectors for page in self._pages]),
            words=self._word_places(),
        )

    # --- while reading --------------------------------------------------------------------------

    def cut(self, text: str, room: int) -> tuple[list[int], list[int]]:
        """Numbers of the text's words, and the gap after each."""
        words, gaps = cut_with_gaps(text)
        numbers = list(map(self._words.__getitem__, words[:room]))
        kinds = list(map(self._gaps.__getitem__, gaps[: len(numbers)]))
        return numbers, [*kinds, int(Gap.OTHER)][: len(numbers)]

    def stems_of(self, words: NDArray[np.int64]) -> NDArray[np.int64]:
        for word in islice(self._words, len(self._stem_of), None):
            found = stem(word)
            self._stem_of.append(self._stems[found] if found else -1)
        return np.array(self._stem_of, np.int64)[words]

    def name(self, name: str) -> int:
        return self._names[name]

    def label(self, field: Field, label: str) -> int:
        return self._labels[field][label]

    # --- at the end -----------------------------------------------------------------------------

    def _taken(
        self, name: str, kind: type[Any], *, known: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """All pages' arrays of that name as one, looked up in `known` if that is given.

        The pages give theirs up one by one, for there are many.
        """
        taken = np.empty(sum(len(vars(page)[name]) for page in self._pages), kind)
        begin = 0
        for page in self._pages:
            part = vars(page).pop(name)
            taken[begin : begin + len(part)] = part if known is None else known[part]
            begin += len(part)
        return taken

    def _word_places(self) -> WordPlaces:
        vocabulary, numbers = _vocabulary(list(self._words))
        ids = self._taken("words", np.uint32, known=numbers)
        begins = np.concatenate([[0], np.cumsum(self._taken("sizes", np.int64))])
        places = grouped(ids, self._taken("places", np.uint32), len(vocabulary))
        pairs = sieve(ids)
        ids <<= GAP_BITS
        ids |= self._taken("gaps", np.uint8)
        return WordPlaces(
            vocabulary=vocabulary,
            stream=ids,
            begins=begins.astype(np.int64),
            title_words=self._taken("title_words", np.uint16),
            places=places,
            pairs=pairs,
        )

    def _stem_counts(self) -> StemCounts:
        stems = sorted(self._stems)
        order = np.empty(len(stems), np.uint32)
        order[[self._stems[one] for one in stems]] = np.arange(len(stems))
        numbers = self._taken("stems", np.uint32, known=order)
        starts = _starts(numbers, len(stems))
        rows = _sorted(numbers, starts, self._taken("stem_rows", np.uint32))
        times = _sorted(numbers, starts, self._taken("stem_times", np.uint8))
        return StemCounts(stems, Lists(starts, rows), times)

    def _authors(self) -> Names:
        names = list(self._names)
        words = _Numbers()
        pairs = [(words[word], at) for at, name in enumerate(names) for word in {*name_words(name)}]
        word_ids, holders = _pairs(pairs).T
        order = sorted(words)
        places = np.empty(len(order), np.int64)
        places[[words[word] for word in order]] = np.arange(len(order))
        return Names(
            names=names,
            rows=_rows([page.names for page in self._pages], len(names)),
            words=order,
            holders=grouped(places[word_ids], holders.astype(np.uint32), len(order)),
        )

    def _labelled(self, field: Field) -> Labels:
        names = list(self._labels[field])
        return Labels(names, _rows([page.labels[field] for page in self._pages], len(names)))


class _Page:
    """Some papers as numbers of the builder."""

    def __init__(
        self,
        builder: Builder,
        papers: Sequence[Searchable],
        vectors: WholeVectors,
        *,
        first: int,
    ) -> None:
        words: list[int] = []
        gaps: list[int] = []
        sizes: list[int] = []
        titles: list[int] = []
        for paper in papers:
            title, after = builder.cut(paper.title, LONGEST)
            abstract, between = builder.cut(paper.abstract, LONGEST - len(title))
            words += title + abstract
            gaps += after + between
            titles.append(len(title))
            sizes.append(len(title) + len(abstract))
        self.vectors = vectors
        self.words = np.array(words, np.uint32)
        self.gaps = np.array(gaps, np.uint8)
        self.sizes = np.array(sizes, np.int64)
        self.title_words = np.array(titles, np.uint16)
        self.ids = np.array([paper.id for paper in papers], np.int64)
        self.days = np.array([paper.announced_on.toordinal() for paper in papers], np.int32)
        self.votes = np.array([paper.votes for paper in papers], np.int32)
        self._place(builder, first)
        rows = list(enumerate(papers, first))
        self.names = _pairs((builder.name(name), row) for row, one in rows for name in one.authors)
        self.labels = {
            Field.CATEGORY: _labels(builder, Field.CATEGORY, [(r, p.categories) for r, p in rows]),
            Field.SOURCE: _labels(builder, Field.SOURCE, [(r, p.sources) for r, p in rows]),
        }

    def _place(self, builder: Builder, first: int) -> None:
        """Where each word stands; the stems of each paper, and how often each is there."""
        stems = builder.stems_of(self.words.astype(np.int64))
        rows = np.repeat(np.arange(len(self.sizes)), self.sizes)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes)
        self.places = ((first + rows) << OFFSET_BITS | offsets).astype(np.uint32)
        weights = np.where(offsets < self.title_words[rows], TITLE_TIMES, 1)
        told = stems >= 0
        codes, inverse = np.unique(rows[told] << 32 | stems[told], return_inverse=True)
        times = np.bincount(inverse, weights[told], minlength=len(codes))
        self.stems = (codes & 0xFFFFFFFF).astype(np.uint32)
        self.stem_rows = (first + (codes >> 32)).astype(np.uint32)
        self.stem_times = np.minimum(times, 255).astype(np.uint8)
        counts = np.bincount(rows[told], weights[told], minlength=len(self.sizes))
        self.lengths = counts.astype(np.int32)


def _labels(builder: Builder, field: Field, rows: Sequence[tuple[int, Sequence[str]]]) -> Ints:
    return _pairs((builder.label(field, label), row) for row, labels in rows for label in labels)


class _Numbers(dict[str, int]):
    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


class _GapKinds(dict[str, int]):
    def __missing__(self, gap: str) -> int:
        self[gap] = kind = int(gap_kind(gap))
        return kind


def _vocabulary(words: Sequence[str]) -> tuple[Vocabulary, NDArray[np.uint32]]:
    """The vocabulary of words as cut, and the number there of each of them."""
    pairs = [(surface(word), key(word)) for word in words]
    order = sorted(set(pairs))
    places = {pair: number for number, pair in enumerate(order)}
    numbers = np.array([places[pair] for pair in pairs], np.uint32)
    return Vocabulary([one for one, _ in order], [other for _, other in order]), numbers


def grouped(numbers: Ints | NDArray[np.uint32], values: NDArray[np.uint32], size: int) -> Lists:
    """`values` as one list for each number, in the order they had."""
    starts = _starts(numbers, size)
    return Lists(starts, _sorted(numbers, starts, values))


def _starts(numbers: Ints | NDArray[np.uint32], size: int) -> Ints:
    counts = np.zeros(size, np.int64)
    for begin in range(0, len(numbers), _BLOCK):
        counts += np.bincount(numbers[begin : begin + _BLOCK], minlength=size)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _sorted(numbers: Ints | NDArray[np.uint32], starts: Ints, values: NDArray[Any]) -> NDArray[Any]:
    """`values` by their numbers, those of one number in the order they had.

    Sorting an archive's words at once would take several times their memory; a block is sorted and
    dealt out to where each number's list goes on.
    """
    found, ends = np.empty_like(values), starts[:-1].copy()
    for begin in range(0, len(numbers), _BLOCK):
        some = numbers[begin : begin + _BLOCK]
        order = np.argsort(some, kind="stable")
        different, firsts, counts = np.unique(some[order], return_index=True, return_counts=True)
        places = np.repeat(ends[different] - firsts, counts) + np.arange(len(some))
        found[places] = values[begin : begin + _BLOCK][order]
        ends[different] += counts
    return found


def _pairs(pairs: Iterable[tuple[int, int]]) -> Ints:
    return np.array(list(pairs), np.int64).reshape(-1, 2)


def _rows(parts: Sequence[Ints], size: int) -> Lists:
    """The rows (second) of each number (first)."""
    numbers, rows = np.concatenate([_pairs(()), *parts]).T
    return grouped(numbers, rows.astype(np.uint32), size)


def _joined_vectors(parts: Sequence[WholeVectors]) -> WholeVectors:
    if not parts:
        empty = np.zeros((0, 0), np.float32)
        return WholeVectors(empty, empty.astype(np.int8), np.zeros(0, np.float32))
    return WholeVectors(
        np.concatenate([part.coarse for part in parts]),
        np.concatenate([part.fine for part in parts]),
        np.concatenate([part.scales for part in parts]),
    )
