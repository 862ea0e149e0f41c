"""What a list of papers is by itself, for whoever has it: as bits of its batch, and its head.

Many readers have the same list. What it would give of so many places if nobody else's papers were
in its way is found out once, and which papers that depends on: then a reader of whom no other list
has any of these gets just that, and it is the same value for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from digest.matching.copies import Copies, bits_of
from digest.matching.placing import Taken, place_all
from digest.model import Item, PaperId


@dataclass(slots=True, eq=False)
class Head:
    """What a list gives of `size` places, as far as no other list has one of certain papers.

    `own`: these, as far as the list itself has them: all down to the last that is given, and
    whatever says nearly the same as one of those. `strangers`: what else says the same. `papers`
    and `items` are those at `places`, once somebody was given them.
    """

    size: int
    places: tuple[int, ...]
    own: int
    strangers: int
    papers: tuple[PaperId, ...] = ()
    items: tuple[Item, ...] = ()
    further: Head | None = None  #: of other sizes, in the order they were asked for


_NONE: Final = Head(-1, (), 0, 0)


@dataclass(slots=True, eq=False)
class Listed:
    """Papers with falling scores, and how they look among the papers of one batch, once seen.

    `mask`: all of them, as bits. `line`: in their order, a paper's column as a character: nothing
    is found sooner than a character in a string. `kin`: whatever says nearly the same as one of
    them. `copies`: those after one that says nearly the same. `head` is the one that was asked for
    first: as a rule the only one, which is found without a look into a dict.
    """

    papers: tuple[PaperId, ...] = ()
    scores: Sequence[float] = ()  #: an array is a quarter of a tuple, and lies in one place
    head: Head = field(default=_NONE, init=False, repr=False)
    mask: int = field(default=-1, init=False, repr=False)
    line: str = field(default="", init=False, repr=False)
    kin: int = field(default=0, init=False, repr=False)
    copies: int = field(default=0, init=False, repr=False)

    def see(self, among: Copies) -> int:
        """Look at the list among the papers of its batch; returns its mask."""
        near, columns, kin, copies = among.near, among.columns, 0, 0
        for paper in filter(near.__contains__, self.papers):
            copies |= kin & 1 << columns[paper]
            kin |= near[paper]
        self.kin, self.copies = kin, copies
        its = list(map(columns.__getitem__, self.papers))
        self.line = "".join(map(chr, its))
        self.mask = mask = bits_of(its)
        return mask

    def head_of(self, size: int, among: Copies) -> Head:
        """What the list gives by itself of `size` places, or fewer where it ends; kept."""
        head = self.head
        while head.size != size:
            if head.further is None:
                made = self._head(size, among)
                if head is _NONE:
                    self.head = made
                else:
                    head.further = made
                return made
            head = head.further
        return head

    def _head(self, size: int, among: Copies) -> Head:
        looked_at = self.papers[: max(size, 0)]
        places, bits = first(len(looked_at)), among.mask(looked_at)
        if bits & self.copies:
            taken = Taken((), twins=among.twins, alike=among.alike)
            places = tuple(place_all([self], [size], taken, most=size)[0])
            looked_at = self.papers[: max(places) + 1] if len(places) == size else self.papers
            bits = among.mask(looked_at)
        for paper in filter(among.near.__contains__, looked_at):
            bits |= among.near[paper]
        return Head(size, places, bits & self.mask, bits & ~self.mask)


@lru_cache(maxsize=64)
def first(count: int) -> tuple[int, ...]:
    """The first so many places."""
    return tuple(range(count))
