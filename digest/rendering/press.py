"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from digest.model import Section, Site
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
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.plates import HOLE, WireCard, Word
from digest.rendering.quoted import fragment, token
from digest.rendering.skeleton import escaped
from digest.rendering.stock import Cards
from digest.rendering.wireframe import Shape, Wireframe, html_wireframe, text_wireframe
from digest.shelf import Maker, Shelf

_WORDS_KEPT: Final = 4_096  #: of each kind, twice this at most, about 0.6 kB each
_FRAMES_KEPT: Final = 256
_SETTLED_KEPT: Final = 256  #: twice this at most, about 5 kB each
_NUMBERS_KEPT: Final = 1_024

_numbers: Final = Maker[int, bytes](lambda place: fragment(number(place + 1)), _NUMBERS_KEPT)

Wireframes = tuple[Wireframe | None, Wireframe | None]  #: of text and of HTML


class Placed(NamedTuple):
    """One section and its cards, one at least."""

    section: Section
    cards: list[WireCard]


class Galley(NamedTuple):
    """The cards of one letter, in their sections and all together."""

    sections: list[Placed]
    cards: list[WireCard]

    @property
    def gist(self) -> Gist:
        """What the frame must know of the cards."""
        cards = self.cards
        titles = [card.stock.title for card in cards[:3]]
        return Gist(titles, len(cards), sum([card.stock.words for card in cards]))

    def first(self, most: int) -> Galley:
        """So many cards; a section left empty is left out."""
        sections, room = [], most
        for section, cards in self.sections:
            if cards := cards[:room]:
                sections.append(Placed(section, cards))
            room -= len(cards)
        return Galley(sections, self.cards[:most])


class Bodies(NamedTuple):
    """A mail's subject, and its two parts in pieces."""

    subject: str
    text: list[bytes]
    html: list[bytes]


class Head(NamedTuple):
    """A section's title and how many papers it has, as fragments of the two parts."""

    html: tuple[bytes, bytes]
    text: tuple[bytes, bytes]


class Settling(NamedTuple):
    """What a frame depends on but for a reader's own words, of which it matters that they are."""

    alike: Alike
    own: tuple[bool, ...]
    several: tuple[bool, ...]  #: which sections have several cards


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, site: Site) -> None:
        self.language = language
        self._site = site
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, site.base_url)
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
        return Head((title.html, count.html), (title.text, count.text))

    def place(self, letter: Letter) -> Galley:
        """The cards of those whose paper is still there; no section is empty."""
        papers, style = letter.papers, letter.subscriber.style
        stock, known = self._cards, self._cards.of_style(style).get
        sections: list[Placed] = []
        every: list[WireCard] = []
        for section in letter.digest.sections:
            cards: list[WireCard] = []
            for item in section.items:
                paper = papers.get(item[0])  # by number, here, where by name costs twice as much
                card = known(id(item[2]))  # `place_of`, for all that are not revised
                if card is None or card.item is not item or card.stock.paper is not paper:
                    if paper is None:
                        continue
                    if card is None or card.stock.paper is not paper or item.revision:
                        card = stock.card(paper, item, style)
                    else:
                        card = stock.told(card, item)
                cards.append(card)
            if cards:
                sections.append(Placed(section, cards))
                every += cards
        return Galley(sections, every)

    def fitting(self, galley: Galley, length: int, budget: int) -> int:
        """How many cards the budget holds, their links with feedback tokens of this length.

        Where they would fit if all were as large as the largest so far, none is measured.
        """
        sections, cards = galley
        if fitting([self._cards.largest(length)] * len(cards), len(sections), budget) == len(cards):
            return len(cards)
        return fitting([card.size(length) for card in cards], len(sections), budget)

    def set(self, letter: Letter, galley: Galley, gist: Gist, *, hidden: int) -> Bodies | None:
        """Both parts as fragments; None when the templates cannot be joined in this shape."""
        digest, subscriber, tokens = letter.digest, letter.subscriber, letter.tokens
        of, sections = occasion(digest, subscriber), galley.sections
        wanted = asked(digest, subscriber, gist, hidden=hidden)
        own = [known[word] for known, word in zip(self._words, wanted, strict=True)]
        text_frame, html_frame = self._settled[
            Settling(
                alike(digest, subscriber, gist),
                tuple([word.said != "" for word in own]),
                tuple([len(cards) > 1 for _, cards in sections]),
            )
        ]
        if text_frame is None or html_frame is None:
            return None
        cards = _set_cards(sections, text_frame.gaps, html_frame.gaps, token(tokens.feedback))
        if cards is None:
            return None
        signed = token(tokens.unsubscribe), token(tokens.preferences), token(tokens.digest)
        text = [*[word.text for word in own], *signed]
        html = [*[word.html for word in own], *signed]
        for section, placed in sections:
            head = self._heads[asked_title(section, of), len(placed)]
            text += head.text
            html += head.html
        return Bodies(
            own[0].said, text_frame.set(text, cards.text), html_frame.set(html, cards.html)
        )

    def _settle(self, asked: Settling) -> Wireframes:
        """The frames in which all is set that readers have alike."""
        wanted = zip(asked_alike(asked.alike, self._site), SHARED, strict=True)
        words = [self._word(word, name) for word, name in wanted]
        there = tuple([word.said != "" for word in words])
        text, html = self._wireframes(Shape(asked.own, there, asked.several))
        if text is None or html is None:
            return None, None
        return (
            text.settled([word.text for word in words]),
            html.settled([word.html for word in words]),
        )

    def _wireframes(self, shape: Shape) -> Wireframes:
        known = self._frames.find(shape)
        if known is None:
            frame = Frame(self.language.code, self.language.direction, *[""] * len((*OWN, *SHARED)))
            base_url = self._site.base_url
            html = html_wireframe(self._drawing, frame, base_url, shape)
            text = text_wireframe(self._drawing, frame, base_url, shape)
            known = self._frames.keep(shape, (text, html))
        return known


class _SetCards(NamedTuple):
    """The cards of each section in pieces, with what stands between them."""

    text: list[list[bytes]]
    html: list[list[bytes]]


def _set_cards(
    sections: Sequence[Placed], text_gaps: Sequence[bytes], html_gaps: Sequence[bytes], own: bytes
) -> _SetCards | None:
    """The cards with the reader's `own` token, numbered; None when one of them cannot be joined."""
    made, place, numbers = _SetCards([], []), 0, _numbers
    for (_, cards), text_gap, html_gap in zip(sections, text_gaps, html_gaps, strict=True):
        text: list[bytes] = []
        html: list[bytes] = []
        for card in cards:
            plates = card.plates
            if plates is None:
                return None
            number, place = numbers[place], place + 1
            if plates.is_usual:
                text += text_gap, number, plates.text_front, card.text, plates.text_tail
                html += html_gap, card.head, plates.front, card.html, own.join(plates.tail)
            else:
                pieces = plates.text_front, card.text, plates.text_tail
                text += text_gap, *[piece.replace(HOLE, number) for piece in pieces]
                pieces = b"".join((card.head, plates.front)), card.html, plates.tail[0]
                html += html_gap, *[piece.replace(HOLE, own) for piece in pieces]
        text[0] = html[0] = b""
        made.text.append(text)
        made.html.append(html)
    return made
