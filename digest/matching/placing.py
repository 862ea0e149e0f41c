"""Which paper stands under which interest: one place each, the best first, copies last.

Pure, and on the path of every subscriber: a heap of each interest's next paper. Likeness to what is
already listed costs a paper part of its score (`digest.matching.diversity`); it is then put back
and comes up again later, so that what is no copy goes first.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from digest.model import PaperId

COST = 0.5  #: score given up beside an exact copy; 0.25 is a decade of share
_HAIR = 1e-9
_Head = tuple[float, int, int, bool]  #: falling score, row, place, whether it was put back


class Ranked(Protocol):
    """Papers with falling scores."""

    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]


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
        self._taken = set(closed)
        self._twins = twins
        self.alike = alike
        self._listed: set[PaperId] = set()
        self._heads: set[PaperId] = set()

    def take(self, paper: PaperId) -> bool:
        """Whether the paper was still free; it is not afterwards."""
        if paper in self._taken:
            return False
        head = self._twins.get(paper)
        if head is not None:
            if head in self._heads:
                return False
            self._heads.add(head)
        self._taken.add(paper)
        self._listed.add(paper)
        return True

    def cost(self, paper: PaperId) -> float:
        """What the paper gives up for being like one that is listed."""
        if paper not in self._taken:
            listed = self._listed
            for other, cost in self.alike[paper].items():
                if other in listed:
                    return COST * cost
        return 0.0


def place_all(found: Sequence[Ranked], room: Sequence[int], taken: Taken) -> list[list[int]]:
    """Every paper under the interest that rates it highest and has room: places in `papers`."""
    placed: list[list[int]] = [[] for _ in found]
    papers, scores = [one.papers for one in found], [one.scores for one in found]
    heads: list[_Head] = [
        (-ours[0], row, 0, False) for row, ours in enumerate(scores) if ours and room[row] > 0
    ]
    heapq.heapify(heads)
    while heads:
        falling, row, place, again = heads[0]
        paper, ours = papers[row][place], scores[row]
        late = taken.cost(paper) - ours[place] if paper in taken.alike else falling
        put_back = late > falling + _HAIR
        if not put_back and taken.take(paper):
            placed[row].append(place)
        if len(placed[row]) >= room[row]:
            heads = [head for head in heads if head[1] != row]
            heapq.heapify(heads)
        elif not again and place + 1 < len(ours):
            heapq.heapreplace(heads, (-ours[place + 1], row, place + 1, False))
        else:
            heapq.heappop(heads)
        if put_back:
            heapq.heappush(heads, (late, row, place, True))
    return placed
