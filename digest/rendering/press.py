"""The press of one language: cards, frames and words encoded once, set together per letter.

It keeps what it encoded, within bounds, and nothing about any reader; the story is in `wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import getitem
from typing import Final, NamedTuple

from digest.model import Section, Site
from digest.rendering.email import Drawing, fit, fitting
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
    asked_named,
    asked_trending,
    say,
    section_count,
)
from digest.rendering.language import Language
from digest.rendering.links import MailTokens
from digest.rendering.message import Letter
from digest.rendering.occasions import Occasion
from digest.rendering.plaintext import WRAPPED, number, wrap
from digest.rendering.plates import HOLE, WireCard, Word
from digest.rendering.quoted import fragment, tokens
from digest.rendering.stock import Cards
from digest.rendering.strips import TEXT_STEP, Galley, Strips
from digest.rendering.wireframe import (
    Gaps,
    Shape,
    Sheet,
    Wireframe,
    html_wireframe,
    text_wireframe,
)
from digest.shelf import Maker, Shelf

_WORDS_KEPT: Final = 4_096  #: of each kind, twice this at most, about 0.6 kB each
_FRAMES_KEPT: Final = 256
_SETTLED_KEPT: Final = 256  #: twice this at most, about 12 kB each
_NUMBERS_KEPT: Final = 1_024
_NUMBERINGS_KEPT: Final = 256  #: twice this at most, about 2 kB each

_numbers: Final = Maker[int, bytes](lambda place: fragment(number(place + 1)), _NUMBERS_KEPT)

Wireframes = tuple[Wireframe | None, Wireframe | None]  #: of text and of HTML
Head = tuple[bytes, bytes, bytes, bytes]  #: a section's title and count as HTML, and as text
Set = tuple[str, list[bytes]]  #: a mail's subject, and its pieces but the one at HEAD
#: What a sheet depends on: what many have alike, which words of a reader's own there are, and which
#: sections have several cards.
Settling = tuple[Alike, tuple[bool, ...], tuple[bool, ...]]
Sections = Sequence[tuple[Section, Sequence[WireCard]]]


class Numbering(NamedTuple):
    """What stands before each card in the text, and behind each in the HTML; see `Galley`."""

    before: tuple[bytes, ...]
    behind: tuple[bytes, ...]
    html: tuple[slice, ...]  #: the pieces of each section's cards
    text: tuple[slice, ...]


class Press:
    """Sets letters of one language, for one site and one set of templates."""

    def __init__(self, templates: Templates, language: Language, site: Site) -> None:
        self.language = language
        self._site = site
        self._drawing = Drawing(templates, language.text)
        self._cards = Cards(self._drawing, language, site.base_url)
        self._strips: dict[str, Strips] = {}
        self._numberings = Maker(self._numbering, _NUMBERINGS_KEPT)
        self._frames: Shelf[Shape, Wireframes] = Shelf(_FRAMES_KEPT)
        self._settled = Maker(self._settle, _SETTLED_KEPT)
        self._words = [self._maker(name) for name in OWN]
        self._heads = Maker(self._head, _WORDS_KEPT)  #: of sections, by their names
        self._trending = Maker(self._trending_head, _FRAMES_KEPT)
        self._in_heads = Maker(self._word, _WORDS_KEPT)  #: what they are made of

    def _maker(self, name: str) -> Maker[Asked, Word]:
        return Maker(lambda asked: self._word(asked, name), _WORDS_KEPT)

    def _word(self, asked: Asked, name: str = "") -> Word:
        said = say(asked, self.language)
        return Word.of(said, wrap(said, indent="") if name in WRAPPED else said)

    def _head(self, of: tuple[str, int]) -> Head:
        return self._headed(asked_named(of[0]), of[1])

    def _trending_head(self, of: tuple[Occasion, int]) -> Head:
        return self._headed(asked_trending(of[0]), of[1])

    def _headed(self, asked: Asked, papers: int) -> Head:
        title, count = self._in_heads[asked], self._in_heads[section_count, papers]
        return title.html, count.html, title.text, count.text

    def set(self, letter: Letter, budget: int) -> Set | None:
        """A mail whose HTML keeps the budget; None where the templates cannot be joined."""
        strips = self.strips(letter.subscriber.style)
        galley = strips.lay(letter.digest.sections, letter.papers, letter.reading)
        signed = _signed(letter.tokens)
        if galley is None or not self._fits(galley, len(letter.tokens.feedback), budget):
            return self._set_apart(letter, strips, signed, budget)
        gist, sections, counts, step, html, text = galley
        around = self._around(letter, sections, counts, gist, signed)
        if around is None:
            return None
        subject, sheet, pieces = around
        if counts:
            number = self._numberings[sheet.gaps, step, counts]
            galley.number(number.before, number.behind, signed[-1])
            for place, section in sheet.html:
                pieces[place] = html[number.html[section]]
            for place, section in sheet.text:
                pieces[place] = text[number.text[section]]
        return subject, pieces

    def strips(self, style: str) -> Strips:
        strips = self._strips.get(style)
        if strips is None:
            strips = self._strips[style] = Strips(self._cards, style)
        return strips

    def _fits(self, galley: Galley, length: int, budget: int) -> bool:
        """Whether all cards would be shown if each were as large as the largest so far."""
        papers, sections = galley.gist.papers, len(galley.counts)
        return fit(self._cards.largest(length), papers, sections, budget)

    def _set_apart(
        self, letter: Letter, strips: Strips, signed: Sequence[bytes], budget: int
    ) -> Set | None:
        """The same, card by card, of which the budget may hold but some."""
        length = len(letter.tokens.feedback)
        sections, cards = list[tuple[Section, Sequence[WireCard]]](), list[WireCard]()
        for section in letter.digest.sections:
            if placed := strips.cards(section.items, letter.papers):
                sections.append((section, placed))
                cards += placed
        titles = tuple([card.stock.title for card in cards[:3]])
        gist = Gist(titles, len(cards), sum([card.stock.words for card in cards]))
        shown = fitting([card.size(length) for card in cards], len(sections), budget)
        sections, cut = _first(sections, shown), gist.papers - shown
        counts = tuple([len(cards) for _, cards in sections])
        named = [section for section, _ in sections]
        around = self._around(letter, named, counts, gist, signed, cut=cut)
        if around is None:
            return None
        subject, sheet, pieces = around
        apart = _cards_apart(sections, *sheet.gaps, signed[-1])
        if apart is None:
            return None
        texts, htmls = apart
        for place, of_section in sheet.html:
            pieces[place] = htmls[of_section]
        for place, of_section in sheet.text:
            pieces[place] = texts[of_section]
        return subject, pieces

    def _around(
        self,
        letter: Letter,
        sections: Sequence[Section],
        counts: tuple[int, ...],
        gist: Gist,
        signed: Sequence[bytes],
        cut: int = 0,
    ) -> tuple[str, Sheet, list[bytes]] | None:
        """The subject, and all but the cards; None where the templates cannot be joined."""
        digest, subscriber = letter.digest, letter.subscriber
        of_all = alike(digest, subscriber, gist)
        wanted = asked(subscriber, gist, of_all.of, hidden=digest.left_out + cut)
        (subject, a, b), (preheader, c, d), (standing, e, f), (more, g, h) = map(
            getitem, self._words, wanted
        )
        there = subject != "", preheader != "", standing != "", more != ""
        several = tuple([count > 1 for count in counts]) if 1 in counts else (True,) * len(counts)
        sheet = self._settled[of_all, there, several]
        if sheet is None:
            return None
        words = [a, b, c, d, e, f, g, h, *signed]
        heads = self._heads
        for (interest, name, _), count in zip(sections, counts, strict=True):
            if interest is None:
                words += self._trending[of_all.of, count]
            else:
                words += heads[name, count]
        return subject, sheet, sheet.worded(words)

    def _numbering(self, of: tuple[Gaps, int, tuple[int, ...]]) -> Numbering:
        (texts, htmls), step, counts = of
        before, behind, ends = list[bytes](), list[bytes](), [0, *accumulate(counts)]
        for count, text, html in zip(counts, texts, htmls, strict=True):
            number = _numbers[len(before)]
            before += number, *[text + _numbers[len(before) + n] for n in range(1, count)]
            behind += *[html] * (count - 1), b""
        of_html = [slice(a * step, b * step) for a, b in pairwise(ends)]
        of_text = [slice(a * TEXT_STEP, b * TEXT_STEP) for a, b in pairwise(ends)]
        return Numbering(tuple(before), tuple(behind), tuple(of_html), tuple(of_text))

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


def _signed(of: MailTokens) -> list[bytes]:
    """The tokens for unsubscribing, preferences, the digest's page and feedback."""
    return tokens((of.unsubscribe, of.preferences, of.digest, of.feedback))


