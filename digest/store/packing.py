"""How what a digest told of is written into its one row of `sent`, and read again: pure.

    101,102,205,v2,307,v0      papers 101 and 102 in their first version, 205 in its second, and
                               307 in 0: of a source that has none

The version stands behind its paper where it is not the first, so that lists of papers can be
written one by one and joined, and a paper is found by looking for its number among the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Final

from digest.model import PaperId

BETWEEN: Final = ","
_VERSION: Final = "v"
_FIRST: Final = 1


class Packing(dict[PaperId, str]):
    """How the papers of one window are told, each of them written once."""

    def __init__(self, versions: Mapping[PaperId, int]) -> None:
        super().__init__()
        self.versions = versions  #: knows all of them

    def __missing__(self, paper: PaperId) -> str:
        version = self.versions[paper]
        told = str(paper) if version == _FIRST else f"{paper},{_VERSION}{version}"
        self[paper] = told
        return told

    def pack(self, papers: Iterable[PaperId]) -> str:
        return BETWEEN.join(map(self.__getitem__, papers))


def unpack(packed: str) -> Iterator[tuple[PaperId, int]]:
    """The papers, each with its version."""
    words = packed.split(BETWEEN) if packed else []
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if not word.startswith(_VERSION):
            is_told = following.startswith(_VERSION)
            yield PaperId(int(word)), int(following[1:]) if is_told else _FIRST


def holds(packed: str, papers: Iterable[str]) -> bool:
    """Whether any of these numbers of papers is in it; quick, for most rows hold none."""
    return not frozenset(packed.split(BETWEEN)).isdisjoint(papers)
