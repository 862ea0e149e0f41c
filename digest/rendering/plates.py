"""Plates: a card's template with open places, and the cards set from them. Pure.

    drawn alone, drawn with `also` -> Outline | title, authors, summary -> Plates | reasons -> card

A card's HTML is `head`, its own stretch, `tail`: what mails are joined from, so the fewer the
better. Cards share a head that have the same marked in title and authors, and a tail where no more
than these differ; the own stretch reaches from the first to the last place that reasons fill
otherwise. Its text is short, and all its own. The subscriber's own
word stays a hole of one byte, to be filled when the mail is whole. A card for a paper that further
interests asked for differs from the others by one insertion into its own stretch; so there is one
card for both, which knows where that goes.
"""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, Self

from digest.model import Item, Paper
from digest.rendering.quoted import SOFT, cut, fragment, quoted
from digest.rendering.skeleton import escaped, slot, split

#: Where a card wants the subscriber's token or number; what is quoted holds no control characters.
HOLE: Final = b"\x01"

_Parts = list[bytes | int]  #: quoted text and the slots between


class Outline:
    """One template drawn for some shape of card: quoted text, and slots for inks.

    Two kinds of slots are no ink's: the subscriber's own (the feedback token, or the number), which
    is a HOLE at once, and the one where `also` would go.
    """

    __slots__ = ("_also", "_around_also", "_divisions", "_parts", "_values")

    def __init__(self, parts: _Parts, around_also: tuple[bytes, bytes], also: int) -> None:
        self._parts = parts
        self._around_also = around_also
        self._also = also
        self._values: Mapping[int, bytes] = {}
        self._divisions: dict[int | None, _Division] = {}

    @property
    def parts(self) -> _Parts:
        return _joined(_settled(self._parts, self._values))

    @classmethod
    def of(cls, alone: str, shared: str, *, own: int, also: int) -> Self | None:
        """The outline of a template drawn without and with `also`, each open place as its slot.

        None where `also` changes more than one place.
        """
        around = "", ""
        if alone != shared:
            before, mark, after = shared.partition(slot(also))
            at = _common(alone, before)
            left = alone[at:]
            if not mark or slot(also) in after or not after.endswith(left):
                return None
            around = before[at:], after.removesuffix(left)
            if any(mark in part for part in around for mark in "\ufdd0\ufdd1"):
                return None
            alone = alone[:at] + slot(also) + left
        parts = [int(part) if n % 2 else quoted(part) for n, part in enumerate(split(alone))]
        holed = [HOLE if part == own else part for part in parts]
        return cls(holed, (fragment(around[0]), fragment(around[1])), also)

    def filled(self, values: Mapping[int, bytes]) -> Outline:
        """The outline with these slots settled; all else is shared."""
        filled = Outline(self._parts, self._around_also, self._also)
        filled._values, filled._divisions = {**self._values, **values}, self._divisions
        return filled

    def plate(self, inks: Mapping[int, bytes], open_to: Container[int], title: int | None) -> Plate:
        """The plate in which these inks are settled; those `open_to` and the title are to come.

        No title is to come where it is among the inks.
        """
        division = self._divisions.get(title)
        if division is None:
            division = self._divisions[title] = self._divided(open_to, title)
        values = {**self._values, **inks}
        opening, beyond = division.alike or (
            Stretch(_settled(division.open, values)),
            Stretch(_settled(division.beyond, values)),
        )
        return Plate(
            None if division.head is None else encoded(_text(division.head, values)),
            encoded(_text(division.front, values)),
            encoded(_text(division.tail, values)),
            opening,
            beyond,
            self._around_also if division.has_also else None,
        )

    def _divided(self, open_to: Container[int], title: int | None) -> _Division:
        parts, also = self._parts, self._also
        wait = [n for n, part in enumerate(parts) if part in open_to or part == also]
        titles = [n for n, part in enumerate(parts) if part == title]
        if len(titles) > 1 or (titles and wait and titles[0] > wait[0]):
            wait = sorted([*wait, *titles])  # a title where none is looked for is the card's own
            titles = []
        first, last = (wait[0], wait[-1] + 1) if wait else (len(parts), len(parts))
        headed = titles[0] + 1 if titles else 0
        own = parts[first:last]
        at = own.index(also) if also in own else len(own)
        places = [n for n in range(first, last) if isinstance(parts[n], int)]
        return _Division(
            parts[: titles[0]] if titles else None,
            parts[headed:first],
            parts[last:],
            own[:at],
            own[at + 1 :],
            at < len(own),
            (Stretch(own[:at]), Stretch(own[at + 1 :])) if places == wait else None,
        )


