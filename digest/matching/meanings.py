"""The vectors of a batch's papers, as interests are compared with them.

Examples are compared with papers as embedded; statements with what is left of papers, titles and
sentences when the background's mean is taken away, at unit length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from digest.matching.base import Vectors
from digest.matching.sparse import Floats, Ints

CELLS = 1 << 17  #: numbers of one intermediate array: it stays in the cache
FEW = 32  #: questions up to which one array is made for all parts of all papers


class Meanings(Protocol):
    """What can be asked of the vectors of some papers, whichever way they are kept."""

    def of(self, papers: Ints | slice) -> Vectors:
        """The vectors of some papers as embedded: a copy, or not to be written to."""
        ...

    def products(self, vectors: Vectors) -> Floats:
        """Every paper as embedded times each vector: papers × vectors."""
        ...

    def cosines(self, questions: Vectors) -> tuple[Floats, Floats]:
        """Questions × papers: the whole paper, and the nearest of its title and sentences."""
        ...

    def cosine(self, question: Vectors, paper: int) -> float:
        """One question and one whole paper."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Singles:
    """Meanings ready to be compared, in single precision; paper i has the parts from `starts[i]`.

    `centred` and `parts` have no mean and unit length; `centred` has the title said once more.
    """

    whole: Vectors
    centred: Vectors
    parts: Vectors
    starts: Ints  #: one more than there are papers

    def of(self, papers: Ints | slice) -> Vectors:
        return self.whole[papers]

    def products(self, vectors: Vectors) -> Floats:
        return self.whole @ vectors.T

    def cosine(self, question: Vectors, paper: int) -> float:
        return float(question @ self.centred[paper])

    def cosines(self, questions: Vectors) -> tuple[Floats, Floats]:
        return questions @ self.centred.T, self._nearest(questions)

    def _nearest(self, questions: Vectors) -> Floats:
        papers = len(self.whole)
        found = np.zeros((len(questions), papers), np.float32)
        if len(questions) <= FEW:
            if papers:
                cosines = questions @ self.parts.T
                np.maximum.reduceat(cosines, self.starts[:-1], axis=1, out=found)
            return found
        step = max(1, CELLS // max(questions.shape))
        for start in range(0, papers, step):
            starts = self.starts[start : start + step + 1]
            found[:, start : start + step] = _nearest_of(questions, self.parts, starts)
        return found


def _nearest_of(questions: Vectors, parts: Vectors, starts: Ints) -> Floats:
    """The same for some papers: all first parts, then the second ones of those that have one …

    Whole arrays are compared, which is faster than looking through the parts of each paper.
    """
    sizes = np.diff(starts)
    order = np.argsort(-sizes, kind="stable")
    best = questions @ parts[starts[order]].T
    for nth in range(1, int(sizes.max())):
        having = order[: np.count_nonzero(sizes > nth)]
        among = best[:, : len(having)]
        np.maximum(among, questions @ parts[starts[having] + nth].T, out=among)
    found = np.empty_like(best)
    found[:, order] = best
    return found
