"""Plates: a card's template with open places, and the cards set from them. Pure.

    drawn alone, drawn with `also` -> Outline | usual inks -> Plate | own inks -> WireCard

What is the same for all who see a paper is encoded once and shared; what a card has to itself is
encoded in one stretch, and the subscriber's own word stays a hole of one byte, to be filled when
the mail is whole. A card for a paper that further interests asked for differs from the others by
one insertion; so there is one card for both, which knows where that goes.
"""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, Protocol, Self

from digest.model import Item, Paper
from digest.rendering.ink import Ink
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
        before, after = map(fragment, self._around_also)
        return Plate(
            tuple([stretch for half in halves for stretch in half]),
            slot(self._own),
            Also(len(halves[0]), before, after) if is_open else None,
        )

    def _stretches(self, parts: _Parts) -> Iterator[Stretch]:
        """What is fixed and long, encoded; what is not, with the short texts around it."""
        runs = [
            [*run] if are_inks else ["".join(map(str, run))]
            for are_inks, run in groupby(parts, lambda part: isinstance(part, int))
        ]
        for is_shared, some in groupby(runs, lambda run: _is_long(run[0])):
            stretch = [part for run in some for part in run]
            mark = slot(self._own)
            yield encoded("".join(map(str, stretch)), mark) if is_shared else tuple(stretch)


Stretch = bytes | tuple[str | int, ...]


class Also(NamedTuple):
    """Where further interests are named: before the stretch `at`, between these two fragments."""

    at: int
    before: bytes
    after: bytes


class Plate(NamedTuple):
    """Stretches, of which some are still open, to be set for each card."""

    stretches: tuple[Stretch, ...]
    mark: str  #: stands for a hole
    also: Also | None

    def set(self, inks: Sequence[str]) -> Pieces:
        """A card's pieces."""
        return tuple([s if isinstance(s, bytes) else self._set(s, inks) for s in self.stretches])

    def _set(self, stretch: tuple[str | int, ...], inks: Sequence[str]) -> bytes:
        text = "".join([inks[part] if isinstance(part, int) else part for part in stretch])
        return encoded(text, self.mark)


Plates = tuple[Plate, Plate]  #: of HTML and of text
Outlines = tuple[Outline | None, Outline | None]


def encoded(text: str, mark: str) -> bytes:
    """The text as fragments, a HOLE for every mark."""
    return HOLE.join(map(fragment, text.split(mark))) if mark in text else fragment(text)


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


class Known(Protocol):
    """What is kept of one paper, as far as it concerns cards."""

    paper: Paper
    title: str
    words: int


class Word(NamedTuple):
    """A few words of the frame or of a card: as they are, and as fragments of the two parts."""

    said: str
    html: bytes
    text: bytes


class WireCard:
    """One card, encoded: about 1.5 kB of its own, the rest is other cards' as well.

    `html` is pieces, of which the long ones are shared; `text` is short and whole. A card that
    cannot be joined at all has no pieces. Most mails ask for nothing but these two and the `stock`:
    what lies close together is quickly at hand.
    """

    __slots__ = ("_also_at", "_plates", "_size", "html", "item", "stock", "text")

    def __init__(
        self, stock: Known, item: Item, plates: Plates | None, inks: Sequence[Ink]
    ) -> None:
        self.stock = stock
        self.item = item  #: held, because cards are known by the identity of its reasons
        self.html: Pieces = ()
        self.text = b""
        self._plates = plates
        self._also_at = 0  #: where in the text further interests are named
        self._size: int | None = None
        if plates is not None:
            html, text = plates
            self.html = html.set([part.html for part in inks])
            pieces = text.set([part.text for part in inks])
            self.text = b"".join(pieces)
            if text.also is not None:
                self._also_at = len(b"".join(pieces[: text.also.at]))

    def html_naming(self, also: Word) -> Pieces:
        """`html` when further interests are named."""
        place = self._plates and self._plates[0].also
        if place is None:
            return self.html
        return *self.html[: place.at], place.before, also.html, place.after, *self.html[place.at :]

    def text_naming(self, also: Word) -> bytes:
        """`text` when further interests are named."""
        place = self._plates and self._plates[1].also
        if place is None:
            return self.text
        at, text = self._also_at, self.text
        return b"".join((text[:at], place.before, also.text, place.after, text[at:]))

    def size(self, token: int, also: Word | None) -> int:
        """Of the HTML once decoded, with a feedback token of this length."""
        if self._size is None:
            self._size = decoded_size(self.html)
        size = self._size + token * sum([piece.count(HOLE) for piece in self.html])
        place = self._plates and self._plates[0].also
        if also is None or not place:
            return size
        return size + decoded_size((place.before, also.html, place.after))


def decoded_size(pieces: Sequence[bytes]) -> int:
    """The bytes of these pieces once decoded, holes left out."""
    text = a2b_qp(b"".join(pieces))
    return len(text) - text.count(b"\r\n") - text.count(HOLE)