class _Division(NamedTuple):
    """An outline's parts by where they go on a plate."""

    head: _Parts | None
    front: _Parts
    tail: _Parts
    open: _Parts
    beyond: _Parts
    has_also: bool
    alike: tuple[Stretch, Stretch] | None  #: open and beyond, where papers have nothing there


class Stretch:
    """Fragments, and numbers of slugs to go between them, each being closed by what follows."""

    __slots__ = ("_end", "_open")

    def __init__(self, parts: Sequence[bytes | int]) -> None:
        self._open: list[tuple[bytes, int]] = []  #: what stands before each slug, and its number
        self._end = b""
        for part in _joined(parts):
            if isinstance(part, int):
                self._open.append((self._end, part))
                self._end = SOFT
            else:
                ends = b"" if part[:1] == b"\n" else self._end
                self._end = ends + encoded(part)

    @property
    def bare(self) -> bytes:
        """All but the slugs."""
        return b"".join([*[before for before, _ in self._open], self._end])

    def set(self, slugs: Sequence[Sequence[bytes]], front: bytes = b"", tail: bytes = b"") -> bytes:
        pieces = [front]
        for before, number in self._open:
            pieces.append(before)
            pieces += slugs[number]
        pieces += self._end, tail
        return b"".join(pieces)

    def __bool__(self) -> bool:
        return bool(self._open or self._end)


class Plate(NamedTuple):
    """One part of a card but for what is marked in it, and but for what is its own."""

    head: bytes | None  #: up to the title; nothing where that is a card's own, or nowhere
    front: bytes
    tail: bytes
    open: Stretch  #: the own stretch, between front and tail …
    beyond: Stretch  #: … up to where further interests are named, and after that
    also: tuple[bytes, bytes] | None  #: the fragments around their names, where there is a place

    def headed(self, title: bytes) -> bytes:
        """What stands before the own stretch, with the title marked in some way."""
        return self.front if self.head is None else b"".join((self.head, title, self.front))

    @property
    def size(self) -> int:
        """All bytes behind the own stretch, but the names of further interests."""
        return len(self.tail) + len(b"".join(self.also or ()))

    @property
    def holes(self) -> int:
        """How often it wants the subscriber's own word, in the whole card."""
        parts = self.head or b"", self.front, self.open.bare, self.beyond.bare, self.tail
        return b"".join(parts).count(HOLE)


class Plates:
    """The plates of both parts; what every mail asks for lies close together.

    Usual are those whose feedback links come after all that is marked, and whose number opens the
    text and stands nowhere else. Their `tail` is cut where tokens go, with an empty piece after
    each other: for a token, the last for what stands between two cards. The number is left out.
    Others have their HOLEs wherever they are. `step`: the pieces of a usual card's HTML, 0 for an
    unusual one.
    """

    __slots__ = (
        *("divided", "holes", "html", "is_usual", "size", "step"),
        *("tail", "text", "text_front", "text_tail"),
    )

    def __init__(self, html: Plate, text: Plate) -> None:
        self.size, self.holes = html.size, html.holes
        is_numbered_first = text.front.startswith(HOLE) and text.holes == 1
        self.is_usual = is_numbered_first and html.tail.count(HOLE) == self.holes
        self.tail: tuple[bytes, ...] = (html.tail,)
        if self.is_usual:
            self.tail = tuple([piece for part in html.tail.split(HOLE) for piece in (part, b"")])
        self.step = 2 + len(self.tail) if self.is_usual else 0
        self.text_front = text.front.removeprefix(HOLE) if self.is_usual else text.front
        self.text_tail = text.tail
        self.html, self.text = html, text
        self.divided = bool(html.beyond or text.beyond)


