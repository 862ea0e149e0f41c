"""The policy of matching: who matches, in which order, and what fits into one digest.

Pure decisions over values; `digest.matching.engine` supplies the facts. A paper matches when the
keyword query is true or the likeness clears the threshold (the interest may ask for both); a
followed author matches alone; an exclusion or a mute always wins. Order: fused score, then votes,
then the newer, then the key, so that the same facts give the same digest.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.matching.scoring import Floats
from digest.model import Interest, Item, Match, Paper, PaperId, Reasons, Section, Subscriber

Bools = NDArray[np.bool_]
DEFAULT_VOLUME = 5.0  #: papers a day from one interest, where the subscriber said nothing
TRENDING = "Trending"

_FARTHEST = 4.0  #: decades of share that count: top 0.01 % is as near as it gets
_KEYWORDS = (0.25, 0.25)  #: for a true query: at once, and by how much of it was found
_FOLLOWED = 0.5
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
    *, share: Floats, true: Bools, strength: Floats, followed: Bools, votes: Floats
) -> Floats:
    """One score for pairs of interest and paper, all arguments of one length; about 0 to 2."""
    likeness = -np.log10(np.clip(share, 10**-_FARTHEST, 1.0)) / _FARTHEST
    keywords = np.where(true, _KEYWORDS[0] + _KEYWORDS[1] * strength, 0.0)
    lift = np.minimum(_VOTES[0] * np.log10(1.0 + np.maximum(votes, 0.0)), _VOTES[1])
    total = likeness + keywords + _FOLLOWED * followed + lift
    return np.round(total, 4).astype(np.float32)


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


@dataclass(frozen=True, slots=True)
class Found:
    """What one interest found, best first.

    `rest`: papers that matched too, beyond the number asked for, best first and without reasons.
    `fault`: the stored query cannot be read; what is left of the interest was still matched.
    """

    matches: tuple[Match, ...] = ()
    rest: tuple[PaperId, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The sections of one digest, and how many papers matched without getting a place."""

    sections: tuple[Section, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    match: Match
    interest: int


def active(subscriber: Subscriber) -> tuple[Interest, ...]:
    """The interests to match: those that are not paused."""
    return tuple(interest for interest in subscriber.interests if not interest.paused)


def arrange(
    subscriber: Subscriber,
    found: Sequence[Found],
    *,
    trending: Sequence[Match] = (),
    sent: Container[PaperId] = frozenset(),
    revised: Container[PaperId] = frozenset(),
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
    taken = _Taken(twins or {})
    places = _place(interests, found, subscriber.limit, sent=sent, revised=revised, taken=taken)
    kept = _in_turn(places, len(interests), subscriber.limit)
    holders = [{match.paper_id for match in one.matches} | set(one.rest) for one in found]
    sections = [
        Section(interest.id, interest.name, items)
        for row, interest in enumerate(interests)
        if (items := tuple(_items(kept[row], row, interests, holders, revised)))
    ]
    matched = {paper for papers in holders for paper in papers if _open(paper, sent, revised)}
    left_out = len(matched) - sum(map(len, kept))
    room = subscriber.trending if subscriber.interests else subscriber.limit
    if extra := _trending_items(trending, room, kept, sent=sent, twins=twins or {}):
        sections.append(Section(None, TRENDING, extra))
    return Arrangement(tuple(sections), left_out)


class _Taken:
    """The papers that have a place, twins included."""

    def __init__(self, twins: Mapping[PaperId, PaperId]) -> None:
        self._twins = twins
        self._seen: set[PaperId] = set()

    def take(self, paper: PaperId) -> bool:
        """Whether the paper was still free; it is not afterwards."""
        head = self._twins.get(paper, paper)
        free = head not in self._seen
        self._seen.add(head)
        return free


def _open(paper: PaperId, sent: Container[PaperId], revised: Container[PaperId]) -> bool:
    return paper not in sent or paper in revised


def _place(
    interests: Sequence[Interest],
    found: Sequence[Found],
    limit: int,
    *,
    sent: Container[PaperId],
    revised: Container[PaperId],
    taken: _Taken,
) -> list[list[Match]]:
    """Every paper under the interest that rates it highest and has room."""
    entries = [
        _Place(match, row)
        for row, one in enumerate(found)
        for match in one.matches
        if _open(match.paper_id, sent, revised)
    ]
    entries.sort(key=lambda place: -place.match.score)
    room = [limit if one.limit is None else min(limit, one.limit) for one in interests]
    placed: list[list[Match]] = [[] for _ in interests]
    for entry in entries:
        row = entry.interest
        if len(placed[row]) < room[row] and taken.take(entry.match.paper_id):
            placed[row].append(entry.match)
    return placed


def _in_turn(places: Sequence[Sequence[Match]], rows: int, limit: int) -> list[list[Match]]:
    """At most `limit` in all: the first of every interest, then the second, and so on."""
    if sum(map(len, places)) <= limit:
        return [list(one) for one in places]
    kept: list[list[Match]] = [[] for _ in range(rows)]
    turns = ((turn, row) for turn in range(limit) for row in range(rows))
    for turn, row in turns:
        if turn < len(places[row]) and limit > 0:
            kept[row].append(places[row][turn])
            limit -= 1
    return kept


def _items(
    matches: Sequence[Match],
    row: int,
    interests: Sequence[Interest],
    holders: Sequence[set[PaperId]],
    revised: Container[PaperId],
) -> Iterator[Item]:
    for match in matches:
        paper = match.paper_id
        also = tuple(
            interests[other].name
            for other, papers in enumerate(holders)
            if other != row and paper in papers
        )
        yield Item(paper, match.score, match.reasons, also=also, revision=paper in revised)


def _trending_items(
    trending: Sequence[Match],
    room: int,
    kept: Sequence[Sequence[Match]],
    *,
    sent: Container[PaperId],
    twins: Mapping[PaperId, PaperId],
) -> tuple[Item, ...]:
    taken = _Taken(twins)
    for matches in kept:
        for match in matches:
            taken.take(match.paper_id)
    items: list[Item] = []
    for match in trending:
        if len(items) >= room:
            break
        if match.paper_id not in sent and taken.take(match.paper_id):
            items.append(Item(match.paper_id, match.score, match.reasons))
    return tuple(items)
