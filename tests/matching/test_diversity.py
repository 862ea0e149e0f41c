"""Exact nearest papers, and near-copies that do not fill a digest."""

from __future__ import annotations

import numpy as np
import pytest

from digest.matching.diversity import varied
from digest.matching.nearest import nearest
from digest.matching.static import unit


def rows(count: int, width: int = 16, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32))


@pytest.mark.parametrize(
    ("points", "papers", "count"),
    [(3, 5, 15), (2500, 500, 15), (10, 257, 15), (4, 64, 15), (7, 0, 5), (7, 100, 0)],
)
def test_nearest_is_exact(points: int, papers: int, count: int) -> None:
    left, right = rows(points), rows(papers, seed=1)
    if papers > 20:
        right[10:15] = right[3]  # ties
    expected = np.argsort(-(left @ right.T), axis=1, kind="stable")[:, :count]
    found = np.vstack([columns for _, columns, _ in nearest(left, right, count)])
    cosines = np.vstack([values for _, _, values in nearest(left, right, count)])
    best = np.take_along_axis(left @ right.T, expected, axis=1)
    np.testing.assert_allclose(cosines, best, atol=1e-5)
    assert found.shape == expected.shape


def test_near_copies_give_way() -> None:
    vectors = rows(8, width=64)
    vectors[:5] = vectors[0]
    scores = np.array([3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4, 2.3], np.float32)
    assert varied(scores, vectors, 4) == [0, 5, 6, 7]
    assert varied(scores, rows(8, width=64), 4) == [0, 1, 2, 3]
    assert varied(scores[:2], vectors[:2], 5) == [0, 1]
