"""The words of a batch of texts as arrays, and where terms occur among them.

Every run of words has a polynomial hash of its letters, boundaries left out, so that one look-up
finds `fine-tuning`, `fine tuning` and `finetuning`; what was found is then compared word by word.
All terms of all queries are looked up together, in one pass over the words. It knows no papers, no
fields and no operators, only numbered texts and numbered terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.cutting import UNKNOWN, cut_all
from digest.matching.sparse import ranges
from digest.matching.terms import (
    MAX_JOINS,
    Gap,
    Spelling,
    bounds,
    is_function_word,
    key,
    spell,
    surface,
)

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Bools = NDArray[np.bool_]

BLOCK = 1 << 18  #: positions looked at together: what they need stays in the cache
_PLACE = np.uint64(BLOCK - 1)  #: the bits of a position among those
_WORD = 48  #: bytes of a word that is no freak
_SHORT = MAX_JOINS + 1  #: words of a run that may stand for a term of a single one
_BASE = 0x9E3779B97F4A7C15
_SPREAD = np.uint64(_BASE)
_ORDERED = np.uint64(0xD1342543DE82EF95)  #: multiplier of the hash that minds boundaries
_TEXTS = 4096  #: of terms, looked at together
_MASK = (1 << 64) - 1
_NO_IDS, _NO_GAPS = np.empty(0, np.int32), np.empty(0, np.int8)


def letters_hash(word: str) -> tuple[int, int]:
    """The word's hash, and the factor of what stands before it."""
    value, power = 0, 1
    for byte in word.encode():
        value = (value * _BASE + byte + 1) & _MASK
        power = (power * _BASE) & _MASK
    return value, power


def letters_hashes(words: Sequence[str]) -> tuple[Hashes, Hashes]:
    """`letters_hash` of many words, letter by letter for all of them."""
    codes = [word.encode() for word in words]
    sizes = np.fromiter(map(len, codes), np.int64, len(codes))
    letters = np.frombuffer(b"".join(codes), np.uint8).astype(np.uint64) + np.uint64(1)
    first = np.cumsum(sizes) - sizes
    values: Hashes = np.zeros(len(codes), np.uint64)
    powers: Hashes = np.ones(len(codes), np.uint64)
    base = np.uint64(_BASE)
    for at in range(min(_WORD, int(sizes.max(initial=0)))):
        there = np.flatnonzero(sizes > at)
        values[there] = values[there] * base + letters[first[there] + at]
        powers[there] *= base
    for row in np.flatnonzero(sizes > _WORD).tolist():
        values[row], powers[row] = letters_hash(words[row])
    return values, powers


@dataclass(frozen=True, slots=True, eq=False)
class Occurrences:
    """Where terms occur: parallel arrays, in no particular order.

    Term number `term` stands at position `at` of the stream, and is `length` words long there.
    """

    term: Ints
    at: Ints
    length: Ints

    @classmethod
    def none(cls) -> Occurrences:
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty)

    @classmethod
    def together(cls, parts: Sequence[Occurrences]) -> Occurrences:
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.term for part in parts]),
            np.concatenate([part.at for part in parts]),
            np.concatenate([part.length for part in parts]),
        )

    def rows(self, chosen: Ints | Bools) -> Occurrences:
        return Occurrences(self.term[chosen], self.at[chosen], self.length[chosen])


class Runs(NamedTuple):
    """Runs of words in the order of their letters' hashes, from a position on.

    In the last bits of each hash stands where the run begins, counted from there; what a word's
    last letter says is spread over the others before.
    """

    hashes: Hashes
    start: int

    @classmethod
    def of(cls, letters: Hashes, at: Ints, start: int) -> Runs:
        hashes = letters * _SPREAD & ~_PLACE | at.astype(np.uint64)
        hashes.sort()
        return cls(hashes, start)

    def alike(self, letters: Hashes) -> tuple[Ints, Ints]:
        """(position, entry) of the runs whose letters seem to be those of an entry."""
        spread = letters * _SPREAD
        first = np.searchsorted(self.hashes, spread & ~_PLACE)
        counts = np.searchsorted(self.hashes, spread | _PLACE, side="right") - first
        at = (self.hashes[ranges(first, counts)] & _PLACE).astype(np.int64)
        return at + self.start, np.repeat(np.arange(len(letters)), counts)


