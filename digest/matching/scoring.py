"""The seam of likeness: how near a paper is to an interest, by a measure that stays put.

A scorer compares what an interest says (statement, examples) with papers. It decides nothing:
thresholds, exclusions and caps are `digest.matching.ranking`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from digest.matching.stream import Stream
from digest.model import Hit, Interest, Paper

Floats = NDArray[np.float32]
Ready = TypeVar("Ready")  #: what a scorer keeps of a batch of papers


def nothing_near(_interest: int, _paper: int) -> str | None:
    """The `resembles` of a scorer without examples."""
    return None


def nothing_told(_interest: int, _paper: int) -> tuple[Hit, ...]:
    """The `told` of a scorer that cannot say which words spoke for a paper."""
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Likeness of every interest (rows) to every paper (columns), both float32.

    `values`: higher is nearer; -inf where the interest has nothing to compare (no statement, no
    liked example). `share`: the part of the recent stream that scores at least as high, 0 to 1
    (0.01 = "top 1 %"; 1 where nothing is compared), measured on a fixed background and never on
    the batch itself. `level`: likeness in itself, whatever else the stream brings, on the scale of
    `ranking.LIKE`; None where the scorer cannot say. `resembles(row, column)`: title of the liked
    example nearest to the paper, None when the statement is nearer or there is none. `told(row,
    column)`: the statement's most telling words in the paper, and where. Both are asked only for
    papers that are listed. `aversion`: where an interest has disliked examples and nothing else to
    compare, what a paper loses for being like them, 0 to 1; None where nobody is averse.
    """

    values: Floats
    share: Floats
    resembles: Callable[[int, int], str | None] = nothing_near
    told: Callable[[int, int], tuple[Hit, ...]] = nothing_told
    level: Floats | None = None
    aversion: Floats | None = None


FARTHEST = 4.0  #: decades of share that count: top 0.01 % is as near as it gets


def nearness(share: Floats) -> NDArray[np.float64]:
    """The decades of share, 0 (all of the stream) to 1 (its best 0.01 %)."""
    decades: NDArray[np.float64] = -np.log10(np.maximum(share, 10**-FARTHEST)) / FARTHEST
    return decades


Alike = Mapping[int, Mapping[int, float]]  #: what being beside another costs, 0 to 1


@runtime_checkable
class Comparer(Protocol):
    """A scorer that can also tell which papers of a batch say nearly the same.

    Rows of the batch, each with the nearest first; what is not named has nothing in common.
    """

    def alike(self, ready: Any) -> Alike: ...


class Scorer(Protocol[Ready]):
    """Compares interests with papers.

    `prepare` does once what all interests share (tokens, vectors); `stream` has the words of the
    papers' titles and abstracts, where they were cut already. `score` is called with slices
    of about a thousand interests that say something to compare, so that memory stays bounded; a
    slice or a batch may be empty. Neither raises for a text that is empty or strange.
    """

    def prepare(self, papers: Sequence[Paper], stream: Stream | None = None) -> Ready: ...

    def score(self, interests: Sequence[Interest], ready: Ready) -> Scores: ...
