"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import getitem
from typing import Final, NamedTuple

from digest.model import Site
from digest.rendering.email import Drawing, fitting
from digest.rendering.environment import Templates
from digest.rendering.frame import (
    OWN,
    SHARED,
    Alike,
    Asked,
    Frame,
    Gist,
    alike,
    asked,
    asked_alike,
    asked_title,
    say,
    section_count,
)
from digest.rendering.language import Language
from digest.rendering.message import Letter
from digest.rendering.occasions import occasion
from digest.rendering.plaintext import WRAPPED, wrap
from digest.rendering.plates import HOLE, Word
from digest.rendering.quoted import fragment, token
from digest.rendering.sheet import Sheet
from digest.rendering.skeleton import escaped
from digest.rendering.stock import Cards
from digest.rendering.strips import NUMBERS, Galley, Strips
from digest.rendering.wireframe import Shape, Wireframe, html_wireframe, text_wireframe
from digest.shelf import Maker, Shelf

_WORDS_KEPT: Final = 4_096  #: of each kind, twice this at most, about 0.6 kB each
_FRAMES_KEPT: Final = 256
_SETTLED_KEPT: Final = 256  #: twice this at most, about 5 kB each

Wireframes = tuple[Wireframe | None, Wireframe | None]  #: of text and of HTML


class Mail(NamedTuple):
    """A mail but for its header: the subject, and text and HTML with what stands around them."""

    subject: str
    pieces: list[bytes]


#: A section's title and how many papers it has, as fragments of HTML, and as those of text.
Head = tuple[bytes, bytes, bytes, bytes]
#: What a sheet depends on but for a reader's own words, of which it matters that they are there;
#: and which sections have several cards.
Settling = tuple[Alike, tuple[bool, ...], tuple[bool, ...]]


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, site: Site) -> None:
        self.language = language
        self._site = site
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, site.base_url)
        self._strips: dict[str, Strips] = {}
        self._frames: Shelf[Shape, Wireframes] = Shelf(_FRAMES_KEPT)
        self._settled = Maker(self._settle, _SETTLED_KEPT)
        self._words = [self._maker(name) for name in OWN]
        self._heads = Maker(self._head, _WORDS_KEPT)

    def _maker(self, name: str) -> Maker[Asked, Word]:
        return Maker(lambda asked: self._word(asked, name), _WORDS_KEPT)

    def _word(self, asked: Asked, name: str = "") -> Word:
        said = say(asked, self.language)
        text = wrap(said, indent="") if name in WRAPPED else said
        return Word(said, fragment(escaped(said)), fragment(text))

    def _head(self, asked: tuple[Asked, int]) -> Head:
        title, count = self._word(asked[0]), self._word((section_count, asked[1]))
        return title.html, count.html, title.text, count.text

    def place(self, letter: Letter) -> Galley:
        """The cards of those whose paper is still there; no section is empty."""
        style = letter.subscriber.style
        strips = self._strips.get(style)
        if strips is None:
            strips = self._strips[style] = Strips(self._cards, style)
        return strips.place(letter.digest.sections, letter.papers)

    def fitting(self, galley: Galley, papers: int, length: int, budget: int) -> int:
        """How many cards the budget holds, their links with feedback tokens of this length.

        Where they would fit if all were as large as the largest so far, none is measured.
        """
        sections = len(galley.sections)
        if fitting([self._cards.largest(length)] * papers, sections, budget) == papers:
            return papers
        sizes = [card.size(length) for cards in galley.of_sections for card in cards]
        return fitting(sizes, sections, budget)

    def set(self, letter: Letter, galley: Galley, gist: Gist, *, hidden: int) -> Mail | None:
        """The mail but for its header; None when the templates cannot be joined in this shape."""
        digest, subscriber, tokens = letter.digest, letter.subscriber, letter.tokens
        of, counts = occasion(digest, subscriber), galley.counts
        asked_own = asked(digest, subscriber, gist, hidden=hidden)
        subject, preheader, standing, more = map(getitem, self._words, asked_own)
        sheet = self._settled[
            alike(digest, subscriber, gist),
            (subject[0] != "", preheader[0] != "", standing[0] != "", more[0] != ""),
            tuple([count > 1 for count in counts]),
        ]
        if sheet is None:
            return None
        words = [*subject[1:], *preheader[1:], *standing[1:], *more[1:]]
        words += token(tokens.unsubscribe), token(tokens.preferences), token(tokens.digest)
        for section, count in zip(galley.sections, counts, strict=True):
            words += self._heads[asked_title(section, of), count]
        pieces = _set(sheet, galley, words, token(tokens.feedback))
        return Mail(subject.said, pieces) if pieces else None

    def _settle(self, asked: Settling) -> Sheet | None:
        """The frames in which all is set that readers have alike."""
        of_all, own, several = asked
        wanted = zip(asked_alike(of_all, self._site), SHARED, strict=True)
        words = [self._word(word, name) for word, name in wanted]
        there = tuple([word.said != "" for word in words])
        text, html = self._wireframes(Shape(own, there, several))
        return None if text is None or html is None else Sheet.of(text, html, words)

    def _wireframes(self, shape: Shape) -> Wireframes:
        known = self._frames.find(shape)
        if known is None:
            frame = Frame(self.language.code, self.language.direction, *[""] * len((*OWN, *SHARED)))
            base_url = self._site.base_url
            html = html_wireframe(self._drawing, frame, base_url, shape)
            text = text_wireframe(self._drawing, frame, base_url, shape)
            known = self._frames.keep(shape, (text, html))
        return known


def _set(sheet: Sheet, galley: Galley, words: Sequence[bytes], own: bytes) -> list[bytes] | None:
    """A mail's pieces, with the reader's `own` token; None when a card cannot be joined."""
    around = sheet.worded(words)
    if not galley.cards:
        return around
    if sheet.closing is not None:
        together = galley.side_by_side(sheet.text_gaps[0], sheet.html_gaps[0], own)
        if together is not None:
            pieces, starts = together
            pieces.append(b"".join(around[sheet.closing]))  # small ones cost more, one by one
            for start, opening in zip(reversed(starts), sheet.openings, strict=True):
                pieces[start] = b"".join(around[opening])
            return pieces
    apart = _set_apart(galley, sheet.text_gaps, sheet.html_gaps, own)
    if apart is None:
        return None
    for place, section in sheet.places:
        around[place : place + 1] = apart[section]
    return around


def _set_apart(
    galley: Galley, text_gaps: Sequence[bytes], html_gaps: Sequence[bytes], own: bytes
) -> list[list[bytes]] | None:
    """Each section's text, then each one's HTML, card by card; None when one cannot be joined."""
    texts, htmls, place = list[list[bytes]](), list[list[bytes]](), 0
    for cards, text_gap, html_gap in zip(galley.of_sections, text_gaps, html_gaps, strict=True):
        text: list[bytes] = []
        html: list[bytes] = []
        for card in cards:
            plates = card.plates
            if plates is None:
                return None
            number, place = NUMBERS[place], place + 1
            pieces = plates.text_front, card.text, plates.text_tail
            if plates.is_usual:
                text += text_gap, number, *pieces
            else:
                text += text_gap, *[piece.replace(HOLE, number) for piece in pieces]
            pieces = b"".join((card.head, plates.front)), card.html, b"".join(plates.tail)
            html += html_gap, *[piece.replace(HOLE, own) for piece in pieces]
        text[0] = html[0] = b""
        texts.append(text)
        htmls.append(html)
    return texts + htmls
