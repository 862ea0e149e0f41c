"""What `digest.matching.placing` gives, looking only at the first papers of each list.

Nearly all of what a subscriber's interests found gets no place, and most of what gets one has
nothing to do with the other lists: it stands in no other, and no near-copy of it was found. So each
list gives its first papers, as many as it has turns, and only a paper that somebody else found or
that has a copy is looked at: whether it belongs to another list, whether a copy was listed before.
Where that cannot be told from such a look, nothing is, and `placing` has to go through everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from digest.matching.copies import Copies
from digest.matching.placing import COST, HAIR, Places, in_turn
from digest.model import PaperId

_Entry = tuple[float, int, int]  #: falling score, row, place: sorts as papers come up
_NEVER = float("inf")
_MOST = 0.75  #: of what was found has copies there: then nearly everything is in the way
_FEW = 3  #: copies of one paper that are looked at
_NOWHERE: _Entry = (_NEVER, -1, 0)


class Sight(NamedTuple):
    """One list as bits of its batch; it serves everybody who has the list.

    `papers`: all of it. `kin`: whatever says nearly the same as one of them. `copies`: those after
    one that says nearly the same. `heads`: the first so many.
    """

    papers: int
    kin: int
    copies: int
    heads: dict[int, int]

    @classmethod
    def of(cls, papers: Sequence[PaperId], among: Copies) -> Sight:
        near, columns, kin = among.near, among.columns, 0
        copies: list[PaperId] = []
        for paper in papers:
            if paper in near:
                if kin >> columns[paper] & 1:
                    copies.append(paper)
                kin |= near[paper]
        return cls(among.mask(papers), kin, among.mask(copies) if copies else 0, {})


class Listed(Protocol):
    """Papers with falling scores, and what they are as bits of a batch."""

    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]
    seen: Sight | None


class Ground:
    """The lists of one subscriber laid over one another.

    `everything`: all that was found and is not closed. `shared`: what several found. Both as bits.
    """

    __slots__ = (
        *("_asked", "_closed", "_copied", "_copies", "_found", "_masks", "_room", "_sights"),
        *("_special", "everything", "shared"),
    )

    def __init__(
        self, found: Sequence[Listed], copies: Copies, *, room: Sequence[int], closed: int = 0
    ) -> None:
        self._found, self._copies, self._room, self._closed = found, copies, room, closed
        self._asked: list[int] = []
        self._sights = [one.seen or see(one, copies) for one in found]
        self._masks = [sight[0] for sight in self._sights]
        everything = shared = kin = near = 0
        for mask, its_kin, _, _ in self._sights:
            shared |= everything & mask
            near |= everything & its_kin | kin & mask
            everything |= mask
            kin |= its_kin
        if closed:
            everything &= ~closed
        self.everything, self.shared = everything, shared
        self._copied = everything & kin
        self._special = shared | near | closed

    def place(self, most: int) -> list[Places] | None:
        """The places in each list, `most` in all; None where a look at its head does not tell."""
        if self._copied.bit_count() > _MOST * self.everything.bit_count():
            return None  # hardly anything is what it seems
        room = self._room
        turns = -(-most // max(len(room), 1))
        while True:
            placed: list[Places] = []
            total = live = 0
            for row, one in enumerate(self._found):
                size, length = room[row], len(one.papers)
                if length < size:
                    size = length
                if size > turns:
                    size, live = turns, live + 1
                places = self._head(row, size) if size > 0 else ()
                if places is None:
                    return None
                placed.append(places)
                total += len(places)
            if total >= most or not live:
                return placed if total <= most else in_turn(placed, most)
            turns += -(-(most - total) // live)

    def shared_among(self, row: int, places: Places) -> list[int]:
        """Which of these places of a list others have, too: where in `places` they are."""
        shared, columns, papers = self.shared, self._copies.columns, self._found[row].papers
        if type(places) is range:
            head = self._sights[row].heads.get(len(places))
            if head is not None and not head & shared:
                return []
        return [at for at, place in enumerate(places) if shared >> columns[papers[place]] & 1]

    def others(self, row: int, place: int) -> list[int]:
        """The other lists that have the paper at this place of one."""
        column = self._copies.columns[self._found[row].papers[place]]
        return [at for at, mask in enumerate(self._masks) if mask >> column & 1 and at != row]

    def _head(self, row: int, size: int) -> Places | None:
        """The first `size` places of what the list gets in the end."""
        one, (_, _, its_copies, heads) = self._found[row], self._sights[row]
        head = heads.get(size)
        if head is None:
            head = heads[size] = self._copies.mask(one.papers[:size])
        special = head & (self._special | its_copies)
        if not special:
            return range(size)
        scores, columns = one.scores, self._copies.columns
        for place, paper in enumerate(one.papers[:size]):
            if special >> columns[paper] & 1:
                entry = -scores[place], row, place
                if self._comes_up(paper, entry) != entry[0]:
                    return self._walk(entry, size, self._special | its_copies)
        return range(size)

    def _walk(self, start: _Entry, size: int, special: int) -> list[int] | None:
        """The same from there on, paper by paper: not everything stays where it is."""
        _, row, begin = start
        one, columns = self._found[row], self._copies.columns
        placed = list(range(begin))
        put_back: list[tuple[float, int]] = []
        for place in range(begin, len(one.papers)):
            paper, falling = one.papers[place], -one.scores[place]
            while put_back and put_back[0] < (falling, place):
                placed.append(heappop(put_back)[1])
            if len(placed) >= size:
                break
            at: float | None = falling
            if special >> columns[paper] & 1:
                at = self._comes_up(paper, (falling, row, place))
            if at is None:
                return None
            if at == falling:
                placed.append(place)
            elif at != _NEVER:
                heappush(put_back, (at, place))
        while put_back and len(placed) < size:
            placed.append(heappop(put_back)[1])
        return placed[:size]

    def _comes_up(self, paper: PaperId, entry: _Entry) -> float | None:
        """The falling score at which the list gets the paper; None where that cannot be told."""
        column, first = self._copies.columns[paper], entry
        if self._closed >> column & 1:
            return _NEVER
        if self.shared >> column & 1:
            first = self._first(paper, entry)
            if first is not entry and first[2] >= self._room[first[1]]:
                free = self._with_room(paper, first, entry)
                if free is None:
                    return None
                first = free
        falling = first[0]
        if self._copied >> column & 1:
            late = self._beside_copies(paper, first)
            if late is None:
                return None
            if _NEVER > late > falling and first is not entry:
                scores, its_room = self._found[first[1]].scores, self._room[first[1]]
                if its_room < len(scores) and -scores[its_room] <= late:
                    return None
            falling = late
        return falling if first is entry else _NEVER

    def _with_room(self, paper: PaperId, first: _Entry, entry: _Entry) -> _Entry | None:
        """Where the paper is listed: in `entry`, if all lists before it are full by then."""
        full: list[int] = []
        while first is not entry and first[2] >= self._room[first[1]]:
            row = first[1]
            if row in self._asked or self._copied >> self._copies.columns[paper] & 1:
                return None  # that depends on what is asked for
            self._asked.append(row)
            places = self._head(row, self._room[row])
            self._asked.pop()
            if places is None:
                return None
            if first[2] in places:
                break
            full.append(row)
            first = self._first(paper, entry, full)
        return first

    def _beside_copies(self, paper: PaperId, entry: _Entry) -> float | None:
        """When a paper comes up that has copies here: late, if one was listed before it."""
        here, columns, kin = self.everything, self._copies.columns, self._copies.kin
        others = [one for one in kin[paper] if here >> columns[one] & 1]
        if len(others) > _FEW:
            return None
        before = None
        for one in others:
            first = self._first(one, _NOWHERE)
            if first < entry:
                before, other = first, one
        if before is None:
            return entry[0]
        if len(others) > 1 or (self._copies.near[other] & here).bit_count() > 1:
            return None  # who is listed depends on more than these two
        if before[2] >= self._room[before[1]]:
            return None
        twins = self._copies.twins
        if paper in twins and twins[paper] == twins.get(other):
            return _NEVER
        late = COST * self._copies.alike.get(paper, {}).get(other, 0.0) + entry[0]
        return late if late > entry[0] + HAIR else entry[0]

    def _first(self, paper: PaperId, best: _Entry, full: Sequence[int] = ()) -> _Entry:
        """Where the paper comes up first: in `best`, or under another list that rates it higher."""
        column, known = self._copies.columns[paper], best[1]
        for row, mask in enumerate(self._masks):
            if mask >> column & 1 and row != known and row not in full:
                one = self._found[row]
                place = one.papers.index(paper)
                falling = -one.scores[place]
                if falling < best[0] or (falling == best[0] and row < best[1]):
                    best = falling, row, place
        return best


def see(one: Listed, copies: Copies) -> Sight:
    sight = one.seen = Sight.of(one.papers, copies)
    return sight
