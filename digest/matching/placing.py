"""Which paper stands under which interest: one place each, the best first, copies last.

Pure, and on the path of every subscriber: all papers in the order of their scores. Likeness to what
is already listed costs a paper part of its score (`digest.matching.diversity`); it is then put back
and comes up again later, so that what is no copy goes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Protocol

from digest.model import PaperId

Places = Sequence[int]  #: in a list of papers, in the order they are listed
COST = 0.5  #: score given up beside an exact copy; 0.25 is a decade of share
HAIR = 1e-9


class Ranked(Protocol):
    """Papers with falling scores."""

    papers: tuple[PaperId, ...]

    @property
    def scores(self) -> Sequence[float]: ...


class Taken:
    """Which papers cannot be listed any more: closed, listed already, or a twin of a listed one.

    `alike`: for a paper its near-copies, the nearest first, and the cost beside each.
    """

    def __init__(
        self,
        closed: Collection[PaperId],
        *,
        twins: Mapping[PaperId, PaperId],
        alike: Mapping[PaperId, Mapping[PaperId, float]],
    ) -> None:
        self.gone = set(closed)
        self.listed: set[PaperId] = set()
        self.alike = alike
        self.twins = twins
        self._heads: set[PaperId] = set()

    def take(self, paper: PaperId) -> bool:
        """Whether the paper was still free; it is not afterwards."""
        if paper in self.gone or not self.take_head(paper):
            return False
        self.gone.add(paper)
        self.listed.add(paper)
        return True

    def take_head(self, paper: PaperId) -> bool:
        """Whether no twin of the paper was taken before."""
        head = self.twins.get(paper)
        if head is None:
            return True
        if head in self._heads:
            return False
        self._heads.add(head)
        return True

    def cost(self, others: Mapping[PaperId, float]) -> float:
        """What is given up for being like the nearest of `others` that is listed; one is."""
        listed = self.listed
        for other, cost in others.items():
            if other in listed:
                return COST * cost
        return 0.0


def place_all(
    found: Sequence[Ranked], room: Sequence[int], taken: Taken, *, most: int
) -> list[list[int]]:
    """Every paper under the interest that rates it highest and has room: places in `papers`.

    It ends as soon as nothing more can be among the first `most`, taken `in_turn`.
    """
    line = _Line(found, room)
    papers, scores, rows, begins = line.papers, line.scores, line.rows, line.begins
    placed: list[list[int]] = [[] for _ in found]
    race = _Race(placed, line.sizes, most)
    left, turns = race.left, race.turns
    # What `Taken.take` does is written out: a call for each paper would cost as much as the rest.
    alike, gone, listed, twins = taken.alike.get, taken.gone, taken.listed, taken.twins
    apart = listed.isdisjoint
    for falling, entry in line if turns else ():
        row, paper = rows[entry], papers[entry]
        if not left[row]:
            continue  # it is full
        if paper not in gone:
            others = alike(paper)
            if others is not None and not apart(others):
                late = taken.cost(others) - scores[entry]
                if late > falling + HAIR:
                    heappush(line.put_back, (late, entry))
                    continue
            if not twins or taken.take_head(paper):
                gone.add(paper)
                listed.add(paper)
                mine = placed[row]
                mine.append(entry - begins[row])
                if len(mine) == room[row]:
                    left[row] = 1
                elif len(mine) == turns:
                    turns = race.reached(row)
        left[row] -= 1
        if not left[row]:
            turns = race.reached(row)
        if not turns:
            break
    return placed


class _Line:
    """The papers of every row that has room, one row after the other, and the order they come in.

    Falling scores, then rows, then places: a stable sort. `put_back` is a heap of those that come
    up again, with their falling score.
    """

    __slots__ = ("begins", "papers", "put_back", "rows", "scores", "sizes")

    def __init__(self, found: Sequence[Ranked], room: Sequence[int]) -> None:
        self.papers: list[PaperId] = []
        self.scores: list[float] = []
        self.rows: list[int] = []
        self.begins: list[int] = []
        self.sizes: list[int] = []
        self.put_back: list[tuple[float, int]] = []
        for row, one in enumerate(found):
            size = len(one.papers) if room[row] > 0 else 0
            self.begins.append(len(self.papers))
            self.sizes.append(size)
            if size:
                self.papers += one.papers
                self.scores += one.scores
                self.rows += [row] * size

    def __iter__(self) -> Iterator[tuple[float, int]]:
        scores, put_back = self.scores, self.put_back
        for entry in sorted(range(len(scores)), key=scores.__getitem__, reverse=True):
            falling = -scores[entry]
            while put_back and put_back[0] < (falling, entry):
                yield heappop(put_back)
            yield falling, entry
        while put_back:
            yield heappop(put_back)


class _Race:
    """Tells when enough is placed: every row that still can place has had its share of turns.

    `left`: the entries of each row that are still to be settled. `turns`: how many each row that
    can is to have placed before anybody looks again; 0 when it is over.
    """

    __slots__ = ("_most", "_placed", "_short", "left", "turns")

    def __init__(self, placed: Sequence[Sequence[int]], left: list[int], most: int) -> None:
        self._placed, self.left, self._most = placed, left, most
        self.turns = 0
        self._short: set[int] = set()
        self._go_on()

    def reached(self, row: int) -> int:
        """A row has had its turns, or will place nothing more; returns the turns there are now."""
        self._short.discard(row)
        return self.turns if self._short else self._go_on()

    def _go_on(self) -> int:
        """More turns, as long as there are too few in all and somebody can take them."""
        while not self._short:
            live = [row for row, left in enumerate(self.left) if left]
            turns, placed = self.turns, self._placed
            missing = self._most - sum([min(len(one), turns) for one in placed])
            if missing <= 0 or not live:
                self.turns = 0
                break
            self.turns += -(-missing // len(live))
            self._short = {row for row in live if len(placed[row]) < self.turns}
        return self.turns


def in_turn(placed: Sequence[Places], most: int) -> list[Places]:
    """At most `most` in all: the first of every row, then the second, and so on."""
    sizes = [len(places) for places in placed]
    if sum(sizes) <= most:
        return list(placed)
    turns = max(most, 0) // len(placed)
    while (taken := sum([min(size, turns + 1) for size in sizes])) <= most:
        turns += 1
    spare = most - taken + sum([size > turns for size in sizes])
    kept = []
    for places in placed:
        further = spare > 0 and len(places) > turns
        spare -= further
        kept.append(places[: turns + further])
    return kept
