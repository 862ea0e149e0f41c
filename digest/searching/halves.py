"""Papers' vectors as they are stored, in half precision, and compared without being kept otherwise.

Made single some hundred papers at a time, they never leave the processor's cache; kept single they
would take twice the memory, and filling that takes longer than making them single every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Vectors
from digest.matching.sparse import Floats, Ints
from digest.matching.static import unit
from digest.model import PaperId
from digest.searching.frame import titled

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

    @property
    def wholes(self) -> Vectors:
        """The papers' own vectors."""
        found = np.empty((len(self), self.rows.shape[1]), np.float32)
        for some in self._blocks():
            single(self.rows[self.starts[:-1][some]], found[some])
        return found

    @property
    def titles(self) -> Ints:
        """The row of each paper's first part."""
        return self.starts[:-1] + (np.diff(self.starts) > 1)

    def singles(self) -> Iterator[tuple[slice, slice, Vectors]]:
        """Some papers, their rows, and these in single precision until the next are asked for."""
        blocks = [(some, slice(*self._ends(some))) for some in self._blocks()]
        most = max((rows.stop - rows.start for _, rows in blocks), default=0)
        room = np.empty((most, self.rows.shape[1]), np.float32)
        for some, rows in blocks:
            yield some, rows, single(self.rows[rows], room[: rows.stop - rows.start])

    def _blocks(self) -> Iterator[slice]:
        return (slice(at, min(at + _NEAR, len(self))) for at in range(0, len(self), _NEAR))

    def _ends(self, papers: slice) -> tuple[int, int]:
        return int(self.starts[papers.start]), int(self.starts[papers.stop])


@dataclass(frozen=True, slots=True, eq=False)
class HalfParts:
    """`Parts` of vectors in half precision: the mean is taken away from what comes out.

    `lengths` has for each row one divided by its length without the mean, zero where that is zero.
    """

    vectors: HalfVectors
    mean: Vectors
    lengths: Floats

    def nearest(self, questions: Vectors) -> Floats:
        found = np.empty((len(questions), len(self.vectors)), np.float32)
        starts, usual = self.vectors.starts, (questions @ self.mean)[:, None]
        titles = self.vectors.titles
        wholes = starts[:-1] != titles
        for papers, rows, singles in self.vectors.singles():
            cosines = questions @ singles.T
            cosines -= usual
            cosines *= self.lengths[rows]
            firsts = starts[papers] - rows.start
            cosines[:, firsts[wholes[papers]]] = -np.inf
            np.maximum.reduceat(cosines, firsts, axis=1, out=found[:, papers])
        return found


def centre(vectors: HalfVectors, wholes: Vectors, mean: Vectors) -> tuple[Vectors, HalfParts]:
    """The wholes, their titles said once more, and the parts, all without the mean."""
    centred, titles = np.empty_like(wholes), vectors.titles
    lengths = np.empty(len(vectors.rows), np.float32)
    for papers, rows, singles in vectors.singles():
        said = titled(wholes[papers], singles[titles[papers] - rows.start])
        centred[papers] = unit(said - mean)
        singles -= mean
        lengths[rows] = np.einsum("ij,ij->i", singles, singles)
    np.sqrt(lengths, out=lengths)
    np.divide(1, lengths, out=lengths, where=lengths > 0)
    return centred, HalfParts(vectors, mean, lengths)
