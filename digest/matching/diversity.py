"""Variety: five near-copies of one result do not fill a digest.

Maximal marginal relevance (Carbonell & Goldstein 1998): a paper gives up part of its score for
being like one already listed. Only clear likeness costs anything, so that a narrow interest is not
thinned out, and a paper that costs is put back, never dropped. Which papers are alike is worked out
once a batch; titles that are nearly the same are `digest.matching.twins`'.
"""

from __future__ import annotations

import numpy as np

from digest.matching.base import Vectors
from digest.matching.scoring import Alike

LIKENESS = 0.6  #: cosine from which two papers tell the same; one paper in ten has such another
MOST = 8  #: near-copies of one paper that are known
ROWS = 512  #: papers compared at once; bounds memory


def find_alike(vectors: Vectors) -> Alike:
    """For each row that has near-copies, these and the cost beside them: 0 at LIKENESS, 1 at 1."""
    found: dict[int, dict[int, float]] = {}
    for start in range(0, len(vectors), ROWS):
        cosines = vectors[start : start + ROWS] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, own + start] = 0
        for row in np.flatnonzero(cosines.max(axis=1) > LIKENESS).tolist():
            best = np.argsort(-cosines[row], kind="stable")[:MOST]
            costs = np.clip((cosines[row, best] - LIKENESS) / (1 - LIKENESS), 0, 1).round(3)
            pairs = zip(best.tolist(), costs.tolist(), strict=True)
            found[row + start] = {column: cost for column, cost in pairs if cost}
    return found
