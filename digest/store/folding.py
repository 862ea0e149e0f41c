"""Which paper each listing belongs to: pure, over the papers that a batch of listings touches.

A listing belongs to the paper that owns one of its keys, unless a stronger identifier of both says
that they are two works; else to one of near-equal title with an author in common; else it begins a
paper. One that belongs to several makes them one, and the oldest keeps its id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from digest.model import Listing, PaperIds
from digest.store.merging import (
    TITLE_SPAN,
    Content,
    bucket_of,
    content_of,
    contradict,
    join,
    keys_of,
    may_be_one,
)

#: tells the sightings of one paper apart: source, announcement, version (0: none)
Mark = tuple[str, str, int]


def mark_of(listing: Listing) -> Mark:
    return listing.source, listing.announcement.value, listing.version or 0


@dataclass(slots=True)
class Fold:
    """The papers so far. A paper that is not stored yet has a negative id.

    `owners` must hold every stored key of the listings to come, `papers` and `marks` every owner
    and every stored paper in the bucket of a listing's title.
    """

    now: datetime
    papers: dict[int, Content] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    marks: dict[int, set[Mark]] = field(default_factory=dict)  #: stored sightings
    fresh_keys: dict[str, int] = field(default_factory=dict)
    fresh_sightings: dict[int, dict[Mark, Listing]] = field(default_factory=dict)
    absorbed: dict[int, int] = field(default_factory=dict)  #: stored papers that went into another
    _stored: dict[int, Content] = field(default_factory=dict)  #: as they were read
    _buckets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _numbers: Iterator[int] = field(default_factory=lambda: count(-1, -1))

    def add_stored(self, id: int, content: Content) -> None:
        self.papers[id] = self._stored[id] = content
        self.marks[id] = set()
        self._buckets[bucket_of(content.title)].append(id)

    def add(self, listing: Listing) -> None:
        """Fold one listing into the paper it belongs to."""
        content = content_of(listing, self.now)
        keys = keys_of(listing.ids, listing.title)
        found = self._by_key(keys, content.ids) or self._by_title(content)
        id = self._unite(found) if found else next(self._numbers)
        content = self._own(id, keys, content)
        known = self.papers.get(id)
        self.papers[id] = content if known is None else join(known, content)
        if known is None or known.title != self.papers[id].title:
            self._buckets[bucket_of(self.papers[id].title)].append(id)
        self._see(id, listing)

    def changed(self) -> list[int]:
        """Stored papers of which something is newly known."""
        return [
            id
            for id, before in self._stored.items()
            if id in self.papers and self.papers[id] is not before
        ]

    def reworded(self) -> list[int]:
        """Stored papers whose title or abstract changed."""
        return [id for id in self.changed() if _words(self.papers[id]) != _words(self._stored[id])]

    def _by_key(self, keys: Sequence[str], ids: PaperIds) -> list[int]:
        found = {}
        for key in keys:
            id = self.owners.get(key)
            if id is not None and not contradict(self.papers[id].ids, _stronger(ids, key)):
                found[id] = True
        return list(found)

    def _by_title(self, content: Content) -> list[int]:
        near = dict.fromkeys(self._buckets.get(bucket_of(content.title), ()))
        return [
            id
            for id in near
            if (known := self.papers.get(id))
            and abs(known.announced_on - content.announced_on) <= TITLE_SPAN
            and may_be_one(known, content)
        ]

    def _own(self, id: int, keys: Sequence[str], content: Content) -> Content:
        """Give the paper those keys that are nobody's; the content without what is another's."""
        others = []
        for key in keys:
            if key not in self.owners:
                self.owners[key] = self.fresh_keys[key] = id
            elif self.owners[key] != id:
                others.append(key)
        return replace(content, ids=_without(content.ids, others)) if others else content

    def _see(self, id: int, listing: Listing) -> None:
        mark = mark_of(listing)
        if mark not in self.marks.get(id, ()):
            self.fresh_sightings.setdefault(id, {}).setdefault(mark, listing)

    def _unite(self, ids: Sequence[int]) -> int:
        """Make one paper of `ids`, as far as they do not contradict each other."""
        first = ids[0]
        for other in ids[1:]:
            if not contradict(self.papers[first].ids, self.papers[other].ids):
                first, loser = sorted((first, other), key=lambda id: (id < 0, abs(id)))
                self._absorb(first, loser)
        return first

    def _absorb(self, winner: int, loser: int) -> None:
        self.papers[winner] = join(self.papers[winner], self.papers.pop(loser))
        for keys in (self.owners, self.fresh_keys):
            keys.update({key: winner for key, id in keys.items() if id == loser})
        stored = self.marks.get(winner, set()) | self.marks.pop(loser, set())
        self.marks[winner] = stored
        fresh = self.fresh_sightings.pop(loser, {}) | self.fresh_sightings.pop(winner, {})
        self.fresh_sightings[winner] = {m: seen for m, seen in fresh.items() if m not in stored}
        if loser > 0:
            self.absorbed[loser] = winner


def _words(content: Content) -> tuple[str, str]:
    return content.title, content.abstract


def _stronger(ids: PaperIds, key: str) -> PaperIds:
    """Those identifiers of `ids` that are worth more than the one in `key`."""
    match key.partition(":")[0]:
        case "arxiv":
            return PaperIds()
        case "doi":
            return PaperIds(arxiv=ids.arxiv)
        case "pmid":
            return PaperIds(arxiv=ids.arxiv, doi=ids.doi)
        case _:
            return ids


def _without(ids: PaperIds, keys: Sequence[str]) -> PaperIds:
    gone = {kind: None for kind, _, _ in (key.partition(":") for key in keys) if kind != "title"}
    return replace(ids, **gone)
