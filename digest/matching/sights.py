"""What a list of papers is by itself, for whoever has it: as bits of its batch, and its head.

Many readers have the same list. What it would give of so many places if nobody else's papers were
in its way is found out once, and which papers that depends on: then a reader of whom no other list
has any of these gets just that, and it is the same value for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from digest.matching.copies import Copies
from digest.matching.placing import Taken, place_all
from digest.model import PaperId


class Head(NamedTuple):
    """The places a list gives by itself, as far as no other list has one of certain papers.

    `own`: these, as far as the list itself has them: all down to the last that is given, and
    whatever says nearly the same as one of those. `strangers`: what else says the same.
    """

    places: tuple[int, ...]
    own: int
    strangers: int


class Sight(NamedTuple):
    """One list as bits of its batch; it serves everybody who has the list.

    `papers`: all of it. `kin`: whatever says nearly the same as one of them. `copies`: those after
    one that says nearly the same. `line`: all of it in its order, a paper's column as a character:
    nothing is found sooner than a character in a string. `heads`: by places asked for.
    """

    papers: int
    kin: int
    copies: int
    line: str
    heads: dict[int, Head]

    @classmethod
    def of(cls, papers: Sequence[PaperId], among: Copies) -> Sight:
        near, columns, kin, copies = among.near, among.columns, 0, 0
        for paper in filter(near.__contains__, papers):
            copies |= kin & 1 << columns[paper]
            kin |= near[paper]
        line = "".join(map(chr, map(columns.__getitem__, papers)))
        return cls(among.mask(papers), kin, copies, line, {})


class Listed(Protocol):
    """Papers with falling scores, and what they are as bits of a batch."""

    papers: tuple[PaperId, ...]
    scores: tuple[float, ...]
    seen: Sight | None


def see(one: Listed, copies: Copies) -> Sight:
    """How the list looks among the papers of its batch; kept with it."""
    sight = one.seen = Sight.of(one.papers, copies)
    return sight


def head_of(one: Listed, sight: Sight, size: int, copies: Copies) -> Head:
    """What the list gives by itself of `size` places, or fewer where it ends; kept with it."""
    looked_at = one.papers[: max(size, 0)]
    places, bits = first(len(looked_at)), copies.mask(looked_at)
    if bits & sight.copies:
        taken = Taken((), twins=copies.twins, alike=copies.alike)
        places = tuple(place_all([one], [size], taken, most=size)[0])
        looked_at = one.papers[: max(places) + 1] if len(places) == size else one.papers
        bits = copies.mask(looked_at)
    for paper in filter(copies.near.__contains__, looked_at):
        bits |= copies.near[paper]
    head = sight.heads[size] = Head(places, bits & sight.papers, bits & ~sight.papers)
    return head


@lru_cache(maxsize=64)
def first(count: int) -> tuple[int, ...]:
    """The first so many places."""
    return tuple(range(count))
