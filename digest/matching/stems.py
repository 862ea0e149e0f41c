"""The words of a text as likeness counts them: folded, stemmed, without the emptiest words.

Cruder than the query language on purpose: `regulates`, `regulation` and `regulatory` are one here.
"""

from __future__ import annotations

from functools import lru_cache

import Stemmer

from digest.matching.terms import cut, surface

_EMPTY = """
    a also an and are as at be been between both but by can for from has have in into is it its may
    not of on or such than that the their there these this to using was we were which will with our
    used
"""
EMPTY = frozenset(_EMPTY.split())
_STEMMER = Stemmer.Stemmer("english")
_STEMMER.maxCacheSize = 0  # of its own: `stem` has one


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """The stem of a cut word, "" for one that says nothing."""
    lower = surface(word)
    return "" if lower in EMPTY else str(_STEMMER.stemWord(lower))


def stems(text: str) -> list[str]:
    return list(filter(None, map(stem, cut(text))))
