"""Vectors in half precision say what the same vectors say in single precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from digest.matching.meanings import Singles
from digest.matching.static import unit
from digest.model import PaperId
from digest.searching.frame import titled
from digest.searching.halves import HalfMeanings, HalfVectors, single

WIDTH = 16


def test_every_finite_half_is_what_numpy_makes_of_it() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    made = single(halves, np.empty(len(halves), np.float32))
    assert made.tobytes() == halves.astype(np.float32).tobytes()  # zero has a sign too


def blocks(sizes: Sequence[int]) -> dict[PaperId, Any]:
    """Vectors of papers with so many rows; none where that is zero."""
    chance = np.random.default_rng(11)
    made = {
        PaperId(at): unit(chance.standard_normal((size, WIDTH)).astype(np.float32) + 0.2)
        for at, size in enumerate(sizes, 1)
    }
    return {paper: rows.astype(np.float16) for paper, rows in made.items() if len(rows)}


def read(sizes: Sequence[int]) -> HalfVectors:
    rows = blocks(sizes)

    def stored(papers: Sequence[PaperId]) -> Mapping[PaperId, bytes]:
        there = [one for one in reversed(papers) if one in rows]
        return {one: rows[one].tobytes() for one in there}

    return HalfVectors.read([PaperId(at) for at in range(1, len(sizes) + 1)], stored, WIDTH)


def expected(sizes: Sequence[int], mean: Any) -> Singles:
    """The same paper by paper and in single precision."""
    found, nothing = blocks(sizes), np.zeros((1, WIDTH), np.float16)
    each = [found.get(PaperId(at), nothing).astype(np.float32) for at in range(1, len(sizes) + 1)]
    own = [rows[1:] if len(rows) > 1 else rows for rows in each]
    starts = np.cumsum([0, *map(len, own)])
    parts = np.concatenate([np.zeros((0, WIDTH), np.float32), *own])
    wholes = np.stack([rows[0] for rows in each]) if each else parts
    centred = unit(titled(wholes, parts[starts[:-1]]) - mean)
    return Singles(wholes, centred, unit(parts - mean), starts)


@pytest.mark.parametrize("asked", [1, 3, 40])
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([], id="no papers"),
        pytest.param([5], id="one"),
        pytest.param([1, 4, 0, 2, 1, 0], id="without parts, without vectors"),
        pytest.param([at % 7 for at in range(500)], id="many"),
    ],
)
def test_papers_are_compared_as_in_single_precision(sizes: list[int], asked: int) -> None:
    chance = np.random.default_rng(2)
    mean = np.full(WIDTH, 0.1, np.float32)
    questions = unit(chance.standard_normal((asked, WIDTH)).astype(np.float32))
    theirs, ours = expected(sizes, mean), HalfMeanings.measure(read(sizes), mean)
    for mine, other in zip(ours.cosines(questions), theirs.cosines(questions), strict=True):
        assert mine.shape == other.shape == (asked, len(sizes))
        assert np.allclose(mine, other, atol=1e-6)
    assert np.allclose(ours.products(questions), theirs.products(questions), atol=1e-6)
    for paper in range(len(sizes)):
        here = ours.cosine(questions[0], paper)
        assert here == pytest.approx(theirs.cosine(questions[0], paper), abs=1e-6)
    some = np.arange(len(sizes))[::-2]
    assert np.array_equal(ours.of(some), theirs.of(some))
    assert np.array_equal(ours.of(slice(1, 3)), theirs.of(slice(1, 3)))


def test_a_part_that_is_the_mean_is_like_nothing() -> None:
    mean = read([3]).rows[2].astype(np.float32)
    questions = unit(-read([3]).rows[1:2].astype(np.float32))
    _, nearest = HalfMeanings.measure(read([3]), mean).cosines(questions)
    _, theirs = expected([3], mean).cosines(questions)
    assert nearest == pytest.approx(theirs, abs=1e-6)
    assert nearest == pytest.approx(0, abs=1e-6)


def test_what_was_read_is_not_asked_for_again() -> None:
    rows, asked = blocks([3, 0, 2, 4]), list[PaperId]()

    def stored(papers: Sequence[PaperId]) -> Mapping[PaperId, bytes]:
        asked.extend(papers)
        return {one: rows[one].tobytes() for one in papers if one in rows}

    some = [PaperId(1), PaperId(2), PaperId(3)]
    lent = HalfVectors.read(some, stored, WIDTH).lend(some, stored)
    asked.clear()
    wanted = [PaperId(4), PaperId(2), PaperId(3)]
    again = HalfVectors.read(wanted, lent, WIDTH)
    assert asked == [PaperId(4)]
    assert again.starts.tolist() == [0, 4, 5, 7]
    assert np.array_equal(again.rows, HalfVectors.read(wanted, stored, WIDTH).rows)
