"""Where words that begin so-and-so occur in a stream: the terms that end in `*`.

A wildcard looks at words as written (case and diacritics folded, plurals left alone), so that
`studie*` finds studies. `fine-tun*` finds "fine-tuning" and "finetuning", and so does `finetun*`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from digest.matching.stream import Ints, Occurrences, Stream
from digest.matching.terms import Gap, cut, spell, surface

_LAST = "\U0010ffff"
_LONGEST = 4  #: words of a hyphenated compound that count as one word


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The words before the last one, by their keys; how the last begins; and all of it as one."""

    heads: tuple[str, ...]
    start: str
    joined: str  #: empty where the words cannot be written as one


@lru_cache(maxsize=1 << 14)
def wildcard(text: str) -> Wildcard:
    words = [surface(word) for word in cut(text)]
    spelling = spell(text)
    joined = "".join(words) if all(spelling.free) else ""
    return Wildcard(spelling.words[:-1], words[-1], joined)


class Beginnings:
    """The words of one stream in alphabetical order, hyphenated compounds among them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        order = sorted(range(len(stream.surfaces)), key=stream.surfaces.__getitem__)
        self._words = [stream.surfaces[number] for number in order]
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        at_rank = ranks[stream.ids] if len(stream.ids) else np.empty(0, np.int64)
        self._places = np.argsort(at_rank, kind="stable")
        counts = np.bincount(at_rank, minlength=len(order))
        self._starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self._compounds = sorted(_compounds(stream))
        self._compound_words = [word for word, _, _ in self._compounds]

    def find(self, wildcards: Sequence[Wildcard]) -> Occurrences:
        """Where each of them occurs."""
        parts = [part for term, one in enumerate(wildcards) for part in self._find(term, one)]
        return Occurrences.together(parts)

    def _find(self, term: int, one: Wildcard) -> list[Occurrences]:
        length = len(one.heads) + 1
        found = [_row(term, self._after(one.heads, self._words_like(one.start)), length)]
        if one.heads and one.joined:
            found.append(_row(term, self._words_like(one.joined), 1))
        if one.joined:
            found += self._compounds_like(term, one)
        return found

    def _words_like(self, start: str) -> Ints:
        low = bisect_left(self._words, start)
        high = bisect_left(self._words, start + _LAST)
        return self._places[self._starts[low] : self._starts[high]]

    def _after(self, heads: Sequence[str], last: Ints) -> Ints:
        """Where runs begin that are these words and then the one at `last`."""
        at = last - len(heads)
        at = at[at >= 0]
        numbers, ids = self._stream.key_numbers, self._stream.key_ids
        for offset, head in enumerate(heads):
            at = at[ids[at + offset] == numbers.get(head, -1)]
        return at[self._stream.room[at] > len(heads)] if heads else at

    def _compounds_like(self, term: int, one: Wildcard) -> list[Occurrences]:
        """Compounds that begin so, though their first word alone does not."""
        low = bisect_left(self._compound_words, one.joined)
        high = bisect_left(self._compound_words, one.joined + _LAST)
        ids, surfaces = self._stream.ids, self._stream.surfaces
        rows = [
            (at, length)
            for _, at, length in self._compounds[low:high]
            if len(surfaces[ids[at]]) < len(one.joined) and not one.heads
        ]
        return [_row(term, np.array([at]), length) for at, length in rows]


def _row(term: int, at: Ints, length: int) -> Occurrences:
    return Occurrences(np.full(len(at), term, np.int64), at, np.full(len(at), length, np.int64))


def _compounds(stream: Stream) -> list[tuple[str, int, int]]:
    """(letters, position, words) of the hyphenated compounds."""
    tight = (stream.gaps == Gap.NOTHING) & (stream.room > 1)
    found = []
    for at in np.flatnonzero(tight).tolist():
        end = at + 1
        while end - at < _LONGEST - 1 and tight[end]:
            end += 1
        letters = "".join(stream.surfaces[number] for number in stream.ids[at : end + 1].tolist())
        found.append((letters, at, end - at + 1))
    return found
