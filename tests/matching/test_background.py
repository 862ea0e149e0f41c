"""The first day: a background of few or no papers still gives sensible scores."""

from __future__ import annotations

import numpy as np
import pytest

from digest.matching.background import ENOUGH, Background, evenly
from digest.matching.calibration import Calibrated, calibrate, calibrate_rows
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.matching.usual import usual
from digest.matching.vectors import MemoryVectors
from digest.model import Example
from tests.matching.test_hybrid import NEW, TOPICS, interest, stream


@pytest.mark.parametrize("count", [0, 1, 30, ENOUGH - 1, ENOUGH])
def test_a_young_installation_ranks_and_calibrates(count: int) -> None:
    background = Background.of(stream(count), static_embedder(), store=MemoryVectors())
    scorer = HybridScorer(static_embedder(), background)
    liked = [Example(f"{TOPICS[1][0]} {n}", TOPICS[1][1]) for n in range(5)]
    asked = [interest("a robot hand that grasps objects"), interest(examples=liked)]
    scores = scorer.score(asked, scorer.prepare(NEW))
    assert scores.values.argmax(axis=1).tolist() == [1, 1]
    assert np.isfinite(scores.values).all()
    assert (scores.share[:, 1] < 0.25).all()
    assert scorer.score(asked, scorer.prepare([])).values.shape == (2, 0)


def test_what_is_usual_belongs_to_the_shipped_table() -> None:
    assert usual().model == static_embedder().id
    assert usual().words["learn"] > 1000


def test_a_background_is_known_by_its_papers_and_model() -> None:
    first, same, other = (
        Background.of(papers, static_embedder(), store=MemoryVectors())
        for papers in (stream(20), stream(20), stream(21))
    )
    assert first.id == same.id != other.id


def test_evenly() -> None:
    assert evenly(range(10), 3) == [0, 4, 9]
    assert evenly(range(3), 10) == [0, 1, 2]


def test_shares_go_on_falling_beyond_the_best() -> None:
    part = np.random.default_rng(2).standard_normal(2000).astype(np.float32)
    known = calibrate([part], [1.0])
    totals = known.total([np.array([-3, 0, 2, 5, 6, 5000], np.float32)], [1.0])
    shares = known.share(totals)
    assert (np.diff(shares) < 0).all()
    assert shares[1] == pytest.approx(0.5, abs=0.05)
    assert shares[-1] > 0


def test_a_part_that_never_moves_is_no_infinity() -> None:
    known = calibrate([np.zeros(300, np.float32)], [1.0])
    assert np.isfinite(known.share(known.total([np.array([0, 1], np.float32)], [1.0]))).all()


@pytest.mark.parametrize("size", [200, 201, 2250])
def test_many_interests_are_calibrated_as_each_would_be(size: int) -> None:
    weights, dice = (0.55, 0.25, 0.2), np.random.default_rng(size)
    parts = [(dice.standard_normal((40, size)) * s).astype(np.float32) for s in (1, 0.1, 0.001)]
    for part in parts:
        part[3] = 0
    together = calibrate_rows(parts, weights)
    for row, found in enumerate(together):
        alone = calibrate([part[row] for part in parts], weights)
        assert found.to_bytes() == alone.to_bytes()
        assert (found.centre, found.spread) == (alone.centre, alone.spread)
    asked = [part[:, :17] * np.float32(1.5) for part in parts]
    told = Calibrated(together)
    totals = told.total(asked, weights)
    for row, known in enumerate(together):
        total = known.total([part[row] for part in asked], weights)
        assert totals[row].tobytes() == total.tobytes()
        assert told.share(totals)[row].tobytes() == known.share(total).tobytes()
