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
from typing import TypeVar

from digest.matching.copies import Copies
from digest.matching.placing import COST, HAIR, Places, in_turn
from digest.matching.sights import Head, Listed

T = TypeVar("T")
_Entry = tuple[float, int, int]  #: falling score, row, place: sorts as papers come up
_Listers = tuple[_Entry, list[_Entry]]
Beside = tuple[int, tuple[T, ...]]  #: a place in what is listed, and what other lists have it, too
_NEVER = float("inf")
_NOWHERE: _Entry = (_NEVER, 0, 0)
_FEW = 3  #: copies of one paper that are looked at


class Ground:
    """The lists of one subscriber laid over one another.

    `everything`: all that was found and is not closed. `shared`: what several found. Both as bits.
    """

    __slots__ = (
        *("_asked", "_closed", "_copies", "_found", "_known", "_room", "_special"),
        *("everything", "shared"),
    )

    def __init__(
        self, found: Sequence[Listed], copies: Copies, room: Sequence[int], closed: int = 0
    ) -> None:
        self._found, self._copies, self._room, self._closed = found, copies, room, closed
        everything = shared = 0
        for one in found:
            mask = one.mask
            if mask < 0:
                mask = one.see(copies)
            shared |= everything & mask
            everything |= mask
        self.everything = everything & ~closed if closed else everything
        self.shared = shared
        self._known: dict[int, _Listers] = {}
        self._asked: tuple[int, ...] = ()
        self._special = 0

    def place(self, most: int) -> list[Places] | None:
        """The places in each list, `most` in all; None where a look at its head does not tell."""
        found, room, everything = self._found, self._room, self.everything
        taken = self.shared | self._closed
        turns = -(-most // max(len(room), 1))
        while True:
            placed: list[Places] = []
            for row, one in enumerate(found):
                size = room[row]
                if size > turns:
                    size = turns
                head = one.head
                if head.size != size:
                    head = one.head_of(size, self._copies)
                if special := head.own & taken | head.strangers & everything:
                    given = self._given(row, head, special)
                    if given is None:
                        return None
                    placed.append(given)
                else:
                    placed.append(head.places)
            total = sum(map(len, placed))
            if total >= most:
                return placed if total <= most else in_turn(placed, most)
            live = [
                min(size, len(one.papers)) > turns for size, one in zip(room, found, strict=True)
            ]
            if not any(live):
                return placed
            turns += -(-(most - total) // live.count(True))

    def meet(self, placed: Sequence[Places]) -> None:
        """Look who shares what was placed otherwise."""
        for one, places in zip(self._found, placed, strict=True):
            for column in map(ord, map(one.line.__getitem__, places)):
                if self.shared >> column & 1 and column not in self._known:
                    self._listers(column)

    def beside(self, placed: Sequence[Places], names: Sequence[T]) -> dict[int, list[Beside[T]]]:
        """By list, what of it others have, too: where in its places, and these others' names.

        Of papers that were looked at; `place` looks at all that are shared.
        """
        told: dict[int, list[Beside[T]]] = {}
        for first, entries in self._known.values():
            if len(entries) > 1:
                _, row, place = first
                if place not in placed[row]:
                    listed = [one for one in sorted(entries) if one[2] in placed[one[1]]]
                    if not listed:
                        continue
                    _, row, place = listed[0]
                others = tuple([names[other] for _, other, _ in entries if other != row])
                told.setdefault(row, []).append((placed[row].index(place), others))
        return told

    def _first(self, row: int, size: int) -> Places | None:
        """The first `size` places of what the list gets; None where a look does not tell."""
        head = self._found[row].head_of(size, self._copies)
        special = head.own & (self.shared | self._closed) | head.strangers & self.everything
        return self._given(row, head, special) if special else head.places

    def _given(self, row: int, head: Head, special: int) -> Places | None:
        """The first places of what the list gets, where `special` matters to its head.

        As a rule others have these papers, too, and that is all there is to them: then the list
        gets what it gives by itself, but for those that are rated higher elsewhere.
        """
        one, known, room, size = self._found[row], self._known, self._room, head.size
        copied = self._copies.copied
        lost: list[int] = []
        gone = seen = 0
        while special:
            if special & self._closed:
                return self._told(row, size)
            seen |= special
            special &= one.mask
            while special:
                column = special.bit_length() - 1
                bit = 1 << column
                special ^= bit
                first, entries = known.get(column) or self._listers(column)
                _, its_row, its_place = first
                if its_place >= room[its_row]:
                    if its_row == row or self._others(column):
                        return self._told(row, size)
                    free = self._with_room(column, entries, row)
                    if free is None:
                        return None
                    _, its_row, _ = free
                if its_row != row:
                    gone |= bit & copied
                    lost.append(one.line.index(chr(column)))
            if len(lost) + size > len(head.places):
                head = one.head_of(size + len(lost), self._copies)
                special = head.own & (self.shared | self._closed) & ~seen
        if gone and self._is_missed(one, gone):
            return self._told(row, size)
        if head.strangers & self.everything and self._is_preceded(one, head, gone):
            return self._told(row, size)
        if not lost:
            return head.places
        return [place for place in head.places if place not in lost][:size]

    def _is_missed(self, one: Listed, gone: int) -> bool:
        """Whether papers that others rate higher may come up late there, or make copies here do."""
        for column in _columns(gone):
            first, _ = self._listers(column)
            others = self._others(column)
            if others & one.mask & ~gone or self._follows(others, first):
                return True
        return False

    def _is_preceded(self, one: Listed, head: Head, gone: int) -> bool:
        """Whether copies that only others have may come up before what they are copies of."""
        for copy in _columns(head.strangers & self.everything):
            if own := self._others(copy) & head.own & ~gone:
                if head.own & one.copies:
                    return True  # that may come up again, and later
                (falling, _, _), _ = self._listers(copy)
                if any(falling <= -one.scores[one.line.index(chr(it))] for it in _columns(own)):
                    return True
        return False

    def _others(self, column: int) -> int:
        """The near-copies of a paper that were found."""
        copies = self._copies
        return copies.near.get(copies.papers[column], 0) & self.everything

    def _told(self, row: int, size: int) -> Places | None:
        """As `_given`, whatever there is to it: paper by paper; None where that does not tell."""
        one = self._found[row]
        line, special = one.line, self._looked_for() | one.copies
        placed: list[int] = []
        put_back: list[tuple[float, int]] = []
        for place, falling in enumerate(map(neg, one.scores)):
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
            for one in self._found:
                near |= everything & one.kin | kin & one.mask
                everything |= one.mask
                kin |= one.kin
            self._special = self.shared | near | self._closed
        return self._special

    def _comes_up(self, column: int, entry: _Entry) -> float | None:
        """The falling score at which the list gets the paper; None where that cannot be told."""
        first = entry
        if self._closed and self._closed >> column & 1:
            return _NEVER
        if self.shared >> column & 1:
            first, entries = self._listers(column)
            if first[1] != entry[1] and first[2] >= self._room[first[1]]:
                free = self._with_room(column, entries, entry[1])
                if free is None:
                    return None
                first = free
        falling, row, _ = first
        if others := self._others(column):
            late = self._beside_copies(column, others, first)
            if late is None:
                return None
            if _NEVER > late > falling and row != entry[1]:
                scores, its_room = self._found[row].scores, self._room[row]
                if its_room < len(scores) and -scores[its_room] <= late:
                    return None
            falling = late
        return falling if row == entry[1] else _NEVER

    def _with_room(self, column: int, entries: Sequence[_Entry], asked: int) -> _Entry | None:
        """Where the paper is listed: in the list asked for, if all before it are full by then."""
        for first in sorted(entries):
            _, row, place = first
            if row == asked or place < self._room[row]:
                return first
            if self._is_full(row, place):
                continue
            if row in self._asked or self._others(column):
                break  # that depends on what is asked for
            before, self._asked = self._asked, (*self._asked, row)
            places = self._first(row, self._room[row])
            self._asked = before
            if places is None:
                break
            if place in places:
                return first
        return None

    def _is_full(self, row: int, place: int) -> bool:
        """Whether a list is before that place, by nothing but papers that nobody disputes it."""
        one, room = self._found[row], self._room[row]
        disputed = one.mask & (self._looked_for() | one.copies)
        if place - disputed.bit_count() >= room:
            return True  # whichever of them those are
        return (self._copies.mask(one.papers[:place]) & ~disputed).bit_count() >= room

    def _beside_copies(self, column: int, others: int, entry: _Entry) -> float | None:
        """When a paper comes up that has these copies: late, if one was listed before it."""
        if others.bit_count() > _FEW:
            return None
        firsts: list[tuple[_Entry, int]] = []
        for other in _columns(others):
            first, _ = self._listers(other)
            if first < entry:
                home = self._home(other)
                if home is None:
                    return None
                first = home
            firsts.append((first, other))
        firsts.sort()
        if not firsts or firsts[0][0] > entry:
            return entry[0]
        before, copy = firsts[0]
        if self._follows(self._others(copy), before):
            return None
        paper, other = self._copies.papers[column], self._copies.papers[copy]
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
        for entry in sorted(self._listers(column)[1]):
            _, row, place = entry
            if place < self._room[row]:
                return entry
            if not self._is_full(row, place):
                return None
        return _NOWHERE

    def _follows(self, copies: int, entry: _Entry) -> bool:
        """Whether one of these may come up before it."""
        return any(self._listers(other)[0] < entry for other in _columns(copies))

    def _listers(self, column: int) -> _Listers:
        """Where a paper comes up first, and an entry for each list that has it, row by row."""
        known = self._known.get(column)
        if known is None:
            mark, bit, entries = chr(column), 1 << column, []
            for row, one in enumerate(self._found):
                if one.mask & bit:
                    place = one.line.index(mark)
                    entries.append((-one.scores[place], row, place))
            known = self._known[column] = min(entries), entries
        return known


def _columns(bits: int) -> Iterator[int]:
    while bits:
        column = bits.bit_length() - 1
        bits ^= 1 << column
        yield column
