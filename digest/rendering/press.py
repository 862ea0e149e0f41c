"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from digest.model import Site
from digest.rendering.email import Drawing, fitting
from digest.rendering.environment import Templates
from digest.rendering.frame import (
    Asked,
    Frame,
    Gist,
    asked,
    asked_title,
    occasion,
    say,
    section_count,
)
from digest.rendering.language import Language
from digest.rendering.message import Letter
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.plates import HOLE, WireCard, Word
from digest.rendering.quoted import fragment, token
from digest.rendering.skeleton import escaped
from digest.rendering.stock import Cards
from digest.rendering.wireframe import (
    WORDS,
    Shape,
    Wireframe,
    html_wireframe,
    text_wireframe,
)
from digest.shelf import Maker, Shelf

_WORDS_KEPT: Final = 4_096  #: of each kind, twice this at most, about 0.6 kB each
_FRAMES_KEPT: Final = 256
_NUMBERS_KEPT: Final = 1_024
PIECES: Final = 5  #: a gap, a card's head (in text its number), front, own stretch and tail

_numbers: Final = Maker[int, bytes](lambda place: fragment(number(place + 1)), _NUMBERS_KEPT)

Wireframes = tuple[Wireframe | None, Wireframe | None]  #: of text and of HTML


class Placed(NamedTuple):
    """One section: its title, and the pieces of both parts: for each card a gap and four more.

    The gaps are empty, for the frame to fill; the text is numbered.
    """

    title: Word
    html: list[bytes]
    text: list[bytes]

    @property
    def cards(self) -> int:
        return len(self.html) // PIECES


class Galley(NamedTuple):
    """The cards of one letter, in their sections; `also` goes by a card's place in the digest."""

    sections: list[Placed]
    cards: list[WireCard]
    also: dict[int, Word]

    @property
    def gist(self) -> Gist:
        """What the frame must know of the cards."""
        cards = self.cards
        titles = [card.stock.title for card in cards[:3]]
        return Gist(titles, len(cards), sum([card.stock.words for card in cards]))


class Bodies(NamedTuple):
    """A mail's subject, and its two parts in pieces, HOLEs in the HTML for the feedback token."""

    subject: str
    text: list[bytes]
    html: list[bytes]


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, site: Site) -> None:
        self.language = language
        self._site = site
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, site.base_url)
        self._frames: Shelf[Shape, Wireframes] = Shelf(_FRAMES_KEPT)
        self._words = [self._maker(is_wrapped=name in WRAPPED) for name in WORDS]
        self._heads = self._maker(is_wrapped=False)

    def _maker(self, *, is_wrapped: bool) -> Maker[Asked, Word]:
        def word(asked: Asked) -> Word:
            said = say(asked, self.language)
            text = wrap(said, indent="") if is_wrapped else said
            return Word(said, fragment(escaped(said)), fragment(text))

        return Maker(word, _WORDS_KEPT)

    def place(self, letter: Letter, *, most: int | None = None) -> Galley | None:
        """The first `most` cards of those whose paper is still there; no section is empty.

        None when the templates cannot be joined for one of these cards.
        """
        papers, stock = letter.papers, self._cards
        style, of = letter.subscriber.style, occasion(letter.digest, letter.subscriber)
        shelf, names = stock.of_style(style), stock.also
        galley = sections, cards, also = Galley([], [], {})
        place, numbers = 0, _numbers
        for section in letter.digest.sections:
            html: list[bytes] = []
            text: list[bytes] = []
            for item in section.items:
                paper_id, _score, reasons, interests, revision = item
                paper = papers.get(paper_id)
                card = shelf.get(~id(reasons) if revision else id(reasons))  # `place_of`
                if card is None or card.stock.paper is not paper:
                    if paper is None:
                        continue
                    card = stock.card(paper, item, style)
                plates = card.plates
                if plates is None:
                    return None
                if place == most:
                    break
                own_html, own_text = card.html, card.text
                if interests:
                    also[place] = named = names[interests]
                    own_html, own_text = card.html_naming(named), card.text_naming(named)
                html += b"", card.head, plates.front, own_html, plates.tail
                number = numbers[place]
                if plates.is_numbered_first:
                    text += b"", number, plates.text_front, own_text, plates.text_tail
                else:
                    pieces = plates.text_front, own_text, plates.text_tail
                    text += b"", b"", *[piece.replace(HOLE, number) for piece in pieces]
                cards.append(card)
                place += 1
            if html:
                sections.append(Placed(self._heads[asked_title(section, of)], html, text))
        return galley

    def fitting(self, galley: Galley, length: int, budget: int) -> int:
        """How many cards the budget holds, their links with feedback tokens of this length.

        Where they would fit if all were as large as the largest so far, none is measured.
        """
        sections, cards, also = galley
        if fitting([self._cards.largest(length)] * len(cards), len(sections), budget) == len(cards):
            return len(cards)
        sizes = [card.size(length, also.get(place)) for place, card in enumerate(cards)]
        return fitting(sizes, len(sections), budget)

    def set(self, letter: Letter, galley: Galley, gist: Gist, *, hidden: int) -> Bodies | None:
        """Both parts as fragments; None when the templates cannot be joined in this shape."""
        wanted = asked(letter.digest, letter.subscriber, gist, site=self._site, hidden=hidden)
        words = [known[word] for known, word in zip(self._words, wanted, strict=True)]
        sections, heads, tokens = galley.sections, self._heads, letter.tokens
        text_frame, html_frame = self._wireframes(
            Shape(
                tuple([word.said != "" for word in words]),
                tuple([placed.cards > 1 for placed in sections]),
            )
        )
        if text_frame is None or html_frame is None:
            return None
        titles = [
            head
            for placed in sections
            for head in (placed.title, heads[section_count, placed.cards])
        ]
        signed = [token(tokens.unsubscribe), token(tokens.preferences), token(tokens.digest)]
        html = [
            _spaced(placed.html, gap) for gap, placed in zip(html_frame.gaps, sections, strict=True)
        ]
        text = [
            _spaced(placed.text, gap) for gap, placed in zip(text_frame.gaps, sections, strict=True)
        ]
        return Bodies(
            words[0].said,
            text_frame.set([*[w.text for w in words], *signed, *[w.text for w in titles]], text),
            html_frame.set([*[w.html for w in words], *signed, *[w.html for w in titles]], html),
        )

    def _wireframes(self, shape: Shape) -> Wireframes:
        known = self._frames.find(shape)
        if known is None:
            frame = Frame(self.language.code, self.language.direction, *WORDS)
            base_url = self._site.base_url
            html = html_wireframe(self._drawing, frame, base_url, shape)
            text = text_wireframe(self._drawing, frame, base_url, shape)
            known = self._frames.keep(shape, (text, html))
        return known


def _spaced(pieces: list[bytes], gap: bytes) -> list[bytes]:
    """A section's cards with this between any two."""
    pieces[PIECES::PIECES] = [gap] * (len(pieces) // PIECES - 1)
    return pieces
