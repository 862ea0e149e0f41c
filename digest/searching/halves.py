"""Papers' vectors as they are stored, in half precision, and compared without being kept otherwise.

Made single some hundred papers at a time, they never leave the processor's cache; kept single they
would take twice the memory, and filling that takes longer than making them single every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digest.matching.background import TITLE
from digest.matching.base import Vectors
from digest.matching.sparse import Floats, Ints
from digest.model import PaperId

_READ: Final = 128  #: papers asked for at once
_NEAR: Final = 192  #: papers looked at together: some 2 MB
_IN_PLACE: Final = np.int32(-0x70000001)  #: the sign and what the shift has put below it
_BIAS: Final = np.float32(2.0 ** (127 - 15))

Halves = NDArray[np.float16]
Stored = Callable[[Sequence[PaperId]], Mapping[PaperId, bytes]]  #: vectors, float16, wholes first


def single(halves: Halves, out: Vectors) -> Vectors:
    """As `out[:] = halves`, five times as fast; of finite values.

    The bits of a half, put where a single has its own, are the same number with another bias of the
    exponent (IEEE 754, 3.4). numpy makes one value after the other where it is not built for F16C.
    """
    bits = out.view(np.int32)
    bits[:] = halves.view(np.int16)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _IN_PLACE, out=bits)
    return np.multiply(out, _BIAS, out=out)


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """Some papers, their rows, and these in single precision until the next are asked for.

    `firsts` and `titles` are the places in `singles` of each whole and of its first part.
    """

    papers: slice
    rows: slice
    firsts: Ints
    titles: Ints
    singles: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class HalfVectors:
    """The rows of some papers, one paper after the other: the whole, then title and sentences.

    Paper i has those from `starts[i]`, which has one entry more than there are papers; one of which
    nothing is stored has a row of zeros. Who has no parts is their own.
    """

    rows: Halves
    starts: Ints

    @classmethod
    def read(cls, ids: Sequence[PaperId], stored: Stored, width: int) -> HalfVectors:
        """As they come, one behind the other: nothing is there twice, and nothing is moved."""
        nothing, kept, sizes = bytes(2 * width), bytearray(), [0]
        for begin in range(0, len(ids), _READ):
            some = ids[begin : begin + _READ]
            found = stored(some)
            blocks = [found.get(one, nothing) for one in some]
            sizes += [len(block) // len(nothing) for block in blocks]
            kept += b"".join(blocks)
        return cls(np.frombuffer(kept, np.float16).reshape(-1, width), np.cumsum(sizes))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def lend(self, ids: Sequence[PaperId], stored: Stored) -> Stored:
        """As `stored`, which is not asked for the papers (`ids`) that were read already."""
        places = {one: at for at, one in enumerate(ids)}

        def look(asked: Sequence[PaperId]) -> Mapping[PaperId, bytes]:
            mine = {one: self.rows_of(places[one]).tobytes() for one in asked if one in places}
            others = [one for one in asked if one not in mine]
            return {**mine, **stored(others)} if others else mine

        return look

    def rows_of(self, paper: int) -> Halves:
        return self.rows[self.starts[paper] : self.starts[paper + 1]]

    def wholes(self, papers: Ints | slice = slice(None)) -> Vectors:
        """The papers' own vectors."""
        halves = self.rows[self.starts[:-1][papers]]
        return single(halves, np.empty(halves.shape, np.float32))

    def blocks(self) -> Iterator[_Near]:
        ends = [*range(0, len(self), _NEAR), len(self)]
        most = int(max(np.diff(self.starts[ends]), default=0))
        room = np.empty((most, self.rows.shape[1]), np.float32)
        for begin, end in pairwise(ends):
            starts = self.starts[begin : end + 1] - self.starts[begin]
            rows = slice(int(self.starts[begin]), int(self.starts[end]))
            singles = single(self.rows[rows], room[: starts[-1]])
            titles = starts[:-1] + (np.diff(starts) > 1)
            yield _Near(slice(begin, end), rows, starts[:-1], titles, singles)


@dataclass(frozen=True, slots=True, eq=False)
class HalfMeanings:
    """`Meanings` of vectors in half precision: the mean is taken away from what comes out.

    The rest is one divided by a length, or zero where that is zero: of each paper with its title
    said once more (`said`), of the same without the mean (`centred`), of each row without it
    (`parts`).
    """

    vectors: HalfVectors
    mean: Vectors
    said: Floats
    centred: Floats
    parts: Floats

    @classmethod
    def measure(cls, vectors: HalfVectors, mean: Vectors) -> HalfMeanings:
        """Those vectors, compared with what this mean leaves of them."""
        said, centred = np.empty((2, len(vectors)), np.float32)
        parts = np.empty(len(vectors.rows), np.float32)
        for near in vectors.blocks():
            each = near.singles[near.firsts] + TITLE * near.singles[near.titles]
            said[near.papers] = _by_length(each)
            each *= said[near.papers, None]
            centred[near.papers] = _by_length(np.subtract(each, mean, out=each))
            parts[near.rows] = _by_length(np.subtract(near.singles, mean, out=near.singles))
        return cls(vectors, mean, said, centred, parts)

    def of(self, papers: Ints | slice) -> Vectors:
        return self.vectors.wholes(papers)

    def products(self, vectors: Vectors) -> Floats:
        found = np.empty((len(self.vectors), len(vectors)), np.float32)
        for near in self.vectors.blocks():
            found[near.papers] = near.singles[near.firsts] @ vectors.T
        return found

    def cosine(self, question: Vectors, paper: int) -> float:
        mine = self.vectors.rows_of(paper)[:2].astype(np.float32)
        first, title = mine[0], mine[-1]
        rest = (first + TITLE * title) * self.said[paper] - self.mean
        return float(question @ rest * self.centred[paper])

    def cosines(self, questions: Vectors) -> tuple[Floats, Floats]:
        usual = (questions @ self.mean)[:, None]
        whole, nearest = np.empty((2, len(questions), len(self.vectors)), np.float32)
        for near in self.vectors.blocks():
            products, papers = questions @ near.singles.T, near.papers
            said = products[:, near.firsts] + TITLE * products[:, near.titles]
            whole[:, papers] = (said * self.said[papers] - usual) * self.centred[papers]
            products -= usual
            products *= self.parts[near.rows]
            own = near.firsts != near.titles  # who has no parts is their own
            products[:, near.firsts[own]] = -np.inf
            np.maximum.reduceat(products, near.firsts, axis=1, out=nearest[:, papers])
        return whole, nearest


def _by_length(vectors: Vectors) -> Floats:
    """What makes each of unit length; zero stays zero."""
    lengths: Floats = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    np.divide(1, lengths, out=lengths, where=lengths > 0)
    return lengths
