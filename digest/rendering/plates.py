"""Plates: a card's template with open places, and the cards set from them. Pure.

    drawn alone, drawn with `also` -> Outline | usual inks -> Plate | own inks -> WireCard

What is the same for all who see a paper is encoded once and shared; what a card has to itself is
encoded in one stretch, and the subscriber's own word stays a hole of one byte, to be filled when
the mail is whole. A card for a paper that further interests asked for differs from the others by
one insertion; so there is one card for both, which knows where that goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, Protocol, Self

from digest.model import Item, Paper
from digest.rendering.ink import Ink, size
from digest.rendering.quoted import fragment
from digest.rendering.skeleton import slot, split

#: Where a card wants the subscriber's token or number; fragments quote all control characters.
HOLE: Final = b"\x01"
_SHARED: Final = 256  #: a fixed stretch as long as this is shared between cards, never copied

Pieces = tuple[bytes, ...]
_Parts = list[str | int]  #: text and the slots between


class Outline:
    """One template drawn for some shape of card: text, and slots for inks.

    Two kinds of slots are no ink's: the subscriber's own (the feedback token, or the number), and
    the one where `also` would go.
    """

    __slots__ = ("_also", "_around_also", "_own", "_parts")

    def __init__(self, parts: _Parts, around_also: tuple[str, str], own: int, also: int) -> None:
        self._parts = parts
        self._around_also = around_also
        self._own = own
        self._also = also

    @classmethod
    def of(cls, alone: str, shared: str, *, own: int, also: int) -> Self | None:
        """The outline of a template drawn without and with `also`, each open place as its slot.

        None where `also` changes more than one place.
        """
        around = "", ""
        if alone != shared:
            before, mark, after = shared.partition(slot(also))
            cut = _common(alone, before)
            left = alone[cut:]
            if not mark or slot(also) in after or not after.endswith(left):
                return None
            around = before[cut:], after.removesuffix(left)
            if any(mark in part for part in around for mark in "\ufdd0\ufdd1"):
                return None
            alone = alone[:cut] + slot(also) + left
        parts = [int(part) if n % 2 else part for n, part in enumerate(split(alone))]
        return cls(parts, around, own, also)

    def plate(self, usual: Mapping[int, str]) -> Plate:
        """The plate in which these inks are as good as the template's own text."""
        texts = {**usual, self._own: slot(self._own)}
        settled = [texts.get(part, part) if isinstance(part, int) else part for part in self._parts]
        is_open = self._also in settled
        at = settled.index(self._also) if is_open else len(settled)
        halves = [[*self._stretches(some)] for some in (settled[:at], settled[at + 1 :])]
        before, after = self._around_also
        return Plate(
            tuple([stretch for half in halves for stretch in half]),
            slot(self._own),
            Also(len(halves[0]), fragment(before), fragment(after), size(before) + size(after))
            if is_open
            else None,
        )

    def _stretches(self, parts: _Parts) -> Iterator[Stretch]:
        """What is fixed and long, encoded; what is not, with the short texts around it."""
        runs = [
            [*run] if are_inks else ["".join(map(str, run))]
            for are_inks, run in groupby(parts, lambda part: isinstance(part, int))
        ]
        mark = slot(self._own)
        for is_shared, some in groupby(runs, lambda run: _is_long(run[0])):
            stretch = [part for run in some for part in run]
            yield Shared.of("".join(map(str, stretch)), mark) if is_shared else tuple(stretch)


class Shared(NamedTuple):
    """A stretch that is every card's; `size` counts the text's bytes, without what fills holes."""

    encoded: bytes
    size: int
    holes: int

    @classmethod
    def of(cls, text: str, mark: str) -> Self:
        parts = text.split(mark)
        return cls(HOLE.join(map(fragment, parts)), sum(map(size, parts)), len(parts) - 1)


Stretch = Shared | tuple[str | int, ...]


class Also(NamedTuple):
    """Where further interests are named: before the stretch `at`, between these two fragments."""

    at: int
    before: bytes
    after: bytes
    size: int  #: of both


class Plate(NamedTuple):
    """Stretches of which some are still open, to be set for each card."""

    stretches: tuple[Stretch, ...]
    mark: str  #: stands for a hole
    also: Also | None

    def set(self, inks: Sequence[str]) -> tuple[Pieces, int, int]:
        """A card's pieces, their text's size, and how many holes they have."""
        pieces, size, holes = [], 0, 0
        for stretch in self.stretches:
            if not isinstance(stretch, Shared):
                text = "".join([inks[p] if isinstance(p, int) else p for p in stretch])
                stretch = Shared.of(text, self.mark)
            pieces.append(stretch.encoded)
            size += stretch.size
            holes += stretch.holes
        return tuple(pieces), size, holes

    def naming(self, pieces: Pieces, names: bytes) -> Pieces:
        """The pieces of a card with the names of further interests."""
        if self.also is None:
            return pieces
        at, before, after, _size = self.also
        return (*pieces[:at], before, names, after, *pieces[at:])


Plates = tuple[Plate, Plate]  #: of HTML and of text
Outlines = tuple[Outline | None, Outline | None]


def _is_long(part: str | int) -> bool:
    return isinstance(part, str) and len(part) >= _SHARED


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


class Names(NamedTuple):
    """The names of further interests, encoded; `size` counts the HTML's bytes once decoded."""

    html: bytes
    text: bytes
    size: int


class Known(Protocol):
    """What is kept of one paper, as far as it concerns cards."""

    paper: Paper
    title: str
    words: int


class WireCard:
    """One card, encoded: about 1.5 kB of its own, the rest is other cards' as well.

    `html` and `text` are its pieces by the two plates; a card that cannot be joined at all has
    none. `size` counts the HTML's bytes without its `links`' tokens, for a card without `also`.
    """

    __slots__ = ("_plates", "html", "item", "links", "size", "stock", "text")

    def __init__(
        self, stock: Known, item: Item, plates: Plates | None, inks: Sequence[Ink]
    ) -> None:
        self.stock = stock
        self.item = item  #: held, because cards are known by the identity of its reasons
        self._plates = plates
        self.html: Pieces = ()
        self.text: Pieces = ()
        self.size = self.links = 0
        if plates is not None:
            html, text = plates
            self.html, self.size, self.links = html.set([part.html for part in inks])
            self.text, _size, _numbers = text.set([part.text for part in inks])

    def html_naming(self, also: Names) -> Pieces:
        """`html` when further interests are named."""
        return self._plates[0].naming(self.html, also.html) if self._plates else ()

    def text_naming(self, also: Names) -> Pieces:
        """`text` when further interests are named."""
        return self._plates[1].naming(self.text, also.text) if self._plates else ()

    def size_of_naming(self, also: Names) -> int:
        """What is added to `size` when further interests are named."""
        place = self._plates and self._plates[0].also
        return place.size + also.size if place else 0
