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


class Sight(NamedTuple):
    """One list as bits of its batch; it serves everybody who has the list.

    `papers`: all of it. `kin`: whatever says nearly the same as one of them. `copies`: those after
    one that says nearly the same. `heads`: the first papers, by their number.
    """

    papers: int
    kin: int
    copies: int
    heads: dict[int, int]

    @classmethod
    def of(cls, papers: Sequence[PaperId], among: Copies) -> Sight:
        bits, families = among.bits, among.kin
        mask = kin = copies = 0
        for paper in papers:
            bit = bits[paper]
            mask |= bit
            if paper in families:
                if kin & bit:
                    copies |= bit
                for other in families[paper]:
                    kin |= bits[other]
        return cls(mask, kin, copies, {})


class Listed(Protocol):
    """Papers with falling scores, and what they are as bits of a batch."""

    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]
    seen: Sight | None


class Ground:
    """The lists of one subscriber laid over one another.

    `everything`: all that was found and is not closed. `shared`: what several found. As bits.
    """

    __slots__ = (
        *("_closed", "_copies", "_found", "_kin", "_special"),
        *("bits", "everything", "shared", "sights"),
    )

    def __init__(self, found: Sequence[Listed], copies: Copies, *, closed: int = 0) -> None:
        self.bits = copies.bits
        self.sights = [one.seen or see(one, copies) for one in found]
        everything = shared = kin = near = 0
        for its_papers, its_kin, _, _ in self.sights:
            shared |= everything & its_papers
            near |= everything & its_kin | kin & its_papers
            everything |= its_papers
            kin |= its_kin
        if closed:
            everything &= ~closed
        self.everything, self.shared = everything, shared
        self._special = shared | near | closed
        self._kin, self._closed, self._copies, self._found = kin, closed, copies, found

    def place(self, room: Sequence[int], *, most: int) -> list[Places] | None:
        """The places in each list, `most` in all; None where a look at its head does not tell."""
        found, special = self._found, self._special
        sizes = [min(limit, len(one.papers)) for limit, one in zip(room, found, strict=True)]
        live = [row for row, size in enumerate(sizes) if size > 0]
        placed: list[Places] = [()] * len(found)
        turns, missing = 0, most
        while missing > 0 and live:
            turns += -(-missing // len(live))
            for row in live:
                sight = self.sights[row]
                size = sizes[row] if sizes[row] < turns else turns
                head = sight.heads.get(size)
                if head is None:
                    head = sight.heads[size] = self._copies.mask(found[row].papers[:size])
                if not head & (special | sight.copies):
                    placed[row] = range(size)
                elif (walked := self._walk(row, size, room)) is not None:
                    placed[row] = walked
                else:
                    return None
            missing = most - sum(map(len, placed))
            live = [row for row in live if len(placed[row]) == turns < sizes[row]]
        return in_turn(placed, most) if missing < 0 else placed

    def _walk(self, row: int, size: int, room: Sequence[int]) -> list[int] | None:
        """The first `size` places of what the list gets in the end."""
        one, bits, closed, shared = self._found[row], self.bits, self._closed, self.shared
        scores, copied = one.scores, self.everything & self._kin
        special = self._special | self.sights[row].copies
        placed: list[int] = []
        put_back: list[tuple[float, int]] = []
        for place, paper in enumerate(one.papers):
            if put_back:
                while put_back and put_back[0] < (-scores[place], place):
                    placed.append(heappop(put_back)[1])
            if len(placed) >= size:
                break
            bit = bits[paper]
            if bit & special:
                if bit & closed:
                    continue
                first = -scores[place], row, place
                if bit & shared:
                    first = self._first(paper, bit)
                    if first[1] != row and first[2] >= room[first[1]]:
                        return None  # it may come to us, if that list is full
                if bit & copied:
                    late = self._beside_copies(paper, first, room)
                    if late is None:
                        return None
                    if late > first[0]:
                        if late == _NEVER:
                            continue
                        if first[1] == row:
                            heappush(put_back, (late, place))
                        elif not self._lasts(first[1], late, room):
                            return None
                        continue
                if first[1] != row:
                    continue
            placed.append(place)
        while put_back and len(placed) < size:
            placed.append(heappop(put_back)[1])
        return placed[:size]

    def _beside_copies(self, paper: PaperId, entry: _Entry, room: Sequence[int]) -> float | None:
        """When a paper comes up that has copies here: late, if one was listed before it."""
        bits, everything, kin = self.bits, self.everything, self._copies.kin
        others = [other for other in kin[paper] if bits[other] & everything]
        before = [first for other in others if (first := self._first(other, bits[other])) < entry]
        if not before:
            return entry[0]
        other, (_, row, place) = others[0], before[0]
        if len(others) > 1 or sum([bits[one] & everything > 0 for one in kin[other]]) > 1:
            return None  # who is listed depends on more than these two
        if place >= room[row]:
            return None
        twins = self._copies.twins
        if paper in twins and twins[paper] == twins.get(other):
            return _NEVER
        late = COST * self._copies.alike.get(paper, {}).get(other, 0.0) + entry[0]
        return late if late > entry[0] + HAIR else entry[0]

    def _lasts(self, row: int, falling: float, room: Sequence[int]) -> bool:
        """Whether the list surely has room for one more up to that falling score."""
        scores, size = self._found[row].scores, room[row]
        return len(scores) <= size or -scores[size] > falling

    def _first(self, paper: PaperId, bit: int) -> _Entry:
        """Where the paper comes up first: under the list that rates it highest."""
        best = _NEVER, 0, 0
        for row, sight in enumerate(self.sights):
            if sight[0] & bit:
                one = self._found[row]
                place = one.papers.index(paper)
                if -one.scores[place] < best[0]:
                    best = -one.scores[place], row, place
        return best


def see(one: Listed, copies: Copies) -> Sight:
    sight = one.seen = Sight.of(one.papers, copies)
    return sight
