"""Authors, categories and sources: fields that hold names, not prose.

A name is found when all its words are among one author's own, in any order (`author:"Ada Lovelace"`
finds "Lovelace, Ada K."); an initial stands for any given name that begins so, but a full name is
not taken for an initial in the listing: too many people share those. A category is found by itself
or by a part of it (`category:cs` finds cs.CL, `category:math` does not find math-ph).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from digest.matching.terms import cut, spans, surface

_LAST = "\U0010ffff"


@lru_cache(maxsize=1 << 16)
def name_words(name: str) -> tuple[str, ...]:
    return tuple(surface(word) for word in cut(name))


def find_name(wanted: Sequence[str], name: str, *, prefix: bool = False) -> tuple[int, int] | None:
    """The part of `name` where the words of `wanted` stand; None when one of them does not."""
    words = name_words(name)
    taken: list[int] = []
    full = [word for word in wanted if len(word) > 1]
    initials = [word for word in wanted if len(word) == 1]
    for word in full + initials:
        ends_open = (prefix and word == wanted[-1]) or (len(word) == 1 and bool(full))
        at = _first(words, word, ends_open=ends_open, taken=taken)
        if at is None:
            return None
        taken.append(at)
    places = spans(name)
    return places[min(taken)][0], places[max(taken)][1]


def _first(
    words: Sequence[str], wanted: str, *, ends_open: bool, taken: Sequence[int]
) -> int | None:
    for at, word in enumerate(words):
        if at not in taken and (word == wanted or (ends_open and word.startswith(wanted))):
            return at
    return None


def find_label(
    wanted: Sequence[str], label: str, *, prefix: bool = False, parts: bool = True
) -> tuple[int, int] | None:
    """The part of a category or source where the words of `wanted` stand together.

    Without `parts`, what is hyphenated is found whole only.
    """
    words, size = name_words(label), len(wanted)
    for at in range(len(words) - size + 1):
        run = words[at : at + size]
        last = run[-1].startswith(wanted[-1]) if prefix else run[-1] == wanted[-1]
        if last and tuple(run[:-1]) == tuple(wanted[:-1]):
            places = spans(label)
            start, end = places[at][0], places[at + size - 1][1]
            if prefix or parts or not _hyphenated(label, start, end):
                return start, end
    return None


def _hyphenated(label: str, start: int, end: int) -> bool:
    return label[:start].endswith("-") or label[end:].startswith("-")


class NameIndex:
    """The authors of a batch, by the words of their names."""

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        self._names: list[tuple[int, str]] = []
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for owner, name in names:
            for word in set(name_words(name)):
                self._by_word[word].append(len(self._names))
            self._names.append((owner, name))
        self._words = sorted(self._by_word)

    def owners(self, text: str, *, prefix: bool = False) -> list[int]:
        """Who has a name in which all words of `text` are found."""
        wanted = name_words(text)
        return sorted(
            {
                owner
                for owner, name in map(self._names.__getitem__, self._candidates(wanted, prefix))
                if find_name(wanted, name, prefix=prefix)
            }
        )

    def _candidates(self, wanted: Sequence[str], prefix: bool) -> Iterable[int]:
        """The names that have the rarest full word of `wanted`."""
        exact = wanted[:-1] if prefix else wanted
        full = [word for word in exact if len(word) > 1] or list(exact)
        if full:
            return min((self._by_word.get(word, []) for word in full), key=len)
        low = bisect_left(self._words, wanted[-1])
        high = bisect_left(self._words, wanted[-1] + _LAST)
        return {at for word in self._words[low:high] for at in self._by_word[word]}


class LabelIndex:
    """The categories or sources of a batch, each looked at once."""

    def __init__(self, labels: Iterable[tuple[int, str]], *, parts: bool) -> None:
        self._parts = parts
        self._owners: dict[str, list[int]] = defaultdict(list)
        for owner, label in labels:
            self._owners[label].append(owner)

    def owners(self, text: str, *, prefix: bool = False) -> list[int]:
        wanted = name_words(text)
        return sorted(
            {
                owner
                for label, owners in self._owners.items()
                if find_label(wanted, label, prefix=prefix, parts=self._parts)
                for owner in owners
            }
        )
