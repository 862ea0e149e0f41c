"""Making segments: papers read from the store become arrays, each text looked at once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_LABELS = (Field.CATEGORY, Field.SOURCE)
_NAMED = (Field.AUTHOR, *_LABELS)
_GAPS = (1 << GAP_BITS) - 1
#: What a page gives, and how it is kept: in one growing row of bytes each, since many small arrays
#: are memory that no large one finds its place in.
_KINDS: Mapping[str, type[np.generic]] = {
    "ids": np.int64,
    "days": np.int32,
    "votes": np.int32,
    "lengths": np.int32,
    "stream": np.uint32,
    "sizes": np.int64,
    "title_words": np.uint16,
    "stems": np.uint32,
    "stem_sizes": np.int64,
    "stem_times": np.uint8,
    "coarse": np.float32,
    "fine": np.int8,
    "scales": np.float32,
}

Blocks = Callable[[slice], NDArray[Any]]  #: a part of a long array, perhaps made when asked for


class Builder:
    """Takes papers a page at a time; `segment` gives what was made of them."""

    def __init__(self) -> None:
        self._words = _Numbers()
        self._gaps = _GapKinds()
        self._stems = _Numbers()
        self._stem_of: list[int] = []  #: by word; -1 where it says nothing
        self._kept = {name: bytearray() for name in _KINDS}
        self._named: dict[Field, list[Ints]] = {field: [] for field in _NAMED}
        self._names = {field: _Numbers() for field in _NAMED}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, papers: Sequence[Searchable], vectors: WholeVectors) -> None:
        """The papers as further rows; `vectors` are parallel."""
        page = _Page(self, papers, vectors, first=self._size)
        for name, kind in _KINDS.items():
            self._kept[name] += page.arrays[name].astype(kind, copy=False).tobytes()
        for field, pairs in page.named.items():
            self._named[field].append(pairs)
        self._size += len(papers)

    def segment(self) -> Segment:
        """What was made of all papers; the builder is empty afterwards."""
        return Segment(
            ids=self._taken("ids"),
            days=self._taken("days"),
            votes=self._taken("votes"),
            lengths=self._taken("lengths"),
            alive=np.ones(self._size, np.bool_),
            stems=self._stem_counts(),
            authors=self._authors(),
            labels={field: self._labelled(field) for field in _LABELS},
            vectors=self._vectors(),
            words=self._word_places(),
        )

    # --- while reading --------------------------------------------------------------------------

    def cut(self, text: str, room: int) -> list[int]:
        """Numbers of the text's words, each with the gap after it (see `WordPlaces.stream`)."""
        words, gaps = cut_with_gaps(text)
        numbers = map(self._words.__getitem__, words[:room])
        kinds = map(self._gaps.__getitem__, [*gaps, ""])
        found = [number << GAP_BITS | kind for number, kind in zip(numbers, kinds, strict=False)]
        if found and len(found) == len(words):
            found[-1] |= int(Gap.OTHER)
        return found

    def stems_of(self, words: NDArray[Any]) -> NDArray[np.int64]:
        for word in islice(self._words, len(self._stem_of), None):
            found = stem(word)
            self._stem_of.append(self._stems[found] if found else -1)
        numbers: NDArray[np.int64] = np.array(self._stem_of, np.int64)[words]
        return numbers

    def name(self, field: Field, name: str) -> int:
        return self._names[field][name]

    # --- at the end -----------------------------------------------------------------------------

    def _taken(self, name: str) -> NDArray[Any]:
        """All pages' arrays of that name as one."""
        return np.frombuffer(self._kept.pop(name), _KINDS[name])

    def _word_places(self) -> WordPlaces:
        vocabulary, numbers = _vocabulary(list(self._words))
        stream, begins = self._taken("stream"), _begins(self._taken("sizes"))
        for some in _blocks(len(stream)):
            stream[some] = numbers[stream[some] >> GAP_BITS] << GAP_BITS | stream[some] & _GAPS

        def words(some: slice) -> NDArray[Any]:
            return stream[some] >> GAP_BITS

        def places(some: slice) -> NDArray[Any]:
            rows = _owners(begins, some)
            return rows << OFFSET_BITS | np.arange(some.start, some.stop) - begins[rows]

        return WordPlaces(
            vocabulary=vocabulary,
            stream=stream,
            begins=begins,
            title_words=self._taken("title_words"),
            places=_grouped(len(stream), words, places, len(vocabulary)),
            pairs=sieve(stream),
        )

    def _stem_counts(self) -> StemCounts:
        stems = sorted(self._stems)
        order = np.empty(len(stems), np.uint32)
        order[[self._stems[one] for one in stems]] = np.arange(len(stems))
        numbers, times = self._taken("stems"), self._taken("stem_times")
        begins = _begins(self._taken("stem_sizes"))
        for some in _blocks(len(numbers)):
            numbers[some] = order[numbers[some]]
        rows = _grouped(
            len(numbers), numbers.__getitem__, lambda some: _owners(begins, some), len(stems)
        )
        sorted_ = _dealt(
            len(numbers), numbers.__getitem__, times.__getitem__, rows.starts, np.uint8
        )
        return StemCounts(stems, rows, sorted_)

    def _vectors(self) -> WholeVectors:
        size = max(self._size, 1)
        coarse, fine = self._taken("coarse"), self._taken("fine")
        return WholeVectors(
            coarse.reshape(self._size, len(coarse) // size),
            fine.reshape(self._size, len(fine) // size),
            self._taken("scales"),
        )

    def _authors(self) -> Names:
        names = list(self._names.pop(Field.AUTHOR))
        words = _Numbers()
        word_ids, holders = array("I"), array("I")
        for at, name in enumerate(names):
            for word in {*name_words(name)}:
                word_ids.append(words[word])
                holders.append(at)
        order = sorted(words)
        places = np.empty(len(order), np.int64)
        places[[words[word] for word in order]] = np.arange(len(order))
        return Names(
            names=names,
            rows=_rows(self._named.pop(Field.AUTHOR), len(names)),
            words=order,
            holders=grouped(
                places[np.array(word_ids, np.uint32)], np.array(holders, np.uint32), len(order)
            ),
        )

    def _labelled(self, field: Field) -> Labels:
        names = list(self._names.pop(field))
        return Labels(names, _rows(self._named.pop(field), len(names)))


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
        stream: list[int] = []
        sizes: list[int] = []
        titles: list[int] = []
        for paper in papers:
            title = builder.cut(paper.title, LONGEST)
            abstract = builder.cut(paper.abstract, LONGEST - len(title))
            stream += title
            stream += abstract
            titles.append(len(title))
            sizes.append(len(title) + len(abstract))
        self.arrays: dict[str, NDArray[Any]] = {
            "ids": np.array([paper.id for paper in papers], np.int64),
            "days": np.array([paper.announced_on.toordinal() for paper in papers], np.int32),
            "votes": np.array([paper.votes for paper in papers], np.int32),
            "stream": np.array(stream, np.uint32),
            "sizes": np.array(sizes, np.int64),
            "title_words": np.array(titles, np.uint16),
            "coarse": vectors.coarse,
            "fine": vectors.fine,
            "scales": vectors.scales,
        }
        self._count_stems(builder)
        rows = list(enumerate(papers, first))
        self.named = {
            Field.AUTHOR: _named(builder, Field.AUTHOR, [(r, p.authors) for r, p in rows]),
            Field.CATEGORY: _named(builder, Field.CATEGORY, [(r, p.categories) for r, p in rows]),
            Field.SOURCE: _named(builder, Field.SOURCE, [(r, p.sources) for r, p in rows]),
        }

    def _count_stems(self, builder: Builder) -> None:
        """The stems of each paper, and how often each is there."""
        arrays = self.arrays
        stems = builder.stems_of(arrays["stream"] >> GAP_BITS)
        begins = _begins(arrays["sizes"])
        rows = _owners(begins, slice(0, len(stems)))
        in_title = np.arange(len(stems)) - begins[rows] < arrays["title_words"][rows]
        weights = np.where(in_title, TITLE_TIMES, 1)
        told, size = stems >= 0, len(arrays["sizes"])
        codes, inverse = np.unique(rows[told] << 32 | stems[told], return_inverse=True)
        times = np.bincount(inverse, weights[told], minlength=len(codes))
        arrays["stems"] = codes & 0xFFFFFFFF
        arrays["stem_sizes"] = np.bincount(codes >> 32, minlength=size)
        arrays["stem_times"] = np.minimum(times, 255)
        arrays["lengths"] = np.bincount(rows[told], weights[told], minlength=size)


def _named(builder: Builder, field: Field, rows: Sequence[tuple[int, Sequence[str]]]) -> Ints:
    return _pairs((builder.name(field, name), row) for row, names in rows for name in names)


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


def grouped(numbers: NDArray[Any], values: NDArray[np.uint32], size: int) -> Lists:
    """`values` as one list for each number, in the order they had."""
    return _grouped(len(numbers), numbers.__getitem__, values.__getitem__, size)


def _grouped(count: int, numbers: Blocks, values: Blocks, size: int) -> Lists:
    counts = np.zeros(size, np.int64)
    for some in _blocks(count):
        counts += np.bincount(numbers(some), minlength=size)
    starts = _begins(counts)
    return Lists(starts, _dealt(count, numbers, values, starts, np.uint32))


def _dealt(
    count: int, numbers: Blocks, values: Blocks, starts: Ints, kind: type[np.generic]
) -> NDArray[Any]:
    """`values` by their numbers, those of one number in the order they had.

    Sorting an archive's words at once would take several times their memory; a block is sorted and
    dealt out to where each number's list goes on.
    """
    found, ends = np.empty(count, kind), starts[:-1].copy()
    for some in _blocks(count):
        here = numbers(some)
        order = np.argsort(here, kind="stable")
        different, firsts, counts = np.unique(here[order], return_index=True, return_counts=True)
        places = np.repeat(ends[different] - firsts, counts) + np.arange(len(here))
        found[places] = values(some)[order]
        ends[different] += counts
    return found


def _blocks(count: int) -> Iterator[slice]:
    return (slice(begin, min(begin + _BLOCK, count)) for begin in range(0, count, _BLOCK))


def _begins(sizes: Ints) -> Ints:
    """Where each of some parts begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _owners(begins: Ints, some: slice) -> Ints:
    """The part in which each of these places lies."""
    owners: Ints = np.searchsorted(begins, np.arange(some.start, some.stop), side="right") - 1
    return owners


def _pairs(pairs: Iterable[tuple[int, int]]) -> Ints:
    return np.array(list(pairs), np.int64).reshape(-1, 2)


def _rows(parts: Sequence[Ints], size: int) -> Lists:
    """The rows (second) of each number (first)."""
    numbers, rows = np.concatenate([_pairs(()), *parts]).T
    return grouped(numbers, rows.astype(np.uint32), size)
