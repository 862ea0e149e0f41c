"""Exact nearest papers, and near-copies that do not fill a digest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from digest.matching.diversity import MOST, find_alike
from digest.matching.nearest import nearest
from digest.matching.placing import Taken, place_all
from digest.matching.static import unit
from digest.model import PaperId


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


def test_near_copies_are_known_both_ways_round() -> None:
    vectors = rows(6, width=64)
    vectors[1] = unit(vectors[:1] + np.float32(0.3) * vectors[1:2])[0]
    vectors[4] = vectors[0]
    alike = find_alike(vectors)
    assert set(alike) == {0, 1, 4}
    assert alike[0][4] == alike[4][0] == pytest.approx(1)
    assert 0 < alike[0][1] == alike[1][0] < 1
    assert find_alike(vectors[:0]) == {}


def test_a_crowd_of_copies_stays_small() -> None:
    vectors = np.repeat(rows(1), 1200, axis=0)
    assert {len(others) for others in find_alike(vectors).values()} == {MOST}


@dataclass
class Listed:
    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]


def listed(*scores: float, first: int = 0) -> Listed:
    return Listed(tuple(PaperId(first + at) for at in range(len(scores))), scores)


def crowd(size: int, cost: float) -> dict[PaperId, dict[PaperId, float]]:
    """The first so many papers say the same."""
    ids = [PaperId(at) for at in range(size)]
    return {one: {other: cost for other in ids if other != one} for one in ids}


FALLING = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
PLACED = {
    "copies go last": (crowd(5, 1.0), 3, [0, 5, 6]),
    "and still fill what is left": (crowd(5, 1.0), 5, [0, 5, 6, 1, 2]),
    "a little likeness costs a little": (crowd(3, 0.25), 4, [0, 3, 1, 4]),
    "no likeness": ({}, 3, [0, 1, 2]),
    "more room than papers": (crowd(7, 0.5), 9, [0, 1, 2, 3, 4, 5, 6]),
}


@pytest.mark.parametrize(("alike", "room", "expected"), PLACED.values(), ids=PLACED)
def test_near_copies_give_way(
    alike: dict[PaperId, dict[PaperId, float]], room: int, expected: list[int]
) -> None:
    taken = Taken((), twins={}, alike=alike)
    assert place_all([listed(*FALLING)], [room], taken, most=room) == [expected]


def test_copies_give_way_across_interests() -> None:
    one, other = listed(1.0, 0.9), Listed((PaperId(7), PaperId(8)), (0.8, 0.7))
    alike = {PaperId(0): {PaperId(7): 1.0}, PaperId(7): {PaperId(0): 1.0}}
    taken = Taken((), twins={}, alike=alike)
    assert place_all([one, other], [2, 1], taken, most=3) == [[0, 1], [1]]
