"""Papers whose titles are nearly the same: one of them is enough for a digest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from digest.matching.terms import cut, is_function_word, key, surface
from digest.model import Paper, PaperId

ALIKE = 0.8  #: words in common over words in all
_COMMON = 50  #: a word in more titles than this tells no twins


def find_twins(papers: Sequence[Paper]) -> dict[PaperId, PaperId]:
    """Each paper that has a twin, and the one that stands for both."""
    words = [_title_words(paper.title) for paper in papers]
    heads: dict[PaperId, PaperId] = {}
    for a, b in _neighbours(words):
        if _alike(words[a], words[b]):
            first = heads.get(papers[a].id, papers[a].id)
            heads[papers[a].id] = first
            heads[papers[b].id] = first
    return heads


def _title_words(title: str) -> frozenset[str]:
    return frozenset(key(word) for word in cut(title) if not is_function_word(surface(word)))


def _neighbours(words: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Pairs of titles whose rarest word in common is not everybody's, in order.

    Of titles that are ALIKE, that word is among the rarest few of both: so many as may be missing
    in the other, and one (the prefix filter of Chaudhuri, Ganti & Kaushik 2006).
    """
    counts = Counter(word for title in words for word in title)
    holders: dict[str, list[int]] = defaultdict(list)
    for at, title in enumerate(words):
        rarest = sorted(title, key=lambda word: (counts[word], word))
        for word in rarest[: 1 + int(len(title) * (1 - ALIKE) + 1e-9)]:
            holders[word].append(at)
    rare = (who for word, who in holders.items() if counts[word] <= _COMMON)
    pairs = {(a, b) for who in rare for at, a in enumerate(who) for b in who[at + 1 :]}
    return iter(sorted(pairs))


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    """Nearly the same words, and the same numbers: GPT-3 and GPT-4 are two things."""
    different = a ^ b
    return len(a & b) >= ALIKE * len(a | b) and not any(map(_has_digit, different))


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))
