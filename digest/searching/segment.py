"""A segment: some papers made ready to be searched, as arrays that never change.

Rows are papers in the order they were read. About 3 kB a paper with everything; the texts
themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.circuit import Bits, Leaf
from digest.model import Field
from digest.searching.recent import Recent
from digest.searching.vocabulary import Vocabulary

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

OFFSET_BITS = 11
LONGEST = (1 << OFFSET_BITS) - 1  #: words of a paper that are looked at
GAP_BITS = 2
_FIRST, _SECOND, _MASK = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95, (1 << 64) - 1
_BLOCK = 1 << 18
_SPARSE = 32  #: as often as a row is one of so many, it is not worth looking at all
_TERMS = 256  #: of queries whose rows are remembered: 64 bytes a paper in all
_COMMON = 64  #: one row of so many has them; the rows of other terms are sooner found again


def bits_of(rows: NDArray[Any], size: int) -> Bits:
    """A bit for each of `size` rows, in whole words, set for some of them; rows may repeat."""
    if len(rows) * _SPARSE < size:
        bits = np.zeros(-(-size // 64), np.uint64)
        np.bitwise_or.at(bits, rows >> 6, np.uint64(1) << (rows & 63).astype(np.uint64))
        return bits
    there = np.zeros(-(-size // 64) * 64, np.bool_)
    there[rows] = True
    return np.packbits(there, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def _is_common(bits: Bits, size: int) -> bool:
    return int(np.bitwise_count(bits).sum()) * _COMMON >= size


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Lists of numbers, one after the other: list i is `values[starts[i]:starts[i + 1]]`."""

    starts: Ints
    values: NDArray[np.uint32]

    def __getitem__(self, number: int) -> NDArray[np.uint32]:
        return self.values[self.starts[number] : self.starts[number + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of_all(self, numbers: Sequence[int]) -> NDArray[np.uint32]:
        """All those lists as one."""
        if isinstance(numbers, range) and numbers:  # a run of lists is one slice
            return self.values[self.starts[numbers[0]] : self.starts[numbers[-1] + 1]]
        return np.concatenate([self.values[:0], *(self[number] for number in numbers)])

    def size(self, numbers: Sequence[int]) -> int:
        if isinstance(numbers, range):
            return int(self.starts[numbers.stop] - self.starts[numbers.start])
        return int(sum(self.starts[number + 1] - self.starts[number] for number in numbers))


@dataclass(frozen=True, eq=False)
class WordPlaces:
    """Every word of every paper, in order, and where each different word stands.

    `stream` has the number of the word at each position and, in its lowest bits, the kind of gap
    after it (`terms.Gap`). `places` lists each word's places as row << OFFSET_BITS | offset.
    A paper's words begin at `begins[row]`; the first `title_words[row]` of them are its title.
    `pairs` is a sieve of the words that stand next to each other somewhere: it may say yes to a
    pair that does not, and never no to one that does.
    """

    vocabulary: Vocabulary
    stream: NDArray[np.uint32]
    begins: Ints
    title_words: NDArray[np.uint16]
    places: Lists
    pairs: NDArray[np.uint8]

    def follow(self, before: Sequence[int], after: Sequence[int]) -> bool:
        """Whether one of the words `after` may stand right after one of those `before`."""
        size = len(self.pairs) * 8 - 1
        for first in before:
            for second in after:
                bit = _pair(first, second) & size
                if self.pairs[bit >> 3] >> (bit & 7) & 1:
                    return True
        return False


def _pair(first: int, second: int) -> int:
    return (first * _FIRST + second * _SECOND & _MASK) >> 24


def sieve(stream: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The pairs of neighbours in a stream of words (see `WordPlaces`)."""
    size = 1 << max(10, (4 * len(stream)).bit_length())
    octets = np.zeros(size >> 3, np.uint8)
    for start in range(0, len(stream), _BLOCK):
        some = (stream[start : start + _BLOCK + 1] >> GAP_BITS).astype(np.uint64)
        codes = some[:-1] * np.uint64(_FIRST) + some[1:] * np.uint64(_SECOND)
        bits = (codes >> np.uint64(24)) & np.uint64(size - 1)
        places, within = bits >> np.uint64(3), (bits & np.uint64(7)).astype(np.uint8)
        for bit in range(8):  # one at a time, so that a place that is met twice gets the same
            octets[places[within == bit]] |= np.uint8(1 << bit)
    return octets


@dataclass(frozen=True, eq=False)
class StemCounts:
    """How often each stem stands in each paper, the title counted twice.

    Stem i is in the papers `rows[i]`, `times` (parallel to `rows.values`) so often.
    """

    stems: Sequence[str]
    rows: Lists
    times: NDArray[np.uint8]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        return {stem: number for number, stem in enumerate(self.stems)}

    def count(self, stem: str) -> int:
        """How many papers have the stem."""
        number = self.numbers.get(stem)
        if number is None:
            return 0
        return int(self.rows.starts[number + 1] - self.rows.starts[number])

    def of(self, stem: str) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        number = self.numbers.get(stem)
        if number is None:
            return self.rows.values[:0], self.times[:0]
        start, end = self.rows.starts[number], self.rows.starts[number + 1]
        return self.rows.values[start:end], self.times[start:end]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """The authors: different names, the rows of each, and the names that hold each word."""

    names: Sequence[str]
    rows: Lists
    words: Sequence[str]
    holders: Lists


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Categories or sources: different ones, and the rows of each."""

    names: Sequence[str]
    rows: Lists


@dataclass(frozen=True, slots=True, eq=False)
class WholeVectors:
    """Each paper's vector, its usual part taken away: coarse for looking at all, fine for the best.

    `fine` are 8-bit values with a scale a row; a paper without a vector has zeros.
    """

    coarse: Floats
    fine: NDArray[np.int8]
    scales: Floats

    def exact(self, rows: Ints) -> Floats:
        found: Floats = self.fine[rows].astype(np.float32) * self.scales[rows, None]
        return found

    def cosines(self, rows: Ints, vector: Floats) -> Floats:
        """`exact(rows) @ vector`, each row scaled once."""
        some = self.fine.take(rows, axis=0)  # a quarter quicker than an index of rows
        found: Floats = (some.astype(np.float32) @ vector) * self.scales[rows]
        return found


@dataclass(frozen=True, eq=False)
class Segment:
    """`alive` is False for papers that have gone or were read again later."""

    ids: Ints
    days: NDArray[np.int32]  #: ordinal of the day a paper was announced
    votes: NDArray[np.int32]
    lengths: NDArray[np.int32]  #: stems, the title's twice
    alive: Bools
    words: WordPlaces
    stems: StemCounts
    authors: Names
    labels: Mapping[Field, Labels]
    vectors: WholeVectors

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def found(self) -> Recent[tuple[Leaf, bool], tuple[Bits, Bits]]:
        """Which rows have a term at all and in their title, of the common terms asked for last."""
        return Recent(_TERMS, worth=lambda known: _is_common(known[0], len(self)))

    @cached_property
    def everything(self) -> Bits:
        """All rows, as bits."""
        return bits_of(np.arange(len(self)), len(self))[None, :]

    @property
    def cells(self) -> int:
        """Bytes of its arrays."""
        words, stems, vectors = self.words, self.stems, self.vectors
        arrays = (self.ids, self.days, self.votes, self.lengths, words.stream, words.begins)
        more = (words.places.values, stems.rows.values, stems.times, vectors.coarse, vectors.fine)
        return sum(array.nbytes for array in (*arrays, *more))
