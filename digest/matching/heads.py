"""What `digest.matching.placing` gives, looking only at the first papers of each list.

Nearly all of what a subscriber's interests found gets no place, and most of what gets one has
nothing to do with the other lists: it stands in no other, and no near-copy of it does. So each list
gives what it gives by itself (`digest.matching.sights`), as many as it has turns, and only a paper
on which that depends and that somebody else found, or a copy of it, is looked at: whether it
belongs to another list, whether a copy was listed before. Where that cannot be told from such a
look, nothing is, and `placing` has to go through everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from operator import neg

from digest.matching.copies import Copies
from digest.matching.placing import COST, HAIR, Places, in_turn
from digest.matching.sights import Head, Listed, head_of, see
from digest.model import PaperId

_Entry = tuple[float, int, int]  #: falling score, row, place: sorts as papers come up
Beside = tuple[int, list[int]]  #: a place in what is listed, and which other lists have it, too
_NEVER = float("inf")
_NOWHERE: _Entry = (_NEVER, 0, 0)
_FEW = 3  #: copies of one paper that are looked at


class Ground:
    """The lists of one subscriber laid over one another.

    `everything`: all that was found and is not closed. `shared`: what several found. Both as bits.
    """

    __slots__ = (
        *("_asked", "_closed", "_copies", "_found", "_kin", "_known", "_room", "_sights"),
        *("_special", "everything", "shared"),
    )

    def __init__(
        self, found: Sequence[Listed], copies: Copies, *, room: Sequence[int], closed: int = 0
    ) -> None:
        self._found, self._copies, self._room, self._closed = found, copies, room, closed
        self._known: dict[int, list[_Entry]] = {}
        self._sights = sights = [one.seen or see(one, copies) for one in found]
        everything = shared = kin = 0
        for mask, its_kin, _, _, _ in sights:
            shared |= everything & mask
            everything |= mask
            kin |= its_kin
        self.everything = everything & ~closed if closed else everything
        self.shared, self._kin = shared, kin
        self._asked: tuple[int, ...] = ()
        self._special = 0

    def place(self, most: int) -> list[Places] | None:
        """The places in each list, `most` in all; None where a look at its head does not tell."""
        room, sights = self._room, self._sights
        taken, everything = self.shared | self._closed, self.everything
        turns = -(-most // max(len(room), 1))
        while True:
            placed: list[Places] = []
            for row, size in enumerate(room):
                if size > turns:
                    size = turns
                places, own, strangers = sights[row].heads.get(size) or self._head(row, size)
                if special := own & taken | strangers & everything:
                    given = self._given(row, size, special)
                    if given is None:
                        return None
                    placed.append(given)
                else:
                    placed.append(places)
            total = sum(map(len, placed))
            if total >= most:
                return placed if total <= most else in_turn(placed, most)
            live = [
                min(size, len(sight.line)) > turns for size, sight in zip(room, sights, strict=True)
            ]
            if not any(live):
                return placed
            turns += -(-(most - total) // live.count(True))

    def meet(self, placed: Sequence[Places]) -> None:
        """Look who shares what was placed otherwise."""
        for sight, places in zip(self._sights, placed, strict=True):
            for column in map(ord, map(sight.line.__getitem__, places)):
                if self.shared >> column & 1:
                    self._listers(column)

    def beside(self, placed: Sequence[Places]) -> dict[int, list[Beside]]:
        """By list, what of it others have, too: where in its places, and which others.

        Of papers that were looked at; `place` looks at all that are shared.
        """
        told: dict[int, list[Beside]] = {}
        for entries in self._known.values():
            if len(entries) > 1:
                for _, row, place in entries:
                    if place in placed[row]:
                        others = sorted([other for _, other, _ in entries if other != row])
                        told.setdefault(row, []).append((placed[row].index(place), others))
                        break
        return told

    def _given(self, row: int, size: int, special: int) -> Places | None:
        """The first `size` places of what the list gets, where `special` matters to its head.

        As a rule others have these papers, too, and that is all there is to them: then the list
        gets what it gives by itself, but for those that are rated higher elsewhere.
        """
        sight, known, room = self._sights[row], self._known, self._room
        taken, in_the_way = self.shared | self._closed, self._kin | self._closed
        head, seen = sight.heads[size], 0
        lost: list[int] = []
        while special:
            if special & in_the_way:
                return self._told(row, size)
            seen |= special
            while special:
                column = special.bit_length() - 1
                special ^= 1 << column
                entries = known.get(column) or self._listers(column)
                _, its_row, its_place = entries[0]
                if its_row != row:
                    if its_place >= room[its_row]:
                        return self._told(row, size)
                    lost.append(sight.line.index(chr(column)))
            if len(lost) + size > len(head.places):
                wanted = size + len(lost)
                head = sight.heads.get(wanted) or self._head(row, wanted)
                special = (head.own & taken | head.strangers & self.everything) & ~seen
        if not lost:
            return head.places
        return [place for place in head.places if place not in lost][:size]

    def _head(self, row: int, size: int) -> Head:
        return head_of(self._found[row], self._sights[row], size, self._copies)

    def _told(self, row: int, size: int) -> Places | None:
        """As `_given`, whatever there is to it: paper by paper; None where that does not tell."""
        scores, line = self._found[row].scores, self._sights[row].line
        special = self._looked_for() | self._sights[row].copies
        placed: list[int] = []
        put_back: list[tuple[float, int]] = []
        for place, falling in enumerate(map(neg, scores)):
            while put_back and put_back[0] < (falling, place):
                placed.append(heappop(put_back)[1])
            if len(placed) >= size:
                break
            at: float | None = falling
            if special >> (column := ord(line[place])) & 1:
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

    def _looked_for(self) -> int:
        """Papers that have to do with another list or are closed."""
        if not self._special:
            everything = near = kin = 0
            for mask, its_kin, _, _, _ in self._sights:
                near |= everything & its_kin | kin & mask
                everything |= mask
                kin |= its_kin
            self._special = self.shared | near | self._closed
        return self._special

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
        if self._kin >> column & 1:
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
            if self._is_full(row, place):
                continue
            if row in self._asked or self._kin >> column & 1:
                break  # that depends on what is asked for
            before, self._asked = self._asked, (*self._asked, row)
            places = self._told(row, min(self._room[row], len(self._sights[row].line)))
            self._asked = before
            if places is None:
                break
            if place in places:
                return first
        return None

    def _is_full(self, row: int, place: int) -> bool:
        """Whether a list is before that place, by nothing but papers that nobody disputes it."""
        disputed = self._looked_for() | self._sights[row].copies
        its_own = self._copies.mask(self._found[row].papers[:place]) & ~disputed
        return its_own.bit_count() >= self._room[row]

    def _beside_copies(self, paper: PaperId, entry: _Entry) -> float | None:
        """When a paper comes up that has copies here: late, if one was listed before it."""
        others = self._copies.near[paper] & self.everything
        if others.bit_count() > _FEW:
            return None
        firsts: list[tuple[_Entry, int]] = []
        for column in _columns(others):
            first = self._listers(column)[0]
            if first < entry:
                home = self._home(column)
                if home is None:
                    return None
                first = home
            firsts.append((first, column))
        firsts.sort()
        if not firsts or firsts[0][0] > entry:
            return entry[0]
        before, column = firsts[0]
        other = self._copies.papers[column]
        if self._follows(other, before):
            return None
        twins = self._copies.twins
        if paper in twins and twins[paper] == twins.get(other):
            return _NEVER
        late = COST * self._copies.alike.get(paper, {}).get(other, 0.0) + entry[0]
        late = late if late > entry[0] + HAIR else entry[0]
        if len(firsts) > 1 and firsts[1][0][0] <= late:
            return None  # one more is listed before the paper is
        return late

    def _home(self, column: int) -> _Entry | None:
        """Where a paper comes up first and there is room; None where that cannot be told."""
        for entry in self._listers(column):
            _, row, place = entry
            if place < self._room[row]:
                return entry
            if not self._is_full(row, place):
                return None
        return _NOWHERE

    def _follows(self, paper: PaperId, entry: _Entry) -> bool:
        """Whether a copy of the paper may come up before it."""
        others = self._copies.near[paper] & self.everything
        return any(self._listers(column)[0] < entry for column in _columns(others))

    def _listers(self, column: int) -> list[_Entry]:
        """Where a paper comes up, an entry for each list that has it: the first is first."""
        entries = self._known.get(column)
        if entries is None:
            mark, entries = chr(column), []
            for row, (_, _, _, line, _) in enumerate(self._sights):
                place = line.find(mark)
                if place >= 0:
                    entries.append((-self._found[row].scores[place], row, place))
            entries.sort()
            self._known[column] = entries
        return entries


def _columns(bits: int) -> Iterator[int]:
    while bits:
        column = bits.bit_length() - 1
        bits ^= 1 << column
        yield column
