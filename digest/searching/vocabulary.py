"""The different words of a segment, in alphabetical order, for exact matching and wildcards.

A word's number is its place in that order, so that the words which begin so-and-so are one run of
numbers. A word is known by its surface (folded, lower case) and by its key (plural and singular
alike; `digest.matching.terms`): `GANs` and `gans` are two where their keys differ.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digest.matching.stems import stem
from digest.matching.terms import MAX_JOINS, Spelling, is_function_word

Bools = NDArray[np.bool_]

LAST = "\U0010ffff"  #: stands behind every word that begins so
NO_STEM = 0  #: the hash of nothing
LONGEST_COMPOUND = 4  #: words of a hyphenated compound that count as one (as in `wildcards`)


def hash_of(stem: str) -> int:
    return zlib.crc32(stem.encode())


class Vocabulary:
    """`surfaces` and `keys` are parallel, sorted by surface, then key."""

    def __init__(self, surfaces: Sequence[str], keys: Sequence[str]) -> None:
        self.surfaces = surfaces
        self.keys = keys
        self._by_key = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        self._more: dict[str, list[int]] = defaultdict(list)
        for number, key in enumerate(keys):
            if self._by_key[key] != number:
                self._more[key].append(number)
        self.longest = max(map(len, surfaces), default=0)

    def __len__(self) -> int:
        return len(self.surfaces)

    @cached_property
    def is_function(self) -> Bools:
        return np.array([is_function_word(word) for word in self.surfaces], np.bool_)

    @cached_property
    def starts_with_digit(self) -> Bools:
        return np.array([word[0].isdigit() for word in self.surfaces], np.bool_)

    @cached_property
    def ends_with_digit(self) -> Bools:
        return np.array([word[-1].isdigit() for word in self.surfaces], np.bool_)

    @cached_property
    def stems(self) -> NDArray[np.uint32]:
        """A hash of each word's stem, `NO_STEM` for a word that says nothing."""
        found = (stem(word) for word in self.surfaces)
        return np.array([hash_of(one) if one else NO_STEM for one in found], np.uint32)

    def beginning(self, start: str) -> range:
        """The numbers of the words that begin so."""
        low = bisect_left(self.surfaces, start)
        return range(low, bisect_left(self.surfaces, start + LAST, low))

    def written(self, surface: str) -> range:
        """The numbers of the words whose surface is exactly this."""
        low = bisect_left(self.surfaces, surface)
        high = low
        while high < len(self.surfaces) and self.surfaces[high] == surface:
            high += 1
        return range(low, high)

    def known_as(self, key: str) -> list[int]:
        """The numbers of the words with this key."""
        first = self._by_key.get(key)
        return [] if first is None else [first, *self._more.get(key, ())]


Run = list[tuple[list[int], bool]]  #: words in a row: the numbers each may be, and a condition


Follow = Callable[[Sequence[int], Sequence[int]], bool]


class Spellings:
    """Every way in which words known here spell a term, as runs of (numbers, may the end vanish).

    The second of a pair says that the boundary after that word must be one that may vanish, because
    the term has none there. This is `terms.Spelling.same_as`, asked the other way round. `follow`
    tells whether words of some numbers may ever stand right after others.
    """

    def __init__(self, spelling: Spelling, words: Vocabulary, follow: Follow) -> None:
        self._letters = spelling.joined
        self._ends = spelling.boundaries()
        self._words = words
        self._follow = follow
        self._known: dict[int, list[tuple[int, list[int], int]]] = {}

    def __iter__(self) -> Iterator[Run]:
        return self._from(0, MAX_JOINS, ())

    def _from(self, at: int, budget: int, before: Sequence[int]) -> Iterator[Run]:
        for end, numbers, cost in self._pieces(at):
            if cost > budget or (before and not self._follow(before, numbers)):
                continue
            if end == len(self._letters):
                yield [(numbers, False)]
                continue
            for rest in self._from(end, budget - cost, numbers):
                yield [(numbers, end not in self._ends), *rest]

    def _pieces(self, at: int) -> list[tuple[int, list[int], int]]:
        """The words that stand from a letter on: end, numbers and cost of each."""
        pieces = self._known.get(at)
        if pieces is None:
            known, letters = self._words.known_as, self._letters
            pieces = self._known[at] = [
                (end, numbers, cost)
                for end, cost in self._ways(at)
                if (numbers := known(letters[at:end]))
            ]
        return pieces

    def _ways(self, at: int) -> Iterator[tuple[int, int]]:
        """Ends of a word, each with the number of boundaries that only one side has."""
        joined, last = 0, len(self._letters)
        for end in range(at + 1, min(last, at + self._words.longest) + 1):
            if end == last or end in self._ends:
                yield end, joined
                if not self._ends.get(end):
                    return
                joined += 1
            elif joined < MAX_JOINS:
                yield end, joined + 1


def compounds(letters: str, words: Vocabulary) -> Iterator[list[range]]:
    """Words whose letters together begin so, the last of them open: two to four in a row."""
    yield from _compounds(letters, words, room=LONGEST_COMPOUND, first=True)


def _compounds(
    letters: str, words: Vocabulary, *, room: int, first: bool = False
) -> Iterator[list[range]]:
    if not first and (last := words.beginning(letters)):
        yield [last]
    if room == 1:
        return
    for end in range(1, min(len(letters), words.longest + 1)):
        if numbers := words.written(letters[:end]):
            for rest in _compounds(letters[end:], words, room=room - 1):
                yield [numbers, *rest]
