"""The stems of a batch of papers, numbered, and where each of them stands.

The words were cut for the keyword queries already: of each different one the stem is looked up
once, and the rest is numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from digest.matching.lexicon import TITLE_TIMES, Occurring, Words
from digest.matching.stems import stem
from digest.matching.stream import Stream
from digest.model import Paper

Smalls = NDArray[np.int32]
_NOTHING = -1  #: the number of what a word says that says nothing
_SHIFT = 40  #: a stem's number stands above a position


def stream_of(papers: Sequence[Paper]) -> Stream:
    """Each paper's title and abstract in turn."""
    return Stream([text for paper in papers for text in (paper.title, paper.abstract)])


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where stems stand: run number r is of the stem `stems[r]` in the paper `papers[r]`, at the
    positions of the stream from `places[starts[r]]` to before `places[starts[r + 1]]`.

    Runs rise by stem, then by paper; positions rise in each.
    """

    stems: Smalls
    papers: Smalls
    starts: Smalls
    places: Smalls


class Stemmed(Sequence[Words]):
    """The stems of the titles and abstracts of a stream (see `stream_of`)."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        found = list(map(stem, stream.vocabulary))
        self.names = list(dict.fromkeys(filter(None, found)))
        self.numbers = {name: number for number, name in enumerate(self.names)}
        by_word = [self.numbers.get(one, _NOTHING) for one in found]
        self._ids = np.array(by_word, np.int32)[stream.ids]

    def __len__(self) -> int:
        return len(self.stream.begins) // 2

    @overload
    def __getitem__(self, paper: int) -> Words: ...
    @overload
    def __getitem__(self, paper: slice) -> Sequence[Words]: ...
    def __getitem__(self, paper: int | slice) -> Words | Sequence[Words]:
        if isinstance(paper, slice):
            return [self[one] for one in range(*paper.indices(len(self)))]
        if not 0 <= paper < len(self):
            raise IndexError(paper)
        return self._said(2 * paper), self._said(2 * paper + 1)

    def _said(self, text: int) -> list[str]:
        start, end = self.stream.begins[text : text + 2].tolist()
        ids = self._ids[start:end]
        return list(map(self.names.__getitem__, ids[ids != _NOTHING].tolist()))

    @cached_property
    def standing(self) -> Standing:
        there = np.flatnonzero(self._ids != _NOTHING)
        both = self._ids[there].astype(np.int64) << _SHIFT | there
        both.sort()
        stems = (both >> _SHIFT).astype(np.int32)
        places = (both & (1 << _SHIFT) - 1).astype(np.int32)
        papers = self.stream.text_of[places] >> 1
        starts = np.flatnonzero(np.diff(stems, prepend=-1) | np.diff(papers, prepend=-1))
        ends = np.append(starts, len(both)).astype(np.int32)
        return Standing(stems[starts], papers[starts], ends, places)

    def occurring(self) -> Occurring:
        found = self.standing
        in_abstract = (self.stream.text_of[found.places] & 1).astype(np.bool_)
        often = np.zeros(len(found.stems), np.float32)
        if len(often):
            times = np.where(in_abstract, 1, TITLE_TIMES)
            often[:] = np.add.reduceat(times, found.starts[:-1])
        lengths = np.bincount(found.papers, often, minlength=len(self)).astype(np.int64)
        starts = np.searchsorted(found.stems, np.arange(len(self.names) + 1))
        papers = found.papers.astype(np.int64)
        return Occurring(self.numbers, starts, papers, often, lengths)