class Stream:
    """The words of `texts`, one after the other.

    `ids` numbers the word at each position in `vocabulary` (words as cut); `text_of` is the text
    it belongs to, `begins` where each text starts, `room` how many words are left in its text.
    `bounds`: where the word at each position starts and ends in its text, or UNKNOWN (`look_up`).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        numbers = _Numbers()
        ids, gaps, sizes, places = [_NO_IDS], [_NO_GAPS], [np.empty(0, np.int64)], [_NO_IDS]
        for some in cut_all(texts):
            words = some.words
            ids.append(np.fromiter(map(numbers.__getitem__, words), np.int32, len(words)))
            gaps.append(some.gaps)
            sizes.append(some.sizes)
            places.append(some.bounds)
        self._texts = texts
        self.ids, self.gaps = np.concatenate(ids), np.concatenate(gaps)
        self.begins = np.concatenate([[0], np.cumsum(np.concatenate(sizes), dtype=np.int64)])
        lengths = np.diff(self.begins)
        self.text_of = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
        self.room = (self.begins[1:][self.text_of] - np.arange(len(self.ids))).astype(np.int32)
        self.vocabulary = list(numbers)
        self.bounds = np.concatenate(places).data
        self.keys = [key(word) for word in self.vocabulary]
        self._hash, self._power = letters_hashes(self.keys)

    @cached_property
    def surfaces(self) -> list[str]:
        return [surface(word) for word in self.vocabulary]

    @cached_property
    def free(self) -> Bools:
        """Whether the boundary after each position may vanish (see `terms.free_boundary`)."""
        words, ids = self.surfaces, self.ids
        function = np.fromiter(map(is_function_word, words), np.bool_, len(words))[ids]
        ends = np.array([word[-1].isdigit() for word in words], np.bool_)[ids]
        starts = np.array([word[0].isdigit() for word in words], np.bool_)[ids]
        content = ~(function | np.roll(function, -1))
        loose = (self.gaps == Gap.NOTHING) | ((self.gaps == Gap.SPACE) & content)
        free: Bools = loose & ~(ends & np.roll(starts, -1))
        return free

    def place(self, at: int, length: int) -> tuple[int, int]:
        """The characters, of the text as given, where `length` words stand at a position."""
        start = self.bounds[2 * at]
        if start == UNKNOWN:
            self.look_up(self.text_of.item(at))
            start = self.bounds[2 * at]
        return start, self.bounds[2 * (at + length) - 1]

    def look_up(self, *texts: int) -> None:
        """Have `bounds` say where the words of those texts stand."""
        for text in texts:
            first, end = (2 * self.begins[text : text + 2]).tolist()
            if first < end and self.bounds[first] == UNKNOWN:
                self.bounds[first:end] = bounds(self._texts[text])

    @cached_property
    def key_numbers(self) -> dict[str, int]:
        """A number for every key that occurs."""
        return {word: number for number, word in enumerate(dict.fromkeys(self.keys))}

    @cached_property
    def key_ids(self) -> NDArray[np.int32]:
        """The number of the key at each position."""
        by_word = np.array([self.key_numbers[word] for word in self.keys], np.int32)
        return by_word[self.ids]

    def spelling(self, at: int, length: int) -> Spelling:
        words = tuple(self.keys[number] for number in self.ids[at : at + length].tolist())
        return Spelling(words, tuple(self.free[at : at + length - 1].tolist()))

    def runs(self, lengths: Sequence[int]) -> Iterator[tuple[int, Runs]]:
        """Lengths, and the runs that are so long: all of each, or block by block."""
        most = max(lengths, default=0)
        if most <= _SHORT and len(self.ids) <= BLOCK:
            yield from ((length, self._short_runs[length - 1]) for length in lengths)
            return
        for start in range(0, len(self.ids), BLOCK):
            for length, total in self._runs_from(start, most):
                if length in lengths:
                    yield length, self._sorted(length, start, total)

    @cached_property
    def _short_runs(self) -> list[Runs]:
        """Runs of one word, of two …: looked through in every round, whatever is asked."""
        return [self._sorted(length, 0, total) for length, total in self._runs_from(0, _SHORT)]

    def _sorted(self, length: int, start: int, total: Hashes) -> Runs:
        inside = np.flatnonzero(self.room[start : start + len(total)] >= length)
        return Runs.of(total[inside], inside, start)

    def _runs_from(self, start: int, most: int) -> Iterator[tuple[int, Hashes]]:
        """Length and hashes of the runs that start in one block; each array becomes the next."""
        size = min(BLOCK, len(self.ids) - start)
        ids = self.ids[start : start + size + most]
        hashes, powers = self._hash[ids], self._power[ids]
        total = hashes[:size].copy()
        for length in range(1, most + 1):
            if length > 1:
                width = max(0, min(size, len(ids) - length + 1))
                total = total[:width]
                total *= powers[length - 1 : length - 1 + width]
                total += hashes[length - 1 : length - 1 + width]
            yield length, total

    def ordered_hash(self, at: Ints, length: int) -> Hashes:
        """A hash of the words from each position that minds the boundaries."""
        total = np.zeros(len(at), np.uint64)
        for offset in range(length):
            total = total * _ORDERED + self._hash[self.ids[at + offset]]
        return total


class _Numbers(dict[str, int]):
    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


class Lexicon:
    """The exact terms of all queries, ready to be looked up in a stream.

    `numbers` gives the term of each of `texts`; spellings of one thing may share a term. Of a term
    only hashes are kept, and which text to read it from again: there may be a million of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        letters, ordered, free, sizes = _hashes(texts)
        identity = letters ^ (ordered * _ORDERED) ^ (free * np.uint64(_BASE))
        _, first, numbers = np.unique(identity, return_index=True, return_inverse=True)
        self.numbers: Ints = numbers.astype(np.int64)
        self.size = len(first)
        self._texts, self._text = texts, first
        letters = letters[first]
        order = np.argsort(letters, kind="stable")
        self._term = order.astype(np.int64)
        self._ordered = ordered[first][order]
        self._sizes = sizes[first][order]
        self._letters, self._first = np.unique(letters[order], return_index=True)
        self._end = np.append(self._first[1:], len(order))
        reach = range(-MAX_JOINS, MAX_JOINS + 1)
        known = np.unique(self._sizes).tolist()
        self.lengths = sorted({size + by for size in known for by in reach if size + by > 0})

    def find(self, stream: Stream) -> Occurrences:
        if not self.size or not len(stream.ids):
            return Occurrences.none()
        verdicts: dict[tuple[int, Spelling], bool] = {}
        found = [
            self._judge(stream, length, runs.alike(self._letters), verdicts)
            for length, runs in stream.runs(self.lengths)
        ]
        return Occurrences.together(found)

    def _judge(
        self,
        stream: Stream,
        length: int,
        candidates: tuple[Ints, Ints],
        verdicts: dict[tuple[int, Spelling], bool],
    ) -> Occurrences:
        """The candidates whose words agree too, for every term of those letters."""
        at, entry = candidates
        counts = self._end[entry] - self._first[entry]
        row = ranges(self._first[entry], counts)
        ordered = np.repeat(stream.ordered_hash(at, length), counts)
        at = np.repeat(at, counts)
        good = (self._sizes[row] == length) & (self._ordered[row] == ordered)
        for index in np.flatnonzero(~good).tolist():
            term, spelling = int(self._term[row[index]]), stream.spelling(int(at[index]), length)
            verdict = verdicts.get((term, spelling))
            if verdict is None:
                verdict = spell(self._texts[self._text[term]]).same_as(spelling)
                verdicts[term, spelling] = verdict
            good[index] = verdict
        found = Occurrences(self._term[row], at, np.full(len(at), length, np.int64))
        return found.rows(good)


