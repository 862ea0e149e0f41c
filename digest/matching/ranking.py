"""The policy of matching: who matches, in which order, and what fits into one digest.

Pure decisions over values; `digest.matching.engine` supplies the facts. A paper matches when the
keyword query is true or the likeness clears the threshold (the interest may ask for both); a
followed author matches alone; an exclusion or a mute always wins. Order: fused score, then votes,
then the newer, then the key, so that the same facts give the same digest.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from digest.matching.scoring import Floats
from digest.model import (
    Interest,
    InterestId,
    Item,
    Match,
    Paper,
    PaperId,
    Reasons,
    Section,
    Subscriber,
)

Bools = NDArray[np.bool_]
DEFAULT_VOLUME = 5.0  #: papers a day from one interest, where the subscriber said nothing
TRENDING = "Trending"
DECIMALS = 5  #: to which scores are told apart

_FARTHEST = 4.0  #: decades of share that count: top 0.01 % is as near as it gets
_FINER = 0.02  #: at most, for the value itself
_KEYWORDS = (0.25, 0.25)  #: for a true query: at once, and by how much of it was found
_FOLLOWED = 0.6
_VOTES = (0.05, 0.15)  #: per decade of votes, and at most


# --- which papers, in which order ---------------------------------------------------------------


def threshold(interest: Interest, *, papers_a_day: float, default: float = DEFAULT_VOLUME) -> float:
    """The share of the stream that gives this interest its papers a day."""
    volume = default if interest.daily_volume is None else interest.daily_volume
    return min(1.0, max(0.0, volume) / max(papers_a_day, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What was found out about some interests (rows) and papers (columns)."""

    true: Bools  #: the keyword query holds
    near: Bools  #: the likeness clears the threshold
    followed: Bools
    vetoed: Bools  #: excluded by the query, or muted
    asked: Bools  #: per row: there is a keyword query
    compared: Bools  #: per row: there is something to compare
    both: Bools  #: per row: query and likeness must agree

    def matched(self) -> Bools:
        asked, compared = self.asked[:, None], self.compared[:, None]
        either = self.true | self.near
        agreed = (self.true | ~asked) & (self.near | ~compared) & (asked | compared)
        return (np.where(self.both[:, None], agreed, either) | self.followed) & ~self.vetoed


def fused(
    *,
    share: Floats,
    values: Floats,
    true: Bools,
    strength: Floats,
    followed: Bools,
    votes: Floats,
) -> Floats:
    """One score for pairs of interest and paper, all arguments of one length; about 0 to 2.

    Shares make different interests comparable; where the background cannot tell two papers apart
    (nothing in it scores as high), their values do.
    """
    likeness = np.zeros(len(share), np.float64)
    compared = share < 1.0
    if compared.any():
        decades = -np.log10(np.maximum(share[compared], 10**-_FARTHEST))
        finer = np.where(np.isfinite(values[compared]), values[compared], 0.0)
        likeness[compared] = decades / _FARTHEST + _FINER * finer / (1.0 + np.abs(finer))
    keywords = np.where(true, _KEYWORDS[0] + _KEYWORDS[1] * strength, 0.0)
    lift = np.minimum(_VOTES[0] * np.log10(1.0 + np.maximum(votes, 0.0)), _VOTES[1])
    total = np.maximum(likeness + keywords + lift + _FOLLOWED * followed, 0.0)
    return np.round(total, DECIMALS).astype(np.float32)


def tie_order(papers: Sequence[Paper]) -> NDArray[np.int64]:
    """Each paper's place when scores are equal: more votes, then newer, then the key."""
    order = sorted(range(len(papers)), key=lambda at: _by_merit(papers[at]))
    places = np.empty(len(papers), np.int64)
    places[order] = np.arange(len(papers))
    return places


def _by_merit(paper: Paper) -> tuple[int, int, str]:
    return -(paper.votes or 0), -paper.announced_on.toordinal(), paper.key


def trending(papers: Sequence[Paper]) -> list[Match]:
    """All papers, best first: the community's votes, then the number of sources that carry it."""
    spread = {paper.id: len(paper.sources) for paper in papers}

    def place(paper: Paper) -> tuple[int, int, tuple[int, int, str]]:
        return -(paper.votes or 0), -spread[paper.id], _by_merit(paper)

    return [
        Match(
            paper.id,
            None,
            score=(paper.votes or 0) + min(spread[paper.id], 99) / 100,
            reasons=Reasons(votes=paper.votes or None),
        )
        for paper in sorted(papers, key=place)
    ]


