"""The parts of a batch's papers, titles and sentences, as statements are compared with them.

The background's mean is taken away from each and what is left has unit length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from digest.matching.base import Vectors
from digest.matching.sparse import Floats, Ints

CELLS = 1 << 17  #: numbers of one intermediate array: it stays in the cache
FEW = 32  #: questions up to which one array is made for all parts of all papers


class Parts(Protocol):
    """What can say how near the nearest part of every paper is."""

    def nearest(self, questions: Vectors) -> Floats:
        """The best cosine over each paper's title and sentences: questions × papers."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CentredParts:
    """Parts as one array, ready to be compared; paper i has those from `starts[i]`."""

    vectors: Vectors
    starts: Ints  #: one more than there are papers

    def nearest(self, questions: Vectors) -> Floats:
        papers = len(self.starts) - 1
        found = np.zeros((len(questions), papers), np.float32)
        if len(questions) <= FEW:
            if papers:
                cosines = questions @ self.vectors.T
                np.maximum.reduceat(cosines, self.starts[:-1], axis=1, out=found)
            return found
        step = max(1, CELLS // max(questions.shape))
        for start in range(0, papers, step):
            starts = self.starts[start : start + step + 1]
            found[:, start : start + step] = _nearest_of(questions, self.vectors, starts)
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
