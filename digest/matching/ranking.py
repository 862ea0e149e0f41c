"""The policy of matching: who matches, in which order, and what fits into one digest.

Pure decisions over values; `digest.matching.engine` supplies the facts. A paper matches when the
keyword query is true or the likeness clears the threshold (the interest may ask for both); a
followed author matches alone; an exclusion or a mute always wins. Order: fused score, then votes,
then the newer, then the key, so that the same facts give the same digest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.matching.copies import Copies
from digest.matching.heads import Beside, Ground
from digest.matching.placing import Places, Taken, in_turn, place_all
from digest.matching.scoring import Floats, nearness
from digest.matching.sights import Listed
from digest.model import (
    Interest,
    Item,
    Match,
    Paper,
    PaperId,
    Reasons,
    Section,
    Subscriber,
    Variant,
)

Bools = NDArray[np.bool_]
DEFAULT_VOLUME = 5.0  #: papers a day from one interest, where the subscriber said nothing
TRENDING = "Trending"
_item: Final = partial(tuple.__new__, Item)  # `_make` without counting
_section: Final = partial(tuple.__new__, Section)
_id: Final = itemgetter(Interest._fields.index("id"))
_limit: Final = itemgetter(Interest._fields.index("limit"))
_name: Final = itemgetter(Interest._fields.index("name"))
_is_paused: Final = itemgetter(Interest._fields.index("paused"))
_LISTS_KEPT: Final = (
    32  #: of one interest, of about 0.2 kB: what it gives by itself, and a few more
)
DECIMALS = 5  #: to which scores are told apart

SURE = 0.01  #: a share of the stream up to which its best need not be like the interest in itself
LIKE = 2.4  #: likeness in itself that is wanted beyond: about the top 3 % of science at large

_HAIR = 1e-6  #: a share of exactly the threshold is near, whatever float32 makes of it
_FINER = 0.02  #: at most, for the value itself
_KEYWORDS = (0.25, 0.25)  #: for a true query: at once, and by how much of it was found
_FOLLOWED = 0.6
_AVERSE = 0.25  #: taken from a keyword match that is very like what was disliked
_VOTES = (0.05, 0.15)  #: per decade of votes, and at most


# --- which papers, in which order ---------------------------------------------------------------


def threshold(interest: Interest, *, papers_a_day: float, default: float = DEFAULT_VOLUME) -> float:
    """The share of the stream that gives this interest its papers a day."""
    volume = default if interest.daily_volume is None else interest.daily_volume
    return min(1.0, max(0.0, volume) / max(papers_a_day, 1.0))


def near(share: Floats, thresholds: Floats, *, level: Floats | None) -> Bools:
    """Which papers (columns) are near which interests (rows).

    Within the wanted share of the stream; but on a thin stream that share is wide, and then a paper
    must also be like the interest in itself.
    """
    within: Bools = share <= thresholds[:, None] + _HAIR
    return within if level is None else within & ((share <= SURE) | (level >= LIKE))


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
    aversion: Floats | float = 0.0,
) -> Floats:
    """One score for pairs of interest and paper, all arguments of one length; about 0 to 2.

    Shares make different interests comparable; where the background cannot tell two papers apart
    (nothing in it scores as high), their values do.
    """
    likeness = np.zeros(len(share), np.float64)
    compared = share < 1.0
    if compared.any():
        finer = np.where(np.isfinite(values[compared]), values[compared], 0.0)
        likeness[compared] = nearness(share[compared]) + _FINER * finer / (1.0 + np.abs(finer))
    keywords = np.where(true, _KEYWORDS[0] + _KEYWORDS[1] * strength, 0.0)
    lift, voted = np.zeros(len(share), np.float64), votes > 0
    lift[voted] = np.minimum(_VOTES[0] * np.log10(1.0 + votes[voted]), _VOTES[1])
    merits = likeness + keywords + lift + _FOLLOWED * followed
    total = np.maximum(merits - _AVERSE * aversion, 0.0)
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


@dataclass(slots=True, eq=False)
class Found(Listed):
    """What one interest found: all papers that match, best first, with their scores.

    `why(places)` works out the reasons of the papers there; asked for what is listed only.
    `fault`: the stored query cannot be read; what is left of the interest was still matched.
    Nothing of this changes. It serves everybody who asked the same, and what was made of it for one
    of them is kept for the others: its items, and how it looks among the papers of its batch.
    """

    why: Callable[[Sequence[int]], list[Reasons]] = lambda places: [Reasons()] * len(places)
    fault: str | None = None
    _items: dict[int, Item] = field(default_factory=dict, init=False, repr=False)
    _lists: dict[tuple[int, ...], tuple[Item, ...]] = field(
        default_factory=dict, init=False, repr=False
    )

    def items(self, places: Places) -> tuple[Item, ...]:
        """The papers at those places as listed: one value for all who get the same."""
        key = places if type(places) is tuple else tuple(places)
        items = self._lists.get(key)
        if items is None:
            try:
                items = tuple(map(self._items.__getitem__, key))
            except KeyError:  # some are listed for the first time
                self._make([place for place in key if place not in self._items])
                items = tuple(map(self._items.__getitem__, key))
            if len(self._lists) < _LISTS_KEPT:
                self._lists[key] = items
        head = self.head
        if not head.items and key == head.places:
            head.papers, head.items = tuple(map(self.papers.__getitem__, key)), items
        return items

    def _make(self, places: Sequence[int]) -> None:
        papers, scores = self.papers, self.scores
        for place, reasons in zip(places, self.why(places), strict=True):
            self._items[place] = _item((papers[place], scores[place], reasons, (), False))


class Arrangement(NamedTuple):
    """The sections of one digest, and how many papers matched without getting a place.

    `papers`: those of all sections, in their order, told without a look at their items.
    """

    sections: tuple[Section, ...]
    left_out: int = 0
    papers: Sequence[PaperId] = ()


_arrangement: Final = partial(tuple.__new__, Arrangement)


def active(subscriber: Subscriber) -> Sequence[Interest]:
    """The interests to match: those that are not paused."""
    wanted = subscriber.interests
    if any(map(_is_paused, wanted)):
        return [interest for interest in wanted if not interest.paused]
    return wanted


def arrange(
    subscriber: Subscriber,
    found: Sequence[Found],
    *,
    copies: Copies,
    trending: Sequence[Match] = (),
    sent: Collection[PaperId] = (),
    revised: Collection[PaperId] = (),
) -> Arrangement:
    """One subscriber's sections, in the order of their interests.

    `found` is parallel to `active(subscriber)`, all of one batch, whose near-copies are `copies`.
    Papers in `sent` are left alone unless they are in `revised`: those whose new version this
    subscriber is to be told of. Of twins (near-identical titles) one is listed; papers that are
    alike give way to others. A paper stands once, under the interest that rates it highest and has
    room, and names the others. Beyond the subscriber's limit each interest gives up its last, in
    turn. A subscriber without any interest gets what is trending.
    """
    interests: Sequence[Interest] = subscriber.interests
    if len(found) < len(interests):
        interests = active(subscriber)
    limit = subscriber.limit
    closed: Collection[PaperId] = ()
    if sent:
        closed = {one for one in sent if one in copies.columns and one not in revised}
    room = [limit] * len(interests)
    if any(own := list(map(_limit, interests))) or 0 in own:
        room = [limit if one is None else one for one in own]
    ground = Ground(found, copies, room, copies.mask(closed) if closed else 0)
    kept = ground.place(limit)
    if kept is None:
        taken = Taken(closed, twins=copies.twins, alike=copies.alike)
        kept = in_turn(place_all(found, room, taken, most=limit), limit)
        ground.meet(kept)
    listed: list[tuple[Item, ...]] = []
    papers: list[PaperId] = []
    for its, places in zip(found, kept, strict=True):
        head = its.head
        if head.places is places and head.items:
            listed.append(head.items)
            papers += head.papers
        else:
            listed.append(its.items(places))
            papers += map(its.papers.__getitem__, places)
    left_out = ground.everything.bit_count() - len(papers)
    names = list(map(_name, interests))
    for row, others in ground.beside(kept, names).items():
        listed[row] = _naming(listed[row], others)
    if revised:
        listed = [
            tuple([one._replace(revision=one.paper_id in revised) for one in items])
            for items in listed
        ]
    each = zip(map(_id, interests), names, listed, strict=True)
    sections = tuple(map(_section, compress(each, listed)))
    most = subscriber.trending if subscriber.interests else limit
    if most > 0 and trending:
        taken = Taken({*closed, *papers}, twins=copies.twins, alike={})
        if extra := _trending_items(trending, most, taken):
            sections = *sections, Section(None, TRENDING, extra)
            papers += [item.paper_id for item in extra]
    return _arrangement((sections, left_out, papers))


def _naming(items: tuple[Item, ...], beside: Iterable[Beside[str]]) -> Variant:
    """The same, naming the interests beside theirs that some of them belong to."""
    told, apart = list(items), []
    for at, also in beside:
        paper, score, reasons, _, _ = items[at]
        told[at] = _item((paper, score, reasons, also, False))
        apart.append(at)
    return Variant.of(items, told, apart=apart)


def _trending_items(trending: Sequence[Match], most: int, taken: Taken) -> tuple[Item, ...]:
    free = (match for match in trending if taken.take(match.paper_id))
    return tuple(
        Item(match.paper_id, match.score, match.reasons) for match in islice(free, max(most, 0))
    )