# --- what fits into one digest ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one interest found: all papers that match, best first, with their scores.

    `why(place)` works out the reasons of the paper at that place; asked for what is listed only.
    `fault`: the stored query cannot be read; what is left of the interest was still matched.
    """

    interest_id: InterestId
    papers: tuple[PaperId, ...] = ()
    scores: tuple[float, ...] = ()
    why: Callable[[int], Reasons] = lambda place: Reasons()
    fault: str | None = None

    def match(self, place: int) -> Match:
        return Match(self.papers[place], self.interest_id, self.scores[place], self.why(place))

    @property
    def matches(self) -> tuple[Match, ...]:
        """All of it with reasons, for those who show it to the last."""
        return tuple(self.match(place) for place in range(len(self.papers)))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The sections of one digest, and how many papers matched without getting a place."""

    sections: tuple[Section, ...]
    left_out: int = 0


def active(subscriber: Subscriber) -> tuple[Interest, ...]:
    """The interests to match: those that are not paused."""
    return tuple(interest for interest in subscriber.interests if not interest.paused)


def arrange(
    subscriber: Subscriber,
    found: Sequence[Found],
    *,
    trending: Sequence[Match] = (),
    sent: Collection[PaperId] = (),
    revised: Collection[PaperId] = (),
    twins: Mapping[PaperId, PaperId] | None = None,
) -> Arrangement:
    """One subscriber's sections, in the order of their interests.

    `found` is parallel to `active(subscriber)`. Papers in `sent` are left alone unless they are in
    `revised`: those whose new version this subscriber is to be told of. Of papers with the same
    entry in `twins` (near-identical titles) one is listed. A paper stands once, under the interest
    that rates it highest and has room, and names the others. Beyond the subscriber's limit each
    interest gives up its last, in turn. A subscriber without any interest gets what is trending.
    """
    interests = active(subscriber)
    closed = set(sent).difference(revised) if sent else set()
    taken = _Taken(closed, twins or {})
    room = [subscriber.limit if one.limit is None else one.limit for one in interests]
    kept = _in_turn(_place(found, room, taken), subscriber.limit)
    holders = [set(one.papers) for one in found]
    sections = []
    for row, interest in enumerate(interests):
        others = [(interests[at].name, holders[at]) for at in range(len(found)) if at != row]
        if items := tuple(_items(found[row], kept[row], others, revised)):
            sections.append(Section(interest.id, interest.name, items))
    left_out = len(set().union(*holders) - closed) - sum(map(len, kept))
    most = subscriber.trending if subscriber.interests else subscriber.limit
    listed = [item.paper_id for section in sections for item in section.items]
    if extra := _trending_items(trending, most, _Taken({*closed, *listed}, twins or {})):
        sections.append(Section(None, TRENDING, extra))
    return Arrangement(tuple(sections), left_out)


class _Taken:
    """Which papers cannot be listed any more: closed, listed already, or a twin of a listed one."""

    def __init__(self, closed: Collection[PaperId], twins: Mapping[PaperId, PaperId]) -> None:
        self._taken = set(closed)
        self._twins = twins
        self._heads: set[PaperId] = set()

    def take(self, paper: PaperId) -> bool:
        """Whether the paper was still free; it is not afterwards."""
        head = self._twins.get(paper)
        if paper in self._taken or head in self._heads:
            return False
        self._taken.add(paper)
        if head is not None:
            self._heads.add(head)
        return True


def _place(found: Sequence[Found], room: Sequence[int], taken: _Taken) -> list[list[int]]:
    """Every paper under the interest that rates it highest and has room: places in `papers`."""
    placed: list[list[int]] = [[] for _ in found]
    heads = [
        (-one.scores[0], row, 0) for row, one in enumerate(found) if one.scores and room[row] > 0
    ]
    heapq.heapify(heads)
    while heads:
        _, row, place = heads[0]
        if taken.take(found[row].papers[place]):
            placed[row].append(place)
        scores, after = found[row].scores, place + 1
        if after < len(scores) and len(placed[row]) < room[row]:
            heapq.heapreplace(heads, (-scores[after], row, after))
        else:
            heapq.heappop(heads)
    return placed


def _in_turn(placed: Sequence[list[int]], limit: int) -> list[list[int]]:
    """At most `limit` in all: the first of every interest, then the second, and so on."""
    if sum(map(len, placed)) <= limit:
        return list(placed)
    turns = ((turn, row) for row, places in enumerate(placed) for turn in range(len(places)))
    kept: list[list[int]] = [[] for _ in placed]
    for turn, row in sorted(turns)[: max(limit, 0)]:
        kept[row].append(placed[row][turn])
    return kept


def _items(
    found: Found,
    places: Sequence[int],
    others: Sequence[tuple[str, set[PaperId]]],
    revised: Collection[PaperId],
) -> Iterator[Item]:
    for place in places:
        paper = found.papers[place]
        also = tuple(name for name, papers in others if paper in papers)
        reasons = found.why(place)
        yield Item(paper, found.scores[place], reasons, also=also, revision=paper in revised)


def _trending_items(trending: Sequence[Match], most: int, taken: _Taken) -> tuple[Item, ...]:
    free = (match for match in trending if taken.take(match.paper_id))
    return tuple(
        Item(match.paper_id, match.score, match.reasons) for match in islice(free, max(most, 0))
    )
