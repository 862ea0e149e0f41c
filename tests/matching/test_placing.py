"""Placing papers fast gives what placing them plainly gives, whatever the lists and limits."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from digest.matching.placing import COST, Taken, in_turn, place_all
from digest.model import PaperId


@dataclass
class Listed:
    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]


@dataclass
class Case:
    found: list[Listed]
    room: list[int]
    closed: list[PaperId]
    twins: dict[PaperId, PaperId]
    alike: dict[PaperId, dict[PaperId, float]]
    limit: int


def plainly(case: Case) -> list[list[int]]:
    """The rule as it is told: the best paper of all next, back into the line if it is a copy."""
    placed: list[list[int]] = [[] for _ in case.found]
    gone, listed, heads = set(case.closed), set[PaperId](), set[PaperId]()
    line = [
        (-score, row, place)
        for row, one in enumerate(case.found)
        for place, score in enumerate(one.scores)
    ]
    heapq.heapify(line)
    while line:
        falling, row, place = heapq.heappop(line)
        one = case.found[row]
        paper = one.papers[place]
        if len(placed[row]) >= case.room[row] or paper in gone:
            continue
        late = COST * first_cost(case.alike.get(paper, {}), listed) - one.scores[place]
        if late > falling + 1e-9:
            heapq.heappush(line, (late, row, place))
        elif case.twins.get(paper) is None or case.twins[paper] not in heads:
            heads |= {case.twins[paper]} if paper in case.twins else set()
            gone.add(paper)
            listed.add(paper)
            placed[row].append(place)
    turns = ((turn, row) for row, places in enumerate(placed) for turn in range(len(places)))
    kept: list[list[int]] = [[] for _ in placed]
    for turn, row in sorted(turns)[: case.limit]:
        kept[row].append(placed[row][turn])
    return kept


def first_cost(others: Mapping[PaperId, float], listed: set[PaperId]) -> float:
    return next((cost for other, cost in others.items() if other in listed), 0.0)


def some_case(dice: random.Random) -> Case:
    size = dice.choice([6, 30, 300])
    papers = list(map(PaperId, range(size)))
    found = [some_list(dice, papers) for _ in range(dice.randint(0, 5))]
    limit = dice.choice([0, 1, 3, 15, 15, 15, 80])
    copies = dice.choice([0, 0.1, 1])
    pairs = [dice.sample(papers, 2) for _ in range(dice.randint(0, size // 5))]
    twins: dict[PaperId, PaperId] = {}
    for one, other in pairs:
        twins[other] = twins[one] = twins.get(one, one)
    return Case(
        found,
        [limit if dice.random() < 0.7 else dice.randint(0, 9) for _ in found],
        dice.sample(papers, dice.randint(0, size // 3)) if dice.random() < 0.3 else [],
        twins,
        {one: some_copies(dice, papers) for one in papers if dice.random() < copies},
        limit,
    )


def some_list(dice: random.Random, papers: Sequence[PaperId]) -> Listed:
    count, decimals = dice.randint(0, min(len(papers), 60)), dice.choice([1, 5])
    scores = sorted((round(dice.random(), decimals) for _ in range(count)), reverse=True)
    return Listed(tuple(dice.sample(papers, count)), tuple(scores))


def some_copies(dice: random.Random, papers: Sequence[PaperId]) -> dict[PaperId, float]:
    others = dice.sample(papers, dice.randint(1, 6))
    return {other: round(dice.random(), dice.choice([1, 3])) for other in others}


@pytest.mark.parametrize("seed", range(8))
def test_fast_and_plain_placing_agree(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(500):
        case = some_case(dice)
        taken = Taken(case.closed, twins=case.twins, alike=case.alike)
        placed = place_all(case.found, case.room, taken, most=case.limit)
        assert in_turn(placed, case.limit) == plainly(case), case
