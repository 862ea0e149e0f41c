"""Variety: five near-copies of one result do not fill a digest.

Maximal marginal relevance (Carbonell & Goldstein 1998): a paper gives up part of its score for
being like one already taken. Only clear likeness costs anything, so that a narrow interest is not
thinned out. Titles that are nearly the same are `digest.matching.twins`'.
"""

from __future__ import annotations

import numpy as np

from digest.matching.base import Vectors
from digest.matching.sparse import Floats

LIKENESS = 0.75  #: cosine from which two papers tell the same
COST = 1.0  #: score given up at cosine 1, in the unit of the scores


def varied(scores: Floats, vectors: Vectors, count: int, *, cost: float = COST) -> list[int]:
    """Rows of the `count` papers to show, best first; ties go to the earlier row.

    `scores`: higher is better. `vectors`: unit rows, one a paper. `cost` should be about the
    difference between a good and a middling score.
    """
    left = scores.astype(np.float64)
    nearest = np.zeros(len(scores))
    taken: list[int] = []
    for _ in range(min(count, len(scores))):
        penalty = cost * np.clip((nearest - LIKENESS) / (1 - LIKENESS), 0, 1)
        best = int(np.argmax(left - penalty))
        taken.append(best)
        left[best] = -np.inf
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return taken
