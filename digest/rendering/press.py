"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from digest.rendering.email import Drawing
from digest.rendering.environment import Templates
from digest.rendering.frame import Frame, Gist, section_count, section_title
from digest.rendering.language import Language
from digest.rendering.links import MailTokens
from digest.rendering.message import Letter
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.quoted import fragment
from digest.rendering.skeleton import escaped
from digest.rendering.stock import Cards, Stock, WireCard
from digest.rendering.wireframe import (
    WORDS,
    SetCards,
    Shape,
    Wireframe,
    html_wireframe,
    shape_of,
    text_wireframe,
)

_WORDS_KEPT: Final = 8192
_FRAMES_KEPT: Final = 256


class Placed(NamedTuple):
    """One section with its cards, in the order of the digest."""

    name: str
    cards: Sequence[WireCard]


class Bodies(NamedTuple):
    """The fragments of the two parts."""

    text: list[bytes]
    html: list[bytes]


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, base_url: str) -> None:
        self.language = language
        self._base_url = base_url
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, base_url)
        self._frames: dict[Shape, tuple[Wireframe | None, Wireframe | None]] = {}
        self._html = _Encoded(lambda text: fragment(escaped(text)))
        self._text = _Encoded(fragment)
        self._wrapped = _Encoded(lambda text: fragment(wrap(text, indent="")))

    def place(self, letter: Letter) -> tuple[list[Placed], Gist]:
        """Every card of the digest whose paper is still there, and what the frame must know."""
        papers, cards = letter.papers, self._cards
        style, cadence = letter.subscriber.style, letter.subscriber.schedule.cadence
        sections: list[Placed] = []
        stocks: list[Stock] = []
        for section in letter.digest.sections:
            placed: list[WireCard] = []
            for item in section.items:
                if (paper := papers.get(item.paper_id)) is not None:
                    stock = cards.stock(paper)
                    stocks.append(stock)
                    placed.append(cards.card(stock, item, style))
            if placed:
                sections.append(Placed(section_title(section, cadence, self.language), placed))
        titles = [stock.title for stock in stocks[:3]]
        return sections, Gist(titles, len(stocks), sum([stock.words for stock in stocks]))

    def set(self, frame: Frame, sections: Sequence[Placed], tokens: MailTokens) -> Bodies | None:
        """Both parts as fragments; None when the templates cannot be joined in this shape."""
        text, html = self._wireframes(frame, sections)
        if text is None or html is None:
            return None
        heads = [
            word
            for section in sections
            for word in (section.name, section_count(len(section.cards), self.language))
        ]
        signed = [fragment(t) for t in (tokens.unsubscribe, tokens.preferences, tokens.digest)]
        return Bodies(
            text.fill(
                self._text_words(frame) + signed + [self._text[head] for head in heads],
                self._text_cards(sections),
            ),
            html.fill(
                [self._html[getattr(frame, name)] for name in WORDS]
                + signed
                + [self._html[head] for head in heads],
                _html_cards(sections, fragment(tokens.feedback)),
            ),
        )

    def _wireframes(
        self, frame: Frame, sections: Sequence[Placed]
    ) -> tuple[Wireframe | None, Wireframe | None]:
        shape = shape_of(frame, [len(section.cards) for section in sections])
        known = self._frames.get(shape)
        if known is None:
            if len(self._frames) >= _FRAMES_KEPT:
                self._frames.clear()
            known = self._frames[shape] = (
                text_wireframe(self._drawing, frame, self._base_url, shape),
                html_wireframe(self._drawing, frame, self._base_url, shape),
            )
        return known

    def _text_words(self, frame: Frame) -> list[bytes]:
        wrapped, text = self._wrapped, self._text
        return [(wrapped if name in WRAPPED else text)[getattr(frame, name)] for name in WORDS]

    def _text_cards(self, sections: Sequence[Placed]) -> SetCards:
        numbers = (self._text[number(n)] for n in range(1, 1_000_000))
        return [[card.text(next(numbers)) for card in section.cards] for section in sections]


class _Encoded(dict[str, bytes]):
    """Encoded words by their text, made on first asking; emptied when there are too many."""

    def __init__(self, encode: Callable[[str], bytes]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, text: str) -> bytes:
        if len(self) >= _WORDS_KEPT:
            self.clear()
        made = self[text] = self._encode(text)
        return made


def _html_cards(sections: Sequence[Placed], feedback: bytes) -> SetCards:
    return [[card.html(feedback) for card in section.cards] for section in sections]
