"""What a score means: how usual it is in the background, as a small value that can be kept.

One interest against one background needs a few dozen numbers: mean and spread of each part of the
score, and the scores that the top 1, 2, 3 … papers of the background reach. Between those the share
is interpolated on a logarithmic scale; beyond the best paper it goes on falling at the same pace,
so that two papers better than any before are still told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.matching.base import Vectors
from digest.matching.sparse import Floats

RANKS = np.unique(np.geomspace(1, 4096, 40).astype(int))
FARTHEST = 40.0  #: e-folds of share beyond the best of the background
FLOOR = 0.02  #: least spread of a part: in a background that never moves, a hit is not infinite


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Means and spreads of the parts of a score; levels[i] is reached by shares[i] of the stream.

    `levels` fall, `shares` rise; `centre` and `spread` belong to the sum of the weighted parts.
    """

    means: Floats
    spreads: Floats
    centre: float
    spread: float
    levels: Floats
    shares: Floats

    def total(self, parts: Sequence[Floats], weights: Sequence[float]) -> Floats:
        """Standardised score of each paper: spreads above what is usual in the background."""
        summed = weighted(parts, weights, self.means, self.spreads)
        standard: Floats = (summed - np.float32(self.centre)) / np.float32(self.spread)
        return standard

    def share(self, totals: Floats) -> Floats:
        """The part of the stream that scores at least as high, in (0, 1]."""
        logs = np.log(self.shares)
        inside = np.interp(-totals, -self.levels, logs)
        beyond = np.clip((totals - self.levels[0]) * self._pace(), 0, FARTHEST)
        shares: Floats = np.exp(inside - beyond).astype(np.float32)
        return shares

    def _pace(self) -> float:
        """How fast the logarithm of the share falls per unit of score, at the top."""
        far = min(len(self.levels) - 1, int(np.searchsorted(self.shares, 0.02)))
        rise = float(self.levels[0] - self.levels[far])
        return float(np.log(self.shares[far] / self.shares[0])) / rise if rise > 1e-6 else 1.0


def weighted(
    parts: Sequence[Floats], weights: Sequence[float], means: Floats, spreads: Floats
) -> Floats:
    total = np.zeros_like(parts[0])
    for part, weight, mean, spread in zip(parts, weights, means, spreads, strict=True):
        total += np.float32(weight / spread) * (part - mean)
    return total


def calibrate(parts: Sequence[Floats], weights: Sequence[float]) -> Calibration:
    """Measure the parts on the background's sample (one array a part, one value a paper).

    A part with a negative weight does not set the scale: what is disliked always costs something.
    """
    means = np.array([part.mean() for part in parts], np.float32)
    spreads = np.array([max(float(part.std()), FLOOR) for part in parts], np.float32)
    summed = weighted(parts, weights, means, spreads)
    wanted = weighted(parts, np.maximum(weights, 0).tolist(), means, spreads)
    centre, spread = float(wanted.mean()), max(float(wanted.std()), FLOOR)
    ordered = np.sort((summed - centre) / spread)[::-1]
    ranks = np.unique(np.append(RANKS[: np.searchsorted(RANKS, len(ordered))], len(ordered)))
    shares = (ranks / len(ordered)).astype(np.float32)
    levels: Vectors = ordered[ranks - 1].astype(np.float32)
    return Calibration(means, spreads, centre, spread, levels, shares)
