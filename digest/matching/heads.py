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


class Sight(NamedTuple):
    """One list as bits of its batch; it serves everybody who has the list.

    `papers`: all of it. `kin`: whatever says nearly the same as one of them. `copies`: those after
    one that says nearly the same. `line`: all of it in its order, a paper's column as a character:
    nothing is found sooner than a character in a string. `heads`: the first so many.
    """

    papers: int
    kin: int
    copies: int
    line: str
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
        line = "".join([chr(columns[paper]) for paper in papers])
        return cls(among.mask(papers), kin, among.mask(copies) if copies else 0, line, {})


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
        *("_asked", "_closed", "_copied", "_copies", "_found", "_known", "_plain", "_room"),
        *("_sights", "_special", "everything", "shared"),
    )

    def __init__(
        self, found: Sequence[Listed], copies: Copies, *, room: Sequence[int], closed: int = 0
    ) -> None:
        self._found, self._copies, self._room, self._closed = found, copies, room, closed
        self._asked: list[int] = []
        self._known: dict[int, list[_Entry]] = {}
        self._sights = sights = [one.seen or see(one, copies) for one in found]
        everything = shared = kin = near = 0
        for mask, its_kin, _, _, _ in sights:
            shared |= everything & mask
            near |= everything & its_kin | kin & mask
            everything |= mask
            kin |= its_kin
        if closed:
            everything &= ~closed
        self.everything, self.shared = everything, shared
        self._copied = everything & kin
        self._special = shared | near | closed
        self._plain = shared & ~kin & ~closed if closed else shared & ~kin

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

    def meet(self, placed: Sequence[Places]) -> None:
        """Look who shares what was placed otherwise."""
        for sight, places in zip(self._sights, placed, strict=True):
            for column in map(ord, map(sight.line.__getitem__, places)):
                if self.shared >> column & 1:
                    self._listers(column)

    def beside(self, placed: Sequence[Places]) -> dict[int, list[tuple[int, list[int]]]]:
        """By list, what of it others have, too: where in its places, and which others.

        Of papers that were looked at; `place` looks at all that are shared.
        """
        told: dict[int, list[tuple[int, list[int]]]] = {}
        for entries in self._known.values():
            if len(entries) > 1:
                for _, row, place in entries:
                    places = placed[row]
                    if place in places:
                        others = sorted([other for _, other, _ in entries if other != row])
                        pair = places.index(place), others
                        if row in told:
                            told[row].append(pair)
                        else:
                            told[row] = [pair]
                        break
        return told

    def _head(self, row: int, size: int) -> Places | None:
        """The first `size` places of what the list gets in the end."""
        sight = self._sights[row]
        head = sight.heads.get(size)
        if head is None:
            head = sight.heads[size] = self._copies.mask(self._found[row].papers[:size])
        special = head & (self._special | sight.copies)
        if not special:
            return range(size)
        moved = self._moved(row, special)
        if not moved:
            return None if moved is None else range(size)
        return self._walk(row, size, moved)

    def _moved(self, row: int, special: int) -> dict[int, float] | None:
        """Which of these do not stay where they are: when each comes up, by its place."""
        room, known, line = self._room, self._known, self._sights[row].line
        moved: dict[int, float] = {}
        plain = special & self._plain
        special ^= plain
        while plain:  # others have it, and that is all there is to it
            column = plain.bit_length() - 1
            plain ^= 1 << column
            entries = known.get(column) or self._listers(column)
            _, its_row, its_place = entries[0]
            if its_row != row:
                if its_place >= room[its_row]:
                    special |= 1 << column
                else:
                    moved[line.index(chr(column))] = _NEVER
        while special:
            column = special.bit_length() - 1
            special ^= 1 << column
            place = line.index(chr(column))
            falling = -self._found[row].scores[place]
            at = self._comes_up(column, (falling, row, place))
            if at is None:
                return None
            if at != falling:
                moved[place] = at
        return moved

    def _walk(self, row: int, size: int, moved: dict[int, float]) -> list[int] | None:
        """The first `size` where some of the first do not stay: paper by paper from there on."""
        scores, line = self._found[row].scores, self._sights[row].line
        special = self._special | self._sights[row].copies
        begin = min(moved)
        placed = list(range(begin))
        put_back: list[tuple[float, int]] = []
        for place in range(begin, len(line)):
            falling = -scores[place]
            while put_back and put_back[0] < (falling, place):
                placed.append(heappop(put_back)[1])
            if len(placed) >= size:
                break
            at: float | None = falling
            if place < size:
                at = moved.get(place, falling)
            elif special >> (column := ord(line[place])) & 1:
                at = self._comes_up(column, (falling, row, place))
            if at is None:
                return None
            if at == falling:
                placed.append(place)
            elif at != _NEVER:
                heappush(put_back, (at, place))
        while put_back and len(placed) < size:
            placed.append(heappop(put_back)[1])
        return placed[:size]

    def _comes_up(self, column: int, entry: _Entry) -> float | None:
        """The falling score at which the list gets the paper; None where that cannot be told."""
        first = entry
        if self._closed and self._closed >> column & 1:
            return _NEVER
        if self.shared >> column & 1:
            entries = self._listers(column)
            first = entries[0]
            if first[1] != entry[1] and first[2] >= self._room[first[1]]:
                free = self._with_room(column, entries, entry)
                if free is None:
                    return None
                first = free
        falling, row, _ = first
        if self._copied >> column & 1:
            late = self._beside_copies(self._copies.papers[column], first)
            if late is None:
                return None
            if _NEVER > late > falling and row != entry[1]:
                scores, its_room = self._found[row].scores, self._room[row]
                if its_room < len(scores) and -scores[its_room] <= late:
                    return None
            falling = late
        return falling if row == entry[1] else _NEVER

    def _with_room(self, column: int, entries: Sequence[_Entry], entry: _Entry) -> _Entry | None:
        """Where the paper is listed: in `entry`, if all lists before it are full by then."""
        for first in entries:
            _, row, place = first
            if first == entry or place < self._room[row]:
                return first
            if row in self._asked or self._copied >> column & 1:
                break  # that depends on what is asked for
            self._asked.append(row)
            places = self._head(row, self._room[row])
            self._asked.pop()
            if places is None:
                break
            if place in places:
                return first
        return None

    def _beside_copies(self, paper: PaperId, entry: _Entry) -> float | None:
        """When a paper comes up that has copies here: late, if one was listed before it."""
        others = self._copies.near[paper] & self.everything
        several = others.bit_count()
        if several > _FEW:
            return None
        before = None
        while others:
            column = others.bit_length() - 1
            others ^= 1 << column
            first = self._listers(column)[0]
            if first < entry:
                before, other = first, self._copies.papers[column]
        if before is None:
            return entry[0]
        if several > 1 or (self._copies.near[other] & self.everything).bit_count() > 1:
            return None  # who is listed depends on more than these two
        if before[2] >= self._room[before[1]]:
            return None
        twins = self._copies.twins
        if paper in twins and twins[paper] == twins.get(other):
            return _NEVER
        late = COST * self._copies.alike.get(paper, {}).get(other, 0.0) + entry[0]
        return late if late > entry[0] + HAIR else entry[0]

    def _listers(self, column: int) -> list[_Entry]:
        """Where a paper comes up, an entry for each list that has it: the first is first."""
        entries = self._known.get(column)
        if entries is None:
            mark, entries = chr(column), []
            for row, sight in enumerate(self._sights):
                place = sight.line.find(mark)
                if place >= 0:
                    entries.append((-self._found[row].scores[place], row, place))
            entries.sort()
            self._known[column] = entries
        return entries


def see(one: Listed, copies: Copies) -> Sight:
    sight = one.seen = Sight.of(one.papers, copies)
    return sight