def _hashes(texts: Sequence[str]) -> tuple[Hashes, Hashes, Hashes, Ints]:
    """Of each spelling: the hash of its letters, the one that minds its boundaries, which of the
    boundaries are free, and how many words there are."""
    starts = range(0, len(texts), _TEXTS)
    parts = [_hashes_of([spell(one) for one in texts[at : at + _TEXTS]]) for at in starts]
    together = zip(_hashes_of([]), *parts, strict=True)
    plain, minding, free, sizes = map(np.concatenate, together)
    return plain, minding, free, sizes


def _hashes_of(spellings: Sequence[Spelling]) -> tuple[Hashes, Hashes, Hashes, Ints]:
    sizes = np.array([len(one.words) for one in spellings], np.int64)
    values, powers = letters_hashes([word for one in spellings for word in one.words])
    plain, minding, free = np.zeros((3, len(spellings)), np.uint64)
    for row in np.flatnonzero(sizes > 1).tolist():
        bits = sum(one << at for at, one in enumerate(reversed(spellings[row].free)))
        free[row] = bits & _MASK
    first = np.cumsum(sizes) - sizes
    for nth in range(int(sizes.max(initial=0))):
        rows = np.flatnonzero(sizes > nth)
        at = first[rows] + nth
        plain[rows] = plain[rows] * powers[at] + values[at]
        minding[rows] = minding[rows] * _ORDERED + values[at]
    return plain, minding, free, sizes
