"""Plates: a card's template as encoded pieces with open places, and the cards set from them. Pure.

    drawn alone, drawn with `also` -> Plate | inks -> WireCard | token, number, names -> fragments

A card for a paper that further interests asked for differs from the others by one stretch of text.
So there is one card for both, which knows where that stretch goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from digest.model import Item, Paper
from digest.rendering.ink import Ink
from digest.rendering.quoted import fragment
from digest.rendering.skeleton import Skeleton, slot


class Plate:
    """One template's pieces for some shape of card, and where inks go.

    Two kinds of places stay open: the subscriber's own (the feedback token, or the number), and
    the one where `also` would go.
    """

    __slots__ = ("_also", "_own", "_pieces", "_spots", "around_also", "size", "size_of_also")

    def __init__(self, skeleton: Skeleton, around_also: tuple[str, str], own: int, also: int):
        spots = skeleton.spots
        self._pieces = [b"" if isinstance(piece, int) else piece for piece in skeleton.pieces]
        self._spots = [spot for spot in spots if spot[1] not in (own, also)]
        self._own = [place for place, number in spots if number == own]
        self._also = next((place for place, number in spots if number == also), None)
        self.size = skeleton.size
        self.around_also = fragment(around_also[0]), fragment(around_also[1])
        self.size_of_also = sum(len(part.encode()) for part in around_also)

    @classmethod
    def of(cls, alone: str, shared: str, *, own: int, also: int) -> Self | None:
        """The plate of a template drawn without and with `also`, each open place as its slot.

        None where `also` changes more than one place.
        """
        if alone == shared:
            return cls(Skeleton.of(alone), ("", ""), own, also)
        before, mark, after = shared.partition(slot(also))
        cut = _common(alone, before)
        left = alone[cut:]
        if not mark or slot(also) in after or not after.endswith(left):
            return None
        around = before[cut:], after.removesuffix(left)
        if any(mark in part for part in around for mark in "\ufdd0\ufdd1"):
            return None
        return cls(Skeleton.of(alone[:cut] + slot(also) + left), around, own, also)

    @property
    def places(self) -> int:
        """How often our own slot stands here."""
        return len(self._own)

    def set(self, inks: Sequence[bytes]) -> Body:
        """All pieces with the inks in their spots, joined around our own."""
        pieces = self._pieces.copy()
        for place, number in self._spots:
            pieces[place] = inks[number]
        around, start = list[bytes](), 0
        for place in self._own:
            around.append(b"".join(pieces[start:place]))
            start = place + 1
        around.append(b"".join(pieces[start:]))
        if self._also is None:
            return Body(tuple(around), 0, 0)
        owns = sum(place < self._also for place in self._own)
        return Body(tuple(around), sum(map(len, pieces[: self._also])), owns)

    def sized(self, inks: Sequence[Ink]) -> int:
        return self.size + sum([inks[number].size for _, number in self._spots])

    def lay(self, body: Body, own: bytes, also: bytes, into: list[bytes]) -> None:
        """Add the fragments of a card with `also`."""
        joined = own.join(body.around)
        if self._also is None:
            into.append(joined)
            return
        cut = body.before_also + body.owns_before_also * len(own)
        into += (joined[:cut], self.around_also[0], also, self.around_also[1], joined[cut:])


class Body(NamedTuple):
    """One card by one template: what stands around our own places, and where `also` would go."""

    around: tuple[bytes, ...]
    before_also: int  #: bytes, and …
    owns_before_also: int  #: … places of our own


Plates = tuple[Plate | None, Plate | None]  #: of HTML and of text


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
    """One card, encoded (about 4 kB).

    `html` and `text` are what stands around the token and around the number, for a card without
    `also`; `size` counts the HTML's own bytes without tokens. A card that cannot be joined at all
    has none of them.
    """

    __slots__ = (
        *("_html", "_html_plate", "_item", "_text", "_text_plate"),
        *("html", "links", "size", "stock", "text"),
    )

    def __init__(self, stock: Known, item: Item, plates: Plates, inks: Sequence[Ink]) -> None:
        self.stock = stock
        self._item = item  #: held, because cards are known by the identity of its reasons
        html, text = plates
        if html is None or text is None:
            self.size = self.links = 0
            self.html: tuple[bytes, ...] = ()
            self.text: tuple[bytes, ...] = ()
            return
        self.size = html.sized(inks)
        self.links = html.places
        self._html_plate, self._text_plate = html, text
        self._html = html.set([part.html for part in inks])
        self._text = text.set([part.text for part in inks])
        self.html, self.text = self._html.around, self._text.around

    def is_of(self, paper: Paper, item: Item) -> bool:
        """Whether it shows this very paper for these very reasons."""
        mine = self._item
        return (
            self.stock.paper is paper
            and mine.reasons is item.reasons
            and mine.revision == item.revision
        )

    def size_with(self, also: Ink) -> int:
        """`size` when further interests are named."""
        added = self._html_plate.size_of_also if self.html else 0
        return self.size + added + also.size if added else self.size

    def lay_html(self, into: list[bytes], token: bytes, also: bytes) -> None:
        """Add the HTML's fragments, with the names of further interests."""
        self._html_plate.lay(self._html, token, also, into)

    def lay_text(self, into: list[bytes], number: bytes, also: bytes) -> None:
        """Add the text's fragments, with the names of further interests."""
        self._text_plate.lay(self._text, number, also, into)