Outlines = tuple[Outline | None, Outline | None]  #: of HTML and of text


def encoded(quoted: bytes) -> bytes:
    """Quoted text as fragments, with its holes between."""
    return HOLE.join(map(cut, quoted.split(HOLE))) if HOLE in quoted else cut(quoted)


def _joined(parts: Sequence[bytes | int]) -> _Parts:
    """Texts that stand side by side made one."""
    joined: _Parts = []
    for part in parts:
        if isinstance(part, bytes) and joined and isinstance(last := joined[-1], bytes):
            joined[-1] = last + part
        else:
            joined.append(part)
    return joined


def _settled(parts: _Parts, values: Mapping[int, bytes]) -> _Parts:
    return [values.get(part, part) if isinstance(part, int) else part for part in parts]


def _text(parts: _Parts, values: Mapping[int, bytes]) -> bytes:
    return b"".join([part if isinstance(part, bytes) else values[part] for part in parts])


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

    @classmethod
    def of(cls, said: str, in_text: str) -> Self:
        """What is said, and how the text part has it; often that is as the HTML does."""
        drawn = escaped(said)
        html = fragment(drawn)
        return cls(said, html, html if in_text == drawn else fragment(in_text))


class WireCard:
    """One card, encoded: about 1 kB of its own, the rest is other cards' as well.

    `html` is its own stretch, to go between `head` and the tail of its `plates`; `text` is all of
    that part, but for its number. A card that cannot be joined at all has no plates.
    """

    __slots__ = ("_cuts", "_size", "head", "html", "item", "plates", "stock", "text")

    def __init__(
        self,
        stock: Known,
        item: Item,
        plates: Plates | None,
        head: bytes,
        in_html: Sequence[Sequence[bytes]],
        in_text: Sequence[Sequence[bytes]],
    ) -> None:
        self.stock = stock
        #: held, because cards are known by the identity of its reasons; it names no other interests
        self.item = item._replace(also=()) if item.also else item
        self.plates = plates
        self.head = head
        self.html = self.text = b""
        self._cuts: tuple[int, int] | None = None  #: where `also` goes, if not before the tails
        self._size: int | None = None
        if plates is not None:
            html, text = plates.html, plates.text
            front, tail = plates.text_front, plates.text_tail
            if not plates.divided:
                self.html = html.open.set(in_html)
                self.text = text.open.set(in_text, front, tail)
            else:
                opening = html.open.set(in_html), text.open.set(in_text, front)
                self._cuts = len(opening[0]), len(opening[1])
                self.html = opening[0] + html.beyond.set(in_html)
                self.text = opening[1] + text.beyond.set(in_text, b"", tail)

    def naming(self, also: Word) -> WireCard:
        """The same card, naming further interests: for one letter, all else being shared."""
        named = object.__new__(WireCard)
        named.stock, named.item, named.head = self.stock, self.item, self.head
        named.plates, named._cuts, named._size = self.plates, self._cuts, None
        named.html, named.text = self.named(also)
        return named

    def named(self, also: Word) -> tuple[bytes, bytes]:
        """Its own stretch of HTML, and its text, naming further interests."""
        plates = self.plates
        if plates is None:
            return b"", b""
        html, text = self.html, self.text
        first, second = self._cuts or (len(html), len(text) - len(plates.text_tail))
        if around := plates.html.also:
            before, after = around
            html = b"".join((html[:first], before, also.html, after, html[first:]))
        if around := plates.text.also:
            before, after = around
            text = b"".join((text[:second], before, also.text, after, text[second:]))
        return html, text

    def size(self, token: int) -> int:
        """Of the HTML once decoded, with a feedback token of this length."""
        plates = self.plates
        if plates is None:
            return 0
        if self._size is None:
            self._size = decoded_size((self.head, self.html, *plates.tail))
        return self._size + token * plates.holes


def decoded_size(pieces: Sequence[bytes]) -> int:
    """The bytes of these pieces once decoded, holes left out."""
    text = a2b_qp(b"".join(pieces))
    return len(text) - text.count(b"\r\n") - text.count(HOLE)
