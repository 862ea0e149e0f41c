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
from digest.rendering.message import BOUNDARY
from digest.rendering.plates import Word
from digest.rendering.skeleton import SlotTokens, skeleton, slot

#: The frame's parts that differ between subscribers: a reader's own have the first slots …
_TOKENS: Final = len(OWN)  #: first of those of the tokens, as `SlotTokens` has them
_SECTIONS: Final = _TOKENS + len(SlotTokens._fields)  #: first of two slots a section: name, count
_SHARED: Final = 1_000_000  #: … and what many have alike these, first of one a word
_CARDS: Final = 2_000_000  #: first of one slot a section
_SLOTS: Final = {name: n for n, name in enumerate(OWN)} | {
    name: _SHARED + n for n, name in enumerate(SHARED)
}

HEAD: Final = 1  #: the piece of a mail that is its header

_PART: Final = (
    f"--{BOUNDARY}\r\n"
    'Content-Type: text/{subtype}; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_MULTIPART: Final = f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
_TEXT_OPENS: Final = (_MULTIPART + _PART.format(subtype="plain")).encode()
_HTML_OPENS: Final = ("\r\n" + _PART.format(subtype="html")).encode()
_CLOSES: Final = f"\r\n--{BOUNDARY}--\r\n".encode()


Places = tuple[tuple[slice, int], ...]
Gaps = tuple[tuple[bytes, ...], tuple[bytes, ...]]  #: between each section's cards: text, HTML


class Shape(NamedTuple):
    """What a template may branch on: which words there are, and which sections have several."""

    own: tuple[bool, ...]
    shared: tuple[bool, ...]
    several: tuple[bool, ...]


class Wireframe(NamedTuple):
    """A drawn frame: text between slots, of which the ones of `_CARDS` are a section's cards."""

    parts: tuple[bytes | int, ...]
    gaps: tuple[bytes, ...]  #: what stands between the cards of each section


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole mail but for its header, its cards and what is a reader's own.

    Every second piece is open, the first of them for the header. `order` tells which word goes
    there: of OWN each as HTML and as text; the tokens; of each section its title and its count as
    HTML and both as text. In `html` and `text` are the pieces where cards go, the last one first,
    each with the section's number; the HTML comes after the text.
    """

    pieces: list[bytes]
    order: tuple[int, ...]
    html: Places
    text: Places
    gaps: Gaps

    @classmethod
    def of(cls, text: Wireframe, html: Wireframe, shared: Sequence[Word]) -> Sheet:
        """The sheet in which the words of SHARED are these."""
        fixed, order = [b"", b"", b""], [0]
        places: tuple[list[tuple[slice, int]], ...] = [], []
        for frame, opens, is_html in ((text, _TEXT_OPENS, 0), (html, _HTML_OPENS, 1)):
            fixed[-1] += opens
            for part in frame.parts:
                if isinstance(part, bytes):
                    fixed[-1] += part
                elif _SHARED <= part < _CARDS:
                    word = shared[part - _SHARED]
                    fixed[-1] += word.html if is_html else word.text
                else:
                    if part >= _CARDS:
                        place = slice(len(fixed), len(fixed) + 1), part - _CARDS
                        places[is_html].insert(0, place)
                    order.append(_word(part, 1 - is_html))
                    fixed += b"", b""
        fixed[-1] += _CLOSES
        of_text, of_html = map(tuple, places)
        return cls(fixed, tuple(order), of_html, of_text, (text.gaps, html.gaps))

    def worded(self, words: Sequence[bytes]) -> list[bytes]:
        """All pieces but the cards."""
        pieces = self.pieces.copy()
        pieces[1::2] = map(words.__getitem__, self.order)
        return pieces


def _word(part: int, text: int) -> int:
    """Where a word is among all of a letter; of a section's place, any."""
    if part >= _CARDS:
        return 0
    if part < _TOKENS:
        return 2 * part + text
    if part < _SECTIONS:
        return _TOKENS + part
    section, which = divmod(part - _SECTIONS, 2)
    return _TOKENS + _SECTIONS + 4 * section + 2 * text + which


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
    return Wireframe(tuple(pieces), tuple(gaps))
