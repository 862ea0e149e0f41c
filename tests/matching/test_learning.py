"""The closed-form classifier against the plain solution of the same equations."""

from __future__ import annotations

import numpy as np
import pytest

from digest.matching import learning
from digest.matching.learning import Classifier


def plain(kernel: np.ndarray, penalties: np.ndarray, targets: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(kernel + np.diag(penalties))
    wanted, ones = inverse @ targets, inverse @ np.ones(len(targets))
    solution: np.ndarray = wanted - wanted.sum() / ones.sum() * ones
    return solution


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(5).standard_normal((70, 12))


def test_it_solves_the_whole_system_without_the_suspects(points: np.ndarray) -> None:
    negatives, liked = points[:60], points[60:]
    labels = np.array([1.0] * 7 + [-1.0] * 3, np.float32)
    cross = (liked @ negatives.T).astype(np.float32)
    own = (liked @ liked.T).astype(np.float32)
    fit = Classifier((negatives @ negatives.T).astype(np.float32), 2.0).fit(cross, own, labels)
    order = np.argsort(-cross[labels > 0].mean(axis=0), kind="stable")
    kept = np.setdiff1d(np.arange(70), order[: int(learning.SUSPECTED * 60)])
    penalties = np.concatenate([np.full(60, 2.0), np.full(10, 2.0 * 10 / 60)])[kept]
    targets = np.concatenate([-np.ones(60), labels])[kept]
    expected = plain((points @ points.T)[np.ix_(kept, kept)], penalties, targets)
    np.testing.assert_allclose(fit.coefficients[kept], expected, atol=2e-3)
    assert np.count_nonzero(fit.coefficients) == len(kept)


def test_a_negative_left_out_is_judged_as_if_never_seen(points: np.ndarray) -> None:
    negatives, liked = points[:60], points[60:]
    labels = np.ones(10, np.float32)
    fit = Classifier((negatives @ negatives.T).astype(np.float32), 5.0).fit(
        (liked @ negatives.T).astype(np.float32), (liked @ liked.T).astype(np.float32), labels
    )
    moved = fit.left_out[np.nonzero(fit.coefficients[:60])]
    assert (moved * fit.coefficients[:60][np.nonzero(fit.coefficients[:60])] < 0).all()
    one = int(np.flatnonzero(fit.coefficients[:60])[0])
    kept = np.flatnonzero(np.append(fit.coefficients[:60] != 0, np.ones(10, bool)))
    rest = kept[kept != one]
    penalties = np.concatenate([np.full(60, 5.0), np.full(10, 5.0 * 10 / 60)])[rest]
    targets = np.concatenate([-np.ones(60), labels])[rest]
    kernel = points @ points.T
    without = plain(kernel[np.ix_(rest, rest)], penalties, targets)
    inside = kernel[one] @ fit.coefficients
    assert inside + fit.left_out[one] == pytest.approx(kernel[one, rest] @ without, abs=0.15)
