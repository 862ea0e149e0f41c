"""What stands around the cards, as a skeleton: one for each number and shape of sections.

The digest templates are drawn with slots for every word, token and card. A section with several
cards is drawn with three, which shows what stands between two; any number can then be set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from markupsafe import Markup

from digest.rendering.email import Drawing, DrawnSection
from digest.rendering.frame import OWN, SHARED, Frame
from digest.rendering.links import FrameLinks, SiteLinks
from digest.rendering.skeleton import SlotTokens, skeleton, slot

#: The frame's parts that differ between subscribers: a reader's own have the first slots …
_TOKENS: Final = len(OWN)  #: first of three slots: unsubscribe, preferences, digest
_SECTIONS: Final = _TOKENS + 3  #: first of two slots a section: name, count
_SHARED: Final = 1_000_000  #: … and what many have alike these, first of one a word
_CARDS: Final = 2_000_000  #: first of one slot a section
_SLOTS: Final = {name: n for n, name in enumerate(OWN)} | {
    name: _SHARED + n for n, name in enumerate(SHARED)
}


class Shape(NamedTuple):
    """What a template may branch on: which words there are, and which sections have several."""

    own: tuple[bool, ...]
    shared: tuple[bool, ...]
    several: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Wireframe:
    """A drawn frame: every second piece is open, and `gaps` stand between a section's cards.

    `order` tells which word goes where: first those of OWN, then the tokens for unsubscribing,
    preferences and the digest's page, each section's title and count. `places` are the pieces where
    sections go, the last one first, each with the section's number.
    """

    parts: tuple[bytes | int, ...]
    pieces: list[bytes]
    order: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    gaps: tuple[bytes, ...]

    @classmethod
    def of(cls, parts: Sequence[bytes | int], gaps: Sequence[bytes]) -> Wireframe:
        order, places, fixed = [], [], [b""]
        for piece in parts:
            if isinstance(piece, int):
                if piece >= _CARDS:
                    places.append((len(fixed), piece - _CARDS))
                order.append(0 if piece >= _CARDS else piece)
                fixed += b"", b""
            else:
                fixed[-1] += piece
        return cls(tuple(parts), fixed, tuple(order), tuple(reversed(places)), tuple(gaps))

    def settled(self, shared: Sequence[bytes]) -> Wireframe:
        """The frame in which the words of SHARED are these; only a settled one can be set."""
        parts = [
            shared[part - _SHARED] if isinstance(part, int) and _SHARED <= part < _CARDS else part
            for part in self.parts
        ]
        return Wireframe.of(parts, self.gaps)

    def set(self, words: Sequence[bytes], sections: Sequence[list[bytes]]) -> list[bytes]:
        """All pieces."""
        pieces = self.pieces.copy()
        pieces[1::2] = [words[number] for number in self.order]
        for place, section in self.places:
            pieces[place : place + 1] = sections[section]
        return pieces


def html_wireframe(drawing: Drawing, frame: Frame, base_url: str, shape: Shape) -> Wireframe | None:
    """The frame of the HTML part; None when the template cannot be joined."""
    drawn = drawing.html(_slots(frame, shape), _sections(shape), _links(base_url))
    return _collapsed(skeleton(drawn), shape)


def text_wireframe(drawing: Drawing, frame: Frame, base_url: str, shape: Shape) -> Wireframe | None:
    """The frame of the text part; None when the template cannot be joined."""
    drawn = drawing.text(_slots(frame, shape), _sections(shape), _links(base_url))
    return _collapsed(skeleton(drawn), shape)


def _slots(frame: Frame, shape: Shape) -> Frame:
    there = zip(_SLOTS.items(), (*shape.own, *shape.shared), strict=True)
    return frame._replace(**{name: slot(n) if it_is else "" for (name, n), it_is in there})


def _sections(shape: Shape) -> list[DrawnSection]:
    return [
        DrawnSection(
            name=slot(_SECTIONS + 2 * n),
            count=slot(_SECTIONS + 2 * n + 1),
            cards=[Markup(slot(_CARDS + n))] * (3 if several else 1),
        )
        for n, several in enumerate(shape.several)
    ]


def _links(base_url: str) -> FrameLinks:
    tokens = SlotTokens(slot(_TOKENS), slot(_TOKENS + 1), slot(_TOKENS + 2))
    return SiteLinks(base_url, tokens).of_frame()


def _collapsed(pieces: list[bytes | int], shape: Shape) -> Wireframe | None:
    """Three cards made one place and one gap; None when the two gaps are not the same."""
    gaps = [b""] * len(shape.several)
    for n, several in enumerate(shape.several):
        place = _CARDS + n
        if pieces.count(place) != (3 if several else 1):
            return None
        if several:
            first = pieces.index(place)
            last = first + pieces[first:].index(place, 1)
            gap = pieces[first + 1 : last]
            size = 2 * len(gap) + 3
            if pieces[first : first + size] != [place, *gap, place, *gap, place]:
                return None
            if not all(isinstance(piece, bytes) for piece in gap):
                return None
            gaps[n] = b"".join(piece for piece in gap if isinstance(piece, bytes))
            pieces[first : first + size] = [place]
    return Wireframe.of(pieces, gaps)
