"""What `digest.matching.placing` gives, looking only at the first papers of each list.

Nearly all of what a subscriber's interests found gets no place, and most of what gets one has
nothing to do with the other lists: it stands in no other, and no near-copy of it was found. So each
list gives its first papers, as many as it has turns, and only a paper that somebody else found or
that has a copy is looked at: whether it belongs to another list, whether a copy was listed before.
Where that cannot be told from such a look, nothing is, and `placing` has to go through everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from heapq import heappop, heappush
from operator import or_
from typing import NamedTuple, Protocol

from digest.matching.copies import Copies
from digest.matching.placing import COST, HAIR, Places, in_turn
from digest.model import PaperId

_Entry = tuple[float, int, int]  #: falling score, row, place: sorts as papers come up
_NEVER = float("inf")
_NOWHERE: _Entry = (_NEVER, -1, 0)


class Sight(NamedTuple):
    """One list as bits of its batch; it serves everybody who has the list.

    `papers`: all of it. `kin`: whatever says nearly the same as one of them. `copies`: those after
    one that says nearly the same. `bits`: one by one. `heads`: the first so many together.
    """

    papers: int
    kin: int
    copies: int
    bits: tuple[int, ...]
    heads: dict[int, int]

    @classmethod
    def of(cls, papers: Sequence[PaperId], among: Copies) -> Sight:
        bits = tuple([among.bits[paper] for paper in papers])
        mask = kin = copies = 0
        for paper, bit in zip(papers, bits, strict=True):
            mask |= bit
            if paper in among.kin:
                if kin & bit:
                    copies |= bit
                for other in among.kin[paper]:
                    kin |= among.bits[other]
        return cls(mask, kin, copies, bits, {})


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
        *("_closed", "_copied", "_copies", "_found", "_masks", "_sights", "_special"),
        *("everything", "shared"),
    )

    def __init__(self, found: Sequence[Listed], copies: Copies, *, closed: int = 0) -> None:
        self._found, self._copies, self._closed = found, copies, closed
        self._sights = [one.seen or see(one, copies) for one in found]
        self._masks = [sight[0] for sight in self._sights]
        everything = shared = kin = near = 0
        for mask, its_kin, _, _, _ in self._sights:
            shared |= everything & mask
            near |= everything & its_kin | kin & mask
            everything |= mask
            kin |= its_kin
        if closed:
            everything &= ~closed
        self.everything, self.shared = everything, shared
        self._copied = everything & kin
        self._special = shared | near | closed

    def place(self, room: Sequence[int], *, most: int) -> list[Places] | None:
        """The places in each list, `most` in all; None where a look at its head does not tell."""
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
                places = self._head(row, size, room) if size > 0 else ()
                if places is None:
                    return None
                placed.append(places)
                total += len(places)
            if total >= most or not live:
                return placed if total <= most else in_turn(placed, most)
            turns += -(-(most - total) // live)

    def shared_among(self, row: int, places: Places) -> list[int]:
        """Which of these places of a list others have, too: where in `places` they are."""
        sight, shared = self._sights[row], self.shared
        if type(places) is range and not sight.heads.get(len(places), shared) & shared:
            return []
        bits = sight.bits
        return [at for at, place in enumerate(places) if bits[place] & shared]

    def others(self, row: int, place: int) -> list[int]:
        """The other lists that have the paper at this place of one."""
        bit = self._sights[row].bits[place]
        return [other for other, mask in enumerate(self._masks) if mask & bit and other != row]

    def _head(self, row: int, size: int, room: Sequence[int]) -> Places | None:
        """The first `size` places of what the list gets in the end."""
        _, _, its_copies, bits, heads = self._sights[row]
        head = heads.get(size)
        if head is None:
            head = heads[size] = reduce(or_, bits[:size])
        special = self._special | its_copies
        if not head & special:
            return range(size)
        scores = self._found[row].scores
        for place in range(size):
            if bits[place] & special:
                entry = -scores[place], row, place
                if self._comes_up(bits[place], entry, room) != entry[0]:
                    return self._walk(entry, size, special, room)
        return range(size)

    def _walk(
        self, start: _Entry, size: int, special: int, room: Sequence[int]
    ) -> list[int] | None:
        """The same from there on, paper by paper: not everything stays where it is."""
        _, row, begin = start
        scores, bits = self._found[row].scores, self._sights[row].bits
        placed = list(range(begin))
        put_back: list[tuple[float, int]] = []
        for place in range(begin, len(bits)):
            falling = -scores[place]
            while put_back and put_back[0] < (falling, place):
                placed.append(heappop(put_back)[1])
            if len(placed) >= size:
                break
            at: float | None = falling
            if bits[place] & special:
                at = self._comes_up(bits[place], (falling, row, place), room)
            if at is None:
                return None
            if at == falling:
                placed.append(place)
            elif at != _NEVER:
                heappush(put_back, (at, place))
        while put_back and len(placed) < size:
            placed.append(heappop(put_back)[1])
        return placed[:size]

    def _comes_up(self, bit: int, entry: _Entry, room: Sequence[int]) -> float | None:
        """The falling score at which the list gets the paper; None where that cannot be told."""
        first = entry
        if bit & self._closed:
            return _NEVER
        if bit & self.shared:
            first = self._first(bit, entry)
            if first is not entry and first[2] >= room[first[1]]:
                return None  # it may come to us, if that list is full
        falling = first[0]
        if bit & self._copied:
            late = self._beside_copies(self._found[entry[1]].papers[entry[2]], first, room)
            if late is None:
                return None
            if _NEVER > late > falling and first is not entry:
                scores, its_room = self._found[first[1]].scores, room[first[1]]
                if its_room < len(scores) and -scores[its_room] <= late:
                    return None
            falling = late
        return falling if first is entry else _NEVER

    def _beside_copies(self, paper: PaperId, entry: _Entry, room: Sequence[int]) -> float | None:
        """When a paper comes up that has copies here: late, if one was listed before it."""
        bits, everything, kin = self._copies.bits, self.everything, self._copies.kin
        before, count = None, 0
        for one in kin[paper]:
            if bits[one] & everything:
                count += 1
                first = self._first(bits[one], _NOWHERE)
                if first < entry:
                    before, other = first, one
        if before is None:
            return entry[0]
        if count > 1 or sum([bits[one] & everything > 0 for one in kin[other]]) > 1:
            return None  # who is listed depends on more than these two
        if before[2] >= room[before[1]]:
            return None
        twins = self._copies.twins
        if paper in twins and twins[paper] == twins.get(other):
            return _NEVER
        late = COST * self._copies.alike.get(paper, {}).get(other, 0.0) + entry[0]
        return late if late > entry[0] + HAIR else entry[0]

    def _first(self, bit: int, best: _Entry) -> _Entry:
        """Where the paper comes up first: in `best`, or under another list that rates it higher."""
        known = best[1]
        for row, mask in enumerate(self._masks):
            if mask & bit and row != known:
                place = self._sights[row].bits.index(bit)
                falling = -self._found[row].scores[place]
                if falling < best[0] or (falling == best[0] and row < best[1]):
                    best = falling, row, place
        return best


def see(one: Listed, copies: Copies) -> Sight:
    sight = one.seen = Sight.of(one.papers, copies)
    return sight
