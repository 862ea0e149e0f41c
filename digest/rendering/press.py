"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from digest.rendering.email import Drawing
from digest.rendering.environment import Templates
from digest.rendering.frame import Frame, Gist, occasion, section_count, section_title
from digest.rendering.language import Language
from digest.rendering.links import MailTokens
from digest.rendering.message import Letter
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.plates import HOLE, Names, WireCard
from digest.rendering.quoted import fragment, token
from digest.rendering.skeleton import escaped
from digest.rendering.stock import Cards, place_of
from digest.rendering.wireframe import (
    WORDS,
    Shape,
    Wireframe,
    html_wireframe,
    text_wireframe,
)
from digest.shelf import Maker, Shelf

_WORDS_KEPT: Final = 8192
_FRAMES_KEPT: Final = 256
_NUMBERS: Final = tuple([fragment(number(n)) for n in range(1, 256)])
_IS_WRAPPED: Final = tuple([name in WRAPPED for name in WORDS])
_words = slice(Frame._fields.index(WORDS[0]), None)  # in this order

Wireframes = tuple[Wireframe | None, Wireframe | None]


class Placed(NamedTuple):
    """One section with its cards in the order of the digest; `also` goes by their places."""

    name: str
    cards: Sequence[WireCard]
    also: Mapping[int, Names]


class Bodies(NamedTuple):
    """The fragments of the two parts; in those of the HTML every HOLE wants the feedback token."""

    text: list[bytes]
    html: list[bytes]


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, base_url: str) -> None:
        self.language = language
        self._base_url = base_url
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, base_url)
        self._frames: Shelf[Shape, Wireframes] = Shelf(_FRAMES_KEPT)
        self._html = Maker[str, bytes](lambda text: fragment(escaped(text)), _WORDS_KEPT)
        self._text = Maker[str, bytes](fragment, _WORDS_KEPT)
        self._wrapped = Maker[str, bytes](lambda t: fragment(wrap(t, indent="")), _WORDS_KEPT)
        shelves = [self._wrapped if is_wrapped else self._text for is_wrapped in _IS_WRAPPED]
        self._shelves = tuple(shelves)

    def place(self, letter: Letter) -> list[Placed]:
        """Every card of the digest whose paper is still there; no section is empty."""
        papers, cards = letter.papers, self._cards
        style, of = letter.subscriber.style, occasion(letter.digest, letter.subscriber)
        shelf, names = cards.of_style(style), cards.also
        sections: list[Placed] = []
        for section in letter.digest.sections:
            placed: list[WireCard] = []
            also: dict[int, Names] = {}
            for item in section.items:
                paper = papers.get(item.paper_id)
                card = shelf.get(place_of(item))
                if card is None or card.stock.paper is not paper:
                    if paper is None:
                        continue
                    card = cards.card(paper, item, style)
                if item.also:
                    also[len(placed)] = names[item.also]
                placed.append(card)
            if placed:
                sections.append(Placed(section_title(section, of, self.language), placed, also))
        return sections

    def set(self, frame: Frame, sections: Sequence[Placed], tokens: MailTokens) -> Bodies | None:
        """Both parts as fragments; None when the templates cannot be joined in this shape."""
        words = frame[_words]
        text_frame, html_frame = self._wireframes(frame, words, [len(s.cards) for s in sections])
        are_sound = all([card.html for section in sections for card in section.cards])
        if text_frame is None or html_frame is None or not are_sound:
            return None
        heads = [
            head
            for section in sections
            for head in (section.name, section_count(len(section.cards), self.language))
        ]
        signed = [token(tokens.unsubscribe), token(tokens.preferences), token(tokens.digest)]
        html, text = self._html, self._text
        shown, shelves = text_frame.words, self._shelves
        spoken = [shelves[n][word] if n in shown else b"" for n, word in enumerate(words)]
        return Bodies(
            _set_text(text_frame, [*spoken, *signed, *[text[head] for head in heads]], sections),
            _set_html(
                html_frame,
                [*[html[word] for word in words], *signed, *[html[head] for head in heads]],
                sections,
            ),
        )

    def _wireframes(self, frame: Frame, words: Sequence[str], counts: Sequence[int]) -> Wireframes:
        shape = Shape(tuple([word != "" for word in words]), tuple([n > 1 for n in counts]))
        known = self._frames.find(shape)
        if known is None:
            html = html_wireframe(self._drawing, frame, self._base_url, shape)
            text = text_wireframe(self._drawing, frame, self._base_url, shape)
            known = self._frames.keep(shape, (text, html))
        return known


def gist_of(sections: Sequence[Placed]) -> Gist:
    """What the frame must know of these cards."""
    known = [card.stock for section in sections for card in section.cards]
    titles = [stock.title for stock in known[:3]]
    return Gist(titles, len(known), sum([stock.words for stock in known]))


def _set_html(frame: Wireframe, words: Sequence[bytes], sections: Sequence[Placed]) -> list[bytes]:
    parts: list[bytes] = []
    for segment in frame.segments:
        parts += segment.set(words)
        if segment.section is not None:
            _name, cards, also = sections[segment.section]
            gap = segment.gap
            for place, card in enumerate(cards):
                parts += card.html if place not in also else card.html_naming(also[place])
                parts.append(gap)
            parts.pop()
    return parts


def _set_text(frame: Wireframe, words: Sequence[bytes], sections: Sequence[Placed]) -> list[bytes]:
    parts: list[bytes] = []
    numbers = _numbers(sum([len(section.cards) for section in sections]))
    for segment in frame.segments:
        parts += segment.set(words)
        if segment.section is not None:
            _name, cards, also = sections[segment.section]
            gap = segment.gap
            for place, card in enumerate(cards):
                pieces = card.text if place not in also else card.text_naming(also[place])
                parts.append(b"".join(pieces).replace(HOLE, next(numbers)))
                parts.append(gap)
            parts.pop()
    return parts


def _numbers(count: int) -> Iterator[bytes]:
    """What stands before the cards of the text part."""
    if count <= len(_NUMBERS):
        return iter(_NUMBERS)
    return iter([fragment(number(place)) for place in range(1, count + 1)])