def _first(sections: Sections, most: int) -> list[tuple[Section, Sequence[WireCard]]]:
    """So many cards; a section left empty is left out."""
    cut = []
    for section, cards in sections:
        if cards := cards[: max(most, 0)]:
            cut.append((section, cards))
        most -= len(cards)
    return cut


def _cards_apart(
    sections: Sections, text_gaps: Sequence[bytes], html_gaps: Sequence[bytes], own: bytes
) -> tuple[list[list[bytes]], list[list[bytes]]] | None:
    """Each section's text, and each one's HTML, card by card; None when one cannot be joined."""
    texts, htmls, place = list[list[bytes]](), list[list[bytes]](), 0
    for (_, cards), text_gap, html_gap in zip(sections, text_gaps, html_gaps, strict=True):
        text: list[bytes] = []
        html: list[bytes] = []
        for card in cards:
            plates = card.plates
            if plates is None:
                return None
            number, place = _numbers[place], place + 1
            if plates.is_usual:
                text += text_gap, number, card.text
            else:
                text += text_gap, card.text.replace(HOLE, number)
            pieces = card.head, card.html, own.join(plates.tail[::2])
            html += html_gap, *[piece.replace(HOLE, own) for piece in pieces]
        text[0] = html[0] = b""
        texts.append(text)
        htmls.append(html)
    return texts, htmls
