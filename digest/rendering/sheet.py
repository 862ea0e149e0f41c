"""A sheet: a whole mail but for its cards and what is the reader's own, in pieces ready to be set.

    text frame | HTML frame | words that many have alike -> Sheet | own words | cards -> a mail

Text, HTML and what stands around these parts are one run, so that a mail is a copy of it, the words
in their places, and the cards in theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from digest.rendering.message import BOUNDARY
from digest.rendering.plates import Word
from digest.rendering.wireframe import CARDS, SECTIONS, SHARED_WORDS, TOKENS, Wireframe

_PART: Final = (
    f"--{BOUNDARY}\r\n"
    'Content-Type: text/{subtype}; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_MULTIPART: Final = f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
_TEXT_OPENS: Final = (_MULTIPART + _PART.format(subtype="plain")).encode()
_HTML_OPENS: Final = ("\r\n" + _PART.format(subtype="html")).encode()
_CLOSES: Final = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, slots=True)
class Sheet:
    """Every second piece is open, and `order` tells which word goes there.

    The words: of OWN each as HTML and as text, the tokens for unsubscribing, preferences and the
    digest's page, of each section title and count as HTML and title and count as text. `places` are
    the pieces where sections go, the last one first, each with the section's number; those of the
    HTML go on from those of the text. `text_gaps` and `html_gaps` stand between a section's cards.
    """

    pieces: list[bytes]
    order: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    text_gaps: tuple[bytes, ...]
    html_gaps: tuple[bytes, ...]
    #: what opens each section, the last one first, and what closes all; none where the sections are
    #: not in their order, or have different gaps
    openings: tuple[slice, ...]
    closing: slice | None

    @classmethod
    def of(cls, text: Wireframe, html: Wireframe, shared: Sequence[Word]) -> Sheet:
        """The sheet in which the words that many have alike are these."""
        fixed, order, places = [b""], list[int](), list[tuple[int, int]]()
        for frame, opens, is_html in ((text, _TEXT_OPENS, 0), (html, _HTML_OPENS, 1)):
            fixed[-1] += opens
            for part in frame.parts:
                if isinstance(part, bytes):
                    fixed[-1] += part
                elif SHARED_WORDS <= part < CARDS:
                    word = shared[part - SHARED_WORDS]
                    fixed[-1] += word.html if is_html else word.text
                else:
                    if part >= CARDS:
                        places.append((len(fixed), part - CARDS + is_html * len(html.gaps)))
                    order.append(_word(part, 1 - is_html))
                    fixed += b"", b""
        fixed[-1] += _CLOSES
        ends = [place for place, _ in places]
        is_even = [section for _, section in places] == [*range(2 * len(html.gaps))]
        is_even = is_even and len({*text.gaps}) < 2 and len({*html.gaps}) < 2
        openings = map(slice, [0, *[place + 1 for place in ends]], ends)
        return cls(
            fixed,
            tuple(order),
            tuple(reversed(places)),
            text.gaps,
            html.gaps,
            tuple(reversed([*openings])) if is_even else (),
            slice([-1, *ends][-1] + 1, None) if is_even else None,
        )

    def worded(self, words: Sequence[bytes]) -> list[bytes]:
        """All pieces but the cards."""
        pieces = self.pieces.copy()
        pieces[1::2] = map(words.__getitem__, self.order)
        return pieces


def _word(part: int, text: int) -> int:
    """Where a word is among all of a letter; of a section's place, any."""
    if part >= CARDS:
        return 0
    if part < TOKENS:
        return 2 * part + text
    if part < SECTIONS:
        return TOKENS + part
    section, which = divmod(part - SECTIONS, 2)
    return TOKENS + SECTIONS + 4 * section + 2 * text + which
