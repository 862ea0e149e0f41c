"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from digest.rendering.email import Drawing
from digest.rendering.environment import Templates
from digest.rendering.frame import Frame, Gist, occasion, section_count, section_title
from digest.rendering.ink import NO_INK, Ink
from digest.rendering.language import Language
from digest.rendering.links import MailTokens
from digest.rendering.message import Letter
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.plates import Known, WireCard
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

_WORDS_KEPT: Final = 8192
_FRAMES_KEPT: Final = 256
_NUMBERS: Final = tuple([fragment(number(n)) for n in range(1, 256)])
_IS_WRAPPED: Final = tuple([name in WRAPPED for name in WORDS])
_words = attrgetter(*WORDS)

Wireframes = tuple[Wireframe | None, Wireframe | None]


class Placed(NamedTuple):
    """One section with its cards in the order of the digest, each with its `also`."""

    name: str
    cards: Sequence[tuple[WireCard, Ink]]


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
        self._frames: Shelf[Shape, Wireframes] = Shelf(_FRAMES_KEPT)
        self._html = Maker[str, bytes](lambda text: fragment(escaped(text)), _WORDS_KEPT)
        self._text = Maker[str, bytes](fragment, _WORDS_KEPT)
        self._wrapped = Maker[str, bytes](lambda t: fragment(wrap(t, indent="")), _WORDS_KEPT)
        shelves = [self._wrapped if is_wrapped else self._text for is_wrapped in _IS_WRAPPED]
        self._shelves = tuple(shelves)

    def place(self, letter: Letter) -> tuple[list[Placed], Gist]:
        """Every card of the digest whose paper is still there, and what the frame must know."""
        papers, cards = letter.papers, self._cards
        style, of = letter.subscriber.style, occasion(letter.digest, letter.subscriber)
        shelf = cards.of_style(style)
        sections: list[Placed] = []
        known: list[Known] = []
        for section in letter.digest.sections:
            placed: list[tuple[WireCard, Ink]] = []
            for item in section.items:
                if (paper := papers.get(item.paper_id)) is None:
                    continue
                card = shelf.get(id(item.reasons))
                if card is None or not card.is_of(paper, item):
                    card = cards.card(paper, item, style)
                known.append(card.stock)
                placed.append((card, cards.also[item.also] if item.also else NO_INK))
            if placed:
                sections.append(Placed(section_title(section, of, self.language), placed))
        titles = [stock.title for stock in known[:3]]
        return sections, Gist(titles, len(known), sum([stock.words for stock in known]))

    def set(self, frame: Frame, sections: Sequence[Placed], tokens: MailTokens) -> Bodies | None:
        """Both parts as fragments; None when the templates cannot be joined in this shape."""
        words = _words(frame)
        text_frame, html_frame = self._wireframes(frame, words, [len(s.cards) for s in sections])
        are_sound = all([card.html for section in sections for card, _also in section.cards])
        if text_frame is None or html_frame is None or not are_sound:
            return None
        heads = [
            head
            for section in sections
            for head in (section.name, section_count(len(section.cards), self.language))
        ]
        signed = [token(tokens.unsubscribe), token(tokens.preferences), token(tokens.digest)]
        html, text = self._html, self._text
        spoken = [shelf[word] for shelf, word in zip(self._shelves, words, strict=True)]
        return Bodies(
            _set_text(text_frame, [*spoken, *signed, *[text[head] for head in heads]], sections),
            _set_html(
                html_frame,
                [*[html[word] for word in words], *signed, *[html[head] for head in heads]],
                sections,
                token(tokens.feedback),
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


def _set_html(
    frame: Wireframe, words: Sequence[bytes], sections: Sequence[Placed], feedback: bytes
) -> list[bytes]:
    parts: list[bytes] = []
    for segment in frame.segments:
        segment.set(words, into=parts)
        if segment.section is not None:
            gap = b""
            for card, also in sections[segment.section].cards:
                if gap:
                    parts.append(gap)
                parts.append(card.html_plate.join(card.html, feedback, also.html))
                gap = segment.gap
    return parts


def _set_text(frame: Wireframe, words: Sequence[bytes], sections: Sequence[Placed]) -> list[bytes]:
    parts: list[bytes] = []
    place = 0
    for segment in frame.segments:
        segment.set(words, into=parts)
        if segment.section is not None:
            gap = b""
            for card, also in sections[segment.section].cards:
                if gap:
                    parts.append(gap)
                own = _NUMBERS[place] if place < len(_NUMBERS) else fragment(number(place + 1))
                parts.append(card.text_plate.join(card.text, own, also.text))
                gap = segment.gap
                place += 1
    return parts
