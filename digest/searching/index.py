"""The index: segments side by side under one numbering of rows, and the frame they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digest.matching.lexicon import K1, B
from digest.matching.statements import WORD_SCALE
from digest.model import FetchId, PaperId
from digest.searching.frame import Frame
from digest.searching.segment import Bools, Floats, Ints, Segment

Column = Callable[[Segment], NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Index:
    """Everything there is to be found, as of the fetch `version`; refreshing makes another.

    Rows are numbered through all segments, in their order.
    """

    segments: tuple[Segment, ...]
    frame: Frame
    version: FetchId

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """The number of each segment's first row."""
        sizes = [0, *map(len, self.segments)]
        return tuple(np.cumsum(sizes[:-1] if len(sizes) > 1 else [0]).tolist())

    @cached_property
    def ids(self) -> Ints:
        return np.concatenate([np.zeros(0, np.int64), *(one.ids for one in self.segments)])

    @cached_property
    def alive(self) -> Bools:
        return np.concatenate([np.zeros(0, np.bool_), *(one.alive for one in self.segments)])

    @cached_property
    def days(self) -> NDArray[np.int32]:
        return np.concatenate([np.zeros(0, np.int32), *(one.days for one in self.segments)])

    @cached_property
    def votes(self) -> NDArray[np.int32]:
        return np.concatenate([np.zeros(0, np.int32), *(one.votes for one in self.segments)])

    @cached_property
    def rows(self) -> Mapping[PaperId, int]:
        """Where each paper is."""
        alive = np.flatnonzero(self.alive)
        return dict(zip(map(PaperId, self.ids[alive].tolist()), alive.tolist(), strict=True))

    @cached_property
    def sample_rows(self) -> Ints:
        """The rows of the frame's papers, one of none as 0: they change little, and rarely."""
        return np.array([self.rows.get(PaperId(one), 0) for one in self.frame.sample.tolist()], int)

    @cached_property
    def _norms(self) -> Floats:
        lengths = np.concatenate([one.lengths for one in self.segments]).astype(np.float32)
        norms: Floats = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
        return norms

    # --- likeness of all rows -------------------------------------------------------------------

    def rarity(self, stem: str) -> float:
        """BM25's idf over the archive, in the form that is never negative."""
        count = sum(len(one.stems.of(stem)[0]) for one in self.segments)
        return float(np.log(1 + (len(self) - count + 0.5) / (count + 0.5)))

    def words(self, stems: Iterable[tuple[str, int]]) -> Floats:
        """BM25 of every row for stems and how often each is asked for, in `WORD_SCALE`."""
        total = np.zeros(len(self), np.float32)
        for stem, asked in stems:
            weight = asked * self.rarity(stem) * (K1 + 1) / WORD_SCALE
            for begin, segment in zip(self.begins, self.segments, strict=True):
                rows, times = segment.stems.of(stem)
                norms = self._norms[begin : begin + len(segment)]
                often = times.astype(np.float32)
                total[begin : begin + len(segment)][rows] += weight * often / (often + norms[rows])
        return total

    def coarse(self, vector: Floats) -> Floats:
        """About the cosine of every row to a question's vector."""
        near = vector @ self.frame.basis
        return np.concatenate([segment.vectors.coarse @ near for segment in self.segments])

    def vectors(self, rows: Ints) -> Floats:
        """The rows' own vectors, unit length within 1 %."""
        found = np.zeros((len(rows), len(self.frame.mean)), np.float32)
        for begin, segment in zip(self.begins, self.segments, strict=True):
            here = (rows >= begin) & (rows < begin + len(segment))
            found[here] = segment.vectors.exact(rows[here] - begin)
        return found
