"""Placing papers fast gives what placing them plainly gives, whatever the lists and limits."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from digest.matching.copies import Copies
from digest.matching.heads import Ground
from digest.matching.placing import COST, Taken, in_turn, place_all
from digest.matching.sights import Listed
from digest.model import PaperId


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


def akin(dice: random.Random) -> Case:
    """Lists that have much in common, pairs of copies among it, and scores that agree or nearly."""
    papers = list(map(PaperId, range(dice.choice([12, 40]))))
    worth = {paper: dice.random() for paper in papers}
    found = []
    for _ in range(dice.randint(1, 4)):
        factor, decimals = dice.choice([1, 0.9, 0.5]), dice.choice([1, 5])
        some = dice.sample(papers, dice.randint(1, len(papers)))
        rated = [(round(worth[one] * dice.choice([1, 1, factor]), decimals), one) for one in some]
        rated.sort(reverse=True)
        found.append(Listed(tuple(one for _, one in rated), tuple(score for score, _ in rated)))
    alike: dict[PaperId, dict[PaperId, float]] = {}
    for _ in range(dice.randint(0, len(papers) // 3)):
        one, other = dice.sample(papers, 2)
        alike.setdefault(one, {})[other] = alike.setdefault(other, {})[one] = dice.random()
    one, other = dice.sample(papers, 2)
    twins = {one: one, other: one} if dice.random() < 0.3 else {}
    limit = dice.choice([2, 6, 15])
    return Case(found, [limit] * len(found), [], twins, alike, limit)


def by_heads(case: Case) -> list[list[int]] | None:
    copies = Copies.among(map(PaperId, range(300)), twins=case.twins, alike=case.alike)
    found = [replace(one) for one in case.found]
    ground = Ground(found, copies, case.room, copies.mask(case.closed))
    kept = ground.place(case.limit)
    return None if kept is None else list(map(list, kept))


@pytest.mark.parametrize("seed", range(8))
def test_fast_and_plain_placing_agree(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(500):
        case = some_case(dice)
        taken = Taken(case.closed, twins=case.twins, alike=case.alike)
        placed = place_all(case.found, case.room, taken, most=case.limit)
        assert in_turn(placed, case.limit) == plainly(case), case


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("make", "least"), [(some_case, 200), (akin, 300)])
def test_placing_by_the_heads_agrees_with_plain_placing_or_says_nothing(
    make: Callable[[random.Random], Case], least: int, seed: int
) -> None:
    dice = random.Random(seed)
    told = 0
    for _ in range(500):
        case = make(dice)
        kept = by_heads(case)
        told += kept is not None
        assert kept is None or kept == plainly(case), case
    assert told > least


@pytest.mark.parametrize("seed", range(19, 27))
def test_what_is_known_of_a_list_holds_for_whoever_has_it(seed: int) -> None:
    dice = random.Random(seed)
    like = some_case(dice)
    papers = list(map(PaperId, range(300)))
    copies = Copies.among(papers, twins=like.twins, alike=like.alike)
    pool = [some_list(dice, papers[: dice.choice([20, 60])]) for _ in range(8)]
    told = 0
    for _ in range(100):
        other = some_case(dice)
        found = dice.sample(pool, min(len(other.found), len(pool)))
        case = replace(like, found=found, room=other.room, closed=other.closed, limit=other.limit)
        ground = Ground(found, copies, case.room, copies.mask(case.closed))
        kept = ground.place(case.limit)
        told += kept is not None
        assert kept is None or list(map(list, kept)) == plainly(case), case
    assert told > 20


@pytest.mark.parametrize("seed", range(17, 19))
def test_who_else_has_what_is_listed_is_told_of_every_paper(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(300):
        case = some_case(dice)
        copies = Copies.among(map(PaperId, range(300)), twins=case.twins, alike=case.alike)
        ground = Ground(case.found, copies, case.room, copies.mask(case.closed))
        placed = ground.place(case.limit)
        kept: Sequence[Sequence[int]] = plainly(case) if placed is None else placed
        if placed is None:
            ground.meet(kept)
        beside = ground.beside(kept, range(len(kept)))
        told = {(row, at): [*others] for row, pairs in beside.items() for at, others in pairs}
        assert told == having_the_same(case, kept), case


def having_the_same(case: Case, kept: Sequence[Sequence[int]]) -> dict[tuple[int, int], list[int]]:
    told = {
        (row, at): [
            other
            for other, one in enumerate(case.found)
            if other != row and case.found[row].papers[place] in one.papers
        ]
        for row, places in enumerate(kept)
        for at, place in enumerate(places)
    }
    return {where: others for where, others in told.items() if others}


def test_the_heads_tell_of_nearly_everybody() -> None:
    """As among real interests: some papers in common, and one in ten with a copy."""
    dice = random.Random(16)
    papers = list(map(PaperId, range(300)))
    pairs = [tuple(dice.sample(papers, 2)) for _ in range(15)]
    alike = {one: {other: 0.6} for pair in pairs for one, other in (pair, pair[::-1])}
    told = 0
    for _ in range(300):
        found = [
            Listed(tuple(dice.sample(papers, 25)), falling(dice.random() for _ in range(25)))
            for _ in range(3)
        ]
        case = Case(found, [12, 12, dice.choice([3, 12])], [], {}, alike, 12)
        kept = by_heads(case)
        told += kept is not None
        assert kept is None or kept == plainly(case), case
    assert told > 270


def falling(scores: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(scores, reverse=True))


PAPERS = tuple(map(PaperId, range(8)))
ONE = Listed(PAPERS[:4], (0.9, 0.8, 0.7, 0.6))
COPIES = Listed((PAPERS[0], PAPERS[2], PAPERS[1]), (0.95, 0.85, 0.82))
REST = Listed(PAPERS[1:4], (0.8, 0.7, 0.6))
PLAIN = Case([ONE], [2], [], {}, {}, 2)
COPY = {PAPERS[1]: {PAPERS[0]: 0.5}, PAPERS[0]: {PAPERS[1]: 0.5}}
THREE = {PAPERS[2]: {PAPERS[0]: 0.5, PAPERS[1]: 0.4}}
OTHER = Listed((PAPERS[4], PAPERS[1], PAPERS[5]), (0.95, 0.85, 0.1))
TOLD: dict[str, tuple[Case, list[list[int]] | None]] = {
    "nothing in the way": (PLAIN, [[0, 1]]),
    "closed": (replace(PLAIN, closed=[PAPERS[0]]), [[1, 2]]),
    "a copy comes later": (replace(PLAIN, alike=COPY), [[0, 2]]),
    "a copy, when nothing else is left": (
        replace(PLAIN, alike=COPY, closed=[PAPERS[3]], room=[3], limit=3),
        [[0, 2, 1]],
    ),
    "nothing but copies": (replace(PLAIN, alike=COPY, closed=list(PAPERS[2:4])), [[0, 1]]),
    "a slight copy": (replace(PLAIN, alike={PAPERS[1]: {PAPERS[0]: 1e-12}}), [[0, 1]]),
    "a twin never": (replace(PLAIN, twins={PAPERS[0]: PAPERS[0], PAPERS[1]: PAPERS[0]}), [[0, 2]]),
    "another rates it higher": (
        replace(PLAIN, found=[ONE, OTHER], room=[4, 4], limit=4),
        [[0, 2], [0, 1]],
    ),
    "another is full by then": (
        replace(PLAIN, found=[ONE, OTHER], room=[4, 1], limit=4),
        [[0, 1, 2], [0]],
    ),
    "another takes nothing": (
        replace(PLAIN, found=[ONE, OTHER], room=[4, 0], limit=3),
        [[0, 1, 2], []],
    ),
    "another is full by then, be it a copy or not": (
        replace(PLAIN, found=[ONE, OTHER], room=[4, 1], limit=4, alike=COPY),
        [[0, 2, 3], [0]],
    ),
    "who is full depends on a copy": (
        replace(PLAIN, found=[ONE, COPIES], room=[4, 2], limit=6, alike=COPY | THREE),
        None,
    ),
    "three alike": (replace(PLAIN, alike=THREE, room=[3], limit=3), [[0, 1, 3]]),
    "three alike, and another has one of them": (
        replace(PLAIN, alike=THREE, found=[ONE, Listed(PAPERS[2:3], (0.1,))], room=[3, 3], limit=6),
        None,
    ),
    "another has the copy only": (
        replace(PLAIN, alike=COPY, found=[REST, Listed(PAPERS[:1], (0.95,))], room=[2, 2], limit=4),
        [[1, 2], [0]],
    ),
    "fewer than there are turns": (
        replace(PLAIN, found=[ONE, Listed(PAPERS[7:], (0.5,))], room=[9, 9], limit=4),
        [[0, 1, 2], [0]],
    ),
    "no room at all": (replace(PLAIN, limit=0), [[]]),
}


@pytest.mark.parametrize(("case", "expected"), TOLD.values(), ids=TOLD)
def test_what_the_heads_tell(case: Case, expected: list[list[int]] | None) -> None:
    assert by_heads(case) == expected
    assert expected is None or plainly(case) == expected
