"""The second stage: a transformer looks again at the best papers of each list.

    .5 first score + .5 cosine, both standardised, over each interest's best `depth` papers

The reordered papers share out among themselves the scores they had, so the scale, the shares and
the number of papers above a threshold stay what they were: the stage can come and go without
re-configuration, and while its model is away the first stage's order stands. A paper's vector is
computed once for everybody, and only for papers that reach the top of some list.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from time import monotonic

import numpy as np

from digest.errors import ConfigError
from digest.matching.background import Background, evenly
from digest.matching.base import Embedder, Vectors
from digest.matching.sparse import Floats
from digest.matching.vectors import VectorStore, ensure
from digest.model import Interest, Paper

DEPTH = 100
YARDSTICK = 200  #: background papers that say what cosine is usual
REST = 300.0  #: seconds for which a model that failed is not asked again

log = logging.getLogger(__name__)


class SecondStage:
    def __init__(
        self,
        embedder: Embedder,
        background: Background,
        *,
        store: VectorStore,
        depth: int = DEPTH,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._depth = depth
        self._rests_until = 0.0
        self._background = background

    @cached_property
    def _yardstick(self) -> Vectors:
        return self._vectors(evenly(self._background.read(), YARDSTICK))

    def try_to_reorder(
        self, interests: Sequence[Interest], papers: Sequence[Paper], values: Floats, share: Floats
    ) -> None:
        """`reorder`, or the first stage's order where the model is away: no digest waits for it."""
        if monotonic() < self._rests_until:
            return
        try:
            self.reorder(interests, papers, values, share)
        except ConfigError as error:
            self._rests_until = monotonic() + REST
            told = "The second stage is left out, and asked again in five minutes: %s"
            log.warning(told, error, extra={"action": "second_stage_left_out"})

    def reorder(
        self, interests: Sequence[Interest], papers: Sequence[Paper], values: Floats, share: Floats
    ) -> None:
        """Reorder each row of `values` and `share` in place; rows of -inf stay.

        Raises ConfigError when the model is away; the rows that were not reached stay as they were.
        """
        for row, interest in enumerate(interests):
            if np.isneginf(values[row]).all():
                continue
            top = best_first(values[row], self._depth)
            points, liked = self._points(interest)
            second = self._likeness(points, liked, [papers[int(at)] for at in top])
            first = values[row, top]
            order = np.argsort(-(first / 2 + second / 2), kind="stable")
            values[row, top[order]], share[row, top[order]] = first, share[row, top]

    def _points(self, interest: Interest) -> tuple[Vectors, int]:
        """The interest's vectors: the statement first when there is one; number of examples."""
        liked = [f"{e.title}. {e.abstract}" for e in interest.examples if e.positive]
        stated = [interest.statement] if interest.statement.strip() else []
        return self._embedder.embed([*stated, *liked]), len(liked)

    def _likeness(self, points: Vectors, liked: int, papers: Sequence[Paper]) -> Floats:
        """Standardised cosines: to the statement, to the mean and to the nearest example."""
        here, usual = self._vectors(papers) @ points.T, self._yardstick @ points.T
        stated = points.shape[0] - liked
        found = [_standard(here[:, at], usual[:, at]) for at in range(stated)]
        if liked:
            found.append(_standard(here[:, stated:].mean(axis=1), usual[:, stated:].mean(axis=1)))
            found.append(_standard(here[:, stated:].max(axis=1), usual[:, stated:].max(axis=1)))
        total: Floats = np.mean(found, axis=0)
        return total

    def _vectors(self, papers: Sequence[Paper]) -> Vectors:
        found = ensure(self._embedder, papers, self._store)
        return np.array([found[paper.id][0] for paper in papers], np.float32)


def best_first(values: Floats, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Columns of the `count` highest values, best first, ties by column."""
    order: np.ndarray[tuple[int], np.dtype[np.int64]] = np.argsort(-values, kind="stable")[:count]
    return order


def _standard(values: Floats, usual: Floats) -> Floats:
    standard: Floats = (values - usual.mean()) / max(float(usual.std()), 1e-3)
    return standard
