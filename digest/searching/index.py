"""The index: segments side by side under one numbering of rows, and the frame they share."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from digest.matching.lexicon import K1, B
from digest.matching.statements import WORD_SCALE
from digest.model import FetchId, PaperId
from digest.searching.frame import Frame
from digest.searching.recent import Recent
from digest.searching.segment import GAP_BITS, Bools, Floats, Ints, Segment
from digest.searching.vocabulary import hash_of

COMMON = 1 / 16  #: share of the papers from which on a stem's scores are worth keeping
_COLUMNS = 64  #: of those stems asked for last: 256 bytes a paper in all


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
        count = self._count(stem)
        return math.log(1 + (len(self) - count + 0.5) / (count + 0.5))

    def words(self, stems: Iterable[tuple[str, int]]) -> Floats:
        """BM25 of every row for stems and how often each is asked for, in `WORD_SCALE`."""
        total = np.zeros(len(self), np.float32)
        for stem, asked in stems:
            weight = np.float32(asked * self.rarity(stem) * (K1 + 1) / WORD_SCALE)
            if self._count(stem) > COMMON * len(self):
                total += weight * self._columns.get(stem, partial(self._column, stem))
                continue
            for rows, often in self._often(stem):
                total[rows] += weight * often
        return total

    def _count(self, stem: str) -> int:
        return sum(one.stems.count(stem) for one in self.segments)

    def _column(self, stem: str) -> Floats:
        column = np.zeros(len(self), np.float32)
        for rows, often in self._often(stem):
            column[rows] = often
        return column

    def _often(self, stem: str) -> Iterator[tuple[Ints, Floats]]:
        """The rows that have the stem, and how much of a full hit each is."""
        for begin, segment in zip(self.begins, self.segments, strict=True):
            rows, times = segment.stems.of(stem)
            here, often = rows.astype(np.int64) + begin, times.astype(np.float32)
            yield here, often / (often + self._norms[here])

    @cached_property
    def _columns(self) -> Recent[str, Floats]:
        return Recent(_COLUMNS)

    def places(self, rows: Ints, stems: Iterable[str]) -> list[tuple[list[int], list[int]]]:
        """Of each row, which words of its title and of its abstract have one of these stems."""
        wanted = np.array([hash_of(one) for one in stems if one], np.uint32)
        texts = [self._stems_of(row) for row in rows.tolist()]
        found = np.concatenate([np.zeros(0, np.uint32), *(stems for stems, _ in texts)])
        here = np.flatnonzero((found[:, None] == wanted).any(axis=1))
        begins = np.cumsum([0, *(len(stems) for stems, _ in texts)])
        cuts = np.searchsorted(here, begins).tolist()
        told = []
        for at, (_, title) in enumerate(texts):
            places = (here[cuts[at] : cuts[at + 1]] - begins[at]).tolist()
            split = bisect_left(places, title)
            told.append((places[:split], [one - title for one in places[split:]]))
        return told

    def _stems_of(self, row: int) -> tuple[NDArray[np.uint32], int]:
        """The stem of each word of a paper, and how many words are its title."""
        at = bisect_right(self.begins, row) - 1
        words, row = self.segments[at].words, row - self.begins[at]
        numbers = words.stream[words.begins[row] : words.begins[row + 1]] >> GAP_BITS
        return words.vocabulary.stems[numbers], int(words.title_words[row])

    def coarse(self, vector: Floats, rows: Ints | None = None) -> Floats:
        """About the cosine of every row, or of some, to a question's vector."""
        near = vector @ self.frame.basis
        if rows is not None:
            return self._coarse_of(rows, near)
        if len(self.segments) == 1:
            only: Floats = self.segments[0].vectors.coarse @ near
            return only
        return np.concatenate([segment.vectors.coarse @ near for segment in self.segments])

    def _coarse_of(self, rows: Ints, near: Floats) -> Floats:
        found = np.zeros(len(rows), np.float32)
        for begin, segment in zip(self.begins, self.segments, strict=True):
            here = (rows >= begin) & (rows < begin + len(segment))
            found[here] = segment.vectors.coarse[rows[here] - begin] @ near
        return found

    def coarse_usual(self, vector: Floats) -> tuple[float, float]:
        """Mean and spread of `coarse` over all rows, without looking at them."""
        near = (vector @ self.frame.basis).astype(np.float64)
        mean, moments = self._coarse_moments
        centre = float(mean @ near)
        return centre, max(float(near @ moments @ near) - centre**2, 0.0) ** 0.5

    @cached_property
    def _coarse_moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The mean of the coarse vectors, and that of their products."""
        parts = [one.vectors.coarse for one in self.segments]
        sums = sum(part.sum(axis=0, dtype=np.float64) for part in parts)
        products = sum((part.T @ part).astype(np.float64) for part in parts)
        count = max(len(self), 1)
        return np.asarray(sums) / count, np.asarray(products) / count

    def cosines(self, rows: Ints, vector: Floats) -> Floats:
        """The rows' own cosines to a vector, within 1 %."""
        found = np.zeros(len(rows), np.float32)
        for begin, segment in zip(self.begins, self.segments, strict=True):
            here = (rows >= begin) & (rows < begin + len(segment))
            found[here] = segment.vectors.cosines(rows[here] - begin, vector)
        return found

    @cached_property
    def sample(self) -> Floats:
        """The vectors of the frame's papers."""
        return self.vectors(self.sample_rows)

    def vectors(self, rows: Ints) -> Floats:
        """The rows' own vectors, unit length within 1 %."""
        found = np.zeros((len(rows), len(self.frame.mean)), np.float32)
        for begin, segment in zip(self.begins, self.segments, strict=True):
            here = (rows >= begin) & (rows < begin + len(segment))
            found[here] = segment.vectors.exact(rows[here] - begin)
        return found
