"""What stands around the cards, as a skeleton: one for each number and shape of sections.

The digest templates are drawn with slots for every word, token and card. A section with several
cards is drawn with three, which shows what stands between two; any number can then be set.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from markupsafe import Markup

from digest.rendering.email import Drawing, DrawnSection
from digest.rendering.frame import OWN, SHARED, Frame
from digest.rendering.links import FrameLinks, SiteLinks
from digest.rendering.skeleton import SlotTokens, skeleton, slot

#: The frame's parts that differ between subscribers: a reader's own have the first slots …
TOKENS: Final = len(OWN)  #: first of three slots: unsubscribe, preferences, digest
SECTIONS: Final = TOKENS + 3  #: first of two slots a section: name, count
SHARED_WORDS: Final = 1_000_000  #: … and what many have alike these, first of one a word
CARDS: Final = 2_000_000  #: first of one slot a section
_SLOTS: Final = {name: n for n, name in enumerate(OWN)} | {
    name: SHARED_WORDS + n for n, name in enumerate(SHARED)
}


class Shape(NamedTuple):
    """What a template may branch on: which words there are, and which sections have several."""

    own: tuple[bool, ...]
    shared: tuple[bool, ...]
    several: tuple[bool, ...]


class Wireframe(NamedTuple):
    """A drawn frame: fragments and slots, and what stands between a section's cards.

    Where a section has one card, that is what stands between another's.
    """

    parts: tuple[bytes | int, ...]
    gaps: tuple[bytes, ...]


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
            name=slot(SECTIONS + 2 * n),
            count=slot(SECTIONS + 2 * n + 1),
            cards=[Markup(slot(CARDS + n))] * (3 if several else 1),
        )
        for n, several in enumerate(shape.several)
    ]


def _links(base_url: str) -> FrameLinks:
    tokens = SlotTokens(slot(TOKENS), slot(TOKENS + 1), slot(TOKENS + 2))
    return SiteLinks(base_url, tokens).of_frame()


def _collapsed(pieces: list[bytes | int], shape: Shape) -> Wireframe | None:
    """Three cards made one place and one gap; None when the two gaps are not the same."""
    gaps: list[bytes | None] = [None] * len(shape.several)
    for n, several in enumerate(shape.several):
        place = CARDS + n
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
    known = next((gap for gap in gaps if gap is not None), b"")  # where there is one card, any is
    return Wireframe(tuple(pieces), tuple([known if gap is None else gap for gap in gaps]))
