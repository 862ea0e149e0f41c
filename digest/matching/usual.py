"""What is usual in science at large: stands in until an installation has a background of its own.

`data/usual.npz` holds a few statistics of arXiv metadata (CC0), made by `tools/make_usual.py`: how
many papers hold each frequent stem, the mean of their vectors, and what scores typical statements
and typical examples reach. Only the shipped table's vectors fit the mean.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Vectors
from digest.matching.calibration import Calibration
from digest.matching.sparse import Floats

SPREAD = 0.7  #: of a typical weighted sum of standardised parts
STATED = frozenset({"words", "meaning", "nearest sentence"})  #: parts that grow with a statement


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """`words`: how many of `papers` hold a stem. The rest describes scores."""

    model: str
    papers: int
    mean_length: float
    words: Mapping[str, int]
    mean: Vectors
    parts: Mapping[str, tuple[float, float]]  #: mean and spread of each named part
    levels: Floats
    shares: Floats

    def calibration(self, names: tuple[str, ...]) -> Calibration:
        """A calibration for parts of these names; an unknown one counts as 0 ± 0.1."""
        pairs = [self.parts.get(name, (0.0, 0.1)) for name in names]
        means, spreads = (np.array(side, np.float32) for side in zip(*pairs, strict=True))
        return Calibration(means, spreads, 0.0, SPREAD, self.levels, self.shares)

    def level(
        self,
        names: Sequence[str],
        weights: Sequence[float],
        found: Sequence[Floats],
        *,
        stretch: float | NDArray[np.float64],
    ) -> Floats:
        """Spreads above the usual, by the parts that are known here.

        `stretch` scales down what a statement reaches by its length alone; for parts with a row a
        statement, a column.
        """
        known = [at for at, name in enumerate(names) if name in self.parts]
        whole = sum(max(weights[at], 0.0) for at in known)
        total = np.zeros_like(found[0])
        for at in known:
            mean, spread = self.parts[names[at]]
            scale = stretch if names[at] in STATED else 1.0
            total += np.float32(weights[at] / whole / scale / spread) * (found[at] - mean)
        return total / np.float32(SPREAD)


@lru_cache(maxsize=1)
def usual() -> Usual:
    data = files("digest.matching").joinpath("data/usual.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        stems, names = (bytes(kept[key]).decode().split("\n") for key in ("stems", "names"))
        pairs = kept["parts"].tolist()
        return Usual(
            model=bytes(kept["model"]).decode(),
            papers=int(kept["papers"]),
            mean_length=float(kept["mean_length"]),
            words=dict(zip(stems, kept["counts"].tolist(), strict=True)),
            mean=kept["mean"].astype(np.float32),
            parts={name: (mean, spread) for name, (mean, spread) in zip(names, pairs, strict=True)},
            levels=kept["levels"].astype(np.float32),
            shares=kept["shares"].astype(np.float32),
        )
