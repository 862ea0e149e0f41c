"""Plates: a card's template as encoded pieces with open places, and the cards set from them. Pure.

    drawn alone, drawn with `also` -> Plate | inks -> WireCard | token, number, names -> bytes

A plate may be settled: what is the same for nearly everybody is filled in and grown together, and
cards hold little of their own. A card for a paper that further interests asked for differs from the
others by one stretch of text; so there is one card for both, which knows where that stretch goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Protocol, Self

from digest.model import Item, Paper
from digest.rendering.ink import Ink
from digest.rendering.quoted import fragment
from digest.rendering.skeleton import Skeleton, slot

Pieces = tuple[bytes, ...]


class Plate:
    """One template's pieces for some shape of card, and where inks go.

    Two kinds of places stay open: the subscriber's own (the feedback token, or the number), and
    the one where `also` would go.
    """

    __slots__ = ("_open", "_pieces", "_spots", "also", "around_also", "own", "size", "size_of_also")

    def __init__(
        self,
        pieces: Sequence[bytes | int],
        size: int,
        around_also: tuple[bytes, bytes],
        size_of_also: int,
        open_for: tuple[int, int],
    ) -> None:
        """`open_for`: the subscriber's own slot and that of `also`; `size`: of the text's bytes."""
        own, also = self._open = open_for
        spots = [(n, piece) for n, piece in enumerate(pieces) if isinstance(piece, int)]
        self._pieces = [b"" if isinstance(piece, int) else piece for piece in pieces]
        self._spots = [spot for spot in spots if spot[1] not in open_for]
        self.own = tuple([place for place, number in spots if number == own])
        self.also = next((place for place, number in spots if number == also), None)
        self.around_also = around_also
        self.size = size
        self.size_of_also = size_of_also

    @classmethod
    def of(cls, alone: str, shared: str, *, own: int, also: int) -> Self | None:
        """The plate of a template drawn without and with `also`, each open place as its slot.

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
        skeleton = Skeleton.of(alone)
        return cls(
            skeleton.pieces,
            skeleton.size,
            (fragment(around[0]), fragment(around[1])),
            sum(len(part.encode()) for part in around),
            (own, also),
        )

    def settled(self, inks: Mapping[int, tuple[bytes, int]]) -> Self:
        """The plate with these inks, each with its size, in their spots for good."""
        pieces = list[bytes | int](self._pieces)
        size, (own, also) = self.size, self._open
        for place in self.own:
            pieces[place] = own
        if self.also is not None:
            pieces[self.also] = also
        for place, number in self._spots:
            if number in inks:
                pieces[place], added = inks[number]
                size += added
            else:
                pieces[place] = number
        return type(self)(_grown(pieces), size, self.around_also, self.size_of_also, self._open)

    def set(self, inks: Sequence[bytes]) -> Pieces:
        """All pieces with the inks in their spots; open places are empty."""
        pieces = self._pieces.copy()
        for place, number in self._spots:
            pieces[place] = inks[number]
        return tuple(pieces)

    def sized(self, inks: Sequence[Ink]) -> int:
        return self.size + sum([inks[number].size for _, number in self._spots])

    def join(self, pieces: Pieces, own: bytes, also: bytes) -> bytes:
        """A card for one subscriber: with their token or number, and the names in `also`."""
        filled = [*pieces]
        for place in self.own:
            filled[place] = own
        if also and self.also is not None:
            before, after = self.around_also
            filled[self.also] = before + also + after
        return b"".join(filled)


_BLANK = Plate((), 0, (b"", b""), 0, (0, 0))
Plates = tuple[Plate | None, Plate | None]  #: of HTML and of text


def _grown(pieces: Sequence[bytes | int]) -> list[bytes | int]:
    """Neighbours that are no slots made one."""
    grown: list[bytes | int] = []
    for are_slots, some in groupby(pieces, lambda piece: isinstance(piece, int)):
        if are_slots:
            grown += some
        else:
            grown.append(b"".join([piece for piece in some if isinstance(piece, bytes)]))
    return grown


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


class Known(Protocol):
    """What is kept of one paper, as far as it concerns cards."""

    paper: Paper
    title: str
    words: int


class WireCard:
    """One card, encoded: about 1 kB of its own, the rest is other cards' as well.

    `html` and `text` are its pieces by the two plates; a card that cannot be joined at all has
    none. `size` counts the HTML's bytes without tokens, for a card without `also`.
    """

    __slots__ = ("html", "html_plate", "item", "links", "size", "stock", "text", "text_plate")

    def __init__(self, stock: Known, item: Item, plates: Plates, inks: Sequence[Ink]) -> None:
        self.stock = stock
        self.item = item  #: held, because cards are known by the identity of its reasons
        html, text = plates
        if html is None or text is None:
            self.html_plate = self.text_plate = _BLANK
            self.size = self.links = 0
            self.html: Pieces = ()
            self.text: Pieces = ()
            return
        self.html_plate, self.text_plate = html, text
        self.size = html.sized(inks)
        self.links = len(html.own)
        self.html = html.set([part.html for part in inks])
        self.text = text.set([part.text for part in inks])

    def is_of(self, paper: Paper, item: Item) -> bool:
        """Whether it shows this very paper for these very reasons."""
        mine = self.item
        return (
            self.stock.paper is paper
            and mine.reasons is item.reasons
            and mine.revision == item.revision
        )

    def size_with(self, also: Ink) -> int:
        """`size` when further interests are named."""
        added = self.html_plate.size_of_also
        return self.size + added + also.size if added else self.size
