"""What a score means: how usual it is in the background, as a small value that can be kept.

One interest against one background needs a few dozen numbers: mean and spread of each part of the
score, and the scores that the top 1, 2, 3 … papers of the background reach. Between those the share
is interpolated on a logarithmic scale; beyond the best paper it goes on falling at the same pace,
so that two papers better than any before are still told apart.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Vectors
from digest.matching.sparse import Floats

RANKS = np.unique(np.geomspace(1, 4096, 40).astype(int))
REMEMBERED = 8_000  #: calibrations in memory, about 1 kB each
ROWS = 32  #: interests measured at once: what they need stays in the cache
FARTHEST = 40.0  #: e-folds of share beyond the best of the background
_HEAD = struct.Struct("<BB")  #: numbers of parts and of levels
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
        inside = np.interp(-totals, -self.levels, self.scale.logs)
        beyond = np.clip((totals - self.levels[0]) * self.pace(), 0, FARTHEST)
        shares: Floats = np.exp(inside - beyond).astype(np.float32)
        return shares

    def to_bytes(self) -> bytes:
        """A few hundred bytes that `from_bytes` reads again."""
        both = np.array([self.centre, self.spread], np.float32)
        numbers = np.concatenate([self.means, self.spreads, both, self.levels, self.shares])
        return _HEAD.pack(len(self.means), len(self.levels)) + numbers.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Calibration:
        parts, levels = _HEAD.unpack_from(data)
        numbers = np.frombuffer(data, "<f4", offset=_HEAD.size).astype(np.float32)
        scale, rest = 2 * parts, numbers[2 * parts + 2 :]
        centre, spread = numbers[scale : scale + 2].tolist()
        means, spreads = numbers[:parts], numbers[parts:scale]
        return cls(means, spreads, centre, spread, rest[:levels], rest[levels:])

    def pace(self) -> float:
        """How fast the logarithm of the share falls per unit of score, at the top."""
        scale = self.scale
        rise = float(self.levels[0] - self.levels[scale.far])
        return scale.fall / rise if rise > 1e-6 else 1.0

    @property
    def scale(self) -> _Scale:
        return _scale(self.shares.tobytes())


class _Scale(NamedTuple):
    """What is the same of all calibrations on as many papers.

    `logs` of the shares; how they `fall` between the place `far` from the top and the top.
    """

    logs: Floats
    far: int
    fall: float


@lru_cache(maxsize=64)
def _scale(shares: bytes) -> _Scale:
    known = np.frombuffer(shares, np.float32)
    far = min(len(known) - 1, int(np.searchsorted(known, 0.02)))
    return _Scale(np.log(known), far, float(np.log(known[far] / known[0])))


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """The calibrations of many interests with the same parts, whose scores are told together.

    One array a part, a row an interest; to the last bit what each calibration would give.
    """

    known: Sequence[Calibration]

    def total(self, parts: Sequence[Floats], weights: Sequence[float]) -> Floats:
        means = np.stack([one.means for one in self.known])
        spreads = np.stack([one.spreads for one in self.known])
        scales = np.array([(one.centre, one.spread) for one in self.known], np.float32)
        total = np.zeros_like(parts[0])
        for at, (part, weight) in enumerate(zip(parts, weights, strict=True)):
            total += np.float32(weight) / spreads[:, at : at + 1] * (part - means[:, at : at + 1])
        total -= scales[:, :1]
        total /= scales[:, 1:]
        return total

    def share(self, totals: Floats) -> Floats:
        tops = np.array([[one.levels[0]] for one in self.known], np.float32)
        paces = np.array([[one.pace()] for one in self.known], np.float32)
        beyond = np.clip((totals - tops) * paces, 0, FARTHEST)
        falling, shares = -totals, np.empty_like(totals)
        for row, one in enumerate(self.known):
            inside = np.interp(falling[row], -one.levels, one.scale.logs)
            shares[row] = np.exp(inside - beyond[row])
        return shares


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
    wanted = summed
    if min(weights) < 0:
        wanted = weighted(parts, np.maximum(weights, 0).tolist(), means, spreads)
    centre, spread = float(wanted.mean()), max(float(wanted.std()), FLOOR)
    ordered = np.sort((summed - centre) / spread)[::-1]
    ranks, shares = _ranks(len(ordered))
    levels: Vectors = ordered[ranks - 1].astype(np.float32)
    return Calibration(means, spreads, centre, spread, levels, shares)


def calibrate_rows(parts: Sequence[Floats], weights: Sequence[float]) -> list[Calibration]:
    """`calibrate` for many interests with the same parts, none of them unwanted.

    One array a part, a row an interest; to the last bit what each row would give alone.
    """
    starts = range(0, len(parts[0]), ROWS)
    some = ([part[start : start + ROWS] for part in parts] for start in starts)
    return [one for rows in some for one in _calibrated(rows, weights)]


def _calibrated(parts: Sequence[Floats], weights: Sequence[float]) -> list[Calibration]:
    means = np.stack([part.mean(axis=1) for part in parts], axis=1)
    spreads = np.stack([np.maximum(part.std(axis=1), np.float32(FLOOR)) for part in parts], axis=1)
    summed = np.zeros_like(parts[0])
    for at, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        factor = np.float32(weight) / spreads[:, at : at + 1]
        summed += factor * (part - means[:, at : at + 1])
    centres = summed.mean(axis=1, keepdims=True)
    widths = np.maximum(summed.std(axis=1, keepdims=True).astype(np.float64), FLOOR)
    ordered = np.sort((summed - centres) / widths.astype(np.float32), axis=1)[:, ::-1]
    ranks, shares = _ranks(ordered.shape[1])
    levels = ordered[:, ranks - 1]
    scales = zip(centres[:, 0].tolist(), widths[:, 0].tolist(), strict=True)
    return [
        Calibration(means[row], spreads[row], centre, spread, levels[row], shares)
        for row, (centre, spread) in enumerate(scales)
    ]


@lru_cache(maxsize=64)
def _ranks(size: int) -> tuple[NDArray[np.int64], Floats]:
    """The ranks that levels are kept of among `size` papers, and their shares."""
    ranks = np.unique(np.append(RANKS[: np.searchsorted(RANKS, size)], size))
    return ranks, (ranks / size).astype(np.float32)


class CalibrationStore(Protocol):
    """Where calibrations outlive the process.

    `scorer` names formula, model and background; `load` leaves out what it does not know, and
    `save` may forget what belongs to another scorer.
    """

    def load(self, scorer: str, contents: Sequence[str]) -> Mapping[str, bytes]: ...

    def save(self, scorer: str, found: Mapping[str, bytes]) -> None: ...


class Calibrations:
    """The calibrations of one scorer by content: the latest in memory, all in a store if any."""

    def __init__(self, scorer: str, store: CalibrationStore | None = None) -> None:
        self._scorer = scorer
        self._store = store
        self._kept: dict[str, Calibration] = {}

    def get(self, contents: Sequence[str]) -> dict[str, Calibration]:
        """Those that are known."""
        missing = [one for one in dict.fromkeys(contents) if one not in self._kept]
        if self._store is not None and missing:
            stored = self._store.load(self._scorer, missing)
            self._keep({one: Calibration.from_bytes(data) for one, data in stored.items()})
        return {one: self._kept[one] for one in contents if one in self._kept}

    def put(self, fresh: Mapping[str, Calibration]) -> None:
        self._keep(fresh)
        if self._store is not None and fresh:
            self._store.save(self._scorer, {one: kept.to_bytes() for one, kept in fresh.items()})

    def _keep(self, fresh: Mapping[str, Calibration]) -> None:
        if len(self._kept) + len(fresh) > REMEMBERED:
            self._kept.clear()
        self._kept.update(fresh)
